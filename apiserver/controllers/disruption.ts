// Disruption budgets: how many pods may be evicted now. The eviction subresource spends what stands in their status.
//
//   budgets, pods, what scales them -> budget key -> decideBudget -> write status
import { itself, on, runController } from '../../api/client/controller.ts';
import { AT_REST, type Next } from '../../api/client/work-queue.ts';
import { timestamp } from '../../api/clock.ts';
import { selectorMatcher } from '../../api/labels.ts';
import { keyOf } from '../../api/resource.ts';
import { deepEqual } from '../../api/schema/equal.ts';
import type { KubeObject } from '../../api/schema/kind.ts';
import { isNotFound } from '../../api/status.ts';
import { deployments, replicaSets, statefulSets } from '../../api/types/apps/resources.ts';
import { replicationControllers } from '../../api/types/core/legacy-resources.ts';
import type { Pod } from '../../api/types/core/pod.ts';
import { pods } from '../../api/types/core/resources.ts';
import type { PodDisruptionBudget } from '../../api/types/policy/pod-disruption-budget.ts';
import { podDisruptionBudgets } from '../../api/types/policy/resources.ts';
import type { Controller } from './deps.ts';
import { decideBudget, needsScale } from './disruption-decide.ts';
import { controllerOf } from './ownership.ts';

interface Scaled extends KubeObject {
  spec: { replicas?: number };
}
interface ScaledInformer {
  get(key: string): Scaled | undefined;
}

export const disruptionController: Controller = ({ client, informers, recorder, clock, log }) => {
  const budgetInformer = informers.of(podDisruptionBudgets);
  const podInformer = informers.of(pods);
  const setInformer = informers.of(replicaSets);
  const deploymentInformer = informers.of(deployments);
  const statefulInformer = informers.of(statefulSets);
  const replicationInformer = informers.of(replicationControllers);
  const scaled: Readonly<Record<string, ScaledInformer>> = {
    ReplicaSet: setInformer,
    Deployment: deploymentInformer,
    StatefulSet: statefulInformer,
    ReplicationController: replicationInformer,
  };

  async function reconcile(key: string, signal: AbortSignal): Promise<Next> {
    const budget = budgetInformer.get(key);
    if (budget === undefined) return AT_REST;
    const { namespace, name } = budget.metadata;
    const matches = selectorMatcher(budget.spec.selector);
    const selected = [...podInformer.list(namespace)].filter(({ metadata }) => matches(metadata.labels));
    if (selected.length === 0) recorder.event(budget, 'Normal', 'NoPods', 'No matching pods found');
    const scale = needsScale(budget) ? scaleOf(budget, selected) : 0;
    const nowMs = clock.now();
    const view = { budget, pods: selected, scale, nowMs, now: timestamp(nowMs) };
    const { status, notDeleted, againMs } = decideBudget(view);
    for (const pod of notDeleted) {
      const message = `Pod was expected by PDB ${namespace}/${name} to be deleted but it wasn't`;
      recorder.event(pod, 'Warning', 'NotDeleted', message);
    }
    if (!deepEqual(budget.status, status)) await write({ ...budget, status }, signal);
    return againMs === undefined ? AT_REST : { afterMs: againMs };
  }

  async function write(budget: PodDisruptionBudget, signal: AbortSignal): Promise<void> {
    try {
      await client.update(podDisruptionBudgets, budget, { subresource: 'status' }, signal);
    } catch (err) {
      if (!isNotFound(err)) throw err;
    }
  }

  /** What all controllers of these pods want together. Pods that nobody controls have no scale. */
  function scaleOf(budget: PodDisruptionBudget, selected: readonly Pod[]): number | Error {
    const scales = new Map<string, number>();
    let unmanaged = false;
    for (const pod of selected) {
      const owner = controllerOf(pod);
      if (owner === undefined) {
        unmanaged = true;
        continue;
      }
      if (scales.has(owner.uid)) continue;
      const known = scaled[owner.kind]?.get(`${pod.metadata.namespace}/${owner.name}`);
      if (scaled[owner.kind] === undefined) {
        const kind = `${owner.kind.toLowerCase()}s.${owner.apiVersion.split('/')[0]}`;
        const err = new Error(`${kind} does not implement the scale subresource`);
        const message = `Failed to calculate the number of expected pods: ${err.message}`;
        recorder.event(budget, 'Warning', 'CalculateExpectedPodCountFailed', message);
        return err;
      }
      if (known?.metadata.uid !== owner.uid) continue;
      const above = controllerOf(known);
      const top = above && scaled[above.kind]?.get(`${pod.metadata.namespace}/${above.name}`);
      const counted = top?.metadata.uid === above?.uid && top !== undefined ? top : known;
      scales.set(counted.metadata.uid, counted.spec.replicas ?? 1);
    }
    if (unmanaged) {
      const message =
        'Some of the selected pods have no controller, so that the budget cannot be calculated from its scale. ' +
        'To account for them set .spec.minAvailable to a number.';
      recorder.event(budget, 'Warning', 'UnmanagedPods', message);
    }
    return [...scales.values()].reduce((sum, replicas) => sum + replicas, 0);
  }

  function budgetsOf(_key: string, now: Pod | undefined, before: Pod | undefined): string[] {
    const { namespace } = (now ?? before)!.metadata;
    const concerned = [...budgetInformer.list(namespace)].filter(({ spec }) => {
      const matches = selectorMatcher(spec.selector);
      return [now, before].some((pod) => pod !== undefined && matches(pod.metadata.labels));
    });
    return concerned.map(keyOf);
  }

  function whenScaled(_key: string, now: Scaled | undefined, before: Scaled | undefined): string[] {
    if (now !== undefined && now.spec.replicas === before?.spec.replicas) return [];
    const { namespace } = (now ?? before)!.metadata;
    return [...budgetInformer.list(namespace)].filter(needsScale).map(keyOf);
  }

  const sources = [
    on(budgetInformer, itself),
    on(podInformer, budgetsOf),
    on(setInformer, whenScaled),
    on(deploymentInformer, whenScaled),
    on(statefulInformer, whenScaled),
    on(replicationInformer, whenScaled),
  ];
  return (signal) => runController({ name: 'disruption', sources, reconcile, clock, log }, signal);
};
