// The way of every write into the store, and out of it. Conditional writes fail when somebody was faster; the others
// look again at what there is now and try again.

import { asStored } from '../../api/schema/empty-lists.ts';
import type { KubeObject } from '../../api/schema/kind.ts';
import { conflict, type FieldProblem, invalid, MODIFIED } from '../../api/status.ts';
import type { Attributes, Operation } from '../admission/admission.ts';
import type { CachedObject } from '../cache/contract.ts';
import type { Op } from '../store/store.ts';
import { bumpGeneration, carryOver, hasStatus, immutableMetadataProblems } from './metadata.ts';
import { asCached, copyOf, encodeForStore, isSame } from './objects.ts';
import { existing } from './read.ts';
import type { ApiRequest, ObjectResponse } from './request.ts';
import { keyIn, type ResourceStore, viewOf } from './resource-store.ts';
import type { Undo, WriteContext } from './strategy.ts';
import { objectMetaProblems } from './validation/object-meta.ts';
import { add } from './validation/problems.ts';
import { keepStatus, statusOnly } from './views.ts';

export const ATTEMPTS = 20;

export function contextOf(of: ResourceStore, request: ApiRequest): WriteContext {
  const { user, subresource, warnings, options } = request;
  const { context } = of;
  const nowMs = context.clock.now();
  return { user, nowMs, dryRun: options.dryRun, subresource, registry: context, warnings, request };
}

export function attributesOf(
  request: ApiRequest,
  operation: Operation,
  object: KubeObject | undefined,
  old: KubeObject | undefined,
): Attributes {
  const { resource, subresource = '', namespace, user, options } = request;
  const name = request.name || object?.metadata.name || '';
  return { operation, resource, subresource, namespace, name, object, old, user, dryRun: options.dryRun, request };
}

export function refuseIf(of: ResourceStore, name: string, problems: readonly FieldProblem[]): void {
  if (problems.length > 0) throw invalid(of.definition, name, problems);
}

/** What a writer makes of the newest state; called again when somebody else was faster. It may keep parts of it. */
export type Transform = (current: KubeObject, cached: CachedObject) => Promise<KubeObject> | KubeObject;

/** `again`: even a write that names its version is made anew on what there is then, as patches are. */
export async function overwrite(
  of: ResourceStore,
  request: ApiRequest,
  transform: Transform,
  { again = false } = {},
): Promise<ObjectResponse> {
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    const cached = existing(of, request);
    const { next, conditional } = await nextState(of, request, cached, transform);
    const done = await commit(of, request, cached, next);
    if (done !== undefined) return done;
    if (conditional && !again) break;
  }
  throw conflict(of.definition, request.name, MODIFIED);
}

/** A deed's change to the newest state, without the checks of a client's write. Tried again when somebody was faster. */
export async function overwriteRaw(
  of: ResourceStore,
  request: ApiRequest,
  change: (cached: CachedObject) => KubeObject,
): Promise<ObjectResponse> {
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    const cached = existing(of, request);
    const done = await commit(of, request, cached, change(cached));
    if (done !== undefined) return done;
  }
  throw conflict(of.definition, request.name, MODIFIED);
}

/** Everything between what was asked and what is stored: admission, preparation, checks. */
async function nextState(
  of: ResourceStore,
  request: ApiRequest,
  cached: CachedObject,
  transform: Transform,
): Promise<{ next: KubeObject; conditional: boolean }> {
  const { strategy, context } = of;
  const current = viewOf(of, cached).decoded() as KubeObject;
  const write = contextOf(of, request);
  const view = request.subresource === undefined ? undefined : strategy.subresources?.[request.subresource];
  const next = await transform(current, cached);
  await context.admission.admit(attributesOf(request, 'UPDATE', next, current), context);
  const conditional = checkVersion(of, request, next, cached);
  carryOver(next, current);
  prepare(of, next, current, write);
  if (strategy.hasGeneration) bumpGeneration(of.definition, next, current);
  refuseIf(of, request.name, [
    ...objectMetaProblems(next, { namespaced: of.definition.namespaced, nameProblems: strategy.nameProblems }),
    ...immutableMetadataProblems(next, current),
    // Upstream looks twice, once for all kinds and once for each: its list of causes shows it.
    ...immutableMetadataProblems(next, current),
    ...((view ?? strategy).validateUpdate?.(next, current, write) ?? []),
  ]);
  if (view === undefined) add(request.warnings, strategy.warnings?.(next, current) ?? []);
  await context.admission.validate(attributesOf(request, 'UPDATE', next, current), context);
  asStored(of.definition.schema, next);
  return { next, conditional };
}

/** The part of the object that this path does not write is taken from what is there. */
function prepare(of: ResourceStore, next: KubeObject, current: KubeObject, write: WriteContext): void {
  const { definition, strategy } = of;
  const { subresource } = write;
  const own = subresource === undefined ? undefined : strategy.subresources?.[subresource];
  const view = subresource === undefined ? strategy : own;
  if (subresource === 'status') statusOnly(next, current);
  else if (hasStatus(definition) && !own?.writesStatus) keepStatus(next, current);
  view?.prepareForUpdate?.(next, current, write);
}

