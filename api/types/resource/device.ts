// Devices as a driver publishes them.
import {
  aBoolean,
  anInt64,
  aQuantity,
  aString,
  boolean,
  field,
  int64,
  list,
  map,
  object,
  ptr,
  quantity,
  required,
  string,
  type TypeOf,
  time,
} from '../../schema/schema.ts';
import { NodeSelector } from '../core/affinity.ts';

export const DeviceAttribute = object('io.k8s.api.resource.v1.DeviceAttribute', {
  int: int64(2, { ptr }),
  bool: boolean(3, { ptr }),
  string: string(4, { ptr }),
  version: string(5, { ptr }),
  ints: list(6, anInt64, { listType: 'atomic' }),
  bools: list(7, aBoolean, { listType: 'atomic' }),
  strings: list(8, aString, { listType: 'atomic' }),
  versions: list(9, aString, { listType: 'atomic' }),
});
export type DeviceAttribute = TypeOf<typeof DeviceAttribute>;

export const CapacityRequestPolicyRange = object('io.k8s.api.resource.v1.CapacityRequestPolicyRange', {
  min: quantity(1, { required, ptr }),
  max: quantity(2, { ptr }),
  step: quantity(3, { ptr }),
});
export type CapacityRequestPolicyRange = TypeOf<typeof CapacityRequestPolicyRange>;

export const CapacityRequestPolicy = object('io.k8s.api.resource.v1.CapacityRequestPolicy', {
  default: quantity(1, { ptr, emitZero: null }),
  validValues: list(3, aQuantity, { listType: 'atomic' }),
  validRange: field(4, CapacityRequestPolicyRange, { ptr }),
});
export type CapacityRequestPolicy = TypeOf<typeof CapacityRequestPolicy>;

export const DeviceCapacity = object('io.k8s.api.resource.v1.DeviceCapacity', {
  value: quantity(1, { required, emitZero: '0' }),
  requestPolicy: field(2, CapacityRequestPolicy, { ptr }),
});
export type DeviceCapacity = TypeOf<typeof DeviceCapacity>;

export const Counter = object('io.k8s.api.resource.v1.Counter', {
  value: quantity(1, { required, emitZero: '0' }),
});
export type Counter = TypeOf<typeof Counter>;

export const DeviceCounterConsumption = object('io.k8s.api.resource.v1.DeviceCounterConsumption', {
  counterSet: string(1, { required, emitZero: '' }),
  counters: map(2, Counter, { required }),
});
export type DeviceCounterConsumption = TypeOf<typeof DeviceCounterConsumption>;

export const DeviceTaint = object('io.k8s.api.resource.v1.DeviceTaint', {
  key: string(1, { required, emitZero: '' }),
  value: string(2),
  effect: string(3, { required, emitZero: '', enum: ['NoExecute', 'NoSchedule', 'None'] }),
  timeAdded: time(4, { ptr }),
});
export type DeviceTaint = TypeOf<typeof DeviceTaint>;

export const NodeAllocatableResourceMapping = object('io.k8s.api.resource.v1.NodeAllocatableResourceMapping', {
  capacityKey: string(1, { ptr }),
  allocationMultiplier: quantity(2, { ptr }),
});
export type NodeAllocatableResourceMapping = TypeOf<typeof NodeAllocatableResourceMapping>;

export const Device = object('io.k8s.api.resource.v1.Device', {
  name: string(1, { required, emitZero: '' }),
  attributes: map(2, DeviceAttribute),
  capacity: map(3, DeviceCapacity),
  consumesCounters: list(4, DeviceCounterConsumption, { listType: 'atomic' }),
  nodeName: string(5, { ptr }),
  nodeSelector: field(6, NodeSelector, { ptr }),
  allNodes: boolean(7, { ptr }),
  taints: list(8, DeviceTaint, { listType: 'atomic' }),
  bindsToNode: boolean(9, { ptr }),
  bindingConditions: list(10, aString, { listType: 'atomic' }),
  bindingFailureConditions: list(11, aString, { listType: 'atomic' }),
  allowMultipleAllocations: boolean(12, { ptr }),
  nodeAllocatableResourceMappings: map(13, NodeAllocatableResourceMapping),
});
export type Device = TypeOf<typeof Device>;

export const CounterSet = object('io.k8s.api.resource.v1.CounterSet', {
  name: string(1, { required, emitZero: '' }),
  counters: map(2, Counter, { required }),
});
export type CounterSet = TypeOf<typeof CounterSet>;
