// The one way scheduler, controllers and agents know the API. Two transports implement it: in-process (the registry's)
// and HTTPS (https-client.ts); every user of it is tested over both.
import type { ObjectKey, ResourceDefinition } from '../resource.ts';
import type { KubeObject, New } from '../schema/kind.ts';

export interface GetOptions {
  subresource?: string;
  resourceVersion?: string;
}

export interface ListOptions {
  namespace?: string;
  labelSelector?: string;
  fieldSelector?: string;
  limit?: number;
  continue?: string;
  resourceVersion?: string;
  resourceVersionMatch?: 'Exact' | 'NotOlderThan';
}

export interface WatchOptions {
  namespace?: string;
  labelSelector?: string;
  fieldSelector?: string;
  resourceVersion?: string;
  allowWatchBookmarks?: boolean;
  sendInitialEvents?: boolean;
  timeoutSeconds?: number;
}

export interface WriteOptions {
  subresource?: string;
  dryRun?: boolean;
  fieldManager?: string;
}

export type CreateOptions = Omit<WriteOptions, 'subresource'>;

export interface DeleteOptions {
  gracePeriodSeconds?: number;
  propagationPolicy?: 'Foreground' | 'Background' | 'Orphan';
  preconditions?: { uid?: string; resourceVersion?: string };
  dryRun?: boolean;
}

export type Patch =
  | { type: 'json'; body: unknown[] }
  | { type: 'merge'; body: unknown }
  | { type: 'strategic'; body: unknown }
  | { type: 'apply'; body: unknown; force?: boolean };

export interface ListOf<T> {
  items: T[];
  metadata: { resourceVersion: string; continue?: string; remainingItemCount?: number };
}

export type WatchEvent<T> =
  | { type: 'ADDED' | 'MODIFIED' | 'DELETED'; object: T }
  /** Nothing happened up to this version. `initialEventsEnd` closes the initial events of sendInitialEvents. */
  | { type: 'BOOKMARK'; resourceVersion: string; initialEventsEnd?: boolean };

/**
 * Objects that come back are shared and frozen in process: to change one, copy it first. Failures are ApiErrors.
 * A watch ends by returning when the server closes it and by throwing on failure (410 Gone among them).
 */
export interface Client {
  get<T extends KubeObject>(
    of: ResourceDefinition<T>,
    key: ObjectKey,
    options?: GetOptions,
    signal?: AbortSignal,
  ): Promise<T>;
  list<T extends KubeObject>(
    of: ResourceDefinition<T>,
    options?: ListOptions,
    signal?: AbortSignal,
  ): Promise<ListOf<T>>;
  watch<T extends KubeObject>(
    of: ResourceDefinition<T>,
    options: WatchOptions,
    signal: AbortSignal,
  ): AsyncIterable<WatchEvent<T>>;
  create<T extends KubeObject>(
    of: ResourceDefinition<T>,
    object: New<T>,
    options?: CreateOptions,
    signal?: AbortSignal,
  ): Promise<T>;
  update<T extends KubeObject>(
    of: ResourceDefinition<T>,
    object: T,
    options?: WriteOptions,
    signal?: AbortSignal,
  ): Promise<T>;
  patch<T extends KubeObject>(
    of: ResourceDefinition<T>,
    key: ObjectKey,
    patch: Patch,
    options?: WriteOptions,
    signal?: AbortSignal,
  ): Promise<T>;
  delete<T extends KubeObject>(
    of: ResourceDefinition<T>,
    key: ObjectKey,
    options?: DeleteOptions,
    signal?: AbortSignal,
  ): Promise<void>;
  deleteCollection<T extends KubeObject>(
    of: ResourceDefinition<T>,
    list: ListOptions,
    options?: DeleteOptions,
    signal?: AbortSignal,
  ): Promise<void>;
  /** POST to a subresource whose body is of another kind: pods/binding, pods/eviction, serviceaccounts/token. */
  post<R>(of: ResourceDefinition, key: ObjectKey, subresource: string, body: unknown, signal?: AbortSignal): Promise<R>;
}
