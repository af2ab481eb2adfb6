// All watch caches over one watch of the store, so that they advance together: a revision is first taken in by every
// cache it touches, then the watches are told, then whoever waits for it goes on. Lists are begun again, with back-off,
// when the store's watch is lost.
import type { Clock } from '../../api/clock.ts';
import type { Logger } from '../../api/log.ts';
import type { Store, StoreEvent } from '../store/store.ts';
import type { CacheEvent, ResourceCache } from './contract.ts';
import type { DecodedStore } from './decoded.ts';
import type { ResourceReading } from './entry.ts';
import { RevisionGate } from './gate.ts';
import type { HistoryBounds } from './history.ts';
import { StoreBackedCache } from './resource-cache.ts';

export interface CachesOptions {
  readonly store: Store;
  readonly clock: Clock;
  readonly log: Logger;
  readonly decoded: DecodedStore;
  /** Everything the caches hold lies below it. */
  readonly root?: string;
  /** For each resource. */
  readonly history?: HistoryBounds;
  readonly progressEveryMs?: number;
}

const HISTORY: HistoryBounds = { maxEvents: 16_384, maxBytes: 24 << 20 };
const RETRY_MAX_MS = 5_000;
/** So far in the past caches begin, so that watches resume across a restart of the server instead of listing anew. */
const REWIND_REVISIONS = 2_000;

export class Caches implements AsyncDisposable {
  readonly #options: CachesOptions;
  readonly #root: string;
  readonly #gate: RevisionGate;
  readonly #caches = new Map<string, StoreBackedCache>();
  /** What is under way for each cache ends with its controller. */
  readonly #loads = new Map<StoreBackedCache, { stop: AbortController; done: Promise<void> }>();
  readonly #stop = new AbortController();
  readonly #loops: Promise<void>[];

  constructor(options: CachesOptions) {
    this.#options = options;
    this.#root = options.root ?? '/registry/';
    const { revision, compactedRevision } = options.store;
    // Never before the first revision: etcd begins with one in which nothing happened, so no event would tell of it.
    const begin = Math.max(compactedRevision, revision - REWIND_REVISIONS, Math.min(revision, 1));
    this.#gate = new RevisionGate(begin);
    const started = this.#follow(begin + 1);
    this.#loops = [this.#keepFollowing(started), this.#reportProgress(options.progressEveryMs ?? 5_000)];
  }

  get revision(): number {
    return this.#gate.revision;
  }

  waitFor(revision: number, signal: AbortSignal): Promise<void> {
    return this.#gate.waitFor(revision, signal);
  }

