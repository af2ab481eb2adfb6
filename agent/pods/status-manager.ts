// Tells the API what the pods of this node are like: the newest status of each pod, in order, only what differs, and
// again until it is heard. Nobody waits for it except who is about to delete the pod.
import type { Client } from '../../api/client/client.ts';
import { WorkQueue } from '../../api/client/work-queue.ts';
import type { Clock } from '../../api/clock.ts';
import type { Logger } from '../../api/log.ts';
import { isConflict, isNotFound } from '../../api/status.ts';
import type { Pod } from '../../api/types/core/pod.ts';
import type { PodCondition, PodStatus } from '../../api/types/core/pod-status.ts';
import { pods } from '../../api/types/core/resources.ts';
import { PASSING_CONDITIONS, statusPatch } from './status-patch.ts';

const WRITERS = 8;

interface Entry {
  /** As the API last showed or answered it, whichever is newer. */
  pod: Pod;
  wanted: PodStatus;
  /** Of `wanted`: the version that was asked for and the one the API has. */
  asked: number;
  written: number;
  waiting: (() => void)[];
}

export class StatusManager implements AsyncDisposable {
  readonly #client: Client;
  readonly #log: Logger;
  readonly #entries = new Map<string, Entry>();
  readonly #stop = new AbortController();
  readonly #queue: WorkQueue;
  readonly #running: Promise<void>;

  constructor(client: Client, clock: Clock, log: Logger) {
    this.#client = client;
    this.#log = log;
    this.#queue = new WorkQueue(clock, { firstRetryMs: 200, maxRetryMs: 10_000 });
    const failed = (uid: string, err: unknown, retryMs: number) =>
      this.#log.warn({ uid, err, retryMs }, 'pod status not written, trying again');
    this.#running = this.#queue.run(WRITERS, (uid, signal) => this.#write(uid, signal), failed, this.#stop.signal);
  }

  /** The pod with its status as it is or is about to be: what the next status is compared with. */
  view(pod: Pod): Pod {
    const entry = this.#entries.get(pod.metadata.uid);
    if (entry === undefined) return pod;
    const own = new Map((entry.wanted.conditions ?? []).map((condition) => [condition.type, condition]));
    const others = (pod.status.conditions ?? []).filter(
      ({ type }) => !own.has(type) && !PASSING_CONDITIONS.includes(type),
    );
    const conditions: PodCondition[] = [...own.values(), ...others];
    return { ...pod, status: { ...pod.status, ...entry.wanted, conditions } };
  }

  /**
   * `written` is the object the status goes to: the pod itself, or what mirrors a pod from a file. Without one (there
   * is none yet) the status is kept for the next time.
   */
  set(pod: Pod, wanted: PodStatus, written: Pod | undefined): void {
    const { uid } = pod.metadata;
    const entry = this.#entries.get(uid);
    if (written === undefined) {
      this.#entries.set(uid, { pod, wanted, asked: 0, written: 0, waiting: [] });
      return;
    }
    if (entry === undefined || entry.pod.metadata.uid !== written.metadata.uid) {
      this.#entries.set(uid, { pod: written, wanted, asked: 1, written: 0, waiting: entry?.waiting ?? [] });
      this.#queue.add(uid);
      return;
    }
    if (isNewer(written, entry.pod)) entry.pod = written;
    entry.wanted = wanted;
    if (statusPatch(entry.pod, wanted) === undefined && entry.written === entry.asked) return;
    entry.asked++;
    this.#queue.add(uid);
  }

  /** Resolves when what was set last is known to the API, or the pod is gone there. */
  async flush(uid: string, signal: AbortSignal): Promise<void> {
    const entry = this.#entries.get(uid);
    if (entry === undefined || entry.written >= entry.asked) return;
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    entry.waiting.push(resolve);
    const abort = () => reject(signal.reason);
    signal.addEventListener('abort', abort, { once: true });
    try {
      await promise;
    } finally {
      signal.removeEventListener('abort', abort);
    }
  }

  forget(uid: string): void {
    for (const resolve of this.#entries.get(uid)?.waiting ?? []) resolve();
    this.#entries.delete(uid);
  }

  async [Symbol.asyncDispose]() {
    this.#stop.abort();
    await this.#running;
  }

  async #write(uid: string, signal: AbortSignal): Promise<undefined> {
    const entry = this.#entries.get(uid);
    if (entry === undefined) return;
    const version = entry.asked;
    const body = statusPatch(entry.pod, entry.wanted);
    const { namespace, name } = entry.pod.metadata;
    if (body !== undefined) {
      const options = { subresource: 'status' };
      try {
        const patch = { type: 'strategic', body } as const;
        const answer = await this.#client.patch(pods, { namespace, name }, patch, options, signal);
        if (isNewer(answer, entry.pod)) entry.pod = answer;
      } catch (err) {
        // Gone, or another pod of the same name: there is nobody left to tell.
        if (!isNotFound(err) && !isConflict(err)) throw err;
        this.#log.debug({ uid, err }, 'no pod to write a status for');
      }
    }
    entry.written = version;
    if (entry.written < entry.asked) this.#queue.add(uid);
    else for (const resolve of entry.waiting.splice(0)) resolve();
  }
}

function isNewer(a: Pod, b: Pod): boolean {
  return Number(a.metadata.resourceVersion) >= Number(b.metadata.resourceVersion);
}
