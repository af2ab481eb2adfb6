// How many of the pods of a disruption budget may go by choice. Pure.
import type { Pod } from '../../api/types/core/pod.ts';
import type { PodDisruptionBudget, PodDisruptionBudgetStatus } from '../../api/types/policy/pod-disruption-budget.ts';
import { isReady } from './pod-facts.ts';
import { parseTime } from './times.ts';

export interface BudgetView {
  readonly budget: PodDisruptionBudget;
  readonly pods: readonly Pod[];
  /** How many pods the controllers of these pods want together; an Error if that cannot be known. */
  readonly scale: number | Error;
  readonly nowMs: number;
  readonly now: string;
}

export interface BudgetDecision {
  readonly status: PodDisruptionBudgetStatus;
  /** Evicted pods that are still there long after: they count again. */
  readonly notDeleted: readonly Pod[];
  readonly againMs: number | undefined;
}

/** An eviction that has led to nothing within this time is forgotten. */
const DELETION_TIMEOUT_MS = 120_000;

/** Whether the number of pods follows from what controllers want, and not from the pods there are. */
export function needsScale({ spec }: PodDisruptionBudget): boolean {
  return spec.maxUnavailable !== undefined || typeof spec.minAvailable === 'string';
}

export function decideBudget({ budget, pods, scale, nowMs, now }: BudgetView): BudgetDecision {
  const { metadata, status: known } = budget;
  const { disruptedPods, notDeleted, againMs } = evictedPods(budget, pods, nowMs);
  const disrupted = Object.keys(disruptedPods).length > 0 && { disruptedPods };
  if (scale instanceof Error && needsScale(budget)) {
    const { disruptedPods: _, ...others } = known;
    const conditions = withCondition(budget, false, 'SyncFailed', scale.message, now);
    const status = {
      ...others,
      ...disrupted,
      disruptionsAllowed: 0,
      observedGeneration: metadata.generation,
      conditions,
    };
    return { status, notDeleted, againMs };
  }
  const { expectedPods, desiredHealthy } = expectation(budget, pods.length, scale instanceof Error ? 0 : scale);
  const healthy = pods.filter(
    (pod) =>
      pod.metadata.deletionTimestamp === undefined && !Object.hasOwn(disruptedPods, pod.metadata.name) && isReady(pod),
  );
  // A budget without pods allows nothing, so that its first pods are safe before they are counted.
  const allowed = expectedPods > 0 ? Math.max(0, healthy.length - desiredHealthy) : 0;
  const status: PodDisruptionBudgetStatus = {
    observedGeneration: metadata.generation,
    ...disrupted,
    disruptionsAllowed: allowed,
    currentHealthy: healthy.length,
    desiredHealthy,
    expectedPods,
    conditions: withCondition(budget, allowed > 0, allowed > 0 ? 'SufficientPods' : 'InsufficientPods', '', now),
  };
  return { status, notDeleted, againMs };
}

function expectation({ spec }: PodDisruptionBudget, pods: number, scale: number) {
  const { minAvailable, maxUnavailable } = spec;
  if (maxUnavailable !== undefined) {
    return { expectedPods: scale, desiredHealthy: Math.max(0, scale - portion(maxUnavailable, scale)) };
  }
  if (typeof minAvailable === 'string') return { expectedPods: scale, desiredHealthy: portion(minAvailable, scale) };
  return { expectedPods: pods, desiredHealthy: minAvailable ?? 0 };
}

/** Parts are rounded up. */
function portion(of: number | string, whole: number): number {
  if (typeof of === 'number') return of;
  const percent = /^(\d+)%$/.exec(of);
  return percent === null ? 0 : Math.ceil((Number(percent[1]) * whole) / 100);
}

/** Evictions that were allowed and whose pods are not on their way out yet. */
function evictedPods({ status }: PodDisruptionBudget, pods: readonly Pod[], nowMs: number) {
  const disruptedPods: Record<string, string> = {};
  const notDeleted: Pod[] = [];
  const waits: number[] = [];
  for (const pod of pods) {
    const { name, deletionTimestamp } = pod.metadata;
    const since = status.disruptedPods?.[name];
    if (since === undefined || deletionTimestamp !== undefined) continue;
    const leftMs = (parseTime(since) ?? 0) + DELETION_TIMEOUT_MS - nowMs;
    if (leftMs <= 0) notDeleted.push(pod);
    else {
      disruptedPods[name] = since;
      waits.push(leftMs);
    }
  }
  return { disruptedPods, notDeleted, againMs: waits.length > 0 ? Math.min(...waits) : undefined };
}

function withCondition(
  { metadata, status }: PodDisruptionBudget,
  allowed: boolean,
  reason: string,
  message: string,
  now: string,
) {
  const type = 'DisruptionAllowed';
  const is = allowed ? 'True' : 'False';
  const known = status.conditions?.find((condition) => condition.type === type);
  const others = (status.conditions ?? []).filter((condition) => condition.type !== type);
  const lastTransitionTime = known?.status === is ? known.lastTransitionTime : now;
  return [
    ...others,
    { type, status: is, observedGeneration: metadata.generation, lastTransitionTime, reason, message },
  ];
}
