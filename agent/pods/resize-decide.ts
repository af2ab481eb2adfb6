// Whether a pod may have the resources it was given while it runs: what it has been promised (its allocation) changes
// only when the node has room, and is remembered on disk. Pure; conditions in upstream's words.
import { isDeepStrictEqual } from 'node:util';
import type { Container } from '../../api/types/core/container.ts';
import type { Pod } from '../../api/types/core/pod.ts';
import { type AdmissionNode, shortagesOf } from './admission-decide.ts';
import { podRequests } from './pod-requests.ts';
import { isStatic } from './static-pods.ts';

/** What each container has been promised, by name. */
export type Allocation = ReadonlyMap<string, Container['resources']>;

export type ResizeAnswer =
  | { readonly do: 'nothing' }
  | { readonly do: 'allocate' }
  | { readonly do: 'hold'; readonly reason: 'Deferred' | 'Infeasible'; readonly message: string };

export function allocationOf({ spec }: Pod): Allocation {
  return new Map([...spec.containers, ...(spec.initContainers ?? [])].map(({ name, resources }) => [name, resources]));
}

/** The pod as it has been promised to be. */
export function asAllocated(pod: Pod, allocation: Allocation | undefined): Pod {
  if (allocation === undefined) return pod;
  const promised = (container: Container) =>
    allocation.has(container.name) ? { ...container, resources: allocation.get(container.name) } : container;
  const { containers, initContainers } = pod.spec;
  return {
    ...pod,
    spec: {
      ...pod.spec,
      containers: containers.map(promised),
      ...(initContainers && { initContainers: initContainers.map(promised) }),
    },
  };
}

export function isAllocated(pod: Pod, allocation: Allocation): boolean {
  return [...allocationOf(pod)].every(([name, resources]) => isDeepStrictEqual(resources, allocation.get(name)));
}

export function decideResize(
  pod: Pod,
  allocation: Allocation,
  node: AdmissionNode | undefined,
  others: () => readonly Pod[],
): ResizeAnswer {
  if (isAllocated(pod, allocation)) return { do: 'nothing' };
  if (isStatic(pod)) {
    return { do: 'hold', reason: 'Infeasible', message: 'In-place resize of static-pods is not supported' };
  }
  if (node === undefined) return { do: 'nothing' };
  for (const [resource, requested] of podRequests(pod)) {
    const capacity = node.allocatable.get(resource);
    if (capacity === undefined || requested <= capacity) continue;
    const message = `Node didn't have enough capacity: ${resource}, requested: ${requested}, capacity: ${capacity}`;
    return { do: 'hold', reason: 'Infeasible', message };
  }
  const before = podRequests(asAllocated(pod, allocation));
  const grows = (resource: string) => (podRequests(pod).get(resource) ?? 0) > (before.get(resource) ?? 0);
  const short = shortagesOf(pod, node.allocatable, others()).find(({ resource }) => grows(resource));
  if (short === undefined) return { do: 'allocate' };
  const { resource, requested, used, capacity } = short;
  const amounts = `requested: ${requested}, used: ${used}, capacity: ${capacity}`;
  return { do: 'hold', reason: 'Deferred', message: `Node didn't have enough resource: ${resource}, ${amounts}` };
}
