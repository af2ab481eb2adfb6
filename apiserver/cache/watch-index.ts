// Who is told of an event: a watch sits in exactly one place, by the value of a field, by namespace, or among those who
// see everything, so that an event costs what its own watchers cost and not what all watchers cost.
import type { CachedObject, CacheEvent, CacheWatchOptions, CacheWatchSink } from './contract.ts';

export interface Watcher {
  readonly options: CacheWatchOptions;
  readonly sink: CacheWatchSink;
  /** What the watch begins behind: the past it was given when it was added, or a revision still to come. */
  readonly after: number;
  /** Everything up to here has been given. */
  seen: number;
}

export class WatchIndex {
  readonly #everything = new Set<Watcher>();
  readonly #byNamespace = new Map<string, Set<Watcher>>();
  readonly #byField = new Map<string, Map<string, Set<Watcher>>>();
  #size = 0;

  get size(): number {
    return this.#size;
  }

  add(watcher: Watcher): void {
    this.#size++;
    const { field, namespace } = watcher.options;
    if (field !== undefined) {
      const values = this.#byField.get(field.path) ?? new Map<string, Set<Watcher>>();
      this.#byField.set(field.path, values);
      addTo(values, field.value, watcher);
    } else if (namespace !== undefined) addTo(this.#byNamespace, namespace, watcher);
    else this.#everything.add(watcher);
  }

  remove(watcher: Watcher): void {
    const { field, namespace } = watcher.options;
    let removed: boolean;
    if (field !== undefined) {
      const values = this.#byField.get(field.path);
      removed = values !== undefined && removeFrom(values, field.value, watcher);
      if (values?.size === 0) this.#byField.delete(field.path);
    } else if (namespace !== undefined) removed = removeFrom(this.#byNamespace, namespace, watcher);
    else removed = this.#everything.delete(watcher);
    if (removed) this.#size--;
  }

  dispatch(event: CacheEvent): void {
    for (const watcher of this.#everything) this.#give(watcher, event);
    for (const watcher of this.#byNamespace.get(event.object.namespace) ?? []) this.#give(watcher, event);
    for (const [path, values] of this.#byField) {
      const now = fieldOf(event.object, path);
      for (const watcher of values.get(now) ?? []) this.#giveInNamespace(watcher, event);
      const before = event.previous === undefined ? now : fieldOf(event.previous, path);
      if (before === now) continue;
      for (const watcher of values.get(before) ?? []) this.#giveInNamespace(watcher, event);
    }
  }

  #giveInNamespace(watcher: Watcher, event: CacheEvent): void {
    const { namespace } = watcher.options;
    if (namespace === undefined || namespace === event.object.namespace) this.#give(watcher, event);
  }

  #give(watcher: Watcher, event: CacheEvent): void {
    // Added ahead of the present, or by another sink in the midst of this very event.
    if (event.revision <= watcher.after) return;
    watcher.seen = event.revision;
    try {
      watcher.sink.event(event);
    } catch (err) {
      // A sink that throws is broken; the cache and the other watches are not.
      this.remove(watcher);
      watcher.sink.closed(err instanceof Error ? err : new Error(String(err)));
    }
  }

  *all(): Generator<Watcher> {
    yield* this.#everything;
    for (const watchers of this.#byNamespace.values()) yield* watchers;
    for (const values of this.#byField.values()) for (const watchers of values.values()) yield* watchers;
  }

  clear(): Watcher[] {
    const watchers = [...this.all()];
    this.#everything.clear();
    this.#byNamespace.clear();
    this.#byField.clear();
    this.#size = 0;
    return watchers;
  }
}

/** Whether a watch with these options is told of the event: the rule the index keeps, for events of the past. */
export function concerns({ namespace, field }: CacheWatchOptions, { object, previous }: CacheEvent): boolean {
  if (namespace !== undefined && object.namespace !== namespace) return false;
  if (field === undefined) return true;
  if (fieldOf(object, field.path) === field.value) return true;
  return previous !== undefined && fieldOf(previous, field.path) === field.value;
}

/** A field that is not set selects as the empty string does. */
function fieldOf(object: CachedObject, path: string): string {
  return object.fields[path] ?? '';
}

function addTo(map: Map<string, Set<Watcher>>, key: string, watcher: Watcher): void {
  const there = map.get(key);
  if (there === undefined) map.set(key, new Set([watcher]));
  else there.add(watcher);
}

function removeFrom(map: Map<string, Set<Watcher>>, key: string, watcher: Watcher): boolean {
  const there = map.get(key);
  const removed = there?.delete(watcher) ?? false;
  if (there?.size === 0) map.delete(key);
  return removed;
}
