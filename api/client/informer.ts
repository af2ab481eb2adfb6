// What a loop knows of a resource: a list kept fresh by a watch, with indexes. It says which keys to look at again
// and nothing more; after any interruption it lists anew and reports what differs.
import type { Clock } from '../clock.ts';
import type { Logger } from '../log.ts';
import { keyOf, type ResourceDefinition } from '../resource.ts';
import type { KubeObject } from '../schema/kind.ts';
import { ApiError, isGone } from '../status.ts';
import type { Client, ListOf } from './client.ts';

export interface InformerOptions<T> {
  readonly namespace?: string;
  readonly labelSelector?: string;
  readonly fieldSelector?: string;
  /** Further ways to find objects: name -> the values an object is found under. */
  readonly indexes?: Readonly<Record<string, (object: T) => readonly string[]>>;
  /** Keeps only this of an object, for those who look at many and need little of each. */
  readonly project?: (object: T) => T;
}

export type ChangeListener<T> = (key: string, now: T | undefined, before: T | undefined) => void;

const FIRST_RETRY_MS = 100;
const MAX_RETRY_MS = 10_000;
/** A watch that lived this long was one. */
const STEADY_MS = 10_000;
/** Failures in a row that an operator hears of: a server that starts anew is back sooner. */
const TELL_AFTER = 6;
const PAGE = 500;

export class Informer<T extends KubeObject> {
  readonly resource: ResourceDefinition<T>;
  readonly #client: Client;
  readonly #options: InformerOptions<T>;
  readonly #clock: Clock;
  readonly #log: Logger;
  readonly #objects = new Map<string, T>();
  readonly #byNamespace = new Map<string, Set<string>>();
  readonly #indexes = new Map<string, Map<string, Set<string>>>();
  readonly #listeners: ChangeListener<T>[] = [];
  readonly #synced = Promise.withResolvers<void>();
  #isSynced = false;
  #version = '';
  #failures = 0;

  constructor(
    client: Client,
    resource: ResourceDefinition<T>,
    options: InformerOptions<T>,
    deps: { clock: Clock; log: Logger },
  ) {
    this.#client = client;
    this.resource = resource;
    this.#options = options;
    this.#clock = deps.clock;
    this.#log = deps.log.child({ informer: resource.plural });
    for (const name of Object.keys(options.indexes ?? {})) this.#indexes.set(name, new Map());
  }

