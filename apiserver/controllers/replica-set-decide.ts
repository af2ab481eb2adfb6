// How many pods a replica set lacks or has too many, which of them go first, and what its status says. Pure.
import type { ReplicaSet } from '../../api/types/apps/replica-set.ts';
import type { Pod } from '../../api/types/core/pod.ts';
import { availableInMs, conditionOf, isActive, isFinished, isReady } from './pod-facts.ts';
import { parseTime } from './times.ts';

export interface Decision {
  readonly create: number;
  readonly remove: readonly Pod[];
}

/** At most this many pods come or go in one pass. */
const BURST = 500;

/** @param related pods of the sets beside this one: the node that has more of them loses one first. */
export function decideReplicas(
  { metadata, spec }: ReplicaSet,
  pods: readonly Pod[],
  related: readonly Pod[],
): Decision {
  if (metadata.deletionTimestamp !== undefined) return { create: 0, remove: [] };
  const active = pods.filter(isActive);
  const missing = (spec.replicas ?? 1) - active.length;
  if (missing >= 0) return { create: Math.min(missing, BURST), remove: [] };
  const onNode = new Map<string, number>();
  for (const pod of related) {
    const node = pod.spec.nodeName;
    if (node && isActive(pod)) onNode.set(node, (onNode.get(node) ?? 0) + 1);
  }
  const rank = (pod: Pod) => onNode.get(pod.spec.nodeName ?? '') ?? 0;
  const worstFirst = active.toSorted((a, b) => byWorth(a, b, rank));
  return { create: 0, remove: worstFirst.slice(0, Math.min(-missing, BURST)) };
}

const PHASES: Record<string, number> = { Pending: 0, Unknown: 1, Running: 2 };

/** Negative when `a` should go before `b`. The order is the one users know from upstream. */
export function byWorth(a: Pod, b: Pod, rank: (pod: Pod) => number): number {
  const assigned = (pod: Pod) => (pod.spec.nodeName ? 1 : 0);
  const phase = (pod: Pod) => PHASES[pod.status.phase ?? ''] ?? 0;
  const ready = (pod: Pod) => (isReady(pod) ? 1 : 0);
  return (
    assigned(a) - assigned(b) ||
    phase(a) - phase(b) ||
    ready(a) - ready(b) ||
    deletionCost(a) - deletionCost(b) ||
    rank(b) - rank(a) ||
    // Younger goes first; what was ready for longer, or is older, has proved itself.
    readySince(b) - readySince(a) ||
    restarts(b) - restarts(a) ||
    created(b) - created(a)
  );
}

function deletionCost({ metadata }: Pod): number {
  const text = metadata.annotations?.['controller.kubernetes.io/pod-deletion-cost'] ?? '0';
  return /^-?\d{1,10}$/.test(text) ? Number(text) : 0;
}

function readySince(pod: Pod): number {
  return isReady(pod) ? (parseTime(conditionOf(pod, 'Ready')?.lastTransitionTime) ?? 0) : 0;
}

function restarts({ status }: Pod): number {
  return Math.max(0, ...(status.containerStatuses ?? []).map(({ restartCount }) => restartCount ?? 0));
}

function created({ metadata }: Pod): number {
  return parseTime(metadata.creationTimestamp) ?? 0;
}

/** The status these pods make, and when to look again because a pod becomes available by waiting. */
export function statusOf(
  set: ReplicaSet,
  pods: readonly Pod[],
  failure: { reason: string; message: string } | undefined,
  now: { ms: number; text: string },
): { status: ReplicaSet['status']; againMs: number | undefined } {
  const { spec, metadata } = set;
  const active = pods.filter(isActive);
  const waits = active.map((pod) => availableInMs(pod, spec.minReadySeconds ?? 0, now.ms));
  const labels = Object.entries(spec.template?.metadata?.labels ?? {});
  const fullyLabeled = active.filter((pod) => labels.every(([key, value]) => pod.metadata.labels?.[key] === value));
  const terminating = pods.filter((pod) => pod.metadata.deletionTimestamp !== undefined && !isFinished(pod));
  const soon = waits.filter((ms) => ms !== undefined && ms > 0) as number[];
  const status: ReplicaSet['status'] = {
    replicas: active.length,
    fullyLabeledReplicas: fullyLabeled.length,
    readyReplicas: active.filter(isReady).length,
    availableReplicas: waits.filter((ms) => ms === 0).length,
    terminatingReplicas: terminating.length,
    observedGeneration: metadata.generation,
    ...conditions(set, failure, now.text),
  };
  return { status, againMs: soon.length > 0 ? Math.min(...soon) : undefined };
}

function conditions(
  { status }: ReplicaSet,
  failure: { reason: string; message: string } | undefined,
  lastTransitionTime: string,
): Pick<ReplicaSet['status'], 'conditions'> {
  const others = (status.conditions ?? []).filter(({ type }) => type !== 'ReplicaFailure');
  const known = status.conditions?.find(({ type }) => type === 'ReplicaFailure');
  if (failure === undefined) return others.length > 0 ? { conditions: others } : {};
  const fresh = { type: 'ReplicaFailure', status: 'True', lastTransitionTime, ...failure };
  return { conditions: [...others, known?.reason === failure.reason ? known : fresh] };
}