  /** The cache of a resource; it begins to list at once. */
  open(reading: ResourceReading): ResourceCache {
    const { prefix } = reading;
    if (!prefix.startsWith(this.#root) || !prefix.endsWith('/')) throw new RangeError(`not a prefix here: ${prefix}`);
    if (this.#caches.has(prefix)) throw new Error(`there is a cache of ${prefix} already`);
    const { store, decoded, log, history = HISTORY } = this.#options;
    const around = { store, decoded, history, gate: this.#gate, log: log.child({ cache: prefix }) };
    const cache = new StoreBackedCache(reading, around);
    this.#caches.set(prefix, cache);
    this.#load(cache);
    return cache;
  }

  /** Ends a cache: its resource is no longer served. */
  async close(prefix: string): Promise<void> {
    const cache = this.#caches.get(prefix);
    if (cache === undefined) return;
    this.#caches.delete(prefix);
    await this.#endLoad(cache);
    cache.end(new Error(`${prefix} is no longer served`));
  }

  #load(cache: StoreBackedCache): void {
    const stop = new AbortController();
    const done = this.#loadUntilDone(cache, AbortSignal.any([stop.signal, this.#stop.signal]));
    this.#loads.set(cache, { stop, done });
  }

  async #endLoad(cache: StoreBackedCache): Promise<void> {
    const load = this.#loads.get(cache);
    this.#loads.delete(cache);
    load?.stop.abort();
    await load?.done;
  }

  async #loadUntilDone(cache: StoreBackedCache, signal: AbortSignal): Promise<void> {
    const { clock, log } = this.#options;
    // As of where the watch is now: all that came later is still to come, and becomes history.
    let from: number | undefined = this.#gate.revision;
    for (let waitMs = 50; !signal.aborted; waitMs = Math.min(waitMs * 2, RETRY_MAX_MS)) {
      try {
        await cache.load(from, signal);
        return;
      } catch (err) {
        if (signal.aborted) return;
        log.warn({ cache: cache.reading.prefix, err }, 'cannot list what is stored');
        from = undefined; // that state may be compacted by now
        await clock.sleep(waitMs, signal).catch(() => {}); // woken early only to end
      }
    }
  }

  /** Follows the store from a revision on; resolves with the reason when the watch ends. */
  #follow(fromRevision: number): Promise<Error> {
    const own = new AbortController();
    const signal = AbortSignal.any([own.signal, this.#stop.signal]);
    return new Promise((resolve) => {
      const sink = {
        events: (revision: number, events: readonly StoreEvent[]) => this.#take(revision, events),
        progress: (revision: number) => this.#gate.reach(revision),
        closed: (error: Error) => {
          own.abort();
          resolve(error);
        },
      };
      this.#options.store.watch(this.#root, fromRevision, sink, signal);
      this.#stop.signal.addEventListener('abort', () => resolve(new Error('the caches are closed')), { once: true });
    });
  }

  #take(revision: number, events: readonly StoreEvent[]): void {
    const changes: { cache: StoreBackedCache; change: CacheEvent }[] = [];
    for (const event of events) {
      const cache = this.#cacheOf(event.kv.key);
      const change = cache?.apply(event);
      if (cache !== undefined && change !== undefined) changes.push({ cache, change });
    }
    this.#gate.reach(revision);
    for (const { cache, change } of changes) cache.dispatch(change);
  }

  /** The cache whose prefix is one of the key's: '/registry/pods/' or '/registry/services/specs/'. */
  #cacheOf(key: string): StoreBackedCache | undefined {
    for (let at = key.indexOf('/', this.#root.length); at > 0; at = key.indexOf('/', at + 1)) {
      const cache = this.#caches.get(key.slice(0, at + 1));
      if (cache !== undefined) return cache;
    }
    return undefined;
  }

  async #keepFollowing(first: Promise<Error>): Promise<void> {
    const { signal } = this.#stop;
    const { clock, log, store } = this.#options;
    let ended = await first;
    for (let waitMs = 50; !signal.aborted; waitMs = Math.min(waitMs * 2, RETRY_MAX_MS)) {
      log.warn({ err: ended }, 'lost the watch of the store, listing anew');
      const caches = [...this.#caches.values()];
      await Promise.all(caches.map((cache) => this.#endLoad(cache)));
      for (const cache of caches) cache.lost(ended);
      await clock.sleep(waitMs, signal).catch(() => {}); // woken early only to end
      try {
        const revision = await store.latestRevision(signal);
        const next = this.#follow(revision + 1);
        this.#gate.reach(revision);
        for (const cache of this.#caches.values()) if (!this.#loads.has(cache)) this.#load(cache);
        const since = clock.monotonic();
        ended = await next;
        if (clock.monotonic() - since > RETRY_MAX_MS) waitMs = 25;
      } catch (err) {
        ended = err instanceof Error ? err : new Error(String(err));
      }
    }
  }

  async #reportProgress(everyMs: number): Promise<void> {
    const { signal } = this.#stop;
    while (!signal.aborted) {
      await this.#options.clock.sleep(everyMs, signal).catch(() => {}); // woken early only to end
      if (!signal.aborted) for (const cache of this.#caches.values()) cache.progress();
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const closed = new Error('the caches are closed');
    this.#stop.abort(closed);
    await Promise.all(this.#loops);
    for (const cache of this.#caches.values()) {
      await this.#endLoad(cache);
      cache.end(closed);
    }
    this.#caches.clear();
  }
}
