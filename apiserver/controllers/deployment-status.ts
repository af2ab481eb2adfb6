// What a deployment says of itself: counts, and the conditions Available, Progressing and ReplicaFailure. Pure.

import { timestamp } from '../../api/clock.ts';
import type { Deployment, DeploymentCondition } from '../../api/types/apps/deployment.ts';
import type { ReplicaSet } from '../../api/types/apps/replica-set.ts';
import { isComplete } from './deployment-decide.ts';
import { maxUnavailable } from './deployment-limits.ts';
import { newSetOf, totalSize } from './deployment-sets.ts';
import { parseTime } from './times.ts';

type Conditions = readonly DeploymentCondition[];
type Status = Deployment['status'];

const COMPLETE = 'NewReplicaSetAvailable';
const TIMED_OUT = 'ProgressDeadlineExceeded';
/** 2^31-1 seconds means no deadline. */
const NO_DEADLINE = 0x7fffffff;

export interface Rollout {
  readonly created?: string;
  readonly createError?: string;
}

/** @param rollout what this pass did, which the conditions tell. */
export function deploymentStatus(
  deployment: Deployment,
  sets: readonly ReplicaSet[],
  rollout: Rollout,
  nowMs: number,
): { status: Status; againMs: number | undefined } {
  const counted = count(deployment, sets);
  let conditions = withAvailable(deployment, counted, nowMs);
  conditions = withProgress(deployment, sets, counted, conditions, rollout, nowMs);
  conditions = withFailure(sets, conditions);
  const status = { ...counted, ...(conditions.length > 0 && { conditions: [...conditions] }) };
  return { status, againMs: deadlineInMs(deployment, status, nowMs) };
}

function count(deployment: Deployment, sets: readonly ReplicaSet[]): Status {
  const newest = newSetOf(deployment, sets);
  const sum = (field: 'replicas' | 'readyReplicas' | 'availableReplicas' | 'terminatingReplicas') =>
    sets.reduce((total, { status }) => total + (status[field] ?? 0), 0);
  const available = sum('availableReplicas');
  const { collisionCount } = deployment.status;
  return {
    observedGeneration: deployment.metadata.generation,
    replicas: sum('replicas'),
    updatedReplicas: newest?.status.replicas ?? 0,
    readyReplicas: sum('readyReplicas'),
    availableReplicas: available,
    unavailableReplicas: Math.max(0, totalSize(sets) - available),
    terminatingReplicas: sum('terminatingReplicas'),
    ...(collisionCount !== undefined && { collisionCount }),
  };
}

function condition(type: string, status: string, reason: string, message: string, nowMs: number): DeploymentCondition {
  const now = timestamp(nowMs);
  return { type, status, reason, message, lastUpdateTime: now, lastTransitionTime: now };
}

/** Nothing new when status and reason stay; the time of transition stays with the status. */
function set(conditions: Conditions, next: DeploymentCondition): DeploymentCondition[] {
  const known = conditions.find(({ type }) => type === next.type);
  if (known?.status === next.status && known.reason === next.reason) return [...conditions];
  const kept = known?.status === next.status ? { ...next, lastTransitionTime: known.lastTransitionTime } : next;
  return [...without(conditions, next.type), kept];
}

function without(conditions: Conditions, type: string): DeploymentCondition[] {
  return conditions.filter((each) => each.type !== type);
}

function withAvailable({ spec, status }: Deployment, counted: Status, nowMs: number): DeploymentCondition[] {
  const enough = (counted.availableReplicas ?? 0) >= (spec.replicas ?? 1) - maxUnavailable(spec);
  const next = enough
    ? condition('Available', 'True', 'MinimumReplicasAvailable', 'Deployment has minimum availability.', nowMs)
    : condition(
        'Available',
        'False',
        'MinimumReplicasUnavailable',
        'Deployment does not have minimum availability.',
        nowMs,
      );
  return set(status.conditions ?? [], next);
}

