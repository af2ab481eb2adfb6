// One informer per resource for everybody in a process who wants it.
import type { Clock } from '../clock.ts';
import type { Logger } from '../log.ts';
import type { ResourceDefinition } from '../resource.ts';
import type { KubeObject } from '../schema/kind.ts';
import type { Client } from './client.ts';
import { Informer } from './informer.ts';

/** Every shared informer can be asked for what an owner has, and for what nobody controls in a namespace. */
const INDEXES = {
  owner: ({ metadata }: KubeObject) => (metadata.ownerReferences ?? []).map(({ uid }) => uid),
  orphan: ({ metadata }: KubeObject) =>
    metadata.ownerReferences?.some(({ controller }) => controller === true) ? [] : [metadata.namespace ?? ''],
};

/**
 * Without the bookkeeping of managed fields, which is half of many an object and of which no loop asks. An update
 * that says nothing of it leaves it as it is.
 */
function trimmed<T extends KubeObject>(object: T): T {
  if (object.metadata.managedFields === undefined) return object;
  const { managedFields: _, ...metadata } = object.metadata;
  return Object.freeze({ ...object, metadata: Object.freeze(metadata) }) as T;
}

export class Informers {
  readonly #client: Client;
  readonly #deps: { clock: Clock; log: Logger };
  readonly #informers = new Map<ResourceDefinition, Informer<KubeObject>>();

  constructor(client: Client, deps: { clock: Clock; log: Logger }) {
    this.#client = client;
    this.#deps = deps;
  }

  /** The whole resource but its managed fields, all namespaces, with the indexes 'owner' (by UID) and 'orphan' (by namespace). */
  of<T extends KubeObject>(resource: ResourceDefinition<T>): Informer<T> {
    const known = this.#informers.get(resource as unknown as ResourceDefinition);
    if (known !== undefined) return known as unknown as Informer<T>;
    const informer = new Informer<T>(this.#client, resource, { indexes: INDEXES, project: trimmed }, this.#deps);
    this.#informers.set(resource as unknown as ResourceDefinition, informer as unknown as Informer<KubeObject>);
    return informer;
  }

  /** Runs what has been asked for so far. Call it after every room took its informers. */
  async run(signal: AbortSignal): Promise<void> {
    await Promise.all(Array.from(this.#informers.values(), (informer) => informer.run(signal)));
  }

  async synced(signal: AbortSignal): Promise<void> {
    await Promise.all(Array.from(this.#informers.values(), (informer) => informer.synced(signal)));
  }
}
