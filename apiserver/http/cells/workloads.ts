// Controllers of pods, in rows.
import type { ControllerRevision } from '../../../api/types/apps/controller-revision.ts';
import type { DaemonSet } from '../../../api/types/apps/daemon-set.ts';
import type { Deployment } from '../../../api/types/apps/deployment.ts';
import type { ReplicaSet } from '../../../api/types/apps/replica-set.ts';
import type { StatefulSet } from '../../../api/types/apps/stateful-set.ts';
import type { CronJob } from '../../../api/types/batch/cron-job.ts';
import type { Job } from '../../../api/types/batch/job.ts';
import type { PodTemplate } from '../../../api/types/core/pod.ts';
import type { ReplicationController } from '../../../api/types/core/replication-controller.ts';
import { humanDuration } from '../human-duration.ts';
import { containersAndImages, labelsCell, NONE, selectorCell, since } from './words.ts';

export function deploymentCells({ spec, status, metadata }: Deployment, nowMs: number): unknown[] {
  const ready = `${status.readyReplicas ?? 0}/${spec.replicas ?? 0}`;
  const age = since(metadata.creationTimestamp, nowMs);
  const { updatedReplicas = 0, availableReplicas = 0 } = status;
  const pods = containersAndImages(spec.template.spec);
  return [ready, updatedReplicas, availableReplicas, age, ...pods, selectorCell(spec.selector)];
}

export function replicaSetCells({ spec, metadata }: ReplicaSet, nowMs: number): unknown[] {
  const age = since(metadata.creationTimestamp, nowMs);
  return [age, ...containersAndImages(spec.template?.spec), selectorCell(spec.selector)];
}

export function statefulSetCells({ spec, status, metadata }: StatefulSet, nowMs: number): unknown[] {
  const ready = `${status.readyReplicas ?? 0}/${spec.replicas ?? 0}`;
  return [ready, since(metadata.creationTimestamp, nowMs), ...containersAndImages(spec.template.spec)];
}

export function daemonSetCells({ spec, metadata }: DaemonSet, nowMs: number): unknown[] {
  const age = since(metadata.creationTimestamp, nowMs);
  const nodes = labelsCell(spec.template.spec?.nodeSelector);
  return [nodes, age, ...containersAndImages(spec.template.spec), selectorCell(spec.selector)];
}

export function replicationControllerCells({ spec, metadata }: ReplicationController, nowMs: number): unknown[] {
  const age = since(metadata.creationTimestamp, nowMs);
  return [age, ...containersAndImages(spec.template?.spec), labelsCell(spec.selector)];
}

export function podTemplateCells({ template }: PodTemplate): unknown[] {
  return [...containersAndImages(template?.spec), labelsCell(template?.metadata?.labels)];
}

export function controllerRevisionCells({ metadata }: ControllerRevision, nowMs: number): unknown[] {
  const owner = metadata.ownerReferences?.find(({ controller }) => controller === true);
  if (owner === undefined) return [NONE, since(metadata.creationTimestamp, nowMs)];
  const group = owner.apiVersion.includes('/') ? `.${owner.apiVersion.split('/')[0]}` : '';
  return [`${owner.kind.toLowerCase()}${group}/${owner.name}`, since(metadata.creationTimestamp, nowMs)];
}

export function jobCells({ spec, status, metadata }: Job, nowMs: number): unknown[] {
  const done = status.succeeded ?? 0;
  const wanted = spec.completions;
  const parallel = spec.parallelism ?? 0;
  const completions =
    wanted !== undefined ? `${done}/${wanted}` : parallel > 1 ? `${done}/1 of ${parallel}` : `${done}/1`;
  const started = status.startTime;
  const ended = status.completionTime ?? status.conditions?.find(isFailed)?.lastTransitionTime;
  const duration = started ? humanDuration((ended ? Date.parse(ended) : nowMs) - Date.parse(started)) : '';
  return [
    jobStatus(status.conditions ?? [], spec.suspend === true, metadata.deletionTimestamp !== undefined),
    completions,
    duration,
    since(metadata.creationTimestamp, nowMs),
    ...containersAndImages(spec.template.spec),
    selectorCell(spec.selector),
  ];
}

type JobCondition = NonNullable<Job['status']['conditions']>[number];
const isTrue =
  (name: string) =>
  ({ type, status }: JobCondition) =>
    type === name && status === 'True';
const isFailed = isTrue('Failed');

function jobStatus(conditions: readonly JobCondition[], suspended: boolean, terminating: boolean): string {
  if (conditions.some(isTrue('Complete'))) return 'Complete';
  if (conditions.some(isFailed)) return 'Failed';
  if (terminating) return 'Terminating';
  if (suspended || conditions.some(isTrue('Suspended'))) return 'Suspended';
  if (conditions.some(isTrue('FailureTarget'))) return 'FailureTarget';
  if (conditions.some(isTrue('SuccessCriteriaMet'))) return 'SuccessCriteriaMet';
  return 'Running';
}

export function cronJobCells({ spec, status, metadata }: CronJob, nowMs: number): unknown[] {
  return [
    spec.timeZone ?? NONE,
    spec.suspend === true ? 'True' : 'False',
    status.active?.length ?? 0,
    status.lastScheduleTime ? since(status.lastScheduleTime, nowMs) : NONE,
    since(metadata.creationTimestamp, nowMs),
    ...containersAndImages(spec.jobTemplate.spec?.template.spec),
    selectorCell(spec.jobTemplate.spec?.selector),
  ];
}
