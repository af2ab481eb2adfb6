// What a controller has just created or deleted and not seen yet. A pass that decided before its own last deeds are
// visible would do them twice. Expectations are dropped after a while, so that a lost event delays but never stops.
import type { Clock } from '../../api/clock.ts';

const FORGET_AFTER_MS = 300_000;

export class Expectations {
  readonly #clock: Clock;
  /** By owner's key, then by the object's key: when to stop waiting. */
  readonly #unseen = new Map<string, Map<string, number>>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Say so before the call: the event may be faster than the answer. */
  expect(owner: string, deed: 'creation' | 'deletion', object: string): void {
    let unseen = this.#unseen.get(owner);
    if (unseen === undefined) {
      unseen = new Map();
      this.#unseen.set(owner, unseen);
    }
    unseen.set(`${deed} ${object}`, this.#clock.monotonic() + FORGET_AFTER_MS);
  }

  /** The event came, or the call failed. */
  settle(owner: string, deed: 'creation' | 'deletion', object: string): void {
    const unseen = this.#unseen.get(owner);
    unseen?.delete(`${deed} ${object}`);
    if (unseen?.size === 0) this.#unseen.delete(owner);
  }

  areSettled(owner: string): boolean {
    const nowMs = this.#clock.monotonic();
    for (const untilMs of this.#unseen.get(owner)?.values() ?? []) if (untilMs > nowMs) return false;
    this.#unseen.delete(owner);
    return true;
  }

  forget(owner: string): void {
    this.#unseen.delete(owner);
  }
}
