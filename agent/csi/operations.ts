// Calls to drivers may take minutes; pods' workers must not wait for them. One operation a volume at a time: who asks
// waits a moment, and if it is not done by then is told so and woken when it is. What failed is tried again with
// growing delay, as often as it is asked for.
import type { Clock } from '../../api/clock.ts';
import { VolumePending } from '../volumes/types.ts';

const FIRST_DELAY_MS = 500;
const MAX_DELAY_MS = 122_000;

/** How long after so many failures in a row the next try is due. */
export function delayAfter(failures: number): number {
  return failures === 0 ? 0 : Math.min(FIRST_DELAY_MS * 2 ** (failures - 1), MAX_DELAY_MS);
}

interface Operation {
  readonly what: string;
  readonly done: Promise<void>;
  outcome?: { readonly error: unknown };
}

interface Failed {
  readonly what: string;
  readonly error: unknown;
  readonly times: number;
  readonly retryAtMs: number;
}

export class Operations implements AsyncDisposable {
  readonly #clock: Clock;
  readonly #stop = new AbortController();
  readonly #running = new Map<string, Operation>();
  readonly #failed = new Map<string, Failed>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /**
   * `what` names the kind of work (`mount`, `unmount`): the outcome of another kind on the same key is nobody's any
   * more. Throws VolumePending while it, or other work on the key, is under way after `waitMs`.
   */
  async run(
    key: string,
    what: string,
    work: (signal: AbortSignal) => Promise<void>,
    ended: () => void,
    waitMs: number,
  ): Promise<void> {
    let operation = this.#running.get(key);
    if (operation !== undefined && operation.what !== what) {
      if (!(await this.#within(operation.done, waitMs)))
        throw new VolumePending(`${operation.what} is still under way`);
      operation = this.#running.get(key); // another may have begun at that very moment
      if (operation !== undefined && operation.what !== what)
        throw new VolumePending(`${operation.what} is still under way`);
    }
    if (operation === undefined) {
      const failed = this.#failed.get(key);
      const left = failed?.what === what ? failed.retryAtMs - this.#clock.monotonic() : 0;
      if (left > 0) throw failed!.error;
      operation = this.#start(key, what, work, ended, failed?.what === what ? failed.times : 0);
    }
    if (!(await this.#within(operation.done, waitMs))) throw new VolumePending(`${what} is still under way`);
    if (operation.outcome?.error !== undefined) throw operation.outcome.error;
  }

  forget(key: string): void {
    this.#failed.delete(key);
  }

  async [Symbol.asyncDispose]() {
    this.#stop.abort();
    await Promise.all(Array.from(this.#running.values(), ({ done }) => done));
  }

  #start(
    key: string,
    what: string,
    work: (signal: AbortSignal) => Promise<void>,
    ended: () => void,
    failures: number,
  ): Operation {
    const { signal } = this.#stop;
    const operation: { -readonly [K in keyof Operation]: Operation[K] } = { what, done: Promise.resolve() };
    operation.done = work(signal).then(
      () => {
        operation.outcome = { error: undefined };
        this.#failed.delete(key);
      },
      (error: unknown) => {
        operation.outcome = { error };
        // Whoever only waits for something has not failed.
        const times = error instanceof VolumePending ? 0 : failures + 1;
        const retryAtMs = this.#clock.monotonic() + delayAfter(times);
        this.#failed.set(key, { what, error, times, retryAtMs });
      },
    );
    operation.done = operation.done.then(() => {
      this.#running.delete(key);
      if (!signal.aborted) ended();
    });
    this.#running.set(key, operation);
    return operation;
  }

  async #within(done: Promise<void>, ms: number): Promise<boolean> {
    const late = Promise.withResolvers<false>();
    using _timer = this.#clock.after(ms, () => late.resolve(false));
    return await Promise.race([done.then(() => true), late.promise]); // awaited here, or the timer goes first
  }
}
