// Which objects a controller may count as its own: those it owns and selects. What it owns but no longer selects is
// let go; what nobody owns and it selects is taken, if the owner is still there in the API and not only in a cache.
import type { Client } from '../../api/client/client.ts';
import type { Informer } from '../../api/client/informer.ts';
import { apiVersionOf, type ResourceDefinition } from '../../api/resource.ts';
import type { KubeObject } from '../../api/schema/kind.ts';
import { isNotFound } from '../../api/status.ts';
import type { OwnerReference } from '../../api/types/meta/object-meta.ts';

export function controllerOf({ metadata }: KubeObject): OwnerReference | undefined {
  return metadata.ownerReferences?.find(({ controller }) => controller === true);
}

export function ownerReference(owner: KubeObject, { kind, group, version }: ResourceDefinition): OwnerReference {
  const { name, uid } = owner.metadata;
  return { apiVersion: apiVersionOf({ group, version }), kind, name, uid, controller: true, blockOwnerDeletion: true };
}

export interface Claims<T> {
  readonly keep: T[];
  readonly adopt: T[];
  readonly release: T[];
}

/** Pure: what to do about ownership. An owner that is being deleted adopts nothing. */
export function decideClaims<T extends KubeObject>(
  owner: KubeObject,
  candidates: Iterable<T>,
  selects: (labels: Readonly<Record<string, string>>) => boolean,
): Claims<T> {
  const claims: Claims<T> = { keep: [], adopt: [], release: [] };
  for (const object of candidates) {
    const controller = controllerOf(object);
    const selected = selects(object.metadata.labels ?? {});
    if (controller?.uid === owner.metadata.uid) (selected ? claims.keep : claims.release).push(object);
    else if (controller === undefined && selected && mayAdopt(owner, object)) claims.adopt.push(object);
  }
  return claims;
}

const mayAdopt = (owner: KubeObject, object: KubeObject) =>
  owner.metadata.deletionTimestamp === undefined && object.metadata.deletionTimestamp === undefined;

export interface ClaimOptions<O extends KubeObject, T extends KubeObject> {
  readonly client: Client;
  readonly owners: ResourceDefinition<O>;
  readonly owner: O;
  readonly informer: Informer<T>;
  readonly selects: (labels: Readonly<Record<string, string>>) => boolean;
  /** Objects that come into question at all; by default every one. */
  readonly among?: (object: T) => boolean;
}

/** Carries the claims out and returns what belongs to the owner now. */
export async function claim<O extends KubeObject, T extends KubeObject>(
  { client, owners, owner, informer, selects, among = () => true }: ClaimOptions<O, T>,
  signal: AbortSignal,
): Promise<T[]> {
  const { namespace = '', uid } = owner.metadata;
  const candidates = [...informer.byIndex('owner', uid), ...informer.byIndex('orphan', namespace)];
  const { keep, adopt, release } = decideClaims(owner, new Set(candidates.filter(among)), selects);
  if (release.length > 0 && owner.metadata.deletionTimestamp === undefined) {
    for (const object of release) await letGo(client, informer.resource, object, uid, signal);
  }
  if (adopt.length === 0 || !(await isStillThere(client, owners, owner, signal))) return keep;
  const reference = ownerReference(owner, owners as unknown as ResourceDefinition);
  const adopted = await Promise.all(adopt.map((object) => take(client, informer.resource, object, reference, signal)));
  return [...keep, ...adopted.filter((object) => object !== undefined)];
}

async function isStillThere<O extends KubeObject>(
  client: Client,
  owners: ResourceDefinition<O>,
  owner: O,
  signal: AbortSignal,
): Promise<boolean> {
  try {
    const { uid, deletionTimestamp } = (await client.get(owners, owner.metadata, {}, signal)).metadata;
    return uid === owner.metadata.uid && deletionTimestamp === undefined;
  } catch (err) {
    if (isNotFound(err)) return false;
    throw err;
  }
}

async function take<T extends KubeObject>(
  client: Client,
  of: ResourceDefinition<T>,
  { metadata }: T,
  reference: OwnerReference,
  signal: AbortSignal,
): Promise<T | undefined> {
  // The uid makes sure that it is this object and not a later one of the same name.
  const body = { metadata: { uid: metadata.uid, ownerReferences: [reference] } };
  return client.patch(of, metadata, { type: 'strategic', body }, {}, signal).catch(unlessGone);
}

async function letGo<T extends KubeObject>(
  client: Client,
  of: ResourceDefinition<T>,
  { metadata }: T,
  ownerUid: string,
  signal: AbortSignal,
): Promise<void> {
  const body = { metadata: { uid: metadata.uid, ownerReferences: [{ $patch: 'delete', uid: ownerUid }] } };
  await client.patch(of, metadata, { type: 'strategic', body }, {}, signal).catch(unlessGone);
}

function unlessGone(err: unknown): undefined {
  if (isNotFound(err)) return undefined;
  throw err;
}