  /** Called for every change, and for every object known at the time a listener is added. */
  onChange(listener: ChangeListener<T>): void {
    this.#listeners.push(listener);
    for (const [key, object] of this.#objects) this.#tell(listener, key, object, undefined);
  }

  get isSynced(): boolean {
    return this.#isSynced;
  }

  /** Resolves when the first list is in. */
  async synced(signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    const aborted = Promise.withResolvers<never>();
    const abort = () => aborted.reject(signal.reason);
    signal.addEventListener('abort', abort, { once: true });
    try {
      await Promise.race([this.#synced.promise, aborted.promise]);
    } finally {
      signal.removeEventListener('abort', abort);
    }
  }

  get(key: string): T | undefined {
    return this.#objects.get(key);
  }

  get size(): number {
    return this.#objects.size;
  }

  *list(namespace?: string): Generator<T> {
    if (namespace === undefined) {
      yield* this.#objects.values();
      return;
    }
    for (const key of this.#byNamespace.get(namespace) ?? []) yield this.#objects.get(key)!;
  }

  byIndex(index: string, value: string): T[] {
    const keys = this.#indexes.get(index)?.get(value) ?? [];
    return Array.from(keys, (key) => this.#objects.get(key)!);
  }

  /** Lists and watches until the signal aborts. Failures are retried with back-off, for ever. */
  async run(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      const sinceMs = this.#clock.monotonic();
      let err: unknown;
      try {
        if (this.#version === '') await this.#relist(signal);
        await this.#follow(signal);
      } catch (thrown) {
        err = thrown;
      }
      if (signal.aborted) return;
      if (isUnknownVersion(err)) this.#version = '';
      if (this.#clock.monotonic() - sinceMs >= STEADY_MS) this.#recovered();
      // The server ends every watch at some time.
      else await this.#pause(err, signal);
    }
  }

  /** Also after a watch that was closed at once without a failure: the server may be ending, or overloaded. */
  async #pause(err: unknown, signal: AbortSignal): Promise<void> {
    const retryMs = Math.min(FIRST_RETRY_MS * 2 ** Math.min(this.#failures++, 20), MAX_RETRY_MS);
    if (this.#failures === TELL_AFTER) this.#log.warn({ err, retryMs }, 'cannot follow a resource');
    else this.#log.debug({ err, retryMs }, 'list or watch ended, trying again');
    await this.#clock.sleep(retryMs, signal).catch(() => undefined);
  }

  #recovered(): void {
    if (this.#failures >= TELL_AFTER) this.#log.info({}, 'following it again');
    this.#failures = 0;
  }

  async #relist(signal: AbortSignal): Promise<void> {
    const { namespace, labelSelector, fieldSelector } = this.#options;
    const seen = new Set<string>();
    let page: ListOf<T> | undefined;
    do {
      const from = page?.metadata.continue;
      page = await this.#client.list(
        this.resource,
        { namespace, labelSelector, fieldSelector, limit: PAGE, ...(from && { continue: from }) },
        signal,
      );
      for (const object of page.items) {
        seen.add(keyOf(object));
        this.#put(object);
      }
    } while (page.metadata.continue);
    for (const key of [...this.#objects.keys()]) if (!seen.has(key)) this.#remove(key);
    this.#version = page.metadata.resourceVersion;
    this.#isSynced = true;
    this.#synced.resolve();
  }

  async #follow(signal: AbortSignal): Promise<void> {
    const { namespace, labelSelector, fieldSelector } = this.#options;
    const options = {
      namespace,
      labelSelector,
      fieldSelector,
      resourceVersion: this.#version,
      allowWatchBookmarks: true,
    };
    for await (const event of this.#client.watch(this.resource, options, signal)) {
      this.#recovered();
      if (event.type === 'BOOKMARK') {
        this.#version = event.resourceVersion;
        continue;
      }
      this.#version = event.object.metadata.resourceVersion;
      if (event.type === 'DELETED') this.#remove(keyOf(event.object));
      else this.#put(event.object);
    }
  }

  #put(whole: T): void {
    const key = keyOf(whole);
    const before = this.#objects.get(key);
    if (before?.metadata.resourceVersion === whole.metadata.resourceVersion) return;
    const object = this.#options.project?.(whole) ?? whole;
    if (before !== undefined) this.#unindex(key, before);
    this.#objects.set(key, object);
    this.#index(key, object);
    for (const listener of this.#listeners) this.#tell(listener, key, object, before);
  }

  #remove(key: string): void {
    const before = this.#objects.get(key);
    if (before === undefined) return;
    this.#unindex(key, before);
    this.#objects.delete(key);
    for (const listener of this.#listeners) this.#tell(listener, key, undefined, before);
  }

  /** One listener's mistake is neither the others' nor a reason to list anew. */
  #tell(listener: ChangeListener<T>, key: string, now: T | undefined, before: T | undefined): void {
    try {
      listener(key, now, before);
    } catch (err) {
      this.#log.error({ err, key }, 'a listener failed');
    }
  }

  #index(key: string, object: T): void {
    addTo(this.#byNamespace, object.metadata.namespace ?? '', key);
    for (const [name, index] of this.#indexes) {
      for (const value of this.#options.indexes![name]!(object)) addTo(index, value, key);
    }
  }

  #unindex(key: string, object: T): void {
    removeFrom(this.#byNamespace, object.metadata.namespace ?? '', key);
    for (const [name, index] of this.#indexes) {
      for (const value of this.#options.indexes![name]!(object)) removeFrom(index, value, key);
    }
  }
}

/** History was compacted, or the server was put back to an older state: no watch can go on from what is known. */
function isUnknownVersion(err: unknown): boolean {
  if (isGone(err)) return true;
  return err instanceof ApiError && !!err.details?.causes?.some(({ reason }) => reason === 'ResourceVersionTooLarge');
}

function addTo(index: Map<string, Set<string>>, value: string, key: string): void {
  const keys = index.get(value);
  if (keys === undefined) index.set(value, new Set([key]));
  else keys.add(key);
}

function removeFrom(index: Map<string, Set<string>>, value: string, key: string): void {
  const keys = index.get(value);
  keys?.delete(key);
  if (keys?.size === 0) index.delete(value);
}
