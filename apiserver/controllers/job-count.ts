// Where a job stands: what its pods and its recorded counts say together. Pure.
//
//   a pod finishes -> its uid (or index) is recorded as uncounted -> its finalizer goes -> it moves into the counts
//
// A pod is in exactly one of these places, whatever is lost in between.
import type { Job } from '../../api/types/batch/job.ts';
import type { Pod } from '../../api/types/core/pod.ts';
import { parseIndexes } from './job-indexes.ts';
import {
  failuresBefore,
  finishedAtMs,
  hasFailed,
  hasSucceeded,
  type IndexFailures,
  indexLimit,
  indexOf,
  isIndexed,
  isTracked,
} from './job-pods.ts';
import { failureVerdict } from './job-policies.ts';
import { isActive } from './pod-facts.ts';

export interface JobView {
  readonly job: Job;
  readonly pods: readonly Pod[];
  /** Uids of pods whose finalizer was taken away, though the cache does not show it yet. */
  readonly released: ReadonlySet<string>;
  readonly nowMs: number;
}

export interface JobCounts {
  readonly active: readonly Pod[];
  readonly succeeded: number;
  readonly failed: number;
  readonly succeededIndexes: ReadonlySet<number>;
  /** Only of jobs that limit failures by index. */
  readonly failedIndexes: ReadonlySet<number> | undefined;
  /** The last failed pod of an index that is to run again: it keeps the number of failures until a new pod has it. */
  readonly replaceable: ReadonlyMap<number, Pod>;
}

export const limitsByIndex = ({ spec }: Job): boolean => spec.backoffLimitPerIndex !== undefined;

/** Finished or not, this pod has still to be counted. */
export function isHeld(pod: Pod, released: ReadonlySet<string>): boolean {
  return isTracked(pod) && !released.has(pod.metadata.uid);
}

export function countJob({ job, pods, released }: JobView): JobCounts {
  const { status, spec } = job;
  const uncounted = status.uncountedTerminatedPods ?? {};
  const known = new Set([...(uncounted.succeeded ?? []), ...(uncounted.failed ?? [])]);
  const fresh = pods.filter(
    (pod) =>
      isHeld(pod, released) && !known.has(pod.metadata.uid) && (!isIndexed(job) || indexOf(pod, job) !== undefined),
  );
  const nowSucceeded = fresh.filter(hasSucceeded);
  const nowFailed = fresh.filter((pod) => hasFailed(pod, job));
  const active = pods.filter(isActive);
  const failed =
    (status.failed ?? 0) +
    (uncounted.failed?.length ?? 0) +
    nowFailed.filter((pod) => failureVerdict(job, pod).action !== 'Ignore').length;
  if (!isIndexed(job)) {
    const succeeded = (status.succeeded ?? 0) + (uncounted.succeeded?.length ?? 0) + nowSucceeded.length;
    return { active, succeeded, failed, succeededIndexes: new Set(), failedIndexes: undefined, replaceable: new Map() };
  }
  const succeededIndexes = parseIndexes(status.completedIndexes, indexLimit(job));
  for (const pod of nowSucceeded) succeededIndexes.add(indexOf(pod, job)!);
  const counts = { active, succeeded: succeededIndexes.size, failed, succeededIndexes };
  if (spec.backoffLimitPerIndex === undefined) return { ...counts, failedIndexes: undefined, replaceable: new Map() };
  const failedIndexes = parseIndexes(status.failedIndexes, indexLimit(job));
  for (const pod of nowFailed) if (failsItsIndex(pod, job)) failedIndexes.add(indexOf(pod, job)!);
  const busy = new Set(active.map((pod) => indexOf(pod, job)));
  const replaceable = new Map<number, Pod>();
  for (const pod of nowFailed) {
    const index = indexOf(pod, job)!;
    if (succeededIndexes.has(index) || failedIndexes.has(index) || busy.has(index)) continue;
    const last = replaceable.get(index);
    if (last === undefined || isLater(pod, last)) replaceable.set(index, pod);
  }
  return { ...counts, failedIndexes, replaceable };
}

function failsItsIndex(pod: Pod, job: Job): boolean {
  const { action } = failureVerdict(job, pod);
  if (action === 'FailIndex') return true;
  return action !== 'Ignore' && failuresBefore(pod).counted >= (job.spec.backoffLimitPerIndex ?? 0);
}

function isLater(a: Pod, b: Pod): boolean {
  const total = (pod: Pod) => failuresBefore(pod).counted + failuresBefore(pod).ignored;
  return total(a) >= total(b) && finishedAtMs(a) >= finishedAtMs(b);
}

/** What a new pod carries on when it replaces this one. */
export function failuresAfter(pod: Pod | undefined, job: Job): IndexFailures {
  if (pod === undefined) return { counted: 0, ignored: 0 };
  const { counted, ignored } = failuresBefore(pod);
  return failureVerdict(job, pod).action === 'Ignore'
    ? { counted, ignored: ignored + 1 }
    : { counted: counted + 1, ignored };
}
