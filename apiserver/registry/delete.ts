// DELETE of one object or of a selection. An object goes at once, or it is marked and goes when its grace is over and
// its last finalizer is taken away; dependents are the garbage collector's business and told by finalizers.
import { clone } from '../../api/schema/clone.ts';
import type { KubeObject } from '../../api/schema/kind.ts';
import { conflict, type FieldProblem, invalid, MODIFIED, type Status } from '../../api/status.ts';
import type { CachedObject } from '../cache/contract.ts';
import { decodeDeleteOptions } from './codec.ts';
import { markDeleted } from './metadata.ts';
import { copyOf } from './objects.ts';
import type { DeletionOptions } from './options.ts';
import { existing, listObjects } from './read.ts';
import type { ApiRequest, ApiResponse, ListResponse } from './request.ts';
import { type ResourceStore, viewOf } from './resource-store.ts';
import { invalidValue, notSupported } from './validation/problems.ts';
import { ATTEMPTS, attributesOf, isHeld, putIntoStore, removeFromStore } from './write.ts';

export async function deleteObject(of: ResourceStore, request: ApiRequest): Promise<ApiResponse> {
  const options = await deletionOptions(request);
  const { last, removed } = await deleteOne(of, request, options);
  if (removed && of.definition.returnsDeleted !== true) return successOf(of, last);
  const isCascading = !removed && options.orphanDependents === false;
  return { type: 'object', code: isCascading ? 202 : 200, object: last };
}

/** The query first, the body over it. */
async function deletionOptions(request: ApiRequest): Promise<DeletionOptions & { dryRun: boolean }> {
  const { options, body } = request;
  const sent = body === undefined ? {} : await decodeDeleteOptions(request, body);
  const given = { ...options.deletion, ...Object.fromEntries(Object.entries(sent).filter(([, v]) => v !== undefined)) };
  const problems = propagationProblems(given);
  if (problems.length > 0) throw invalid({ group: 'meta.k8s.io', kind: 'DeleteOptions' }, '', problems);
  return { ...given, dryRun: options.dryRun || sent.dryRun === true };
}

const POLICIES = ['Foreground', 'Background', 'Orphan'];

function propagationProblems({ propagationPolicy: policy, orphanDependents }: DeletionOptions): FieldProblem[] {
  if (policy === undefined) return [];
  const path = 'propagationPolicy';
  const problems: FieldProblem[] = [];
  if (orphanDependents !== undefined) {
    problems.push(invalidValue(path, policy, 'orphanDependents and deletionPropagation cannot be both set'));
  }
  if (!POLICIES.includes(policy)) problems.push(notSupported(path, policy, [...POLICIES, 'nil']));
  return problems;
}

export interface Deleted {
  readonly last: CachedObject;
  /** False: it is only marked. */
  readonly removed: boolean;
}

export async function deleteOne(
  of: ResourceStore,
  original: ApiRequest,
  options: DeletionOptions & { dryRun: boolean },
): Promise<Deleted> {
  const request = options.dryRun ? { ...original, options: { ...original.options, dryRun: true } } : original;
  const { context } = of;
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    const cached = existing(of, request);
    const current = cached.decoded() as KubeObject;
    checkPreconditions(of, current, options);
    of.strategy.validateDelete?.(current, context);
    const attributes = attributesOf(request, 'DELETE', undefined, current);
    await context.admission.admit(attributes, context);
    await context.admission.validate(attributes, context);
    const { next, keep } = planDeletion(of, cached, options);
    if (keep === 'as it is') return { last: viewOf(of, cached), removed: false };
    const last = keep
      ? await putIntoStore(of, request, next, cached.revision, undefined)
      : await removeFromStore(of, request, cached, next);
    if (last !== undefined) return { last, removed: !keep };
  }
  throw conflict(of.definition, request.name, MODIFIED);
}

