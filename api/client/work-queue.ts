// Keys waiting for a look. A key is there once however often it was added, and never worked on twice at once; a key
// that fails comes back with growing delay. What the key stands for is read when its turn comes, so a lost, doubled
// or reordered event changes nothing.
import type { Clock } from '../clock.ts';
import { nextTurn } from '../turn.ts';

/** When to look at a key again without an event asking for it. */
export interface Again {
  readonly afterMs: number;
}
export type Next = Again | undefined;
export const AT_REST: Next = undefined;

export interface WorkQueueOptions {
  readonly firstRetryMs?: number;
  readonly maxRetryMs?: number;
}

/** Timers of the machine overflow beyond 24 days; a look that comes too early changes nothing. */
const LONGEST_WAIT_MS = 86_400_000;

/** Passes that wait for nothing may fill this much of a turn of the event loop, all workers together. */
const TURN_MS = 5;

export class WorkQueue {
  readonly #clock: Clock;
  readonly #firstRetryMs: number;
  readonly #maxRetryMs: number;
  readonly #ready = new Set<string>();
  readonly #working = new Set<string>();
  /** Added again while being worked on: goes back into line when that pass ends. */
  readonly #again = new Set<string>();
  readonly #delayed = new Map<string, { atMs: number; timer: Disposable }>();
  readonly #failures = new Map<string, number>();
  #wake: (() => void)[] = [];
  #turnBeganMs: number;
  #turn: Promise<void> | undefined;

  constructor(clock: Clock, { firstRetryMs = 5, maxRetryMs = 60_000 }: WorkQueueOptions = {}) {
    this.#clock = clock;
    this.#turnBeganMs = clock.monotonic();
    this.#firstRetryMs = firstRetryMs;
    this.#maxRetryMs = maxRetryMs;
  }

  get length(): number {
    return this.#ready.size;
  }

  add(key: string): void {
    this.#dropDelay(key);
    if (this.#working.has(key)) {
      this.#again.add(key);
      return;
    }
    this.#ready.add(key);
    this.#wake.shift()?.();
  }

  /** The earlier of two delays for one key wins. */
  addAfter(key: string, ms: number): void {
    if (ms <= 0) {
      this.add(key);
      return;
    }
    const atMs = this.#clock.monotonic() + ms;
    const waiting = this.#delayed.get(key);
    if (waiting !== undefined && waiting.atMs <= atMs) return;
    waiting?.timer[Symbol.dispose]();
    this.#delayed.set(key, { atMs, timer: this.#clock.after(ms, () => this.add(key)) });
  }

  /** Works until the signal aborts, then returns when every pass in flight has ended. */
  async run(
    workers: number,
    work: (key: string, signal: AbortSignal) => Promise<Next>,
    onError: (key: string, err: unknown, retryMs: number) => void,
    signal: AbortSignal,
  ): Promise<void> {
    const stop = () => {
      for (const wake of this.#wake.splice(0)) wake();
      for (const key of [...this.#delayed.keys()]) this.#dropDelay(key);
    };
    signal.addEventListener('abort', stop, { once: true });
    await Promise.all(Array.from({ length: workers }, () => this.#worker(work, onError, signal)));
    stop();
    signal.removeEventListener('abort', stop);
  }

  async #worker(
    work: (key: string, signal: AbortSignal) => Promise<Next>,
    onError: (key: string, err: unknown, retryMs: number) => void,
    signal: AbortSignal,
  ): Promise<void> {
    while (!signal.aborted) {
      const key = this.#take();
      if (key === undefined) {
        await new Promise<void>((resolve) => this.#wake.push(resolve));
        continue;
      }
      try {
        const next = await work(key, signal);
        this.#failures.delete(key);
        if (next !== undefined) this.addAfter(key, Math.min(Math.max(next.afterMs, 1), LONGEST_WAIT_MS));
      } catch (err) {
        if (signal.aborted) return;
        const retryMs = this.#nextRetry(key);
        onError(key, err, retryMs);
        this.addAfter(key, retryMs);
      } finally {
        this.#working.delete(key);
        if (this.#again.delete(key)) this.add(key);
      }
      if (this.#ready.size > 0) await this.#giveWay();
    }
  }

  async #giveWay(): Promise<void> {
    if (this.#turn === undefined && this.#clock.monotonic() - this.#turnBeganMs < TURN_MS) return;
    this.#turn ??= nextTurn().then(() => {
      this.#turn = undefined;
      this.#turnBeganMs = this.#clock.monotonic();
    });
    await this.#turn;
  }

  #take(): string | undefined {
    const [key] = this.#ready;
    if (key === undefined) return undefined;
    this.#ready.delete(key);
    this.#working.add(key);
    return key;
  }

  #nextRetry(key: string): number {
    const failures = this.#failures.get(key) ?? 0;
    this.#failures.set(key, failures + 1);
    return Math.min(this.#firstRetryMs * 2 ** Math.min(failures, 30), this.#maxRetryMs);
  }

  #dropDelay(key: string): void {
    this.#delayed.get(key)?.timer[Symbol.dispose]();
    this.#delayed.delete(key);
  }
}