function withProgress(
  deployment: Deployment,
  sets: readonly ReplicaSet[],
  counted: Status,
  conditions: Conditions,
  { created, createError }: Rollout,
  nowMs: number,
): DeploymentCondition[] {
  const { spec, metadata, status: before } = deployment;
  if (!hasDeadline(deployment)) return without(conditions, 'Progressing');
  const known = conditions.find(({ type }) => type === 'Progressing');
  const progressing = (status: string, reason: string, message: string) =>
    set(conditions, condition('Progressing', status, reason, message, nowMs));
  if (spec.paused) {
    if (known?.reason === TIMED_OUT) return [...conditions];
    return progressing('Unknown', 'DeploymentPaused', 'Deployment is paused');
  }
  if (known?.reason === 'DeploymentPaused') return progressing('Unknown', 'DeploymentResumed', 'Deployment is resumed');
  if (createError !== undefined) return progressing('False', 'ReplicaSetCreateError', createError);
  if (created !== undefined) {
    return progressing('True', 'NewReplicaSetCreated', `Created new replica set "${created}"`);
  }
  const newest = newSetOf(deployment, sets);
  if (known === undefined && newest !== undefined) {
    return progressing('True', 'FoundNewReplicaSet', `Found new replica set "${newest.metadata.name}"`);
  }
  if (known?.reason === COMPLETE && counted.replicas === counted.updatedReplicas) return [...conditions];
  const what = newest === undefined ? `Deployment "${metadata.name}"` : `ReplicaSet "${newest.metadata.name}"`;
  if (isComplete(deployment, sets, newest))
    return progressing('True', COMPLETE, `${what} has successfully progressed.`);
  if (madeProgress(before, counted)) {
    // Progress is news even when status and reason stay: the deadline counts from here.
    const next = condition('Progressing', 'True', 'ReplicaSetUpdated', `${what} is progressing.`, nowMs);
    const kept = known?.status === 'True' ? { ...next, lastTransitionTime: known.lastTransitionTime } : next;
    return [...without(conditions, 'Progressing'), kept];
  }
  if (timedOut(deployment, known, nowMs)) return progressing('False', TIMED_OUT, `${what} has timed out progressing.`);
  return [...conditions];
}

function hasDeadline({ spec }: Deployment): boolean {
  return spec.progressDeadlineSeconds !== undefined && spec.progressDeadlineSeconds !== NO_DEADLINE;
}

function madeProgress(before: Status, now: Status): boolean {
  const old = ({ replicas = 0, updatedReplicas = 0 }: Status) => replicas - updatedReplicas;
  const more = (field: 'updatedReplicas' | 'readyReplicas' | 'availableReplicas') =>
    (now[field] ?? 0) > (before[field] ?? 0);
  return more('updatedReplicas') || old(now) < old(before) || more('readyReplicas') || more('availableReplicas');
}

function timedOut({ spec }: Deployment, known: DeploymentCondition | undefined, nowMs: number): boolean {
  if (known === undefined || known.reason === COMPLETE) return false;
  if (known.reason === TIMED_OUT) return true;
  const sinceMs = parseTime(known.lastUpdateTime) ?? nowMs;
  return sinceMs + spec.progressDeadlineSeconds! * 1000 < nowMs;
}

function deadlineInMs(deployment: Deployment, { conditions }: Status, nowMs: number): number | undefined {
  const known = conditions?.find(({ type }) => type === 'Progressing');
  if (!hasDeadline(deployment) || known === undefined || known.reason === COMPLETE || known.reason === TIMED_OUT)
    return undefined;
  if (deployment.spec.paused) return undefined;
  const sinceMs = parseTime(known.lastUpdateTime) ?? nowMs;
  return Math.max(1000, sinceMs + deployment.spec.progressDeadlineSeconds! * 1000 - nowMs + 1000);
}

/** The failure of the newest set that has one. */
function withFailure(sets: readonly ReplicaSet[], conditions: Conditions): DeploymentCondition[] {
  const failures = sets.flatMap(({ status }) =>
    (status.conditions ?? []).filter(({ type }) => type === 'ReplicaFailure'),
  );
  const failure = failures[0];
  if (failure === undefined) return without(conditions, 'ReplicaFailure');
  const { type, status, reason, message, lastTransitionTime } = failure;
  return set(conditions, { type, status, reason, message, lastTransitionTime, lastUpdateTime: lastTransitionTime });
}
