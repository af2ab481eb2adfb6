// One waiter, many who may ring: a ring while nobody waits is kept for the next wait.
import type { Clock } from '../../api/clock.ts';

export class Doorbell {
  #rung = false;
  #wake: (() => void) | undefined;

  ring(): void {
    this.#rung = true;
    this.#wake?.();
  }

  /** Until somebody rings, the time is up, or the signal aborts. */
  async wait(ms: number, clock: Clock, signal: AbortSignal): Promise<void> {
    if (!this.#rung && !signal.aborted) {
      const { promise, resolve } = Promise.withResolvers<void>();
      this.#wake = resolve;
      using _timer = clock.after(ms, resolve);
      const abort = () => resolve();
      signal.addEventListener('abort', abort, { once: true });
      await promise;
      signal.removeEventListener('abort', abort);
      this.#wake = undefined;
    }
    this.#rung = false;
  }
}
