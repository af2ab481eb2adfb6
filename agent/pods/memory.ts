// What a pod's worker knows beside the runtime. It may vanish with the process at any moment: everything here is
// found again by looking, or costs one more try.
import type { Logger } from '../../api/log.ts';
import type { Ending, Failure, Memory } from './world.ts';

export class PodMemory implements AsyncDisposable {
  volumesReady = false;
  refreshAtMs = Number.POSITIVE_INFINITY;
  cleaned = false;
  /** The API has let go of the pod. */
  gone = false;
  refused: Memory['refused'];
  admitted = false;
  ended: Ending | undefined;
  readonly failures = new Map<string, Failure>();
  readonly stopping = new Map<string, number>();
  readonly networked = new Set<string>();
  /** By sandbox: its network while it is being opened. */
  readonly opening = new Map<string, Promise<void>>();
  readonly hooked = new Set<string>();
  readonly #tasks = new Set<Promise<void>>();
  readonly #stop = new AbortController();
  readonly #wake: () => void;
  readonly #log: Logger;

  constructor(wake: () => void, log: Logger) {
    this.#wake = wake;
    this.#log = log;
  }

  /** Hooks and stops go on beside the worker, which is woken at their end. */
  inBackground(work: (signal: AbortSignal) => Promise<void>): void {
    const { signal } = this.#stop;
    const task = work(signal)
      .catch((err) => signal.aborted || this.#log.warn({ err }, 'background work failed'))
      .then(() => {
        this.#tasks.delete(task);
        this.#wake();
      });
    this.#tasks.add(task);
  }

  async [Symbol.asyncDispose]() {
    this.#stop.abort();
    await Promise.all(this.#tasks);
  }
}
