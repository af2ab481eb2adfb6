// Whether a job is over and why, and else which pods it needs and which are too many. Pure.
import type { Job } from '../../api/types/batch/job.ts';
import type { Pod } from '../../api/types/core/pod.ts';
import { failuresAfter, type JobCounts, type JobView, limitsByIndex } from './job-count.ts';
import {
  finishedAtMs,
  hasFailed,
  hasSucceeded,
  type IndexFailures,
  indexLimit,
  indexOf,
  isIndexed,
  isSuspended,
  isTerminating,
  isTracked,
  replacesOnlyFailed,
} from './job-pods.ts';
import { failureVerdict, successVerdict } from './job-policies.ts';
import { byWorth } from './replica-set-decide.ts';
import { parseTime } from './times.ts';

/** Written at once; Complete or Failed follows when every pod is gone and counted. */
export interface Verdict {
  readonly type: 'FailureTarget' | 'SuccessCriteriaMet';
  readonly reason: string;
  readonly message: string;
}

export interface NewPod {
  readonly index?: number;
  readonly failures?: IndexFailures;
}

export interface PodPlan {
  readonly remove: readonly Pod[];
  readonly create: readonly NewPod[];
  /** When creation that has to wait may go on. */
  readonly againMs: number | undefined;
}

/** At most this many pods come or go in one pass. */
const BURST = 500;
const FIRST_BACKOFF_MS = 10_000;
const MAX_BACKOFF_MS = 600_000;
const NOTHING: PodPlan = { remove: [], create: [], againMs: undefined };

export function decideVerdict({ job, pods, nowMs }: JobView, counts: JobCounts): Verdict | undefined {
  const { spec, status } = job;
  for (const type of ['SuccessCriteriaMet', 'FailureTarget'] as const) {
    const known = status.conditions?.find((condition) => condition.type === type && condition.status === 'True');
    if (known !== undefined) return { type, reason: known.reason ?? '', message: known.message ?? '' };
  }
  const failed = (reason: string, message: string): Verdict => ({ type: 'FailureTarget', reason, message });
  for (const pod of pods) {
    if (spec.podFailurePolicy === undefined || !hasFailed(pod, job)) continue;
    const { action, why } = failureVerdict(job, pod);
    if (action === 'FailJob') return failed('PodFailurePolicy', why!);
  }
  if (counts.failed > (spec.backoffLimit ?? 6) || restartedTooOften(job, pods)) {
    return failed('BackoffLimitExceeded', 'Job has reached the specified backoff limit');
  }
  if (deadlineInMs(job, nowMs) === 0) {
    return failed('DeadlineExceeded', 'Job was active longer than specified deadline');
  }
  const { failedIndexes, succeededIndexes } = counts;
  if (failedIndexes !== undefined) {
    if (spec.maxFailedIndexes !== undefined && failedIndexes.size > spec.maxFailedIndexes) {
      const why = 'Job has exceeded the specified maximal number of failed indexes';
      return failed('MaxFailedIndexesExceeded', why);
    }
    if (failedIndexes.size > 0 && failedIndexes.size + succeededIndexes.size >= indexLimit(job)) {
      return failed('FailedIndexes', 'Job has failed indexes');
    }
  }
  const message = isIndexed(job) ? successVerdict(job, succeededIndexes) : undefined;
  return message === undefined ? undefined : { type: 'SuccessCriteriaMet', reason: 'SuccessPolicy', message };
}

/** @param active how many pods are left after this pass's deeds */
export function isComplete({ spec }: Job, succeeded: number, active: number): boolean {
  return active === 0 && (spec.completions === undefined ? succeeded > 0 : succeeded >= spec.completions);
}

/** Undefined without a deadline, 0 when it has passed. */
export function deadlineInMs(job: Job, nowMs: number): number | undefined {
  const startMs = parseTime(job.status.startTime);
  const { activeDeadlineSeconds } = job.spec;
  if (activeDeadlineSeconds === undefined || startMs === undefined || isSuspended(job)) return undefined;
  return Math.max(0, startMs + activeDeadlineSeconds * 1000 - nowMs);
}

/** Where containers are restarted in place, restarts are what counts against the limit. */
function restartedTooOften({ spec }: Job, pods: readonly Pod[]): boolean {
  if (spec.template.spec?.restartPolicy !== 'OnFailure') return false;
  let restarts = 0;
  for (const { status } of pods) {
    if (status.phase !== 'Running' && status.phase !== 'Pending') continue;
    for (const { restartCount } of [...(status.initContainerStatuses ?? []), ...(status.containerStatuses ?? [])]) {
      restarts += restartCount ?? 0;
    }
  }
  const limit = spec.backoffLimit ?? 6;
  return limit === 0 ? restarts > 0 : restarts >= limit;
}