/** Whether the write named the version it means. */
function checkVersion(of: ResourceStore, { verb }: ApiRequest, next: KubeObject, cached: CachedObject): boolean {
  const { resourceVersion, uid, name } = next.metadata;
  const was = (cached.decoded() as KubeObject).metadata;
  if (verb === 'update' && uid && uid !== was.uid) {
    const key = keyIn(of, cached.namespace, name);
    const why =
      `StorageError: invalid object, Code: 4, Key: ${key}, ResourceVersion: 0, AdditionalErrorMsg: Precondition ` +
      `failed: UID in precondition: ${uid}, UID in object meta: ${was.uid}`;
    throw conflict(of.definition, name, why);
  }
  if (!resourceVersion) {
    if (of.strategy.allowUnconditionalUpdate === false) {
      const message = 'Invalid value: 0: must be specified for an update';
      const { group, plural } = of.definition;
      throw invalid({ group, kind: plural }, name, [
        { path: 'metadata.resourceVersion', reason: 'FieldValueInvalid', message },
      ]);
    }
    return false;
  }
  if (resourceVersion !== String(cached.revision)) throw conflict(of.definition, name, MODIFIED);
  return true;
}

/** Undefined: somebody was faster. */
async function commit(
  of: ResourceStore,
  request: ApiRequest,
  cached: CachedObject,
  next: KubeObject,
): Promise<ObjectResponse | undefined> {
  const current = viewOf(of, cached).decoded() as KubeObject;
  if (isSame(of.definition, next, current)) return { type: 'object', code: 200, object: viewOf(of, cached) };
  const object = toStored(of, next);
  const isWhole = request.subresource === undefined;
  const undo = isWhole ? of.strategy.reserve?.(next, current, contextOf(of, request)) : undefined;
  // The last finalizer is gone, so the object goes with it.
  const isOver = next.metadata.deletionTimestamp !== undefined && !isHeld(of, next) && !isGraceful(next);
  const response = isOver
    ? await removeFromStore(of, request, cached, object)
    : await putIntoStore(of, request, object, cached.revision, undo);
  if (response === undefined || request.options.dryRun) undo?.();
  // Who takes the last finalizer away is told the object as it was before it went.
  const shown = response && isOver ? viewOf(of, asCached(of.stored, object, cached.revision)) : response;
  return shown && { type: 'object', code: 200, object: shown };
}

function isGraceful({ metadata }: KubeObject): boolean {
  return (metadata.deletionGracePeriodSeconds ?? 0) > 0;
}

export function isHeld(of: ResourceStore, object: KubeObject): boolean {
  return (object.metadata.finalizers?.length ?? 0) > 0 || (of.strategy.isHeld?.(object) ?? false);
}

function toStored(of: ResourceStore, object: KubeObject): KubeObject {
  return of.strategy.conversion?.toStored(object) ?? object;
}

/** `expected` is the revision that is replaced, 0 for what must not be there. Undefined: it was another. */
export async function putIntoStore(
  of: ResourceStore,
  request: ApiRequest,
  object: KubeObject,
  expected: number,
  undo: Undo | undefined,
): Promise<CachedObject | undefined> {
  const { namespace = '', name } = object.metadata;
  if (request.options.dryRun) return viewOf(of, asCached(of.stored, object, expected));
  const key = keyIn(of, namespace, name);
  const op: Op = { put: key, value: encodeForStore(of.stored, object), object };
  try {
    const result = await of.store.txn({ compares: [{ key, modRevision: expected }], ops: [op] });
    await of.cache.waitFor(result.revision, request.signal);
    if (!result.ok) return undefined;
    const now = of.cache.get(namespace, name);
    return viewOf(of, now?.revision === result.revision ? now : asCached(of.stored, object, result.revision));
  } catch (err) {
    undo?.();
    throw err;
  }
}

/** `last` is the object as the answer shows it. Undefined: it was changed meanwhile. */
export async function removeFromStore(
  of: ResourceStore,
  request: ApiRequest,
  cached: CachedObject,
  last: KubeObject,
): Promise<CachedObject | undefined> {
  if (request.options.dryRun) return viewOf(of, asCached(of.stored, last, cached.revision));
  const key = keyIn(of, cached.namespace, cached.name);
  const result = await of.store.txn({ compares: [{ key, modRevision: cached.revision }], ops: [{ delete: key }] });
  await of.cache.waitFor(result.revision, request.signal);
  if (!result.ok) return undefined;
  of.strategy.released?.(last, of.context);
  return viewOf(of, asCached(of.stored, last, result.revision));
}

/** The newest state as a value that may be changed. */
export function mutableView(of: ResourceStore, cached: CachedObject): KubeObject {
  return copyOf(viewOf(of, cached));
}
