// The registry: every request, from HTTP or from within, enters here; it is authorized, finds its resource and goes to
// the verb. What resources are served is data, and custom ones come and go while it runs.
import type { Clock } from '../../api/clock.ts';
import type { Logger } from '../../api/log.ts';
import type { Random } from '../../api/random.ts';
import { apiVersionOf, groupResource, type ResourceDefinition, type Verb } from '../../api/resource.ts';
import type { KubeObject } from '../../api/schema/kind.ts';
import type { ObjectSchema } from '../../api/schema/schema.ts';
import { ApiError } from '../../api/status.ts';
import type { AdmissionChain } from '../admission/admission.ts';
import type { TokenIssuer } from '../authn/tokens.ts';
import type { Authorizer } from '../authz/authorizer.ts';
import { authorizeRequest } from '../authz/request.ts';
import type { ResourceCache } from '../cache/contract.ts';
import type { Store } from '../store/store.ts';
import { createObject } from './create.ts';
import { deleteCollection, deleteObject } from './delete.ts';
import type { NodeConnections } from './node-connections.ts';
import { patchObject } from './patch.ts';
import { getObject, listObjects } from './read.ts';
import type { ApiRequest, ApiResponse } from './request.ts';
import type { ResourceStore } from './resource-store.ts';
import { storagePrefix } from './storage-keys.ts';
import type { Handler, Strategy } from './strategy.ts';
import type { Supplies } from './supplies.ts';
import { updateObject } from './update.ts';
import { watchObjects } from './watch.ts';

/** What rooms beside the engine (strategies, admission, authn, authz) may know of the registry. */
export interface RegistryContext {
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Logger;
  readonly admission: AdmissionChain;
  readonly authorizer: Authorizer;
  readonly tokens: TokenIssuer;
  readonly supplies: Supplies;
  readonly nodes: NodeConnections;
  /** Which parts beside the API this process runs: 'scheduler', 'controllers'. */
  readonly runs: readonly string[];
  /** Whether the store answers. */
  storeAnswers(signal: AbortSignal): Promise<boolean>;
  /** The decoded, shared objects of a kind as the cache has them now. */
  objects<T extends KubeObject>(of: ResourceDefinition<T>): Objects<T>;
  find(group: string, plural: string, version?: string): ResourceDefinition | undefined;
  storeOf(definition: ResourceDefinition): ResourceStore;
  /** An object as another version of the same storage has it. Undefined when there is no such version. */
  inVersion(
    object: KubeObject,
    stored: ResourceDefinition,
    apiVersion: string,
  ): { object: KubeObject; schema: ObjectSchema } | undefined;
  /** Enters behind authorization: what a subresource does in the name of a request that was allowed. */
  perform(request: ApiRequest): Promise<ApiResponse>;
}

export interface Objects<T extends KubeObject> {
  get(namespace: string, name: string): T | undefined;
  list(namespace?: string): Iterable<T>;
}

export interface RegistryParts {
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Logger;
  readonly store: Store;
  readonly admission: AdmissionChain;
  readonly tokens: TokenIssuer;
  readonly supplies: Supplies;
  readonly nodes: NodeConnections;
  readonly runs?: readonly string[];
  readonly authorizer: Authorizer;
  /** The watch cache over everything under `prefix`, following the store until the server ends. */
  readonly openCache: (definition: ResourceDefinition, prefix: string) => ResourceCache;
  /** Nothing under `prefix` is served any more. */
  readonly closeCache?: (prefix: string) => void;
}

interface Group {
  readonly versions: Set<string>;
  readonly custom: boolean;
}

