// The recent past of one resource, bounded by events and by the bytes that nothing but it keeps: what a watch resumes
// from and what an older snapshot is rolled back with.
import { CompactedError } from '../store/store.ts';
import type { CacheEvent } from './contract.ts';

export interface HistoryBounds {
  readonly maxEvents: number;
  readonly maxBytes: number;
}

export class History {
  readonly #bounds: HistoryBounds;
  #events: (CacheEvent | undefined)[] = [];
  #head = 0;
  #bytes = 0;
  #floor: number;

  /** `floor` is the revision of the list the history begins behind. */
  constructor(bounds: HistoryBounds, floor: number) {
    this.#bounds = bounds;
    this.#floor = floor;
  }

  /** Everything after this revision is here. */
  get floor(): number {
    return this.#floor;
  }

  get bytes(): number {
    return this.#bytes;
  }

  push(event: CacheEvent): void {
    this.#events.push(event);
    this.#bytes += weight(event);
    while (this.#events.length - this.#head > this.#bounds.maxEvents || this.#bytes > this.#bounds.maxBytes) {
      const oldest = this.#events[this.#head]!;
      this.#events[this.#head++] = undefined; // its bytes go now, its place later
      this.#bytes -= weight(oldest);
      this.#floor = oldest.revision;
    }
    // Forgotten events are let go of in bulk: cutting an array's front costs its length.
    if (this.#head > 256 && this.#head * 2 > this.#events.length) {
      this.#events = this.#events.slice(this.#head);
      this.#head = 0;
    }
  }

  /** The events after `revision`, oldest first. */
  after(revision: number): CacheEvent[] {
    if (revision < this.#floor) throw new CompactedError(this.#floor);
    let low = this.#head;
    let high = this.#events.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.#events[middle]!.revision <= revision) low = middle + 1;
      else high = middle;
    }
    return this.#events.slice(low) as CacheEvent[];
  }
}

/** What an event put in place is in the cache, or what a later event replaced. */
function weight({ type, object, previous }: CacheEvent): number {
  return (previous?.bytes.length ?? 0) + (type === 'DELETED' ? object.bytes.length : 0);
}
