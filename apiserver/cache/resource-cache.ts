// The watch cache of one resource. It lists once, then lives on the events that caches.ts deals out:
//
//   loading --load()--> ready --lost()--> loading ...
//
// While it loads, events wait and are applied behind the list. What it gives out is immutable.
import type { Logger } from '../../api/log.ts';
import { nextTurn } from '../../api/turn.ts';
import { SortedMap } from '../store/sorted.ts';
import { FutureRevisionError, type Store, type StoreEvent, UnavailableError } from '../store/store.ts';
import type {
  CachedObject,
  CacheEvent,
  CacheSnapshot,
  CacheWatchOptions,
  CacheWatchSink,
  ResourceCache,
} from './contract.ts';
import type { DecodedStore } from './decoded.ts';
import { deletedEntry, type Entry, entryOf, type ResourceReading } from './entry.ts';
import type { RevisionGate } from './gate.ts';
import { History, type HistoryBounds } from './history.ts';
import { cacheKey, Snapshot } from './snapshot.ts';
import { concerns, WatchIndex } from './watch-index.ts';

/** Objects per page of the first list, and of those per turn: decoding them must not hold it for long. */
const LOAD_PAGE = 500;
const LOAD_PER_TURN = 100;
/** Events that may wait for a list; beyond, the list is begun again from a newer revision. */
const PENDING_MAX = 50_000;
/** Older states kept for the next page of a paged list, and for how many calls of progress() unused. */
const OLDER_KEPT = 8;
const OLDER_IDLE_MAX = 12;

export interface CacheSurroundings {
  readonly store: Store;
  /** How far the store's one watch has come, for all caches. */
  readonly gate: RevisionGate;
  readonly decoded: DecodedStore;
  readonly history: HistoryBounds;
  readonly log: Logger;
}

export class StoreBackedCache implements ResourceCache {
  readonly reading: ResourceReading;
  readonly #around: CacheSurroundings;
  readonly #watchers = new WatchIndex();
  readonly #older = new Map<number, { snapshot: CacheSnapshot; idle: number }>();
  #objects = new SortedMap<Entry>();
  #history: History;
  #pending: StoreEvent[] | undefined = [];
  #ready = Promise.withResolvers<void>();
  #ended: Error | undefined;

  constructor(reading: ResourceReading, around: CacheSurroundings) {
    this.reading = reading;
    this.#around = around;
    this.#history = new History(around.history, 0);
    this.#ready.promise.catch(() => {}); // whoever waits is told; nobody may be waiting
  }

  get revision(): number {
    return this.#around.gate.revision;
  }

  get size(): number {
    return this.#objects.size;
  }

  get watchers(): number {
    return this.#watchers.size;
  }

  /** The oldest revision a watch can resume from. */
  get floor(): number {
    return this.#history.floor;
  }

