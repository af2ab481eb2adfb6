// What a job reads from its pods and writes on them. Pure.

import type { Job } from '../../api/types/batch/job.ts';
import type { Pod } from '../../api/types/core/pod.ts';
import { conditionOf, isActive, isFinished } from './pod-facts.ts';
import { parseTime } from './times.ts';

/** Keeps a finished pod until it is counted, so that none is lost and none is counted twice. */
export const TRACKING = 'batch.kubernetes.io/job-tracking';
export const INDEX = 'batch.kubernetes.io/job-completion-index';
const FAILURES = 'batch.kubernetes.io/job-index-failure-count';
const IGNORED_FAILURES = 'batch.kubernetes.io/job-index-ignored-failure-count';

export const isIndexed = ({ spec }: Job): boolean => spec.completionMode === 'Indexed';
export const isSuspended = ({ spec }: Job): boolean => spec.suspend === true;
/** Indexes at or above this one are none of the job's. */
export const indexLimit = ({ spec }: Job): number => spec.completions ?? 0;

export function isTracked({ metadata }: Pod): boolean {
  return metadata.finalizers?.includes(TRACKING) ?? false;
}

/** The index a pod works on; undefined if it names none that the job has. */
export function indexOf({ metadata }: Pod, job: Job): number | undefined {
  const text = metadata.annotations?.[INDEX] ?? '';
  if (!/^\d{1,9}$/.test(text)) return undefined;
  const index = Number(text);
  return index < indexLimit(job) ? index : undefined;
}

export function isTerminating(pod: Pod): boolean {
  return pod.metadata.deletionTimestamp !== undefined && !isFinished(pod);
}

export function replacesOnlyFailed({ spec }: Job): boolean {
  return spec.podReplacementPolicy === 'Failed';
}

/** A pod on its way out may never report a phase, so it counts as failed, unless the job waits for the phase. */
export function hasFailed(pod: Pod, job: Job): boolean {
  if (pod.status.phase === 'Failed') return true;
  return !replacesOnlyFailed(job) && isTerminating(pod);
}

export const hasSucceeded = ({ status }: Pod): boolean => status.phase === 'Succeeded';

export function finishedAtMs(pod: Pod): number {
  const { containerStatuses = [], initContainerStatuses = [] } = pod.status;
  const ends = [...containerStatuses, ...initContainerStatuses].map(({ state }) =>
    parseTime(state?.terminated?.finishedAt),
  );
  const known = ends.filter((ms) => ms !== undefined);
  if (known.length > 0) return Math.max(...known);
  const { deletionTimestamp, deletionGracePeriodSeconds = 0, creationTimestamp } = pod.metadata;
  const deletedMs = parseTime(deletionTimestamp);
  if (deletedMs !== undefined) return deletedMs - deletionGracePeriodSeconds * 1000;
  const changed = parseTime(conditionOf(pod, 'Ready')?.lastTransitionTime);
  return changed ?? parseTime(creationTimestamp) ?? 0;
}

export interface IndexFailures {
  readonly counted: number;
  readonly ignored: number;
}

/** How often the pod's index had failed before this pod. */
export function failuresBefore({ metadata }: Pod): IndexFailures {
  const read = (key: string) => {
    const text = metadata.annotations?.[key] ?? '';
    return /^\d{1,9}$/.test(text) ? Number(text) : 0;
  };
  return { counted: read(FAILURES), ignored: read(IGNORED_FAILURES) };
}

/** Gives a new pod its index: in name, annotation, label, host name and environment. */
export function shapeForIndex(
  pod: { metadata: Pod['metadata']; spec: Pod['spec'] },
  job: string,
  index: number,
  failures: IndexFailures | undefined,
): void {
  const { metadata, spec } = pod;
  const counts: Record<string, string> = {};
  if (failures !== undefined) counts[FAILURES] = String(failures.counted);
  if (failures !== undefined && failures.ignored > 0) counts[IGNORED_FAILURES] = String(failures.ignored);
  metadata.generateName = `${job}-${index}-`;
  metadata.annotations = { ...metadata.annotations, ...counts, [INDEX]: String(index) };
  metadata.labels = { ...metadata.labels, [INDEX]: String(index) };
  spec.hostname = `${job}-${index}`;
  const fieldPath = `metadata.labels['${INDEX}']`;
  const variable = { name: 'JOB_COMPLETION_INDEX', valueFrom: { fieldRef: { apiVersion: 'v1', fieldPath } } };
  for (const container of [...(spec.initContainers ?? []), ...spec.containers]) {
    if (container.env?.some(({ name }) => name === variable.name)) continue;
    container.env = [...(container.env ?? []), variable];
  }
}

export function readyCount(pods: readonly Pod[]): number {
  return pods.filter((pod) => isActive(pod) && conditionOf(pod, 'Ready')?.status === 'True').length;
}
