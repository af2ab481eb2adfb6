// Decoded objects, frozen and shared by everyone, in one store bounded by bytes for all caches. The bytes in the cache
// are the truth; what falls out here is decoded again when somebody asks.
import type { CachedObject } from './contract.ts';

/** Live objects take about this much of the heap per byte of their JSON. */
const HEAP_PER_BYTE = 2;

export class DecodedStore {
  readonly #maxBytes: number;
  readonly #parse: (json: string) => unknown;
  /** Least recently used first. */
  readonly #kept = new Map<CachedObject, unknown>();
  readonly #handed = new WeakMap<Buffer, unknown>();
  #bytes = 0;

  constructor(maxBytes: number, parse: (json: string) => unknown = JSON.parse) {
    this.#maxBytes = maxBytes;
    this.#parse = parse;
  }

  get bytes(): number {
    return this.#bytes;
  }

  /**
   * What a value that is about to be written decodes to, without resourceVersion. The cache then need not parse its
   * own writer's bytes. The object is frozen from the moment the cache takes it.
   */
  handOver(value: Buffer, object: object): void {
    this.#handed.set(value, object);
  }

  take(value: Buffer): object | undefined {
    const object = this.#handed.get(value);
    if (typeof object !== 'object' || object === null) return undefined;
    this.#handed.delete(value);
    return object;
  }

  get(entry: CachedObject): unknown {
    const kept = this.#kept.get(entry);
    if (kept !== undefined) {
      this.#kept.delete(entry);
      this.#kept.set(entry, kept);
      return kept;
    }
    const decoded = deepFreeze(this.#parse(entry.bytes.toString()));
    this.keep(entry, decoded);
    return decoded;
  }

  /** `decoded` must be frozen. */
  keep(entry: CachedObject, decoded: unknown): void {
    if (this.#kept.has(entry)) return;
    this.#kept.set(entry, decoded);
    this.#bytes += weight(entry);
    for (const oldest of this.#kept.keys()) {
      if (this.#bytes <= this.#maxBytes) break;
      this.drop(oldest);
    }
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