  async ready(signal: AbortSignal): Promise<void> {
    // Again if it was lost in between.
    while (this.#pending !== undefined || this.#ended !== undefined) await untilAborted(this.#ready.promise, signal);
  }

  async waitFor(revision: number, signal: AbortSignal): Promise<void> {
    await this.ready(signal);
    await this.#around.gate.waitFor(revision, signal);
  }

  async catchUp(signal: AbortSignal): Promise<void> {
    await this.waitFor(await this.#around.store.latestRevision(signal), signal);
  }

  get(namespace: string, name: string): CachedObject | undefined {
    this.#assertReady();
    return this.#objects.get(cacheKey(namespace, name));
  }

  snapshot(): CacheSnapshot {
    this.#assertReady();
    return new Snapshot(this.revision, this.#objects.snapshot());
  }

  async at(revision: number, signal?: AbortSignal): Promise<CacheSnapshot> {
    this.#assertReady();
    if (revision > this.revision) throw new FutureRevisionError(revision, this.revision);
    if (revision === this.revision) return this.snapshot();
    const kept = this.#older.get(revision);
    if (kept !== undefined) {
      kept.idle = 0;
      return kept.snapshot;
    }
    const rolled = revision >= this.#history.floor ? this.#rollBack(revision) : undefined;
    const objects = rolled ?? (await this.#list(revision, signal)).objects;
    const snapshot = new Snapshot(revision, objects);
    this.#older.set(revision, { snapshot, idle: 0 });
    for (const oldest of this.#older.keys()) {
      if (this.#older.size <= OLDER_KEPT) break;
      this.#older.delete(oldest);
    }
    return snapshot;
  }

  #rollBack(revision: number): SortedMap<Entry> {
    const objects = this.#objects.snapshot();
    for (const { object, previous } of this.#history.after(revision).reverse()) {
      // Events are made below, from entries only; the contract's type is the wider one.
      if (previous === undefined) objects.delete(object.key);
      else objects.set(object.key, previous as Entry);
    }
    return objects;
  }

  async #list(
    revision: number | undefined,
    signal?: AbortSignal,
  ): Promise<{ revision: number; objects: SortedMap<Entry> }> {
    const { store, decoded } = this.#around;
    const { prefix } = this.reading;
    const objects = new SortedMap<Entry>();
    let page = await store.range({ prefix, limit: LOAD_PAGE, revision }, signal);
    const at = revision ?? page.revision;
    for (;;) {
      const { items, more } = page;
      // The next page is on its way while this one is read.
      const after = items.at(-1)?.key;
      const next = more ? store.range({ prefix, after, limit: LOAD_PAGE, revision: at }, signal) : undefined;
      next?.catch(() => {}); // it is thrown below, after others had their turns
      for (const [i, kv] of items.entries()) {
        if (i > 0 && i % LOAD_PER_TURN === 0) await nextTurn();
        const entry = this.#read(kv.key, () => entryOf(kv, this.reading, decoded, false));
        if (entry !== undefined) objects.set(entry.key, entry);
      }
      if (next === undefined) return { revision: at, objects };
      await nextTurn();
      page = await next;
    }
  }

  watch(options: CacheWatchOptions, sink: CacheWatchSink, signal: AbortSignal): void {
    this.#assertReady();
    if (signal.aborted) return;
    const past = this.#history.after(options.afterRevision);
    for (const event of past) {
      if (concerns(options, event)) sink.event(event);
      if (signal.aborted) return;
    }
    const after = Math.max(this.revision, options.afterRevision);
    const watcher = { options, sink, after, seen: after };
    sink.progress(this.revision);
    if (signal.aborted) return;
    this.#watchers.add(watcher);
    signal.addEventListener('abort', () => this.#watchers.remove(watcher), { once: true });
  }

  /**
   * One try at the first list, as of now or of a revision no newer than what the watch has given; caches.ts tries
   * again. Ready is only who knows all that was stored when it began.
   */
  async load(from: number | undefined, signal: AbortSignal): Promise<void> {
    this.#pending = [];
    const newest = this.#around.store.revision;
    const { revision, objects } = await this.#list(from, signal);
    // A write newer than the list may wait in `pending`; one older may still be on its way from etcd.
    await this.#around.gate.waitFor(Math.max(revision, newest), signal);
    const pending = this.#pending;
    if (pending.length > PENDING_MAX) throw new UnavailableError('more changes than a list can be built under');
    this.#objects = objects;
    this.#history = new History(this.#around.history, revision);
    this.#pending = undefined;
    for (const event of pending) if (event.kv.modRevision > revision) this.apply(event);
    this.#ready.resolve();
  }

  /** Takes a change of the store in, and says what it was; the watches hear of it in dispatch(). */
  apply(event: StoreEvent): CacheEvent | undefined {
    if (this.#pending !== undefined) {
      if (this.#pending.length <= PENDING_MAX) this.#pending.push(event);
      return undefined;
    }
    const change = event.type === 'put' ? this.#put(event) : this.#delete(event);
    if (change !== undefined) this.#history.push(change);
    return change;
  }

  #put({ kv }: StoreEvent): CacheEvent | undefined {
    const object = this.#read(kv.key, () => entryOf(kv, this.reading, this.#around.decoded, true));
    if (object === undefined) return undefined;
    const previous = this.#objects.set(object.key, object);
    if (previous !== undefined) this.#around.decoded.drop(previous);
    const type = previous === undefined ? 'ADDED' : 'MODIFIED';
    return { type, revision: kv.modRevision, object, previous };
  }

  #delete({ kv }: StoreEvent): CacheEvent | undefined {
    const previous = this.#objects.delete(kv.key.slice(this.reading.prefix.length));
    if (previous === undefined) return undefined;
    const object = deletedEntry(previous, kv.modRevision, this.#around.decoded);
    this.#around.decoded.drop(previous);
    return { type: 'DELETED', revision: kv.modRevision, object, previous };
  }

  /** A value nobody can read is reported and left out; it must not take its neighbours with it. */
  #read(key: string, read: () => Entry): Entry | undefined {
    try {
      return read();
    } catch (err) {
      this.#around.log.error({ key, err }, 'a stored object cannot be read');
      return undefined;
    }
  }

  dispatch(event: CacheEvent): void {
    this.#watchers.dispatch(event);
  }

  /** Now and then: tells idle watches how far they are, and lets go of older states nobody pages through any more. */
  progress(): void {
    const { revision } = this;
    for (const [older, kept] of this.#older) if (++kept.idle > OLDER_IDLE_MAX) this.#older.delete(older);
    for (const watcher of this.#watchers.all()) {
      if (watcher.seen >= revision) continue;
      watcher.seen = revision;
      watcher.sink.progress(revision);
    }
  }

  /** The store's watch broke: nothing here is known to be current any more. */
  lost(error: Error): void {
    if (this.#pending === undefined) {
      this.#ready = Promise.withResolvers();
      this.#ready.promise.catch(() => {});
    }
    this.#pending = [];
    this.#older.clear();
    for (const { sink } of this.#watchers.clear()) sink.closed(error);
  }

  end(error: Error): void {
    this.lost(error);
    this.#ended = error;
    this.#ready.reject(error);
  }

  #assertReady(): void {
    if (this.#ended !== undefined) throw this.#ended;
    if (this.#pending !== undefined) throw new UnavailableError(`${this.reading.prefix} is still being listed`);
  }
}

function untilAborted(promise: Promise<void>, signal: AbortSignal): Promise<void> {
  signal.throwIfAborted();
  return new Promise((resolve, reject) => {
    const abort = () => reject(signal.reason);
    signal.addEventListener('abort', abort, { once: true });
    promise.then(resolve, reject).finally(() => signal.removeEventListener('abort', abort));
  });
}
