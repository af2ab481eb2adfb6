// One step of a deployment: which replica set is made, which grow or shrink, which go. Pure; each pass takes one step
// and the change it makes calls for the next.

import { deepEqual } from '../../api/schema/equal.ts';
import type { New } from '../../api/schema/kind.ts';
import type { Deployment } from '../../api/types/apps/deployment.ts';
import type { ReplicaSet } from '../../api/types/apps/replica-set.ts';
import { isRolling, maxSurge, maxUnavailable } from './deployment-limits.ts';
import {
  annotatedMax,
  byAge,
  desiredSize,
  freshSet,
  newSetAnnotations,
  newSetOf,
  nextRevision,
  revisionOf,
  sizeOf,
  totalSize,
} from './deployment-sets.ts';

export type Action =
  | { readonly do: 'create'; readonly set: New<ReplicaSet>; readonly replicas: number }
  | { readonly do: 'scale'; readonly set: ReplicaSet; readonly replicas: number }
  /** Keep the newest set's annotations and settings like the deployment's. */
  | {
      readonly do: 'follow';
      readonly set: ReplicaSet;
      readonly annotations: Record<string, string>;
      readonly minReadySeconds: number;
    }
  /** The deployment shows the revision of its newest set. */
  | { readonly do: 'showRevision'; readonly revision: number }
  | { readonly do: 'remove'; readonly set: ReplicaSet };

export interface DeploymentWorld {
  readonly deployment: Deployment;
  readonly sets: readonly ReplicaSet[];
  /** Pods of older versions that have not ended: Recreate waits for them. */
  readonly oldPodsRun: boolean;
}

export function decideDeployment({ deployment, sets, oldPodsRun }: DeploymentWorld): Action[] {
  const { metadata, spec } = deployment;
  if (metadata.deletionTimestamp !== undefined) return [];
  const newest = newSetOf(deployment, sets);
  const old = sets.filter((set) => set !== newest);
  const kept = newest === undefined ? [] : followed(deployment, newest, old);
  if (spec.paused) return [...kept, ...resized(deployment, sets, newest), ...surplusHistory(deployment, old)];
  if (wasResized(deployment, sets)) return [...kept, ...resized(deployment, sets, newest)];
  const step = isRolling(spec) ? roll(deployment, newest, old) : recreate(deployment, newest, old, oldPodsRun);
  if (step.length > 0) return [...kept, ...step];
  return [...kept, ...(isComplete(deployment, sets, newest) ? surplusHistory(deployment, old) : [])];
}

function followed(deployment: Deployment, newest: ReplicaSet, old: readonly ReplicaSet[]): Action[] {
  const actions: Action[] = [];
  const annotations = newSetAnnotations(deployment, newest, nextRevision(old));
  const minReadySeconds = deployment.spec.minReadySeconds ?? 0;
  const differs = !deepEqual(annotations, newest.metadata.annotations ?? {});
  if (differs || minReadySeconds !== (newest.spec.minReadySeconds ?? 0)) {
    actions.push({ do: 'follow', set: newest, annotations, minReadySeconds });
  }
  const revision = Math.max(nextRevision(old), revisionOf(newest));
  if (revisionOf(deployment) !== revision) actions.push({ do: 'showRevision', revision });
  return actions;
}

function roll(deployment: Deployment, newest: ReplicaSet | undefined, old: readonly ReplicaSet[]): Action[] {
  const grown = grow(deployment, newest, old);
  if (grown.length > 0) return grown;
  return newest === undefined ? [] : shrinkOld(deployment, newest, old);
}

function grow(deployment: Deployment, newest: ReplicaSet | undefined, old: readonly ReplicaSet[]): Action[] {
  const { spec } = deployment;
  const wanted = spec.replicas ?? 1;
  const has = newest === undefined ? 0 : sizeOf(newest);
  const room = wanted + maxSurge(spec) - totalSize(old) - has;
  const replicas = has > wanted ? wanted : isRolling(spec) ? has + Math.max(0, Math.min(room, wanted - has)) : wanted;
  if (newest === undefined) {
    const revision = nextRevision(old);
    return [
      { do: 'create', set: freshSet(deployment, replicas, revision), replicas },
      { do: 'showRevision', revision },
    ];
  }
  return replicas === has ? [] : [{ do: 'scale', set: newest, replicas }];
}

/** Takes pods from older sets, first those that are not available anyway, as far as enough stay available. */
function shrinkOld({ spec }: Deployment, newest: ReplicaSet, old: readonly ReplicaSet[]): Action[] {
  const available = (set: ReplicaSet) => set.status.availableReplicas ?? 0;
  const minAvailable = (spec.replicas ?? 1) - maxUnavailable(spec);
  const newUnavailable = sizeOf(newest) - available(newest);
  let budget = totalSize(old) + sizeOf(newest) - minAvailable - newUnavailable;
  const sizes = new Map(old.toSorted(byAge).map((set) => [set, sizeOf(set)]));
  for (const [set, size] of sizes) {
    const sick = Math.min(Math.max(0, budget), Math.max(0, size - available(set)));
    sizes.set(set, size - sick);
    budget -= sick;
  }
  if (budget > 0) {
    let spare = [...old, newest].reduce((sum, set) => sum + available(set), 0) - minAvailable;
    for (const [set, size] of sizes) {
      const less = Math.min(Math.max(0, spare), size);
      sizes.set(set, size - less);
      spare -= less;
    }
  }
  return [...sizes]
    .filter(([set, size]) => size !== sizeOf(set))
    .map(([set, replicas]) => ({ do: 'scale', set, replicas }));
}

