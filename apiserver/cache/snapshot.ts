// One resource at one revision: a view of the cache's keys that stays as it is.
import { justAfter, prefixEnd, type SortedMap } from '../store/sorted.ts';
import type { CachedObject, CacheSnapshot, SnapshotRange } from './contract.ts';
import type { Entry } from './entry.ts';

export class Snapshot implements CacheSnapshot {
  readonly revision: number;
  readonly #objects: SortedMap<Entry>;

  constructor(revision: number, objects: SortedMap<Entry>) {
    this.revision = revision;
    this.#objects = objects;
  }

  get size(): number {
    return this.#objects.size;
  }

  objects(range: SnapshotRange = {}): Iterable<CachedObject> {
    const { from, end } = bounds(range);
    return this.#objects.values(from, end);
  }

  count(range: SnapshotRange = {}): number {
    const { from, end } = bounds(range);
    return this.#objects.count(from, end);
  }

  get(namespace: string, name: string): CachedObject | undefined {
    return this.#objects.get(cacheKey(namespace, name));
  }
}

export function cacheKey(namespace: string, name: string): string {
  return namespace === '' ? name : `${namespace}/${name}`;
}

function bounds({ namespace, after }: SnapshotRange): { from: string; end: string | undefined } {
  const prefix = namespace === undefined || namespace === '' ? '' : `${namespace}/`;
  const from = after === undefined || after < prefix ? prefix : justAfter(after);
  return { from, end: prefix === '' ? undefined : prefixEnd(prefix) };
}
