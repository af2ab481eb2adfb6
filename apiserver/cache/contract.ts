// What the registry and the HTTP room see of the watch cache. One cache per stored resource (per storage prefix);
// it follows the store and holds, for each object, exact bytes and the few decoded things asked all the time.

/** What indexes and selectors need of an object without decoding it again. */
export interface Projection {
  readonly labels: Readonly<Record<string, string>> | undefined;
  /** Selectable fields by path, e.g. 'spec.nodeName', 'status.phase'; metadata.name and metadata.namespace always. */
  readonly fields: Readonly<Record<string, string>>;
}

export interface CachedObject extends Projection {
  /** 'namespace/name', or 'name' where the resource has no namespaces: what keyOf() says of it. */
  readonly key: string;
  /** '' where the resource has no namespaces. */
  readonly namespace: string;
  readonly name: string;
  readonly revision: number;
  /** JSON with metadata.resourceVersion spliced in: what GET, LIST and WATCH send. Exact size, never pooled. */
  readonly bytes: Buffer;
  /** The decoded object, deep-frozen and shared. Made when asked for; may be dropped and made again. */
  decoded(): unknown;
}

/** One value for all who watch, so that a frame made of it can be kept beside it (a WeakMap does). */
export type CacheEvent =
  | {
      readonly type: 'ADDED' | 'MODIFIED';
      readonly revision: number;
      readonly object: CachedObject;
      readonly previous?: CachedObject;
    }
  /** object is the last state, with the revision of the deletion. */
  | {
      readonly type: 'DELETED';
      readonly revision: number;
      readonly object: CachedObject;
      readonly previous: CachedObject;
    };

export interface SnapshotRange {
  readonly namespace?: string;
  readonly after?: string;
}

export interface CacheSnapshot {
  readonly revision: number;
  readonly size: number;
  /** In key order, from the first object whose key is behind `after` on; `namespace` narrows to one. */
  objects(range?: SnapshotRange): Iterable<CachedObject>;
  /** How many objects() would give, without walking them: for remainingItemCount. */
  count(range?: SnapshotRange): number;
  get(namespace: string, name: string): CachedObject | undefined;
}

export interface CacheWatchSink {
  /**
   * Called synchronously, in revision order, in the turn the store hands the event over; the past within watch().
   * With `namespace` or `field` an event comes when the object is or was inside: one that moved out arrives as the
   * MODIFIED it is, `previous` inside and `object` not, and whoever frames it makes a deletion of it.
   */
  event(event: CacheEvent): void;
  /** Everything up to `revision` has been given. Right after the past, then every few seconds if there is news. */
  progress(revision: number): void;
  /** The cache lost the store and lists anew, or was closed: watch again from the last revision seen. */
  closed(error: Error): void;
}

export interface CacheWatchOptions {
  /** Events after this revision; throws CompactedError when history no longer holds them. */
  readonly afterRevision: number;
  readonly namespace?: string;
  /** Only objects whose field has (or just lost) this value: the index that keeps an event's cost at its watchers. */
  readonly field?: { readonly path: string; readonly value: string };
}

export interface ResourceCache {
  /** The revision up to which this cache has seen everything. */
  readonly revision: number;
  readonly size: number;
  /** Resolves when the first list is in. */
  ready(signal: AbortSignal): Promise<void>;
  /** Resolves when the cache has seen `revision`; at once on the embedded store. */
  waitFor(revision: number, signal: AbortSignal): Promise<void>;
  /** Resolves when the cache has seen all that was acknowledged to anyone before the call: a consistent read. */
  catchUp(signal: AbortSignal): Promise<void>;
  get(namespace: string, name: string): CachedObject | undefined;
  /** The newest state. Throws UnavailableError before the first list is in, as get() and watch() do. Cheap: no copy of the objects. Consistent for as long as it is held. */
  snapshot(): CacheSnapshot;
  /** The state at an older revision; throws CompactedError or FutureRevisionError. */
  at(revision: number, signal?: AbortSignal): Promise<CacheSnapshot>;
  watch(options: CacheWatchOptions, sink: CacheWatchSink, signal: AbortSignal): void;
}
