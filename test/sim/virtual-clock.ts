// Time that moves only when the test says so. Timers run in order of their due time, each with the microtasks it
// caused settled before the next, so that a run is the same every time.
import type { Clock } from '../../api/clock.ts';

interface Timer {
  readonly dueMs: number;
  readonly serial: number;
  readonly run: () => void;
}

export class VirtualClock implements Clock {
  #nowMs: number;
  /** By how much wall time was set forward or back. */
  #jumpedMs = 0;
  #serial = 0;
  readonly #timers = new Set<Timer>();

  constructor(startMs = Date.UTC(2026, 0, 1)) {
    this.#nowMs = startMs;
  }

  now(): number {
    return this.#nowMs + this.#jumpedMs;
  }

  /** Somebody sets the machine's clock: no time passes. */
  jump(ms: number): void {
    this.#jumpedMs += ms;
  }

  monotonic(): number {
    return this.#nowMs;
  }

  after(ms: number, run: () => void): Disposable {
    const timer: Timer = { dueMs: this.#nowMs + ms, serial: this.#serial++, run };
    this.#timers.add(timer);
    return { [Symbol.dispose]: () => void this.#timers.delete(timer) };
  }

  sleep(ms: number, signal?: AbortSignal): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    if (signal?.aborted) {
      reject(signal.reason);
      return promise;
    }
    const timer = this.after(ms, resolve);
    signal?.addEventListener(
      'abort',
      () => {
        timer[Symbol.dispose]();
        reject(signal.reason);
      },
      { once: true },
    );
    return promise;
  }

  deadline(ms: number): AbortSignal {
    const controller = new AbortController();
    this.after(ms, () => controller.abort(new DOMException('The operation timed out', 'TimeoutError')));
    return controller.signal;
  }

  /** Moves time on, running what becomes due on the way. */
  async advance(ms: number): Promise<void> {
    const endMs = this.#nowMs + ms;
    await settle();
    for (let next = this.#next(endMs); next !== undefined; next = this.#next(endMs)) {
      this.#timers.delete(next);
      this.#nowMs = Math.max(this.#nowMs, next.dueMs);
      next.run();
      await settle();
    }
    this.#nowMs = endMs;
  }

  #next(endMs: number): Timer | undefined {
    let first: Timer | undefined;
    for (const timer of this.#timers) {
      if (timer.dueMs > endMs) continue;
      if (
        first === undefined ||
        timer.dueMs < first.dueMs ||
        (timer.dueMs === first.dueMs && timer.serial < first.serial)
      ) {
        first = timer;
      }
    }
    return first;
  }
}

/** Lets everything that can run without time passing run: promises and what they queue. */
export function settle(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
