// One served resource: its definition, what is special about it, where it lies and the cache that reads it. The verbs
// are functions over this: read.ts, watch.ts, create.ts, update.ts, delete.ts, patch.ts.
import type { ResourceDefinition } from '../../api/resource.ts';
import type { KubeObject } from '../../api/schema/kind.ts';
import type { CachedObject, ResourceCache } from '../cache/contract.ts';
import type { Store } from '../store/store.ts';
import { asCached } from './objects.ts';
import { projectionOf } from './projection.ts';
import type { RegistryContext } from './registry.ts';
import { storageKey } from './storage-keys.ts';
import type { Strategy } from './strategy.ts';

export interface ResourceStore<T extends KubeObject = KubeObject> {
  /** The version that was asked for. */
  readonly definition: ResourceDefinition<T>;
  readonly strategy: Strategy<T>;
  /** The version that is stored: `definition`, unless the strategy converts. */
  readonly stored: ResourceDefinition;
  readonly prefix: string;
  readonly cache: ResourceCache;
  readonly store: Store;
  readonly context: RegistryContext;
  /** Aborts when this is no longer what is served under its name: watches end with it. */
  readonly retired: AbortSignal;
}

export function keyIn({ prefix }: ResourceStore, namespace: string, name: string): string {
  return storageKey(prefix, namespace, name);
}

const converted = new WeakMap<CachedObject, Map<ResourceDefinition, CachedObject>>();

/** What is stored, as the version that was asked for. Converted once and shared, like everything that is read. */
export function viewOf(of: ResourceStore, cached: CachedObject): CachedObject {
  const { conversion } = of.strategy;
  if (conversion === undefined) return cached;
  const views = converted.get(cached) ?? new Map<ResourceDefinition, CachedObject>();
  converted.set(cached, views);
  const known = views.get(of.definition);
  if (known !== undefined) return known;
  const whole = cached.decoded() as KubeObject;
  const object = conversion.fromStored(whole);
  const { fields } = projectionOf(of.definition)(object);
  // What reads as it is stored is served as it is stored. Selectable fields may have come after the cache.
  const isItself = object === whole && !of.definition.selectableFields?.length;
  const view = isItself ? cached : asCached(of.definition, object, cached.revision, { key: cached.key, fields });
  views.set(of.definition, view);
  return view;
}
