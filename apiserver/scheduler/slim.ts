// What the scheduler's informers keep of pods and nodes: the fields it decides by. A hundred thousand pods are held
// here, so environment, probes, mounts and the like are dropped as they come in.
import type { Node } from '../../api/types/core/node.ts';
import type { Pod } from '../../api/types/core/pod.ts';

type Container = Pod['spec']['containers'][number];
type ContainerStatus = NonNullable<Pod['status']['containerStatuses']>[number];
type Metadata = Pod['metadata'];

export function slimMetadata(metadata: Metadata): Metadata {
  const { name, namespace, uid, resourceVersion, generation, labels, creationTimestamp, deletionTimestamp } = metadata;
  const ownerReferences = metadata.ownerReferences?.filter(({ controller }) => controller === true);
  return {
    ...{ name, namespace, uid, resourceVersion, generation, labels, creationTimestamp, deletionTimestamp },
    ...(ownerReferences?.length && { ownerReferences }),
  } as Metadata;
}

export function slimPod({ apiVersion, kind, metadata, spec, status }: Pod): Pod {
  const { containers, initContainers, volumes, ...rest } = spec;
  const disks = volumes?.filter(
    ({ persistentVolumeClaim, ephemeral, gcePersistentDisk, awsElasticBlockStore, iscsi, rbd }) =>
      persistentVolumeClaim ?? ephemeral ?? gcePersistentDisk ?? awsElasticBlockStore ?? iscsi ?? rbd,
  );
  return {
    ...{ apiVersion, kind, metadata: slimMetadata(metadata) },
    spec: {
      ...pick(rest, POD_FIELDS),
      containers: containers.map(slimContainer),
      ...(initContainers?.length && { initContainers: initContainers.map(slimContainer) }),
      ...(disks?.length && { volumes: disks }),
    },
    status: {
      ...pick(status, STATUS_FIELDS),
      ...slimStatuses('containerStatuses', status.containerStatuses),
      ...slimStatuses('initContainerStatuses', status.initContainerStatuses),
      conditions: status.conditions?.filter(({ type }) => CONDITIONS.has(type)),
    },
  } as Pod;
}

const POD_FIELDS = [
  'affinity',
  'nodeName',
  'nodeSelector',
  'overhead',
  'preemptionPolicy',
  'priority',
  'resourceClaims',
  'resources',
  'schedulerName',
  'schedulingGates',
  'tolerations',
  'topologySpreadConstraints',
] as const satisfies readonly (keyof Pod['spec'])[];
const STATUS_FIELDS = [
  'phase',
  'nominatedNodeName',
  'resourceClaimStatuses',
  'startTime',
] as const satisfies readonly (keyof Pod['status'])[];
/** The last says that a preemption is under way. */
const CONDITIONS = new Set(['PodScheduled', 'PodResizePending', 'DisruptionTarget']);

function slimContainer({ name, image, resources, restartPolicy, ports }: Container): Container {
  const hostPorts = ports?.filter(({ hostPort }) => hostPort);
  return {
    ...{ name, image, resources },
    ...(restartPolicy && { restartPolicy }),
    ...(hostPorts?.length && { ports: hostPorts }),
  } as Container;
}

/** Only what a resize in place has left different is of interest. */
function slimStatuses(field: string, statuses: readonly ContainerStatus[] | undefined) {
  const kept = statuses?.filter(({ resources, allocatedResources }) => resources ?? allocatedResources);
  if (!kept?.length) return {};
  return { [field]: kept.map((status) => pick(status, ['name', 'resources', 'allocatedResources'])) };
}

export function slimNode({ apiVersion, kind, metadata, spec, status }: Node): Node {
  return {
    ...{ apiVersion, kind, metadata: slimMetadata(metadata) },
    spec: pick(spec, ['taints', 'unschedulable']),
    status: pick(status, ['allocatable', 'images']),
  } as Node;
}

function pick<T extends object, K extends keyof T>(from: T, fields: readonly K[]): Pick<T, K> {
  const picked = {} as Pick<T, K>;
  for (const field of fields) if (from[field] !== undefined) picked[field] = from[field];
  return picked;
}
