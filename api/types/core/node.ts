// Node: a machine, with what it offers and how it is.
import { roundResources } from '../../quantity.ts';

import { kind } from '../../schema/kind.ts';
import {
  aQuantity,
  aString,
  boolean,
  field,
  int32,
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
import { Taint } from './affinity.ts';

export const ConfigMapNodeConfigSource = object('io.k8s.api.core.v1.ConfigMapNodeConfigSource', {
  namespace: string(1, { required, emitZero: '' }),
  name: string(2, { required, emitZero: '' }),
  uid: string(3),
  resourceVersion: string(4),
  kubeletConfigKey: string(5, { required, emitZero: '' }),
});
export type ConfigMapNodeConfigSource = TypeOf<typeof ConfigMapNodeConfigSource>;

export const NodeConfigSource = object('io.k8s.api.core.v1.NodeConfigSource', {
  configMap: field(2, ConfigMapNodeConfigSource, { ptr }),
});
export type NodeConfigSource = TypeOf<typeof NodeConfigSource>;

export const NodeSpec = object(
  'io.k8s.api.core.v1.NodeSpec',
  {
    podCIDR: string(1),
    externalID: string(2),
    providerID: string(3),
    unschedulable: boolean(4),
    taints: list(5, Taint, { listType: 'atomic' }),
    configSource: field(6, NodeConfigSource, { ptr }),
    podCIDRs: list(7, aString, { listType: 'set', patchStrategy: 'merge' }),
  },
  {
    defaults(value) {
      // podCIDR is the first of podCIDRs, and the one to trust where they differ.
      const first = value.podCIDRs?.[0];
      if (value.podCIDR && value.podCIDR !== first) value.podCIDRs = [value.podCIDR];
      else if (first) value.podCIDR = first;
    },
  },
);
export type NodeSpec = TypeOf<typeof NodeSpec>;

export const NodeCondition = object('io.k8s.api.core.v1.NodeCondition', {
  type: string(1, { required, emitZero: '' }),
  status: string(2, { required, emitZero: '' }),
  lastHeartbeatTime: time(3, { emitZero: null }),
  lastTransitionTime: time(4, { emitZero: null }),
  reason: string(5),
  message: string(6),
});
export type NodeCondition = TypeOf<typeof NodeCondition>;

export const NodeAddress = object('io.k8s.api.core.v1.NodeAddress', {
  type: string(1, { required, emitZero: '' }),
  address: string(2, { required, emitZero: '' }),
});
export type NodeAddress = TypeOf<typeof NodeAddress>;

export const DaemonEndpoint = object('io.k8s.api.core.v1.DaemonEndpoint', {
  Port: int32(1, { required, emitZero: 0 }),
});
export type DaemonEndpoint = TypeOf<typeof DaemonEndpoint>;

export const NodeDaemonEndpoints = object('io.k8s.api.core.v1.NodeDaemonEndpoints', {
  kubeletEndpoint: field(1, DaemonEndpoint, { emitZero: {} }),
});
export type NodeDaemonEndpoints = TypeOf<typeof NodeDaemonEndpoints>;

export const NodeSwapStatus = object('io.k8s.api.core.v1.NodeSwapStatus', {
  capacity: int64(1, { ptr }),
});
export type NodeSwapStatus = TypeOf<typeof NodeSwapStatus>;

export const NodeSystemInfo = object('io.k8s.api.core.v1.NodeSystemInfo', {
  machineID: string(1, { required, emitZero: '' }),
  systemUUID: string(2, { required, emitZero: '' }),
  bootID: string(3, { required, emitZero: '' }),
  kernelVersion: string(4, { required, emitZero: '' }),
  osImage: string(5, { required, emitZero: '' }),
  containerRuntimeVersion: string(6, { required, emitZero: '' }),
  kubeletVersion: string(7, { required, emitZero: '' }),
  kubeProxyVersion: string(8, { required, emitZero: '' }),
  operatingSystem: string(9, { required, emitZero: '' }),
  architecture: string(10, { required, emitZero: '' }),
  swap: field(11, NodeSwapStatus, { ptr }),
});
export type NodeSystemInfo = TypeOf<typeof NodeSystemInfo>;

export const ContainerImage = object('io.k8s.api.core.v1.ContainerImage', {
  names: list(1, aString, { emitZero: null, listType: 'atomic' }),
  sizeBytes: int64(2),
});
export type ContainerImage = TypeOf<typeof ContainerImage>;

export const AttachedVolume = object('io.k8s.api.core.v1.AttachedVolume', {
  name: string(1, { required, emitZero: '' }),
  devicePath: string(2, { required, emitZero: '' }),
});
export type AttachedVolume = TypeOf<typeof AttachedVolume>;

export const NodeConfigStatus = object('io.k8s.api.core.v1.NodeConfigStatus', {
  assigned: field(1, NodeConfigSource, { ptr }),
  active: field(2, NodeConfigSource, { ptr }),
  lastKnownGood: field(3, NodeConfigSource, { ptr }),
  error: string(4),
});
export type NodeConfigStatus = TypeOf<typeof NodeConfigStatus>;

export const NodeRuntimeHandlerFeatures = object('io.k8s.api.core.v1.NodeRuntimeHandlerFeatures', {
  recursiveReadOnlyMounts: boolean(1, { ptr }),
  userNamespaces: boolean(2, { ptr }),
});
export type NodeRuntimeHandlerFeatures = TypeOf<typeof NodeRuntimeHandlerFeatures>;

export const NodeRuntimeHandler = object('io.k8s.api.core.v1.NodeRuntimeHandler', {
  name: string(1, { emitZero: '' }),
  features: field(2, NodeRuntimeHandlerFeatures, { ptr }),
});
export type NodeRuntimeHandler = TypeOf<typeof NodeRuntimeHandler>;

export const NodeFeatures = object('io.k8s.api.core.v1.NodeFeatures', {
  supplementalGroupsPolicy: boolean(1, { ptr }),
});
export type NodeFeatures = TypeOf<typeof NodeFeatures>;

export const NodeStatus = object(
  'io.k8s.api.core.v1.NodeStatus',
  {
    capacity: map(1, aQuantity),
    allocatable: map(2, aQuantity),
    phase: string(3, { enum: ['Pending', 'Running', 'Terminated'] }),
    conditions: list(4, NodeCondition, {
      listType: 'map',
      keys: ['type'],
      patchStrategy: 'merge',
      patchMergeKey: 'type',
    }),
    addresses: list(5, NodeAddress, { listType: 'map', keys: ['type'], patchStrategy: 'merge', patchMergeKey: 'type' }),
    daemonEndpoints: field(6, NodeDaemonEndpoints, { emitZero: {} }),
    nodeInfo: field(7, NodeSystemInfo, { emitZero: {} }),
    images: list(8, ContainerImage, { listType: 'atomic' }),
    volumesInUse: list(9, aString, { listType: 'atomic' }),
    volumesAttached: list(10, AttachedVolume, { listType: 'atomic' }),
    config: field(11, NodeConfigStatus, { ptr }),
    runtimeHandlers: list(12, NodeRuntimeHandler, { listType: 'atomic' }),
    features: field(13, NodeFeatures, { ptr }),
    declaredFeatures: list(14, aString, { listType: 'atomic' }),
  },
  {
    defaults(value) {
      roundResources(value.capacity);
      roundResources(value.allocatable);
      if (value.capacity !== undefined) value.allocatable ??= { ...value.capacity };
    },
  },
);
export type NodeStatus = TypeOf<typeof NodeStatus>;

export const Node = kind('io.k8s.api.core.v1.Node', {
  spec: field(2, NodeSpec, { emitZero: {} }),
  status: field(3, NodeStatus, { emitZero: {} }),
});
export type Node = TypeOf<typeof Node>;
