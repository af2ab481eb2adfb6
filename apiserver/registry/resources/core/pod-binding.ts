// POST pods/<name>/binding, and the same by the bindings collection: the one way a pod gets its node.
import { timestamp } from '../../../../api/clock.ts';
import { ApiError, conflict } from '../../../../api/status.ts';
import type { Binding } from '../../../../api/types/core/binding.ts';
import { bindings } from '../../../../api/types/core/legacy-resources.ts';
import type { Pod } from '../../../../api/types/core/pod.ts';
import { nodes, pods } from '../../../../api/types/core/resources.ts';
import { decodeAs } from '../../codec.ts';
import { checkNames, settleNamespace } from '../../metadata.ts';
import { copyOf } from '../../objects.ts';
import { success } from '../../reply.ts';
import type { ResourceStore } from '../../resource-store.ts';
import type { Handler } from '../../strategy.ts';
import { overwriteRaw } from '../../write.ts';
import { setPodCondition } from './pod-conditions.ts';

export const bindPod: Handler = async (request, registry) => {
  const binding = (await decodeAs(bindings, request)) as Binding;
  settleNamespace({ ...request, resource: pods }, binding);
  const name = request.name || binding.metadata.name;
  if (request.name !== '') checkNames(request, binding);
  const wrong = problemOf(binding);
  if (wrong !== undefined) throw new ApiError(500, '', wrong);
  const of = registry.storeOf(pods) as ResourceStore;
  await overwriteRaw(of, { ...request, name }, (cached) => {
    const pod = copyOf<Pod>(cached);
    refuseBound(pod, binding);
    const { metadata, target } = binding;
    pod.spec.nodeName = target.name!;
    if (metadata.annotations) pod.metadata.annotations = { ...pod.metadata.annotations, ...metadata.annotations };
    const labels = {
      ...topologyOf(registry.objects(nodes).get('', target.name!)?.metadata.labels),
      ...metadata.labels,
    };
    if (Object.keys(labels).length > 0) pod.metadata.labels = { ...pod.metadata.labels, ...labels };
    const lastTransitionTime = timestamp(registry.clock.now());
    setPodCondition(pod, { type: 'PodScheduled', status: 'True', lastTransitionTime });
    return pod;
  });
  return success(201);
};

function problemOf({ target }: Binding): string | undefined {
  if (target.kind && target.kind !== 'Node') {
    return `target.kind: Unsupported value: ${JSON.stringify(target.kind)}: supported values: "Node", "<empty>"`;
  }
  return target.name ? undefined : 'target.name: Required value';
}

function refuseBound(pod: Pod, { metadata }: Binding): void {
  const { name } = pod.metadata;
  const of = { group: '', plural: 'pods/binding' };
  if (metadata.uid && metadata.uid !== pod.metadata.uid) {
    throw conflict(
      of,
      name,
      `Precondition failed: UID in precondition: ${metadata.uid}, UID in object meta: ${pod.metadata.uid}`,
    );
  }
  if (pod.metadata.deletionTimestamp)
    throw conflict(of, name, `pod ${name} is being deleted, cannot be assigned to a host`);
  if (pod.spec.nodeName)
    throw conflict(of, name, `pod ${name} is already assigned to node ${JSON.stringify(pod.spec.nodeName)}`);
  if (pod.spec.schedulingGates?.length) throw conflict(of, name, `pod ${name} has non-empty .spec.schedulingGates`);
}

const TOPOLOGY = ['topology.kubernetes.io/zone', 'topology.kubernetes.io/region'];

/** Pods learn where their node stands, for the downward API. */
function topologyOf(labels: Readonly<Record<string, string>> = {}): Record<string, string> {
  return Object.fromEntries(TOPOLOGY.flatMap((key) => (labels[key] === undefined ? [] : [[key, labels[key]]])));
}
