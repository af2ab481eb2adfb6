// When leases run out, on the monotonic clock. It knows only ids and times: the store deletes the keys.
import type { Clock } from '../../api/clock.ts';

/** Timers of the platform overflow after 24 days; a lease that runs longer is looked at once a day. */
const TIMER_MAX_MS = 86_400_000;

export class Leases implements Disposable {
  readonly #clock: Clock;
  readonly #expire: (id: string) => void;
  readonly #leases = new Map<string, { ttlMs: number; deadline: number }>();
  #timer: Disposable | undefined;
  #timerAt = Number.POSITIVE_INFINITY;

  constructor(clock: Clock, expire: (id: string) => void) {
    this.#clock = clock;
    this.#expire = expire;
  }

  /** A new lease, or one found at a start: it gets its whole time again, for nobody could renew it meanwhile. */
  add(id: string, ttlSeconds: number): void {
    const ttlMs = ttlSeconds * 1000;
    const deadline = this.#clock.monotonic() + ttlMs;
    this.#leases.set(id, { ttlMs, deadline });
    this.#arm(deadline);
  }

  has(id: string): boolean {
    return this.#leases.has(id);
  }

  renew(id: string): boolean {
    const lease = this.#leases.get(id);
    if (lease === undefined) return false;
    lease.deadline = this.#clock.monotonic() + lease.ttlMs;
    return true;
  }

  remove(id: string): boolean {
    return this.#leases.delete(id);
  }

  #arm(next: number): void {
    // A renewed lease leaves an early timer behind; it finds nothing to do and is set again.
    if (next >= this.#timerAt) return;
    this.#timer?.[Symbol.dispose]();
    this.#timerAt = next;
    const wait = Math.min(TIMER_MAX_MS, Math.max(1, Math.ceil(next - this.#clock.monotonic())));
    this.#timer = this.#clock.after(wait, () => this.#fire());
  }

  #fire(): void {
    this.#timer = undefined;
    this.#timerAt = Number.POSITIVE_INFINITY;
    const now = this.#clock.monotonic();
    let next = Number.POSITIVE_INFINITY;
    for (const [id, { deadline }] of this.#leases) {
      if (deadline > now) next = Math.min(next, deadline);
      else {
        this.#leases.delete(id);
        this.#expire(id);
      }
    }
    this.#arm(next);
  }

  [Symbol.dispose](): void {
    this.#timer?.[Symbol.dispose]();
    this.#leases.clear();
  }
}
