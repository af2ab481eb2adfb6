// A sorted map whose snapshots cost nothing: chunks of neighbouring keys, copied only when they change after a
// snapshot was taken. The in-memory store and the watch cache keep their keys in it. Order is that of JavaScript
// strings, which for the keys the API allows is also the order of their bytes.

const CHUNK_MAX = 128;
const CHUNK_MIN = 32;

interface Chunk<V> {
  /** Whoever holds this token may change the chunk in place; everybody else copies it first. */
  owner: object;
  readonly keys: string[];
  readonly values: V[];
}

/** The first string after all those that begin with `prefix`; undefined when there is none. */
export function prefixEnd(prefix: string): string | undefined {
  for (let last = prefix.length - 1; last >= 0; last--) {
    const code = prefix.charCodeAt(last);
    if (code < 0xffff) return prefix.slice(0, last) + String.fromCharCode(code + 1);
  }
  return undefined;
}

/** The first string after `key`: a page that continues behind a key starts here. */
export function justAfter(key: string): string {
  return `${key}\u0000`;
}

export class SortedMap<V> {
  #chunks: Chunk<V>[] = [];
  #owner = {};
  #ownsList = true;
  #size = 0;

  get size(): number {
    return this.#size;
  }

  get(key: string): V | undefined {
    const chunk = this.#chunks[this.#chunkOf(key)];
    if (chunk === undefined) return undefined;
    const at = lowerBound(chunk.keys, key);
    return chunk.keys[at] === key ? chunk.values[at] : undefined;
  }

  /** Returns what was there before. */
  set(key: string, value: V): V | undefined {
    if (this.#chunks.length === 0) {
      this.#list().push({ owner: this.#owner, keys: [key], values: [value] });
      this.#size = 1;
      return undefined;
    }
    const index = this.#chunkOf(key);
    const chunk = this.#own(index);
    const at = lowerBound(chunk.keys, key);
    if (chunk.keys[at] === key) {
      const before = chunk.values[at];
      chunk.values[at] = value;
      return before;
    }
    chunk.keys.splice(at, 0, key);
    chunk.values.splice(at, 0, value);
    this.#size++;
    if (chunk.keys.length > CHUNK_MAX) this.#split(index, at);
    return undefined;
  }

  /** Returns what was there. */
  delete(key: string): V | undefined {
    const index = this.#chunkOf(key);
    const found = this.#chunks[index];
    if (found === undefined) return undefined;
    const at = lowerBound(found.keys, key);
    if (found.keys[at] !== key) return undefined;
    const chunk = this.#own(index);
    const before = chunk.values[at];
    chunk.keys.splice(at, 1);
    chunk.values.splice(at, 1);
    this.#size--;
    if (chunk.keys.length < CHUNK_MIN) this.#join(index);
    return before;
  }

  /** This map as it is now. Both may be changed afterwards without the other noticing. */
  snapshot(): SortedMap<V> {
    const copy = new SortedMap<V>();
    copy.#chunks = this.#chunks;
    copy.#size = this.#size;
    copy.#ownsList = false;
    this.#ownsList = false;
    this.#owner = {};
    return copy;
  }

  /** From `from` (inclusive) to `end` (exclusive), in order. The map must not change meanwhile; its snapshots may. */
  *entries(from = '', end?: string): Generator<[string, V]> {
    const chunks = this.#chunks;
    for (let index = this.#chunkOf(from); index < chunks.length; index++) {
      const { keys, values } = chunks[index]!;
      for (let at = lowerBound(keys, from); at < keys.length; at++) {
        if (end !== undefined && keys[at]! >= end) return;
        yield [keys[at]!, values[at]!];
      }
    }
  }

  *values(from = '', end?: string): Generator<V> {
    const chunks = this.#chunks;
    for (let index = this.#chunkOf(from); index < chunks.length; index++) {
      const { keys, values } = chunks[index]!;
      for (let at = lowerBound(keys, from); at < keys.length; at++) {
        if (end !== undefined && keys[at]! >= end) return;
        yield values[at]!;
      }
    }
  }

  /** How many keys lie from `from` (inclusive) to `end` (exclusive). */
  count(from = '', end?: string): number {
    return Math.max(0, (end === undefined ? this.#size : this.#rank(end)) - this.#rank(from));
  }

  #rank(key: string): number {
    const index = this.#chunkOf(key);
    const chunk = this.#chunks[index];
    if (chunk === undefined) return 0;
    let before = 0;
    for (let i = 0; i < index; i++) before += this.#chunks[i]!.keys.length;
    return before + lowerBound(chunk.keys, key);
  }

  /** The chunk that holds the key or would hold it: the last one whose first key is not after it. */
  #chunkOf(key: string): number {
    let low = 0;
    let high = this.#chunks.length;
    while (high - low > 1) {
      const middle = (low + high) >>> 1;
      if (this.#chunks[middle]!.keys[0]! <= key) low = middle;
      else high = middle;
    }
    return low;
  }

  #list(): Chunk<V>[] {
    if (!this.#ownsList) {
      this.#chunks = this.#chunks.slice();
      this.#ownsList = true;
    }
    return this.#chunks;
  }

  #own(index: number): Chunk<V> {
    const chunk = this.#chunks[index]!;
    if (chunk.owner === this.#owner) return chunk;
    const copy = { owner: this.#owner, keys: chunk.keys.slice(), values: chunk.values.slice() };
    this.#list()[index] = copy;
    return copy;
  }

  #split(index: number, insertedAt: number): void {
    const chunk = this.#own(index);
    // Keys often arrive in order: then a full chunk stays full and the next begins, instead of two halves.
    const half = insertedAt === CHUNK_MAX ? CHUNK_MAX : CHUNK_MAX >>> 1;
    const right = { owner: this.#owner, keys: chunk.keys.splice(half), values: chunk.values.splice(half) };
    this.#list().splice(index + 1, 0, right);
  }

  #join(index: number): void {
    const chunk = this.#chunks[index]!;
    if (chunk.keys.length === 0) {
      this.#list().splice(index, 1);
      return;
    }
    const left = index > 0 ? index - 1 : index;
    const [a, b] = [this.#chunks[left], this.#chunks[left + 1]];
    if (a === undefined || b === undefined || a.keys.length + b.keys.length > CHUNK_MAX) return;
    const into = this.#own(left);
    into.keys.push(...b.keys);
    into.values.push(...b.values);
    this.#list().splice(left + 1, 1);
  }
}

function lowerBound(keys: readonly string[], key: string): number {
  let low = 0;
  let high = keys.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (keys[middle]! < key) low = middle + 1;
    else high = middle;
  }
  return low;
}
