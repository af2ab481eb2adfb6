// Which member of a stateful set comes or goes next, in order or all at once, and what its status says. Pure.
import type { StatefulSet, StatefulSetStatus } from '../../api/types/apps/stateful-set.ts';
import type { Pod } from '../../api/types/core/pod.ts';
import { availableInMs, isFinished, isReady } from './pod-facts.ts';
import { firstOrdinal, isInRange, ordinalOf, REVISION } from './stateful-pods.ts';

export interface StatefulView {
  readonly set: StatefulSet;
  readonly pods: readonly Pod[];
  readonly currentRevision: string;
  readonly updateRevision: string;
  readonly nowMs: number;
}

export interface StatefulPlan {
  readonly create: readonly { readonly ordinal: number; readonly revision: 'current' | 'update' }[];
  readonly remove: readonly Pod[];
  /** Members among those to remove that ended by themselves. */
  readonly ended: readonly Pod[];
}

export function decideMembers(view: StatefulView): StatefulPlan {
  const { set, pods } = view;
  const nothing: StatefulPlan = { create: [], remove: [], ended: [] };
  if (set.metadata.deletionTimestamp !== undefined) return nothing;
  const inOrder = set.spec.podManagementPolicy !== 'Parallel';
  const members = membersOf(set, pods);
  const create: { ordinal: number; revision: 'current' | 'update' }[] = [];
  const remove: Pod[] = [];
  const ended: Pod[] = [];
  const done = () => ({ create, remove, ended });
  for (const { ordinal, pod } of members) {
    if (pod === undefined) create.push({ ordinal, revision: revisionFor(view, ordinal) });
    else if (isFinished(pod) && !isTerminating(pod)) {
      remove.push(pod);
      ended.push(pod);
    }
    // In order, each has to serve before the next one is looked at.
    if (inOrder && !(pod !== undefined && isServing(pod, view))) return done();
  }
  const condemned = condemnedOf(set, pods);
  const unhealthy = [...members.flatMap(({ pod }) => pod ?? []), ...condemned.toReversed()].filter(
    (pod) => !isHealthy(pod),
  );
  for (const pod of condemned) {
    if (!inOrder) {
      if (!isTerminating(pod)) remove.push(pod);
      continue;
    }
    // A broken pod may go out of turn only if it is what everything waits for.
    if (!isTerminating(pod) && (isServing(pod, view) || pod === unhealthy[0])) remove.push(pod);
    return done();
  }
  if (create.length + remove.length > 0) return done();
  return { ...nothing, remove: outdated(view) };
}

export interface Member {
  readonly ordinal: number;
  readonly pod: Pod | undefined;
}

/** By ascending ordinal, gaps included. */
export function membersOf(set: StatefulSet, pods: readonly Pod[]): Member[] {
  const byOrdinal = new Map(pods.map((pod) => [ordinalOf(set, pod.metadata.name), pod]));
  return Array.from({ length: set.spec.replicas ?? 1 }, (_, i) => {
    const ordinal = firstOrdinal(set) + i;
    return { ordinal, pod: byOrdinal.get(ordinal) };
  });
}

/** Beyond the wanted number, highest ordinal first. */
export function condemnedOf(set: StatefulSet, pods: readonly Pod[]): Pod[] {
  const ordinal = (pod: Pod) => ordinalOf(set, pod.metadata.name)!;
  return pods.filter((pod) => !isInRange(set, ordinal(pod))).sort((a, b) => ordinal(b) - ordinal(a));
}

const isTerminating = ({ metadata }: Pod): boolean => metadata.deletionTimestamp !== undefined;
const isRunningAndReady = (pod: Pod): boolean => pod.status.phase === 'Running' && isReady(pod);
const isHealthy = (pod: Pod): boolean => isRunningAndReady(pod) && !isTerminating(pod);

function isAvailable(pod: Pod, { set, nowMs }: StatefulView): boolean {
  return isRunningAndReady(pod) && availableInMs(pod, set.spec.minReadySeconds ?? 0, nowMs) === 0;
}

