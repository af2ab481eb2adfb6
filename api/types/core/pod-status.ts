// What a pod is, as its node reports it.
import {
  aQuantity,
  aString,
  field,
  int64,
  list,
  map,
  object,
  ptr,
  required,
  string,
  type TypeOf,
  time,
} from '../../schema/schema.ts';
import { ContainerStatus } from './container-status.ts';
import { ResourceRequirements } from './resource-requirements.ts';

export const PodCondition = object('io.k8s.api.core.v1.PodCondition', {
  type: string(1, { required, emitZero: '' }),
  status: string(2, { required, emitZero: '' }),
  lastProbeTime: time(3, { emitZero: null }),
  lastTransitionTime: time(4, { emitZero: null }),
  reason: string(5),
  message: string(6),
  observedGeneration: int64(7),
});
export type PodCondition = TypeOf<typeof PodCondition>;

export const PodIP = object('io.k8s.api.core.v1.PodIP', {
  ip: string(1, { required, emitZero: '' }),
});
export type PodIP = TypeOf<typeof PodIP>;

export const PodResourceClaimStatus = object('io.k8s.api.core.v1.PodResourceClaimStatus', {
  name: string(1, { required, emitZero: '' }),
  resourceClaimName: string(2, { ptr }),
});
export type PodResourceClaimStatus = TypeOf<typeof PodResourceClaimStatus>;

export const HostIP = object('io.k8s.api.core.v1.HostIP', {
  ip: string(1, { required, emitZero: '' }),
});
export type HostIP = TypeOf<typeof HostIP>;

export const ContainerExtendedResourceRequest = object('io.k8s.api.core.v1.ContainerExtendedResourceRequest', {
  containerName: string(1, { required, emitZero: '' }),
  resourceName: string(2, { required, emitZero: '' }),
  requestName: string(3, { required, emitZero: '' }),
});
export type ContainerExtendedResourceRequest = TypeOf<typeof ContainerExtendedResourceRequest>;

export const PodExtendedResourceClaimStatus = object('io.k8s.api.core.v1.PodExtendedResourceClaimStatus', {
  requestMappings: list(1, ContainerExtendedResourceRequest, { required, emitZero: null, listType: 'atomic' }),
  resourceClaimName: string(2, { required, emitZero: '' }),
});
export type PodExtendedResourceClaimStatus = TypeOf<typeof PodExtendedResourceClaimStatus>;

export const NodeAllocatableResourceClaimStatus = object('io.k8s.api.core.v1.NodeAllocatableResourceClaimStatus', {
  resourceClaimName: string(1, { required, emitZero: '' }),
  containers: list(2, aString, { listType: 'set' }),
  resources: map(3, aQuantity, { required, emitZero: null }),
});
export type NodeAllocatableResourceClaimStatus = TypeOf<typeof NodeAllocatableResourceClaimStatus>;

export const PodStatus = object(
  'io.k8s.api.core.v1.PodStatus',
  {
    phase: string(1, { enum: ['Failed', 'Pending', 'Running', 'Succeeded', 'Unknown'] }),
    conditions: list(2, PodCondition, {
      listType: 'map',
      keys: ['type'],
      patchStrategy: 'merge',
      patchMergeKey: 'type',
    }),
    message: string(3),
    reason: string(4),
    hostIP: string(5),
    podIP: string(6),
    startTime: time(7, { ptr }),
    containerStatuses: list(8, ContainerStatus, { listType: 'atomic' }),
    qosClass: string(9, { enum: ['BestEffort', 'Burstable', 'Guaranteed'] }),
    initContainerStatuses: list(10, ContainerStatus, { listType: 'atomic' }),
    nominatedNodeName: string(11),
    podIPs: list(12, PodIP, { listType: 'map', keys: ['ip'], patchStrategy: 'merge', patchMergeKey: 'ip' }),
    ephemeralContainerStatuses: list(13, ContainerStatus, { listType: 'atomic' }),
    resize: string(14),
    resourceClaimStatuses: list(15, PodResourceClaimStatus, {
      listType: 'map',
      keys: ['name'],
      patchStrategy: 'merge,retainKeys',
      patchMergeKey: 'name',
    }),
    hostIPs: list(16, HostIP, { listType: 'atomic', patchStrategy: 'merge', patchMergeKey: 'ip' }),
    observedGeneration: int64(17),
    extendedResourceClaimStatus: field(18, PodExtendedResourceClaimStatus, { ptr }),
    allocatedResources: map(19, aQuantity),
    resources: field(20, ResourceRequirements, { ptr }),
    nodeAllocatableResourceClaimStatuses: list(21, NodeAllocatableResourceClaimStatus, { listType: 'atomic' }),
  },
  {
    defaults(value) {
      // podIP is the first of podIPs, and the one to trust where they differ.
      const first = value.podIPs?.[0]?.ip;
      if (value.podIP && value.podIP !== first) value.podIPs = [{ ip: value.podIP }];
      else if (first) value.podIP = first;
    },
  },
);
export type PodStatus = TypeOf<typeof PodStatus>;
