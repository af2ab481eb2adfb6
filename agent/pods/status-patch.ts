// The smallest strategic merge patch from the status the API has to the one it should have. Fields that others own
// (conditions of controllers, the QoS class) are not touched.
import { isDeepStrictEqual } from 'node:util';
import type { Pod } from '../../api/types/core/pod.ts';
import type { PodCondition, PodStatus } from '../../api/types/core/pod-status.ts';

/** What a node says about a pod; conditions are compared one by one. */
const OWN = [
  'phase',
  'observedGeneration',
  'reason',
  'message',
  'hostIP',
  'hostIPs',
  'podIP',
  'podIPs',
  'startTime',
  'initContainerStatuses',
  'containerStatuses',
  'ephemeralContainerStatuses',
] as const satisfies readonly (keyof PodStatus)[];
/** Merged by key on the server, so an element that is gone must be taken out by replacing the list. */
const MERGED_BY_KEY: readonly string[] = ['podIPs', 'hostIPs'];

/** Those a node takes away again. */
export const PASSING_CONDITIONS: readonly string[] = ['PodResizePending', 'PodResizeInProgress'];

export function statusPatch(pod: Pod, wanted: PodStatus): unknown {
  const had = pod.status;
  const changes: Record<string, unknown> = {};
  for (const field of OWN) {
    if (same(had[field], wanted[field])) continue;
    const value = wanted[field] ?? null;
    const replace = MERGED_BY_KEY.includes(field) && had[field] !== undefined && Array.isArray(value);
    changes[field] = replace ? [...value, { $patch: 'replace' }] : value;
  }
  const conditions = (wanted.conditions ?? []).filter((condition) => !same(find(had, condition), condition));
  const over = (had.conditions ?? []).filter(
    (condition) => PASSING_CONDITIONS.includes(condition.type) && find(wanted, condition) === undefined,
  );
  if (conditions.length + over.length > 0) {
    changes['conditions'] = [
      ...conditions.map((condition) => ({ ...gone(find(had, condition)), ...condition })),
      ...over.map(({ type }) => ({ $patch: 'delete', type })),
    ];
  }
  if (Object.keys(changes).length === 0) return undefined;
  return { metadata: { uid: pod.metadata.uid }, status: changes };
}

function find({ conditions = [] }: PodStatus, { type }: PodCondition): PodCondition | undefined {
  return conditions.find((condition) => condition.type === type);
}

/** Merging keeps what is not mentioned: a reason that no longer holds must be. */
function gone(before: PodCondition | undefined): Record<string, null> {
  return {
    ...(before?.reason !== undefined && { reason: null }),
    ...(before?.message !== undefined && { message: null }),
  };
}

/** Equal as JSON with unset, null and empty objects left out: the server fills those in. */
function same(a: unknown, b: unknown): boolean {
  return isDeepStrictEqual(bare(a), bare(b));
}

function bare(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(bare);
  if (value === null || value === undefined) return undefined;
  if (typeof value !== 'object') return value;
  const entries = Object.entries(value).flatMap(([key, inner]) => {
    const kept = bare(inner);
    const empty = kept === undefined || (typeof kept === 'object' && !Array.isArray(kept) && isEmpty(kept));
    return empty ? [] : [[key, kept] as const];
  });
  return Object.fromEntries(entries);
}

function isEmpty(value: object | null): boolean {
  return value !== null && Object.keys(value).length === 0;
}
