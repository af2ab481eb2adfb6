// The socket that tells which pod has which devices and CPUs: monitoring agents and topology-aware schedulers ask it.
// An answer is made of what is known at that moment; nothing is kept for it.
import { assetPath } from '../../api/assets.ts';
import type { Pod } from '../../api/types/core/pod.ts';
import type { CpuManager } from '../cgroups/cpu-manager.ts';
import { isSidecar, isTerminal } from '../pods/phase.ts';
import type { Allocations } from './allocations.ts';
import { GrpcFailure, GrpcServer, NOT_FOUND } from './grpc-server.ts';
import type { Inventory } from './inventory.ts';

export interface DynamicResource {
  readonly claimName: string;
  readonly claimNamespace: string;
  readonly claimResources: readonly {
    readonly cdiDevices: readonly { readonly name: string }[];
    readonly driverName: string;
    readonly poolName: string;
    readonly deviceName: string;
    readonly shareId?: string;
  }[];
}

export interface PodResourcesView {
  readonly pods: () => Iterable<Pod>;
  readonly inventory: Pick<Inventory, 'resources' | 'devices'>;
  readonly allocations: Pick<Allocations, 'of'>;
  readonly cpus: Pick<CpuManager, 'exclusive' | 'allocatable' | 'policy'>;
  readonly claims: (pod: Pod, container: string) => readonly DynamicResource[];
}

export function servePodResources(socket: string, view: PodResourcesView): Promise<GrpcServer> {
  return GrpcServer.start({
    socket,
    proto: assetPath('proto/pod-resources.proto'),
    service: 'v1.PodResourcesLister',
    handlers: {
      List: () => ({ podResources: [...view.pods()].map((pod) => podResources(pod, view)) }),
      GetAllocatableResources: () => allocatable(view),
      Get: ({ podName, podNamespace }: { podName: string; podNamespace: string }) => {
        const found = [...view.pods()].find(
          ({ metadata }) => metadata.name === podName && metadata.namespace === podNamespace,
        );
        if (found === undefined) {
          throw new GrpcFailure(NOT_FOUND, `pod ${podName} in namespace ${podNamespace} not found`);
        }
        return { podResources: podResources(found, view) };
      },
    },
  });
}

export function podResources(pod: Pod, { inventory, allocations, cpus, claims }: PodResourcesView) {
  const { uid, name, namespace } = pod.metadata;
  // Other init containers hold nothing any more when somebody asks.
  const containers = [...(pod.spec.initContainers ?? []).filter(isSidecar), ...pod.spec.containers];
  const ended = isTerminal(pod);
  return {
    name,
    namespace,
    containers: containers.map((container) => ({
      name: container.name,
      devices: ended
        ? []
        : allocations
            .of(uid, container.name)
            .flatMap(({ resource, ids }) => byPlace(resource, ids, inventory.devices(resource))),
      cpuIds: ended ? [] : [...(cpus.exclusive(uid, container.name) ?? [])],
      dynamicResources: ended ? [] : claims(pod, container.name),
    })),
  };
}

function allocatable({ inventory, cpus }: PodResourcesView) {
  return {
    devices: inventory.resources.flatMap((resource) => {
      const devices = inventory.devices(resource);
      const healthy = [...devices.values()].flatMap((device) => (device.healthy ? [device.id] : []));
      return byPlace(resource, healthy, devices);
    }),
    cpuIds: cpus.policy === 'static' ? [...cpus.allocatable] : [],
  };
}

/** Devices of one place in one entry, as upstream tells them. */
function byPlace(resource: string, ids: readonly string[], devices: ReturnType<Inventory['devices']>) {
  const groups = Map.groupBy(ids, (id) => (devices.get(id)?.nodes ?? []).join());
  return Array.from(groups, ([nodes, deviceIds]) => ({
    resourceName: resource,
    deviceIds,
    topology: nodes === '' ? null : { nodes: nodes.split(',').map((id) => ({ id })) },
  }));
}
