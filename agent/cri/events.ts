// News from the runtime, as wake-ups only: which container to look at again. CRI's own stream where the runtime has
// it, else containerd's. Events may be lost or doubled (upstream's trial of them was reverted for that), so nobody
// may conclude anything from one, and after every break in the stream the owner is told to look at everything.
import { assetPath } from '../../api/assets.ts';
import type { Clock } from '../../api/clock.ts';
import type { Logger } from '../../api/log.ts';
import { criError } from './call.ts';
import { Channel } from './channel.ts';

/** `undefined` means that anything may have happened. */
export type OnEvent = (containerId: string | undefined) => void;
/** The kernel killed a process of this container for want of memory; the container may go on. */
export type OnOom = (containerId: string) => void;

const RETRY_MS = 1_000;
const SETTLED_MS = 500;
// containerd keeps what CRI runs in this namespace of its own.
const NAMESPACE = 'k8s.io';
const TASK_TOPICS = ['/tasks/exit', '/tasks/oom'];
const EXIT = 'containerd.events.TaskExit';
const OOM = 'containerd.events.TaskOOM';

export class RuntimeEvents implements AsyncDisposable {
  readonly #stop = new AbortController();
  readonly #loop: Promise<void>;
  readonly #clock: Clock;
  readonly #log: Logger;
  readonly #cri: Channel;
  readonly #containerd: Channel;
  readonly #onEvent: OnEvent;
  readonly #onOom: OnOom;

  constructor(socket: string, clock: Clock, log: Logger, onEvent: OnEvent, onOom: OnOom = () => {}) {
    this.#clock = clock;
    this.#log = log;
    this.#onEvent = onEvent;
    this.#onOom = onOom;
    this.#cri = new Channel(socket, assetPath('proto/cri.proto'), 'runtime.v1.RuntimeService');
    this.#containerd = new Channel(
      socket,
      assetPath('proto/containerd-events.proto'),
      'containerd.services.events.v1.Events',
    );
    this.#loop = this.#run(this.#stop.signal);
  }

  async #run(signal: AbortSignal): Promise<void> {
    let sources = [this.#fromCri, this.#fromContainerd];
    while (!signal.aborted && sources[0] !== undefined) {
      try {
        await sources[0].call(this, signal);
      } catch (err) {
        const error = criError('events', err);
        if (error.code === 'UNIMPLEMENTED') {
          sources = sources.slice(1);
          if (sources.length === 0) this.#log.warn({}, 'the runtime offers no events: relisting only');
          continue;
        }
        this.#log.debug({ err: error }, 'the stream of runtime events broke');
      }
      await this.#clock.sleep(RETRY_MS, signal).catch(() => {}); // woken early only to end
    }
  }

  async #fromCri(signal: AbortSignal): Promise<void> {
    type Event = { containerId: string };
    const stream = this.#cri.stream<object, Event>('GetContainerEvents', {}, signal);
    using _again = this.#lookAround();
    for await (const { containerId } of stream) this.#onEvent(containerId);
  }

  async #fromContainerd(signal: AbortSignal): Promise<void> {
    const exit = await this.#containerd.decoder('containerd.services.events.v1.TaskExit');
    const task = await this.#containerd.decoder('containerd.services.events.v1.TaskEvent');
    const filters = TASK_TOPICS.map((topic) => `namespace==${NAMESPACE},topic=="${topic}"`);
    type Envelope = { event: { typeUrl: string; value: Buffer } | null };
    const stream = this.#containerd.stream<object, Envelope>('Subscribe', { filters }, signal);
    using _again = this.#lookAround();
    for await (const { event } of stream) {
      if (event === null) continue;
      if (!event.typeUrl.endsWith(EXIT)) {
        const { containerId } = task(event.value) as { containerId: string };
        if (event.typeUrl.endsWith(OOM)) this.#onOom(containerId);
        this.#onEvent(containerId);
        continue;
      }
      const { containerId, id } = exit(event.value) as { containerId: string; id: string };
      if (id === containerId) this.#onEvent(containerId); // otherwise a process that somebody ran in it ended
    }
  }

  /**
   * What happened before the subscription was in place is not told, and nothing tells when it is: so everything is
   * looked at now and once more when it surely is.
   */
  #lookAround(): Disposable {
    this.#onEvent(undefined);
    return this.#clock.after(SETTLED_MS, () => this.#onEvent(undefined));
  }

  async [Symbol.asyncDispose]() {
    this.#stop.abort();
    await this.#loop;
    this.#cri[Symbol.dispose]();
    this.#containerd[Symbol.dispose]();
  }
}
