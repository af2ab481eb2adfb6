// How long to wait before what failed is replaced: one second, doubling to fifteen minutes. It lives in memory: a
// restart of the server forgives, and nothing else depends on it.
import type { Clock } from '../../api/clock.ts';

const FIRST_MS = 1_000;
const LONGEST_MS = 900_000;
const KEYS_MAX = 10_000;

interface Entry {
  delayMs: number;
  untilMs: number;
  last: string;
}

export class FailureBackoff {
  readonly #clock: Clock;
  readonly #entries = new Map<string, Entry>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Milliseconds still to wait. @param failure tells one failure from the next, however often it is asked about */
  next(key: string, failure: string): number {
    const nowMs = this.#clock.monotonic();
    const known = this.#entries.get(key);
    if (known?.last === failure) return Math.max(0, known.untilMs - nowMs);
    // A long time without failure is as good as none.
    const isQuiet = known === undefined || nowMs - known.untilMs > 2 * LONGEST_MS;
    const delayMs = isQuiet ? FIRST_MS : Math.min(known.delayMs * 2, LONGEST_MS);
    // The first failure is replaced at once.
    const untilMs = isQuiet ? nowMs : nowMs + delayMs;
    this.#entries.delete(key);
    this.#entries.set(key, { delayMs, untilMs, last: failure });
    if (this.#entries.size > KEYS_MAX) this.#entries.delete(this.#entries.keys().next().value!);
    return untilMs - nowMs;
  }
}