function isServing(pod: Pod, view: StatefulView): boolean {
  return isAvailable(pod, view) && !isTerminating(pod);
}

/** A pod that was lost comes back as it was, if the update has not reached its ordinal. */
function revisionFor({ set }: StatefulView, ordinal: number): 'current' | 'update' {
  const { type, rollingUpdate } = set.spec.updateStrategy ?? {};
  const first = firstOrdinal(set);
  if (rollingUpdate !== undefined) return ordinal < first + (rollingUpdate.partition ?? 0) ? 'current' : 'update';
  const isOld = type === 'RollingUpdate' && ordinal < first + (set.status.currentReplicas ?? 0);
  return isOld ? 'current' : 'update';
}

/** From the highest ordinal down to the partition; never more out of service at once than is allowed. */
function outdated(view: StatefulView): Pod[] {
  const { set, pods, updateRevision } = view;
  const { type, rollingUpdate } = set.spec.updateStrategy ?? {};
  if (type === 'OnDelete') return [];
  const members = membersOf(set, pods);
  const allowed = maxUnavailable(set);
  const partition = firstOrdinal(set) + (rollingUpdate?.partition ?? 0);
  const serving = (pod: Pod | undefined) => pod !== undefined && isServing(pod, view);
  let missing = members.filter(({ pod }) => !serving(pod)).length;
  let broken = 0;
  const remove: Pod[] = [];
  for (const { ordinal, pod } of members.toReversed()) {
    if (ordinal < partition || broken + remove.length >= allowed) break;
    const isOld = pod !== undefined && pod.metadata.labels?.[REVISION] !== updateRevision && !isTerminating(pod);
    if (!isOld) {
      if (!serving(pod)) broken++;
    } else if (!serving(pod)) {
      // It serves nobody, so that its replacement costs nothing: a broken rollout can be repaired.
      remove.push(pod);
    } else if (missing < allowed) {
      missing++;
      remove.push(pod);
    }
  }
  return remove;
}

function maxUnavailable({ spec }: StatefulSet): number {
  const { maxUnavailable: given = 1 } = spec.updateStrategy?.rollingUpdate ?? {};
  if (typeof given === 'number') return Math.max(1, given);
  const percent = /^(\d+)%$/.exec(given);
  return Math.max(1, percent === null ? 1 : Math.floor((Number(percent[1]) * (spec.replicas ?? 1)) / 100));
}

/** The status these pods make, and when to look again because a pod becomes available by waiting. */
export function statefulStatus(
  view: StatefulView,
  collisionCount: number,
): { status: StatefulSetStatus; againMs: number | undefined } {
  const { set, pods, currentRevision, updateRevision, nowMs } = view;
  const of = (revision: string) =>
    pods.filter((pod) => !isTerminating(pod) && pod.metadata.labels?.[REVISION] === revision).length;
  const ready = pods.filter(isRunningAndReady);
  const waits = ready
    .map((pod) => availableInMs(pod, set.spec.minReadySeconds ?? 0, nowMs) ?? 0)
    .filter((ms) => ms > 0);
  const { conditions } = set.status;
  const status: StatefulSetStatus = {
    observedGeneration: set.metadata.generation,
    replicas: pods.length,
    readyReplicas: ready.length,
    availableReplicas: ready.length - waits.length,
    currentReplicas: of(currentRevision),
    updatedReplicas: of(updateRevision),
    currentRevision,
    updateRevision,
    collisionCount,
    ...(conditions && { conditions }),
  };
  const wanted = set.spec.replicas ?? 1;
  const isRolling = set.spec.updateStrategy?.type !== 'OnDelete';
  if (isRolling && status.updatedReplicas === wanted && ready.length === wanted && pods.length === wanted) {
    status.currentRevision = updateRevision;
    status.currentReplicas = status.updatedReplicas;
  }
  return { status, againMs: waits.length > 0 ? Math.min(...waits) : undefined };
}