export class Registry implements RegistryContext {
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Logger;
  readonly admission: AdmissionChain;
  readonly authorizer: Authorizer;
  readonly tokens: TokenIssuer;
  readonly supplies: Supplies;
  readonly nodes: NodeConnections;
  readonly runs: readonly string[];
  readonly #parts: RegistryParts;
  readonly #served = new Map<string, ResourceStore>();
  readonly #caches = new Map<string, ResourceCache>();
  readonly #retirements = new WeakMap<ResourceStore, AbortController>();
  #groups = { generation: -1, byName: new Map<string, Group>() };
  /** What every request asks by its definition; forgotten when what is served changes. */
  readonly #stores = new Map<ResourceDefinition, ResourceStore>();
  readonly #objects = new Map<ResourceDefinition, Objects<KubeObject>>();
  /** Counts changes of what is served: documents made from the table are remade when it moves. */
  generation = 0;

  constructor(parts: RegistryParts) {
    this.#parts = parts;
    ({ clock: this.clock, random: this.random, log: this.log } = parts);
    ({ admission: this.admission, authorizer: this.authorizer, tokens: this.tokens } = parts);
    ({ supplies: this.supplies, nodes: this.nodes } = parts);
    this.runs = parts.runs ?? [];
  }

  /** Begins to serve a resource. Versions that share their storage share one cache. */
  serve(definition: ResourceDefinition, strategy: Strategy = {}): ResourceStore {
    const stored = strategy.conversion?.stored() ?? definition;
    const prefix = storagePrefix(stored);
    const cache = this.#caches.get(prefix) ?? this.#parts.openCache(stored, prefix);
    this.#caches.set(prefix, cache);
    const own = { definition, strategy, stored, prefix, cache };
    const retire = new AbortController();
    const resource = { ...own, store: this.#parts.store, context: this, retired: retire.signal };
    this.#retire(definition);
    this.#served.set(idOf(definition), resource);
    this.#retirements.set(resource, retire);
    this.#changed();
    return resource;
  }

  /** Ends serving a resource and its watches. The last version of a storage takes the cache with it. */
  withdraw(definition: ResourceDefinition): void {
    const resource = this.#served.get(idOf(definition));
    if (resource === undefined) return;
    this.#served.delete(idOf(definition));
    this.#changed();
    this.#retire(definition, resource);
    const { prefix } = resource;
    if ([...this.#served.values()].some((other) => other.prefix === prefix)) return;
    this.#caches.delete(prefix);
    this.#parts.closeCache?.(prefix);
  }

  #changed(): void {
    this.generation++;
    this.#stores.clear();
    this.#objects.clear();
  }

  #retire(definition: ResourceDefinition, resource = this.#served.get(idOf(definition))): void {
    if (resource !== undefined) this.#retirements.get(resource)?.abort();
  }

  get definitions(): ResourceDefinition[] {
    return [...this.#served.values()].map(({ definition }) => definition);
  }

  storeOf(definition: ResourceDefinition): ResourceStore {
    const known = this.#stores.get(definition);
    if (known !== undefined) return known;
    const found = this.#served.get(idOf(definition));
    if (found === undefined) throw notServed();
    this.#stores.set(definition, found);
    return found;
  }

  find(group: string, plural: string, version?: string): ResourceDefinition | undefined {
    if (version !== undefined) return this.#served.get(`${groupResource({ group, plural })}/${version}`)?.definition;
    for (const { definition } of this.#served.values()) {
      if (definition.group === group && definition.plural === plural) return definition;
    }
    return undefined;
  }

  /** Groups of custom resources say plainly of what they do not have that there is no such page. */
  isCustomGroup(group: string): boolean {
    return this.#group(group)?.custom === true;
  }

  async storeAnswers(signal: AbortSignal): Promise<boolean> {
    return (await this.#parts.store.latestRevision(signal)) > 0;
  }

  hasGroup(group: string): boolean {
    return this.#group(group) !== undefined;
  }

  hasVersion(group: string, version: string): boolean {
    return this.#group(group)?.versions.has(version) === true;
  }

  /** Asked with every request, so it is counted only when the table has changed. */
  #group(group: string): Group | undefined {
    if (this.#groups.generation !== this.generation) {
      const byName = new Map<string, Group>();
      for (const { group: name, version, schema } of this.definitions) {
        const known = byName.get(name) ?? { versions: new Set<string>(), custom: false };
        known.versions.add(version);
        byName.set(name, { versions: known.versions, custom: known.custom || schema.custom === true });
      }
      this.#groups = { generation: this.generation, byName };
    }
    return this.#groups.byName.get(group);
  }

  inVersion(
    object: KubeObject,
    stored: ResourceDefinition,
    apiVersion: string,
  ): { object: KubeObject; schema: ObjectSchema } | undefined {
    const siblings = [...this.#served.values()].filter((each) => each.stored === stored);
    const of = (version: string) => siblings.find(({ definition }) => apiVersionOf(definition) === version);
    const [from, to] = [of(object.apiVersion), of(apiVersion)];
    if (from === undefined || to === undefined) return undefined;
    const home = from.strategy.conversion?.toStored(object) ?? object;
    return { object: to.strategy.conversion?.fromStored(home) ?? home, schema: to.definition.schema };
  }

  objects<T extends KubeObject>(of: ResourceDefinition<T>): Objects<T> {
    const definition = of as ResourceDefinition;
    let objects = this.#objects.get(definition);
    if (objects === undefined) {
      objects = objectsIn(this.storeOf(definition).cache);
      this.#objects.set(definition, objects);
    }
    return objects as unknown as Objects<T>;
  }

  /** How many objects are stored of what is served; versions that share their storage are one. */
  *counts(): Generator<{ resource: string; count: number }> {
    const seen = new Set<ResourceCache>();
    for (const { stored, cache } of this.#served.values()) {
      if (seen.has(cache) || !stored.verbs.includes('watch')) continue;
      seen.add(cache);
      yield { resource: groupResource(stored), count: cache.size };
    }
  }

  /** Resolves when every cache has its first list. */
  async ready(signal: AbortSignal): Promise<void> {
    await Promise.all([...this.#caches.values()].map((cache) => cache.ready(signal)));
  }

  /** Whether a request may last for as long as the client likes. */
  isConversation({ resource, subresource, verb }: ApiRequest): boolean {
    if (subresource === undefined) return verb === 'watch';
    return this.storeOf(resource).strategy.subresources?.[subresource]?.converses ?? false;
  }

  /** The one door: authorization, then the verb. */
  async handle(request: ApiRequest): Promise<ApiResponse> {
    authorizeRequest(this.authorizer, request);
    return this.perform(request);
  }

  async perform(request: ApiRequest): Promise<ApiResponse> {
    const of = this.storeOf(request.resource);
    const { subresource, verb } = request;
    if (of.strategy.deprecated !== undefined) request.warnings.push(of.strategy.deprecated);
    const special =
      subresource === undefined
        ? of.strategy.handlers?.[verb]
        : of.strategy.subresources?.[subresource]?.handlers?.[verb];
    if (special !== undefined) return special(request, this);
    return GENERIC[verb](of, request);
  }
}

const GENERIC: Record<Verb, (of: ResourceStore, request: ApiRequest) => Promise<ApiResponse>> = {
  get: getObject,
  list: listObjects,
  watch: watchObjects,
  create: createObject,
  update: updateObject,
  patch: patchObject,
  delete: deleteObject,
  deletecollection: deleteCollection,
};

function objectsIn(cache: ResourceCache): Objects<KubeObject> {
  return {
    get: (namespace, name) => cache.get(namespace, name)?.decoded() as KubeObject | undefined,
    *list(namespace) {
      if (cache.size === 0) return;
      for (const object of cache.snapshot().objects({ namespace })) yield object.decoded() as KubeObject;
    },
  };
}

export function notServed(): ApiError {
  return new ApiError(404, 'NotFound', 'the server could not find the requested resource', {});
}

function idOf(definition: ResourceDefinition): string {
  return `${groupResource(definition)}/${definition.version}`;
}

export type { Handler };
