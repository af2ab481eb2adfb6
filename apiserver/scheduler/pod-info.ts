// A pod as plugins see it: what they ask for again and again is worked out once, when the pod changes.
import type { Labels } from '../../api/labels.ts';
import { keyOf } from '../../api/resource.ts';
import type { Pod } from '../../api/types/core/pod.ts';
import { type PodTerms, termsOf } from './affinity-terms.ts';
import { podRequests, type Requests } from './pod-requests.ts';
import type { ResourceNames } from './resource-names.ts';

export const SCHEDULER_NAME = 'default-scheduler';

export interface HostPort {
  readonly protocol: string;
  readonly port: number;
  /** '0.0.0.0' is every address. */
  readonly ip: string;
}

/** A disk of an old sort that a pod names directly: two such users may not meet on one node. */
export interface Disk {
  readonly id: string;
  /** Whether readers may share it with readers. */
  readonly shareable: boolean;
}

export interface ClaimUse {
  /** namespace/name */
  readonly key: string;
  readonly name: string;
  /** Made from the pod's own template: it must belong to the pod. */
  readonly ephemeral: boolean;
}

export interface DeviceClaimUse {
  /** namespace/name; absent while a claim from a template is not made. */
  readonly key: string | undefined;
  readonly name: string;
  readonly generated: boolean;
}

export interface Reported {
  readonly status: string;
  readonly reason: string;
  readonly message: string;
  readonly lastTransitionTime: string | undefined;
}

export interface PodInfo {
  readonly key: string;
  readonly namespace: string;
  readonly name: string;
  readonly uid: string;
  readonly generation: number | undefined;
  readonly labels: Labels;
  readonly ownerUid: string | undefined;
  readonly priority: number;
  readonly mayPreempt: boolean;
  readonly schedulerName: string;
  readonly gated: boolean;
  readonly nodeName: string;
  readonly nominatedNodeName: string;
  readonly startedMs: number;
  readonly terminating: boolean;
  /** On its way out to make room for another. */
  readonly preempted: boolean;
  readonly requests: Requests;
  readonly images: readonly string[];
  readonly containerCount: number;
  readonly hostPorts: readonly HostPort[];
  readonly terms: PodTerms;
  readonly claims: readonly ClaimUse[];
  readonly disks: readonly Disk[];
  readonly deviceClaims: readonly DeviceClaimUse[];
  readonly nodeSelector: Labels | undefined;
  readonly nodeAffinity: NonNullable<Pod['spec']['affinity']>['nodeAffinity'];
  readonly tolerations: NonNullable<Pod['spec']['tolerations']>;
  readonly spread: NonNullable<Pod['spec']['topologySpreadConstraints']>;
  /** The condition PodScheduled as it stands. */
  readonly reported: Reported | undefined;
}

const NONE: readonly never[] = [];
const NO_LABELS: Labels = {};