export function decidePods(view: JobView, counts: JobCounts): PodPlan {
  const { job, pods, nowMs } = view;
  const { active, succeeded } = counts;
  if (job.metadata.deletionTimestamp !== undefined) return NOTHING;
  if (isSuspended(job)) return { ...NOTHING, remove: active };
  const wanted = wantedCount(job, counts);
  const surplus = surplusPods(job, active, Math.max(0, active.length - wanted));
  // Either pods go or pods come, never both in one pass.
  if (surplus.length > 0) return { ...NOTHING, remove: surplus.slice(0, BURST) };
  const leaving = replacesOnlyFailed(job) ? pods.filter(isTerminating) : [];
  const missing = Math.min(wanted - leaving.length - active.length, BURST);
  if (missing <= 0) return NOTHING;
  const waitMs = limitsByIndex(job) ? 0 : backoffMs(pods, job, nowMs);
  if (waitMs > 0) return { ...NOTHING, againMs: waitMs };
  if (!isIndexed(job)) return { ...NOTHING, create: Array.from({ length: missing }, () => ({})) };
  const busy = new Set([...active, ...leaving].map((pod) => indexOf(pod, job)));
  const indexes: number[] = [];
  for (let index = 0; index < indexLimit(job) && indexes.length < missing; index++) {
    const isOver = counts.succeededIndexes.has(index) || counts.failedIndexes?.has(index);
    if (!isOver && !busy.has(index)) indexes.push(index);
  }
  if (!limitsByIndex(job)) return { ...NOTHING, create: indexes.map((index) => ({ index })) };
  return newPodsByIndex(job, indexes, counts, nowMs);

  function wantedCount({ spec }: Job, { failedIndexes }: JobCounts): number {
    const parallelism = spec.parallelism ?? 1;
    // Without a number of completions the first success means that no more pods are started.
    if (spec.completions === undefined) return succeeded > 0 ? active.length : parallelism;
    return Math.max(0, Math.min(spec.completions - succeeded - (failedIndexes?.size ?? 0), parallelism));
  }
}

/** Each index waits out its own failures. */
function newPodsByIndex(job: Job, indexes: readonly number[], { replaceable }: JobCounts, nowMs: number): PodPlan {
  const create: NewPod[] = [];
  const waits: number[] = [];
  for (const index of indexes) {
    const failed = replaceable.get(index);
    const failures = failuresAfter(failed, job);
    const waitMs = failed === undefined ? 0 : waitFor(failures.counted + failures.ignored, finishedAtMs(failed), nowMs);
    if (waitMs > 0) waits.push(waitMs);
    else create.push({ index, failures });
  }
  return { remove: [], create, againMs: waits.length > 0 ? Math.min(...waits) : undefined };
}

/** Pods that work on an index twice, or on none, go first; then those that are worth least. */
function surplusPods(job: Job, active: readonly Pod[], atLeast: number): readonly Pod[] {
  const worstFirst = active.toSorted((a, b) => byWorth(a, b, () => 0));
  if (!isIndexed(job)) return worstFirst.slice(0, atLeast);
  const best = new Map<number, Pod>();
  for (const pod of worstFirst) {
    const index = indexOf(pod, job);
    if (index !== undefined) best.set(index, pod);
  }
  const kept = new Set(best.values());
  const doubled = worstFirst.filter((pod) => !kept.has(pod));
  const rest = worstFirst.filter((pod) => kept.has(pod));
  return [...doubled, ...rest.slice(0, Math.max(0, atLeast - doubled.length))];
}

/**
 * Doubles with every failure since the last success. Read from the pods that are still there, so that it survives
 * a restart of the server.
 */
function backoffMs(pods: readonly Pod[], job: Job, nowMs: number): number {
  let lastSuccessMs = -Infinity;
  for (const pod of pods) if (hasSucceeded(pod)) lastSuccessMs = Math.max(lastSuccessMs, finishedAtMs(pod));
  const failures = pods
    .filter((pod) => (pod.metadata.deletionTimestamp === undefined || isTracked(pod)) && hasFailed(pod, job))
    .map(finishedAtMs)
    .filter((ms) => ms > lastSuccessMs);
  return failures.length === 0 ? 0 : waitFor(failures.length, Math.max(...failures), nowMs);
}

function waitFor(failures: number, sinceMs: number, nowMs: number): number {
  if (failures === 0) return 0;
  const delayMs = Math.min(FIRST_BACKOFF_MS * 2 ** Math.min(failures - 1, 20), MAX_BACKOFF_MS);
  return Math.max(0, sinceMs + delayMs - nowMs);
}
