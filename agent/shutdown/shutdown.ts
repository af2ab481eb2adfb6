// Carries a shutdown out: from its announcement on the node is not ready and lets nobody in, pods end group after group,
// then the machine may go on. Called off, the node is as before.
import type { Clock } from '../../api/clock.ts';
import type { Logger } from '../../api/log.ts';
import type { Pod } from '../../api/types/core/pod.ts';
import type { Ending } from '../pods/world.ts';
import type { Manager } from './logind.ts';
import { type ShutdownGroup, type ShutdownStep, shutdownSteps, totalSeconds } from './plan.ts';

export interface ShutdownDeps {
  readonly groups: readonly ShutdownGroup[];
  /** Undefined on machines without systemd. */
  readonly manager: Manager | undefined;
  /** Every pod that has not ended. */
  readonly living: () => readonly Pod[];
  readonly end: (uid: string, ending: Ending) => void;
  /** Waits until the API knows how the pod ended. */
  readonly told: (uid: string, signal: AbortSignal) => Promise<void>;
  /** The node's readiness is another. */
  readonly changed: () => void;
  readonly nodeEvent: (reason: string, message: string) => void;
  readonly clock: Clock;
  readonly log: Logger;
}

const MESSAGE = 'Pod was terminated in response to imminent node shutdown.';
const LOOK_MS = 100;
/** The last statuses and the node's own, on their way to the API. */
const TELL_MS = 1_000;
const RETRY_MS = 5_000;

export class NodeShutdown implements AsyncDisposable {
  readonly #deps: ShutdownDeps;
  readonly #stop = new AbortController();
  readonly #loop: Promise<void>;
  #underWay = false;
  #calledOff = new AbortController();

  constructor(deps: ShutdownDeps) {
    this.#deps = deps;
    this.#loop = deps.groups.length === 0 ? Promise.resolve() : this.#run(this.#stop.signal);
  }

  /** The node is not ready and admits no pod. */
  get underWay(): boolean {
    return this.#underWay;
  }

  async [Symbol.asyncDispose]() {
    this.#stop.abort();
    await this.#loop;
  }

  async #run(signal: AbortSignal): Promise<void> {
    const { manager, groups, clock, log } = this.#deps;
    if (manager === undefined) {
      log.warn({}, 'there is no systemd here: a shutdown of this machine ends pods without their grace');
      return;
    }
    const wanted = totalSeconds(groups);
    let lock: AsyncDisposable | undefined;
    while (!signal.aborted && lock === undefined) {
      try {
        const granted = await manager.grant(wanted, signal);
        if (granted < wanted) log.warn({ wanted, granted }, 'shutdowns are held up for less than is wanted');
        lock = await manager.inhibit();
      } catch (err) {
        if (signal.aborted) return;
        log.warn({ err }, 'shutdowns are not held up yet, trying again');
        await clock.sleep(RETRY_MS, signal).catch(() => {}); // woken early only to end
      }
    }
    log.info({ seconds: wanted }, 'shutdowns of this machine wait for pods to end');
    let going: Promise<void> = Promise.resolve();
    const told = (begins: boolean) => {
      if (begins === this.#underWay) return;
      if (!begins) this.#calledOff.abort(new Error('the shutdown was called off'));
      going = going
        .then(async () => {
          if (begins) await this.#shutDown(AbortSignal.any([signal, this.#calledOff.signal]));
          await lock?.[Symbol.asyncDispose]();
          lock = undefined;
          if (!begins) lock = await this.#goOn();
        })
        .catch((err) => void (signal.aborted || log.error({ err }, 'shutdown not followed')));
      this.#set(begins);
    };
    await manager.follow(told, signal);
    await going;
    await lock?.[Symbol.asyncDispose]();
  }

  #set(underWay: boolean): void {
    const { nodeEvent, changed, log } = this.#deps;
    this.#underWay = underWay;
    const what = underWay ? 'event' : 'cancellation';
    log.info({}, underWay ? 'the machine is shutting down' : 'the shutdown was called off');
    nodeEvent('NodeShutdown', `Shutdown manager detected shutdown ${what}`);
    changed();
  }

  async #goOn(): Promise<AsyncDisposable> {
    this.#calledOff = new AbortController();
    return this.#deps.manager!.inhibit();
  }

  async #shutDown(signal: AbortSignal): Promise<void> {
    const { groups, living, clock, log } = this.#deps;
    const pods = living();
    for (const step of shutdownSteps(groups, pods)) {
      if (signal.aborted) return;
      await this.#perform(step, signal).catch((err) => signal.aborted || log.warn({ err }, 'pods not all ended'));
    }
    const deadline = AbortSignal.any([signal, clock.deadline(TELL_MS)]);
    await Promise.allSettled(pods.map(({ metadata }) => this.#deps.told(metadata.uid, deadline)));
  }

  async #perform({ seconds, pods }: ShutdownStep, signal: AbortSignal): Promise<void> {
    const { end, living, clock, log } = this.#deps;
    const ending = { phase: 'Failed', reason: 'Terminated', message: MESSAGE, disruption: MESSAGE } as const;
    for (const { uid, graceSeconds } of pods) end(uid, { ...ending, graceSeconds });
    const ours = new Set(pods.map(({ uid }) => uid));
    const endMs = clock.monotonic() + seconds * 1_000;
    const left = () => living().filter(({ metadata }) => ours.has(metadata.uid)).length;
    while (left() > 0 && clock.monotonic() < endMs) await clock.sleep(LOOK_MS, signal);
    log.info({ pods: pods.length, left: left() }, 'pods ended for the shutdown');
  }
}
