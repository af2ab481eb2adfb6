// A job's status, and which finished pods may go because it counts them. Pure.
import type { JobCondition, JobStatus } from '../../api/types/batch/job.ts';
import type { Pod } from '../../api/types/core/pod.ts';
import { isHeld, type JobCounts, type JobView } from './job-count.ts';
import type { Verdict } from './job-decide.ts';
import { isComplete } from './job-decide.ts';
import { formatIndexes, parseIndexes } from './job-indexes.ts';
import {
  hasFailed,
  hasSucceeded,
  indexLimit,
  indexOf,
  isIndexed,
  isSuspended,
  isTerminating,
  readyCount,
} from './job-pods.ts';
import { failureVerdict } from './job-policies.ts';

/** Uids in the status at most; the rest is counted in later passes. */
const UNCOUNTED_MAX = 500;

export interface Deeds {
  /** Whether the pods could be managed: what was done before has been seen. */
  readonly settled: boolean;
  readonly verdict: Verdict | undefined;
  readonly removed: readonly Pod[];
  readonly created: number;
}

export interface Tracked {
  /** To be written before anything is released. */
  readonly status: JobStatus;
  /** Counted, or not to be counted: their finalizers may go. */
  readonly release: readonly Pod[];
  readonly turned: 'Suspended' | 'Resumed' | undefined;
  /** What the job ends with once every pod is gone and counted. */
  readonly end: JobCondition | undefined;
}

export function trackJob(view: JobView, counts: JobCounts, deeds: Deeds, now: string): Tracked {
  const { job, pods, released } = view;
  const { settled, removed, created } = deeds;
  const gone = new Set(removed);
  const left = counts.active.filter((pod) => !gone.has(pod));
  const activeCount = left.length + created;
  const verdict = deeds.verdict ?? completion(view, counts, settled, activeCount);
  const effective = settled && (deeds.verdict === undefined || left.length === 0) ? verdict : undefined;
  const { status: known } = job;
  const { conditions, turned } = suspension(view, known.conditions ?? [], settled && verdict === undefined, now);
  if (effective !== undefined && !conditions.some(({ type }) => type === effective.type)) {
    conditions.push(conditionOf(effective.type, effective, now));
  }
  const startTime = turned === 'Resumed' || !(known.startTime || isSuspended(job)) ? now : known.startTime;
  const held = new Set(pods.filter((pod) => isHeld(pod, released)).map(({ metadata }) => metadata.uid));
  const counted = countReleased(known, held);
  const { release, ...outcome } = collect(view, counts, counted, effective, held);
  const status: JobStatus = {
    ...counted,
    ...outcome,
    ...(startTime && { startTime }),
    active: activeCount,
    ready: readyCount(left),
    terminating: pods.filter(isTerminating).length + removed.length,
    ...(conditions.length > 0 && { conditions }),
  };
  const end = effective && conditionOf(effective.type === 'FailureTarget' ? 'Failed' : 'Complete', effective, now);
  return { status, release, turned, end };
}

function completion(view: JobView, counts: JobCounts, settled: boolean, active: number): Verdict | undefined {
  if (!settled || !isComplete(view.job, counts.succeeded, active)) return undefined;
  const message = 'Reached expected number of succeeded pods';
  return { type: 'SuccessCriteriaMet', reason: 'CompletionsReached', message };
}

function conditionOf(type: string, { reason, message }: Pick<Verdict, 'reason' | 'message'>, now: string) {
  return { type, status: 'True', lastProbeTime: now, lastTransitionTime: now, reason, message };
}

function suspension({ job }: JobView, known: readonly JobCondition[], applies: boolean, now: string) {
  const conditions = [...known];
  const at = conditions.findIndex(({ type }) => type === 'Suspended');
  const is = conditions[at]?.status === 'True';
  if (!applies || is === isSuspended(job)) return { conditions, turned: undefined };
  const [reason, message] = is ? ['JobResumed', 'Job resumed'] : ['JobSuspended', 'Job suspended'];
  const condition = { ...conditionOf('Suspended', { reason, message }, now), status: is ? 'False' : 'True' };
  if (at < 0) conditions.push(condition);
  else conditions[at] = condition;
  return { conditions, turned: is ? ('Resumed' as const) : ('Suspended' as const) };
}