function recreate(
  deployment: Deployment,
  newest: ReplicaSet | undefined,
  old: readonly ReplicaSet[],
  oldPodsRun: boolean,
): Action[] {
  const running = old.filter((set) => sizeOf(set) > 0);
  if (running.length > 0) return running.map((set) => ({ do: 'scale', set, replicas: 0 }));
  return oldPodsRun ? [] : grow(deployment, newest, old);
}

function wasResized({ spec }: Deployment, sets: readonly ReplicaSet[]): boolean {
  return sets.some((set) => {
    const desired = desiredSize(set);
    return sizeOf(set) > 0 && desired !== undefined && desired !== (spec.replicas ?? 1);
  });
}

/** The deployment's own size changed: in the middle of a rollout all of its sets share in it by their size. */
function resized(deployment: Deployment, sets: readonly ReplicaSet[], newest: ReplicaSet | undefined): Action[] {
  const { spec } = deployment;
  const wanted = spec.replicas ?? 1;
  const scaled = (set: ReplicaSet, replicas: number): Action[] =>
    sizeOf(set) === replicas && desiredSize(set) === wanted ? [] : [{ do: 'scale', set, replicas }];
  const active = sets.filter((set) => sizeOf(set) > 0);
  const latest = sets.toSorted((a, b) => revisionOf(b) - revisionOf(a))[0];
  const only = active.length > 1 ? undefined : (active[0] ?? newest ?? latest);
  if (only !== undefined) return scaled(only, wanted);
  if (newest !== undefined && isSaturated(newest, wanted)) {
    return active.filter((set) => set !== newest).flatMap((set) => scaled(set, 0));
  }
  if (!isRolling(spec)) return [];
  return proportionally(deployment, active).flatMap(({ set, replicas }) => scaled(set, replicas));
}

function isSaturated(set: ReplicaSet, wanted: number): boolean {
  return sizeOf(set) === wanted && desiredSize(set) === wanted && (set.status.availableReplicas ?? 0) === wanted;
}

function proportionally(
  deployment: Deployment,
  active: readonly ReplicaSet[],
): { set: ReplicaSet; replicas: number }[] {
  const { spec, status } = deployment;
  const wanted = spec.replicas ?? 1;
  const allowed = wanted > 0 ? wanted + maxSurge(spec) : 0;
  const toAdd = allowed - totalSize(active);
  // Largest first; of equals the newer grows first and the older shrinks first.
  const order = active.toSorted((a, b) => sizeOf(b) - sizeOf(a) || (toAdd > 0 ? byAge(b, a) : byAge(a, b)));
  let added = 0;
  const sized = order.map((set) => {
    const size = sizeOf(set);
    const max = annotatedMax(set) || status.replicas || 1;
    const share = wanted === 0 ? -size : Math.round((size * (wanted + maxSurge(spec))) / max) - size;
    const rest = toAdd - added;
    const part = toAdd === 0 || rest === 0 ? 0 : toAdd > 0 ? Math.min(share, rest) : Math.max(share, rest);
    added += part;
    return { set, replicas: size + part };
  });
  const first = sized[0];
  if (first !== undefined) first.replicas = Math.max(0, first.replicas + toAdd - added);
  return sized;
}

export function isComplete({ spec }: Deployment, sets: readonly ReplicaSet[], newest: ReplicaSet | undefined): boolean {
  const wanted = spec.replicas ?? 1;
  const total = sets.reduce((sum, { status }) => sum + (status.replicas ?? 0), 0);
  if (newest === undefined) return false;
  return (
    (newest.status.replicas ?? 0) === wanted && total === wanted && (newest.status.availableReplicas ?? 0) === wanted
  );
}

function surplusHistory({ spec }: Deployment, old: readonly ReplicaSet[]): Action[] {
  const surplus = old.length - (spec.revisionHistoryLimit ?? 10);
  if (surplus <= 0) return [];
  return old
    .toSorted((a, b) => revisionOf(a) - revisionOf(b) || byAge(a, b))
    .slice(0, surplus)
    .filter((set) => sizeOf(set) === 0 && (set.status.replicas ?? 0) === 0 && isObserved(set))
    .map((set) => ({ do: 'remove', set }));
}

function isObserved({ metadata, status }: ReplicaSet): boolean {
  return metadata.deletionTimestamp === undefined && (status.observedGeneration ?? 0) >= (metadata.generation ?? 0);
}
