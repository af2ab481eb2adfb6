// Decoded objects, frozen and shared by everyone, in one store bounded by bytes for all caches. The bytes in the cache
// are the truth; what falls out here is decoded again when somebody asks.
import type { CachedObject } from './contract.ts';

/** Live objects take about this much of the heap per byte of their JSON. */
const HEAP_PER_BYTE = 2;

interface Kept {
  readonly decoded: unknown;
  /** Asked for since its turn to go came last. */
  used: boolean;
}

export class DecodedStore {
  readonly #maxBytes: number;
  readonly #parse: (json: string) => unknown;
  /** In the order in which their turn to go comes; who was used since the last one gets another. */
  readonly #kept = new Map<CachedObject, Kept>();
  #bytes = 0;

  constructor(maxBytes: number, parse: (json: string) => unknown = JSON.parse) {
    this.#maxBytes = maxBytes;
    this.#parse = parse;
  }

  get bytes(): number {
    return this.#bytes;
  }

  get(entry: CachedObject): unknown {
    const kept = this.#kept.get(entry);
    if (kept !== undefined) {
      kept.used = true;
      return kept.decoded;
    }
    const decoded = deepFreeze(this.#parse(entry.bytes.toString()));
    this.keep(entry, decoded);
    return decoded;
  }

  /** `decoded` must be frozen. */
  keep(entry: CachedObject, decoded: unknown): void {
    if (this.#kept.has(entry)) return;
    this.#kept.set(entry, { decoded, used: false });
    this.#bytes += weight(entry);
    while (this.#bytes > this.#maxBytes) this.#passTurn();
  }

  #passTurn(): void {
    const [oldest, kept] = this.#kept.entries().next().value!;
    if (!kept.used) {
      this.drop(oldest);
      return;
    }
    kept.used = false;
    this.#kept.delete(oldest);
    this.#kept.set(oldest, kept);
  }

  /** The entry is no longer anybody's newest state. */
  drop(entry: CachedObject): void {
    if (this.#kept.delete(entry)) this.#bytes -= weight(entry);
  }

  parse(json: string): unknown {
    return this.#parse(json);
  }
}

function weight(entry: CachedObject): number {
  return entry.bytes.length * HEAP_PER_BYTE;
}

export function deepFreeze<T>(value: T): T {
  if (typeof value !== 'object' || value === null || Object.isFrozen(value)) return value;
  Object.freeze(value);
  if (Array.isArray(value)) {
    for (const item of value) deepFreeze(item);
    return value;
  }
  for (const key in value) {
    const inner = value[key];
    if (typeof inner === 'object') deepFreeze(inner);
  }
  return value;
}