/** Pods of indexed jobs are counted by index, so only failures and plain jobs need uids. */
function collect(
  view: JobView,
  { failedIndexes, replaceable }: JobCounts,
  counted: JobStatus,
  verdict: Verdict | undefined,
  held: ReadonlySet<string>,
) {
  const { job, pods } = view;
  const succeeded = [...(counted.uncountedTerminatedPods?.succeeded ?? [])];
  const failed = [...(counted.uncountedTerminatedPods?.failed ?? [])];
  const indexes = parseIndexes(counted.completedIndexes, indexLimit(job));
  const known = new Set([...succeeded, ...failed]);
  const isDeleted = job.metadata.deletionTimestamp !== undefined;
  const release: Pod[] = [];
  let fresh = 0;
  for (const pod of isIndexed(job) ? pods.toSorted((a, b) => order(a) - order(b)) : pods) {
    const { uid } = pod.metadata;
    if (!held.has(uid)) continue;
    const index = indexOf(pod, job);
    const isFailure = hasFailed(pod, job);
    const isOver = isDeleted || verdict !== undefined || hasSucceeded(pod);
    if (!isOver && (!isFailure || replaceable.get(index ?? -1) === pod)) continue;
    if (succeeded.length + failed.length + fresh >= UNCOUNTED_MAX) break;
    release.push(pod);
    if (known.has(uid) || (isIndexed(job) && index === undefined)) continue;
    if (hasSucceeded(pod)) {
      if (!isIndexed(job)) succeeded.push(uid);
      else if (!indexes.has(index!)) {
        indexes.add(index!);
        fresh++;
      }
      // Once a job fails, whatever did not succeed has failed.
    } else if (isFailure || verdict?.type === 'FailureTarget') {
      if (failureVerdict(job, pod).action !== 'Ignore') failed.push(uid);
    }
  }
  return {
    release,
    uncountedTerminatedPods: {
      ...(succeeded.length > 0 && { succeeded }),
      ...(failed.length > 0 && { failed }),
    },
    ...(isIndexed(job) && { succeeded: indexes.size, completedIndexes: formatIndexes(indexes) }),
    ...(failedIndexes !== undefined && { failedIndexes: formatIndexes(failedIndexes) }),
  };

  function order(pod: Pod): number {
    return indexOf(pod, job) ?? -1;
  }
}

/** What was uncounted and has no finalizer any more moves into the counts. @param held uids that still have one */
export function countReleased(status: JobStatus, held: ReadonlySet<string>): JobStatus {
  const { succeeded = [], failed = [] } = status.uncountedTerminatedPods ?? {};
  const [waitingSucceeded, waitingFailed] = [succeeded, failed].map((uids) => uids.filter((uid) => held.has(uid)));
  return {
    ...status,
    succeeded: (status.succeeded ?? 0) + succeeded.length - waitingSucceeded!.length,
    failed: (status.failed ?? 0) + failed.length - waitingFailed!.length,
    uncountedTerminatedPods: {
      ...(waitingSucceeded!.length > 0 && { succeeded: waitingSucceeded! }),
      ...(waitingFailed!.length > 0 && { failed: waitingFailed! }),
    },
  };
}

/** The final condition, when nothing is left to count or to wait for. */
export function concludeJob(status: JobStatus, end: JobCondition | undefined): JobStatus | undefined {
  const { succeeded = [], failed = [] } = status.uncountedTerminatedPods ?? {};
  if (end === undefined || succeeded.length + failed.length > 0) return undefined;
  if ((status.active ?? 0) > 0 || (status.terminating ?? 0) > 0) return undefined;
  const { lastTransitionTime } = end;
  return {
    ...status,
    conditions: [...(status.conditions ?? []), end],
    ...(end.type === 'Complete' && lastTransitionTime && { completionTime: lastTransitionTime }),
  };
}

export function isOver({ conditions = [] }: JobStatus): boolean {
  return conditions.some(({ type, status }) => (type === 'Complete' || type === 'Failed') && status === 'True');
}
