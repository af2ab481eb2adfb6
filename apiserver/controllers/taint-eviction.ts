// Pods leave a node whose NoExecute taints they do not tolerate, or tolerate only for a while.
import { on, runController } from '../../api/client/controller.ts';
import { AT_REST, type Next } from '../../api/client/work-queue.ts';
import { timestamp } from '../../api/clock.ts';
import { keyOf } from '../../api/resource.ts';
import { isNotFound } from '../../api/status.ts';
import { tolerates } from '../../api/tolerations.ts';
import type { Taint } from '../../api/types/core/affinity.ts';
import type { Node } from '../../api/types/core/node.ts';
import type { Pod } from '../../api/types/core/pod.ts';
import { nodes, pods } from '../../api/types/core/resources.ts';
import type { Controller } from './deps.ts';
import { parseTime } from './times.ts';

/** How long until the pod must go: 0 is now, undefined is never. Pure. */
export function evictedInMs({ spec }: Pod, node: Node, nowMs: number): number | undefined {
  const taints = (node.spec.taints ?? []).filter(({ effect }) => effect === 'NoExecute');
  const deadlines = taints.map((taint) => deadline(spec.tolerations ?? [], taint, nowMs));
  const soonest = Math.min(...deadlines);
  return soonest === Number.POSITIVE_INFINITY ? undefined : Math.max(0, soonest - nowMs);
}

/** The shortest toleration of a taint counts; one without a time tolerates for ever. */
function deadline(tolerations: NonNullable<Pod['spec']['tolerations']>, taint: Taint, nowMs: number): number {
  const matching = tolerations.filter((toleration) => tolerates(toleration, taint));
  if (matching.length === 0) return nowMs;
  const seconds = matching.flatMap(({ tolerationSeconds }) =>
    tolerationSeconds === undefined ? [] : [tolerationSeconds],
  );
  if (seconds.length === 0) return Number.POSITIVE_INFINITY;
  return (parseTime(taint.timeAdded) ?? nowMs) + Math.max(0, Math.min(...seconds)) * 1000;
}

export const taintEvictionController: Controller = ({ client, informers, recorder, clock, log }) => {
  const podInformer = informers.of(pods);
  const nodeInformer = informers.of(nodes);

  async function reconcile(key: string, signal: AbortSignal): Promise<Next> {
    const pod = podInformer.get(key);
    const node = nodeInformer.get(pod?.spec.nodeName ?? '');
    if (pod === undefined || node === undefined || pod.metadata.deletionTimestamp !== undefined) return AT_REST;
    const inMs = evictedInMs(pod, node, clock.now());
    if (inMs === undefined) return AT_REST;
    if (inMs > 0) return { afterMs: inMs };
    const condition = {
      type: 'DisruptionTarget',
      status: 'True',
      reason: 'DeletionByTaintManager',
      message: 'Taint manager: deleting due to NoExecute taint',
      lastTransitionTime: timestamp(clock.now()),
    };
    const { uid } = pod.metadata;
    const body = { metadata: { uid }, status: { conditions: [condition] } };
    recorder.event(pod, 'Normal', 'TaintManagerEviction', `Marking for deletion Pod ${key}`);
    try {
      await client.patch(pods, pod.metadata, { type: 'strategic', body }, { subresource: 'status' }, signal);
      await client.delete(pods, pod.metadata, { preconditions: { uid } }, signal);
    } catch (err) {
      if (!isNotFound(err)) throw err;
    }
    return AT_REST;
  }

  function podsOn(_name: string, node: Node | undefined, before: Node | undefined): string[] {
    const hasNoExecute = (of: Node | undefined) =>
      of?.spec.taints?.some(({ effect }) => effect === 'NoExecute') ?? false;
    if (node === undefined || (!hasNoExecute(node) && !hasNoExecute(before))) return [];
    return Array.from(podInformer.list(), (pod) =>
      pod.spec.nodeName === node.metadata.name ? [keyOf(pod)] : [],
    ).flat();
  }

  const mayMove = (key: string, now: Pod | undefined) =>
    nodeInformer.get(now?.spec.nodeName ?? '')?.spec.taints?.some(({ effect }) => effect === 'NoExecute') ? [key] : [];
  const sources = [on(podInformer, mayMove), on(nodeInformer, podsOn)];
  return (signal) => runController({ name: 'taint-eviction', sources, reconcile, clock, log }, signal);
};