/** What the object becomes; `keep` false: it goes. */
function planDeletion(
  of: ResourceStore,
  cached: CachedObject,
  options: DeletionOptions,
): { next: KubeObject; keep: boolean | 'as it is' } {
  const { strategy, context } = of;
  const current = cached.decoded() as KubeObject;
  // Most change nothing but metadata; the rest is shared with what is there.
  const next = strategy.markDeleted ? copyOf(cached) : { ...current, metadata: clone(current.metadata) };
  const wasMarked = current.metadata.deletionTimestamp !== undefined;
  const grace = strategy.gracePeriod?.(current, options);
  next.metadata.finalizers = propagationFinalizers(of, current, options);
  if (next.metadata.finalizers.length === 0) delete next.metadata.finalizers;
  const held = isHeld(of, next);
  const left = current.metadata.deletionGracePeriodSeconds ?? 0;
  if (wasMarked && held === isHeld(of, current)) {
    const shorter = grace !== undefined && left > 0 && grace < left;
    if (!shorter && (left > 0 || held)) {
      const finalizersChanged = String(next.metadata.finalizers) !== String(current.metadata.finalizers);
      if (!finalizersChanged) return { next, keep: 'as it is' };
    }
  }
  const nowMs = context.clock.now();
  if (grace !== undefined) markDeleted(next, wasMarked ? Math.min(grace, left) : grace, nowMs);
  else if (held && !wasMarked) markDeleted(next, 0, nowMs);
  if (held) strategy.markDeleted?.(next);
  const waits = (next.metadata.deletionGracePeriodSeconds ?? 0) > 0;
  return { next, keep: waits || held };
}

const ORPHAN = 'orphan';
const FOREGROUND = 'foregroundDeletion';

function propagationFinalizers(of: ResourceStore, { metadata }: KubeObject, options: DeletionOptions): string[] {
  const own = (metadata.finalizers ?? []).filter((name) => name !== ORPHAN && name !== FOREGROUND);
  const before = metadata.finalizers ?? [];
  switch (policyOf(of, before, options)) {
    case 'Orphan':
      return [...own, ORPHAN];
    case 'Foreground':
      return [...own, FOREGROUND];
    default:
      return own;
  }
}

function policyOf(of: ResourceStore, finalizers: string[], options: DeletionOptions): string {
  const { propagationPolicy, orphanDependents } = options;
  if (orphanDependents !== undefined) return orphanDependents ? 'Orphan' : 'Background';
  if (propagationPolicy !== undefined) return propagationPolicy;
  // An earlier deletion may have said it already.
  if (finalizers.includes(ORPHAN)) return 'Orphan';
  if (finalizers.includes(FOREGROUND)) return 'Foreground';
  return of.strategy.defaultPropagation ?? 'Background';
}

function checkPreconditions(of: ResourceStore, { metadata }: KubeObject, { preconditions }: DeletionOptions): void {
  const { uid, resourceVersion } = preconditions ?? {};
  // Here the kind is named where other conflicts name the plural.
  const named = { group: of.definition.group, plural: of.definition.kind };
  if (uid !== undefined && uid !== metadata.uid) {
    const why =
      `the UID in the precondition (${uid}) does not match the UID in record (${metadata.uid}). ` +
      'The object might have been deleted and then recreated';
    throw conflict(named, metadata.name, why);
  }
  if (resourceVersion !== undefined && resourceVersion !== metadata.resourceVersion) {
    const why =
      `the ResourceVersion in the precondition (${resourceVersion}) does not match the ResourceVersion in record ` +
      `(${metadata.resourceVersion}). The object might have been modified`;
    throw conflict(named, metadata.name, why);
  }
}

function successOf(of: ResourceStore, last: CachedObject): ApiResponse {
  const { group, plural } = of.definition;
  const { name, uid } = (last.decoded() as KubeObject).metadata;
  const value: Status = {
    kind: 'Status',
    apiVersion: 'v1',
    metadata: {},
    status: 'Success',
    details: { name, ...(group !== '' && { group }), kind: plural, uid },
  };
  return { type: 'value', code: 200, value };
}

/** How many deletions run beside one another. */
const BESIDE = 8;

export async function deleteCollection(of: ResourceStore, request: ApiRequest): Promise<ListResponse> {
  const options = await deletionOptions(request);
  const found = await listObjects(of, request);
  const waiting = found.items.entries();
  const items = [...found.items];
  const worker = async () => {
    for (const [i, { namespace, name }] of waiting) {
      const one = await deleteOne(of, { ...request, namespace, name }, options).catch((err: unknown) => {
        if ((err as { code?: unknown }).code === 404) return undefined;
        throw err;
      });
      if (one !== undefined) items[i] = one.last;
    }
  };
  await Promise.all(Array.from({ length: BESIDE }, worker));
  return { ...found, items };
}
