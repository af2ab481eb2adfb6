// ResourceClaim: devices for a pod, asked for and allocated.

import { kind } from '../../schema/kind.ts';
import {
  any,
  aQuantity,
  aString,
  boolean,
  field,
  list,
  map,
  object,
  ptr,
  required,
  string,
  type TypeOf,
  time,
} from '../../schema/schema.ts';
import { NodeSelector } from '../core/affinity.ts';
import { Condition } from '../meta/condition.ts';
import { TemplateMeta } from '../meta/template-meta.ts';
import { OpaqueDeviceConfiguration } from './device-class.ts';
import { DeviceClaim, DeviceToleration } from './device-request.ts';

export const ResourceClaimSpec = object('io.k8s.api.resource.v1.ResourceClaimSpec', {
  devices: field(1, DeviceClaim, { emitZero: {} }),
});
export type ResourceClaimSpec = TypeOf<typeof ResourceClaimSpec>;

export const DeviceRequestAllocationResult = object('io.k8s.api.resource.v1.DeviceRequestAllocationResult', {
  request: string(1, { required, emitZero: '' }),
  driver: string(2, { required, emitZero: '' }),
  pool: string(3, { required, emitZero: '' }),
  device: string(4, { required, emitZero: '' }),
  adminAccess: boolean(5, { ptr }),
  tolerations: list(6, DeviceToleration, { listType: 'atomic' }),
  bindingConditions: list(7, aString, { listType: 'atomic' }),
  bindingFailureConditions: list(8, aString, { listType: 'atomic' }),
  shareID: string(9, { ptr }),
  consumedCapacity: map(10, aQuantity),
});
export type DeviceRequestAllocationResult = TypeOf<typeof DeviceRequestAllocationResult>;

export const DeviceAllocationConfiguration = object('io.k8s.api.resource.v1.DeviceAllocationConfiguration', {
  source: string(1, { required, emitZero: '', enum: ['FromClaim', 'FromClass'] }),
  requests: list(2, aString, { listType: 'atomic' }),
  opaque: field(1, OpaqueDeviceConfiguration, { ptr, via: [[3, 'deviceConfiguration']] }),
});
export type DeviceAllocationConfiguration = TypeOf<typeof DeviceAllocationConfiguration>;

export const DeviceAllocationResult = object('io.k8s.api.resource.v1.DeviceAllocationResult', {
  results: list(1, DeviceRequestAllocationResult, { listType: 'atomic' }),
  config: list(2, DeviceAllocationConfiguration, { listType: 'atomic' }),
});
export type DeviceAllocationResult = TypeOf<typeof DeviceAllocationResult>;

export const AllocationResult = object('io.k8s.api.resource.v1.AllocationResult', {
  devices: field(1, DeviceAllocationResult, { emitZero: {} }),
  nodeSelector: field(3, NodeSelector, { ptr }),
  allocationTimestamp: time(5, { ptr }),
});
export type AllocationResult = TypeOf<typeof AllocationResult>;

export const ResourceClaimConsumerReference = object('io.k8s.api.resource.v1.ResourceClaimConsumerReference', {
  apiGroup: string(1),
  resource: string(3, { required, emitZero: '' }),
  name: string(4, { required, emitZero: '' }),
  uid: string(5, { required, emitZero: '' }),
});
export type ResourceClaimConsumerReference = TypeOf<typeof ResourceClaimConsumerReference>;

export const NetworkDeviceData = object('io.k8s.api.resource.v1.NetworkDeviceData', {
  interfaceName: string(1),
  ips: list(2, aString, { listType: 'atomic' }),
  hardwareAddress: string(3),
});
export type NetworkDeviceData = TypeOf<typeof NetworkDeviceData>;

export const AllocatedDeviceStatus = object('io.k8s.api.resource.v1.AllocatedDeviceStatus', {
  driver: string(1, { required, emitZero: '' }),
  pool: string(2, { required, emitZero: '' }),
  device: string(3, { required, emitZero: '' }),
  conditions: list(4, Condition, { emitZero: null, listType: 'map', keys: ['type'] }),
  data: any(5, 'io.k8s.apimachinery.pkg.runtime.RawExtension', { ptr }),
  networkData: field(6, NetworkDeviceData, { ptr }),
  shareID: string(7, { ptr }),
});
export type AllocatedDeviceStatus = TypeOf<typeof AllocatedDeviceStatus>;

export const ResourceClaimStatus = object('io.k8s.api.resource.v1.ResourceClaimStatus', {
  allocation: field(1, AllocationResult, { ptr }),
  reservedFor: list(2, ResourceClaimConsumerReference, {
    listType: 'map',
    keys: ['uid'],
    patchStrategy: 'merge',
    patchMergeKey: 'uid',
  }),
  devices: list(4, AllocatedDeviceStatus, { listType: 'map', keys: ['driver', 'device', 'pool', 'shareID'] }),
});
export type ResourceClaimStatus = TypeOf<typeof ResourceClaimStatus>;

export const ResourceClaim = kind('io.k8s.api.resource.v1.ResourceClaim', {
  spec: field(2, ResourceClaimSpec, { required, emitZero: {} }),
  status: field(3, ResourceClaimStatus, { emitZero: {} }),
});
export type ResourceClaim = TypeOf<typeof ResourceClaim>;

export const ResourceClaimTemplateSpec = object('io.k8s.api.resource.v1.ResourceClaimTemplateSpec', {
  metadata: field(1, TemplateMeta, { emitZero: {} }),
  spec: field(2, ResourceClaimSpec, { required, emitZero: {} }),
});
export type ResourceClaimTemplateSpec = TypeOf<typeof ResourceClaimTemplateSpec>;

export const ResourceClaimTemplate = kind('io.k8s.api.resource.v1.ResourceClaimTemplate', {
  spec: field(2, ResourceClaimTemplateSpec, { required, emitZero: {} }),
});
export type ResourceClaimTemplate = TypeOf<typeof ResourceClaimTemplate>;
