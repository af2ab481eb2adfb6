// ResourceSlice: the devices of one pool on one node.

import { kind } from '../../schema/kind.ts';
import { boolean, field, int64, list, object, ptr, required, string, type TypeOf } from '../../schema/schema.ts';
import { NodeSelector } from '../core/affinity.ts';
import { CounterSet, Device } from './device.ts';

export const ResourcePool = object('io.k8s.api.resource.v1.ResourcePool', {
  name: string(1, { required, emitZero: '' }),
  generation: int64(2, { required, emitZero: 0 }),
  resourceSliceCount: int64(3, { required, emitZero: 0 }),
});
export type ResourcePool = TypeOf<typeof ResourcePool>;

export const ResourceSliceSpec = object('io.k8s.api.resource.v1.ResourceSliceSpec', {
  driver: string(1, { required, emitZero: '' }),
  pool: field(2, ResourcePool, { required, emitZero: {} }),
  nodeName: string(3, { ptr }),
  nodeSelector: field(4, NodeSelector, { ptr }),
  allNodes: boolean(5, { ptr }),
  devices: list(6, Device, { listType: 'atomic' }),
  perDeviceNodeSelection: boolean(7, { ptr }),
  sharedCounters: list(8, CounterSet, { listType: 'atomic' }),
});
export type ResourceSliceSpec = TypeOf<typeof ResourceSliceSpec>;

export const ResourceSlice = kind('io.k8s.api.resource.v1.ResourceSlice', {
  spec: field(2, ResourceSliceSpec, { required, emitZero: {} }),
});
export type ResourceSlice = TypeOf<typeof ResourceSlice>;
