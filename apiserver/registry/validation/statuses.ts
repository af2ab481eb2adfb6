// What controllers say of their workloads: counts that cannot be.
import type { FieldProblem } from '../../../api/status.ts';
import type { DaemonSet } from '../../../api/types/apps/daemon-set.ts';
import type { Deployment } from '../../../api/types/apps/deployment.ts';
import type { ReplicaSet } from '../../../api/types/apps/replica-set.ts';
import type { StatefulSet } from '../../../api/types/apps/stateful-set.ts';
import type { ReplicationController } from '../../../api/types/core/replication-controller.ts';
import type { PodDisruptionBudget } from '../../../api/types/policy/pod-disruption-budget.ts';
import { invalidValue } from './problems.ts';
import { notNegative } from './values.ts';

type Counts = Readonly<Record<string, unknown>>;

function counts(status: object, names: readonly string[]): FieldProblem[] {
  return names.flatMap((name) => notNegative(`status.${name}`, (status as Counts)[name] as number | undefined));
}

function notAbove(status: object, names: readonly string[], of: string, why: string): FieldProblem[] {
  const numbers = status as Readonly<Record<string, number | undefined>>;
  const max = numbers[of] ?? 0;
  return names
    .filter((name) => (numbers[name] ?? 0) > max)
    .map((name) => invalidValue(`status.${name}`, numbers[name], why));
}

function decremented(next: number | undefined, current: number | undefined): FieldProblem[] {
  if (current === undefined || (next !== undefined && next >= current)) return [];
  return [invalidValue('status.collisionCount', next ?? 0, 'cannot be decremented')];
}

export function deploymentStatusProblems({ status }: Deployment, current: Deployment): FieldProblem[] {
  const above = 'cannot be greater than status.replicas';
  return [
    ...counts(status, [
      'observedGeneration',
      'replicas',
      'updatedReplicas',
      'terminatingReplicas',
      'readyReplicas',
      'availableReplicas',
      'unavailableReplicas',
      'collisionCount',
    ]),
    ...notAbove(status, ['updatedReplicas', 'readyReplicas', 'availableReplicas'], 'replicas', above),
    ...notAbove(status, ['availableReplicas'], 'readyReplicas', 'cannot be greater than readyReplicas'),
    ...decremented(status.collisionCount, current.status.collisionCount),
  ];
}

export function replicaSetStatusProblems({ status }: ReplicaSet): FieldProblem[] {
  return replicaProblems(status, 'cannot be greater than replicas');
}

export function replicationControllerStatusProblems({ status }: ReplicationController): FieldProblem[] {
  return replicaProblems(status, 'cannot be greater than status.replicas');
}

function replicaProblems(status: object, above: string): FieldProblem[] {
  return [
    ...counts(status, [
      'replicas',
      'fullyLabeledReplicas',
      'readyReplicas',
      'availableReplicas',
      'terminatingReplicas',
      'observedGeneration',
    ]),
    ...notAbove(status, ['fullyLabeledReplicas', 'readyReplicas', 'availableReplicas'], 'replicas', above),
    ...notAbove(status, ['availableReplicas'], 'readyReplicas', 'cannot be greater than readyReplicas'),
  ];
}

export function daemonSetStatusProblems({ status }: DaemonSet, current: DaemonSet): FieldProblem[] {
  return [
    ...counts(status, [
      'currentNumberScheduled',
      'numberMisscheduled',
      'desiredNumberScheduled',
      'numberReady',
      'observedGeneration',
      'updatedNumberScheduled',
      'numberAvailable',
      'numberUnavailable',
      'collisionCount',
    ]),
    ...decremented(status.collisionCount, current.status.collisionCount),
  ];
}

export function statefulSetStatusProblems({ status }: StatefulSet, current: StatefulSet): FieldProblem[] {
  const above = 'cannot be greater than status.replicas';
  const all = ['readyReplicas', 'currentReplicas', 'updatedReplicas', 'availableReplicas'];
  return [
    ...counts(status, ['replicas', ...all, 'observedGeneration', 'collisionCount']),
    ...notAbove(status, all, 'replicas', above),
    ...notAbove(status, ['availableReplicas'], 'readyReplicas', 'cannot be greater than status.readyReplicas'),
    ...decremented(status.collisionCount, current.status.collisionCount),
  ];
}

export function budgetStatusProblems({ status }: PodDisruptionBudget): FieldProblem[] {
  return counts(status, ['disruptionsAllowed', 'currentHealthy', 'desiredHealthy', 'expectedPods']);
}
