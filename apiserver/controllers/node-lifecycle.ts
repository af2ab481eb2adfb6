// Nodes that went silent are marked, and every node carries the taints that its conditions call for.
//
//   lease renewed -> fine    lease stale for 50 s -> conditions Unknown -> taints -> taint-eviction.ts moves the pods
import { itself, on, runController } from '../../api/client/controller.ts';
import type { Next } from '../../api/client/work-queue.ts';
import { timestamp } from '../../api/clock.ts';
import { isNotFound } from '../../api/status.ts';
import { leases } from '../../api/types/coordination/resources.ts';
import type { Node, NodeCondition } from '../../api/types/core/node.ts';
import type { Pod } from '../../api/types/core/pod.ts';
import { nodes, pods } from '../../api/types/core/resources.ts';
import type { Controller } from './deps.ts';
import { wantedTaints } from './node-taints.ts';
import { conditionOf } from './pod-facts.ts';

const LOOK_EVERY_MS = 5000;
const GRACE_MS = 50_000;
const LEASES = 'kube-node-lease';
const HEARD_OF = ['Ready', 'MemoryPressure', 'DiskPressure', 'PIDPressure'];

/** Conditions of a node that nobody has heard of: all Unknown, each since it was last something else. */
export function silentConditions({ status, metadata }: Node, now: string): NodeCondition[] {
  const known = status.conditions ?? [];
  const others = known.filter(({ type }) => !HEARD_OF.includes(type));
  const silent = HEARD_OF.map((type): NodeCondition => {
    const before = known.find((condition) => condition.type === type);
    if (before?.status === 'Unknown') return before;
    const [reason, message] =
      before === undefined
        ? ['NodeStatusNeverUpdated', 'Kubelet never posted node status.']
        : ['NodeStatusUnknown', 'Kubelet stopped posting node status.'];
    const lastHeartbeatTime = before?.lastHeartbeatTime ?? metadata.creationTimestamp;
    return { type, status: 'Unknown', reason, message, lastHeartbeatTime, lastTransitionTime: now };
  });
  return [...silent, ...others];
}

export const nodeLifecycleController: Controller = ({ client, informers, recorder, clock, log }) => {
  const nodeInformer = informers.of(nodes);
  const leaseInformer = informers.of(leases);
  const podInformer = informers.of(pods);
  /** What a node last said and when we heard it, by our own clock: the node's may be wrong. */
  const heard = new Map<string, { word: string; atMs: number }>();

  async function reconcile(name: string, signal: AbortSignal): Promise<Next> {
    const node = nodeInformer.get(name);
    if (node === undefined) {
      heard.delete(name);
      return undefined;
    }
    const isSilent = listen(node);
    const now = timestamp(clock.now());
    if (isSilent && node.status.conditions?.find(({ type }) => type === 'Ready')?.status !== 'Unknown') {
      await markSilent(node, now, signal);
      return { afterMs: LOOK_EVERY_MS };
    }
    const taints = wantedTaints(node, now);
    if (taints !== node.spec.taints && (taints.length > 0 || node.spec.taints !== undefined)) {
      const next = { ...node, spec: { ...node.spec, taints: taints.length > 0 ? [...taints] : undefined } };
      await client.update(nodes, next, {}, signal);
    }
    if (node.status.conditions?.some(({ type, status }) => type === 'Ready' && status !== 'True')) {
      await markPodsNotReady(name, now, signal);
    }
    return { afterMs: LOOK_EVERY_MS };
  }

  function listen(node: Node): boolean {
    const { name } = node.metadata;
    const renewed = leaseInformer.get(`${LEASES}/${name}`)?.spec?.renewTime ?? '';
    const ready = node.status.conditions?.find(({ type }) => type === 'Ready');
    // What we wrote ourselves is not a word from the node.
    const word = `${renewed} ${ready?.status === 'Unknown' ? '' : (ready?.lastHeartbeatTime ?? '')}`;
    const before = heard.get(name);
    const nowMs = clock.monotonic();
    if (
      before === undefined ||
      (before.word !== word && ready?.status !== 'Unknown') ||
      hasRenewed(before.word, renewed)
    ) {
      heard.set(name, { word, atMs: nowMs });
      return false;
    }
    return nowMs - before.atMs > GRACE_MS;
  }

  async function markSilent(node: Node, now: string, signal: AbortSignal): Promise<void> {
    const status = { ...node.status, conditions: silentConditions(node, now) };
    await client.update(nodes, { ...node, status }, { subresource: 'status' }, signal);
    recorder.event(node, 'Normal', 'NodeNotReady', `Node ${node.metadata.name} status is now: NodeNotReady`);
    log.warn({ node: node.metadata.name }, 'node went silent');
  }

  async function markPodsNotReady(node: string, now: string, signal: AbortSignal): Promise<void> {
    for (const pod of podInformer.list()) {
      if (pod.spec.nodeName !== node || conditionOf(pod, 'Ready')?.status !== 'True') continue;
      await markPodNotReady(pod, now, signal);
    }
  }

  async function markPodNotReady(pod: Pod, now: string, signal: AbortSignal): Promise<void> {
    const condition = { type: 'Ready', status: 'False', lastTransitionTime: now };
    const body = { metadata: { uid: pod.metadata.uid }, status: { conditions: [condition] } };
    try {
      await client.patch(pods, pod.metadata, { type: 'strategic', body }, { subresource: 'status' }, signal);
      recorder.event(pod, 'Warning', 'NodeNotReady', 'Node is not ready');
    } catch (err) {
      if (!isNotFound(err)) throw err;
    }
  }

  const sources = [on(nodeInformer, itself), on(leaseInformer, () => []), on(podInformer, () => [])];
  return (signal) => runController({ name: 'node-lifecycle', sources, reconcile, clock, log }, signal);
};

function hasRenewed(word: string, renewed: string): boolean {
  return renewed !== '' && !word.startsWith(`${renewed} `);
}