export function podInfo(pod: Pod, names: ResourceNames): PodInfo {
  const { metadata, spec, status } = pod;
  const { name, namespace = '', uid } = metadata;
  const initContainers = spec.initContainers ?? [];
  const containers = [...spec.containers, ...initContainers];
  // An init container has ended when the others start: its ports are free again, unless it is a sidecar.
  const holdsPorts = (one: Container) => one.restartPolicy === 'Always' || !initContainers.includes(one);
  const scheduled = status.conditions?.find(({ type }) => type === 'PodScheduled');
  const disrupted = status.conditions?.find(({ type }) => type === 'DisruptionTarget');
  return {
    ...{ key: keyOf(pod), namespace, name, uid },
    generation: metadata.generation,
    labels: metadata.labels ?? NO_LABELS,
    ownerUid: metadata.ownerReferences?.find(({ controller }) => controller === true)?.uid,
    priority: spec.priority ?? 0,
    mayPreempt: spec.preemptionPolicy !== 'Never',
    schedulerName: spec.schedulerName ?? SCHEDULER_NAME,
    gated: (spec.schedulingGates?.length ?? 0) > 0,
    nodeName: spec.nodeName ?? '',
    nominatedNodeName: status.nominatedNodeName ?? '',
    startedMs: Date.parse(status.startTime ?? metadata.creationTimestamp ?? ''),
    terminating: metadata.deletionTimestamp !== undefined,
    preempted: disrupted?.status === 'True' && disrupted.reason === PREEMPTED,
    requests: podRequests(pod, names),
    images: containers.map(({ image }) => tagged(image ?? '')),
    containerCount: containers.length,
    hostPorts: orNone(containers.filter(holdsPorts).flatMap(hostPortsOf)),
    terms: termsOf(pod),
    claims: orNone((spec.volumes ?? []).flatMap((volume) => claimsOf(volume, namespace, name))),
    disks: orNone((spec.volumes ?? []).flatMap(disksOf)),
    deviceClaims: orNone(deviceClaimsOf(pod)),
    nodeSelector: spec.nodeSelector,
    nodeAffinity: spec.affinity?.nodeAffinity,
    tolerations: spec.tolerations ?? [],
    spread: spec.topologySpreadConstraints ?? [],
    reported: scheduled && {
      status: scheduled.status,
      reason: scheduled.reason ?? '',
      message: scheduled.message ?? '',
      lastTransitionTime: scheduled.lastTransitionTime ?? undefined,
    },
  };
}

export const PREEMPTED = 'PreemptionByScheduler';

/** Most pods have none of most things: they share one empty list. */
function orNone<T>(list: readonly T[]): readonly T[] {
  return list.length === 0 ? NONE : list;
}

function deviceClaimsOf({ metadata, spec, status }: Pod): DeviceClaimUse[] {
  return (spec.resourceClaims ?? []).flatMap(({ name, resourceClaimName }): DeviceClaimUse[] => {
    const at = (claim: string) => `${metadata.namespace}/${claim}`;
    if (resourceClaimName) return [{ key: at(resourceClaimName), name: resourceClaimName, generated: false }];
    const made = status.resourceClaimStatuses?.find((each) => each.name === name);
    if (made === undefined) return [{ key: undefined, name, generated: true }];
    // Without a name none is needed.
    const claim = made.resourceClaimName;
    return claim ? [{ key: at(claim), name: claim, generated: true }] : [];
  });
}

type Container = Pod['spec']['containers'][number];
type Volume = NonNullable<Pod['spec']['volumes']>[number];

function hostPortsOf({ ports = [] }: Container): HostPort[] {
  return ports
    .filter(({ hostPort }) => hostPort)
    .map(({ hostPort, protocol, hostIP }) => ({
      port: hostPort!,
      protocol: protocol || 'TCP',
      ip: hostIP || '0.0.0.0',
    }));
}

function claimsOf({ name, persistentVolumeClaim, ephemeral }: Volume, namespace: string, pod: string): ClaimUse[] {
  const claim = persistentVolumeClaim?.claimName ?? (ephemeral ? `${pod}-${name}` : undefined);
  if (claim === undefined) return [];
  return [{ key: `${namespace}/${claim}`, name: claim, ephemeral: ephemeral !== undefined }];
}

function disksOf({ gcePersistentDisk, awsElasticBlockStore, iscsi, rbd }: Volume): Disk[] {
  if (gcePersistentDisk)
    return [{ id: `gce/${gcePersistentDisk.pdName}`, shareable: gcePersistentDisk.readOnly === true }];
  // One machine can attach such a volume once, whoever reads it.
  if (awsElasticBlockStore) return [{ id: `aws/${awsElasticBlockStore.volumeID}`, shareable: false }];
  if (iscsi) return [{ id: `iscsi/${iscsi.iqn}`, shareable: iscsi.readOnly === true }];
  if (rbd)
    return (rbd.monitors ?? []).map((monitor) => ({
      id: `rbd/${monitor}/${rbd.pool}/${rbd.image}`,
      shareable: rbd.readOnly === true,
    }));
  return [];
}

/** As nodes name their images: with a tag, `latest` where none is said. */
function tagged(image: string): string {
  return image.lastIndexOf(':') <= image.lastIndexOf('/') ? `${image}:latest` : image;
}
