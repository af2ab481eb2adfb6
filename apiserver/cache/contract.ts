// What the registry and the HTTP room see of the watch cache. One cache per stored resource (per storage prefix);
// it follows the store and holds, for each object, exact bytes and the few decoded things asked all the time.

/** What indexes and selectors need of an object without decoding it again. */
export interface Projection {
  readonly labels: Readonly<Record<string, string>> | undefined;
  /** Selectable fields by path, e.g. 'spec.nodeName', 'status.phase'; metadata.name and metadata.namespace always. */
  readonly fields: Readonly<Record<string, string>>;
}

export interface CachedObject extends Projection {
  readonly key: string;
  readonly namespace: string;
  readonly name: string;
  readonly revision: number;
  /** JSON with metadata.resourceVersion spliced in: what GET, LIST and WATCH send. Exact size, never pooled. */
  readonly bytes: Buffer;
  /** The decoded object, deep-frozen and shared. Made when asked for; may be dropped and made again. */
  decoded(): unknown;
}

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

export interface CacheSnapshot {
  readonly revision: number;
  /** In key order, from the object after `after` on. `prefix` narrows to a namespace ('<namespace>/'). */
  objects(range?: { namespace?: string; after?: string }): Iterable<CachedObject>;
  get(namespace: string, name: string): CachedObject | undefined;
}

export interface CacheWatchSink {
  /** Called synchronously, in revision order, in the turn the store hands the event over. */
  event(event: CacheEvent): void;
  /** The cache has seen everything up to `revision`. */
  progress(revision: number): void;
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
  get(namespace: string, name: string): CachedObject | undefined;
  /** The newest state; cheap: no copy of the objects. Consistent for as long as it is held. */
  snapshot(): CacheSnapshot;
  /** The state at an older revision; throws CompactedError or FutureRevisionError. */
  at(revision: number): Promise<CacheSnapshot>;
  watch(options: CacheWatchOptions, sink: CacheWatchSink, signal: AbortSignal): void;
}
