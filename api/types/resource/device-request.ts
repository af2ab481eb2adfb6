// What a claim asks for.
import {
  aQuantity,
  aString,
  boolean,
  field,
  int64,
  list,
  map,
  object,
  ptr,
  required,
  string,
  type TypeOf,
} from '../../schema/schema.ts';
import { DeviceSelector, OpaqueDeviceConfiguration } from './device-class.ts';

export const DeviceToleration = object('io.k8s.api.resource.v1.DeviceToleration', {
  key: string(1),
  operator: string(2, { default: 'Equal', enum: ['Equal', 'Exists'] }),
  value: string(3),
  effect: string(4, { enum: ['NoExecute', 'NoSchedule', 'None'] }),
  tolerationSeconds: int64(5, { ptr }),
});
export type DeviceToleration = TypeOf<typeof DeviceToleration>;

export const CapacityRequirements = object('io.k8s.api.resource.v1.CapacityRequirements', {
  requests: map(1, aQuantity),
});
export type CapacityRequirements = TypeOf<typeof CapacityRequirements>;

export const ExactDeviceRequest = object(
  'io.k8s.api.resource.v1.ExactDeviceRequest',
  {
    deviceClassName: string(1, { required, emitZero: '' }),
    selectors: list(2, DeviceSelector, { listType: 'atomic' }),
    allocationMode: string(3, { enum: ['All', 'ExactCount'] }),
    count: int64(4),
    adminAccess: boolean(5, { ptr }),
    tolerations: list(6, DeviceToleration, { listType: 'atomic' }),
    capacity: field(7, CapacityRequirements, { ptr }),
  },
  {
    defaults(value) {
      value.allocationMode ||= 'ExactCount';
      if (value.allocationMode === 'ExactCount') value.count ||= 1;
    },
  },
);
export type ExactDeviceRequest = TypeOf<typeof ExactDeviceRequest>;

export const DeviceSubRequest = object(
  'io.k8s.api.resource.v1.DeviceSubRequest',
  {
    name: string(1, { required, emitZero: '' }),
    deviceClassName: string(2, { required, emitZero: '' }),
    selectors: list(3, DeviceSelector, { listType: 'atomic' }),
    allocationMode: string(4, { enum: ['All', 'ExactCount'] }),
    count: int64(5),
    tolerations: list(6, DeviceToleration, { listType: 'atomic' }),
    capacity: field(7, CapacityRequirements, { ptr }),
  },
  {
    defaults(value) {
      value.allocationMode ||= 'ExactCount';
      if (value.allocationMode === 'ExactCount') value.count ||= 1;
    },
  },
);
export type DeviceSubRequest = TypeOf<typeof DeviceSubRequest>;

export const DeviceRequest = object('io.k8s.api.resource.v1.DeviceRequest', {
  name: string(1, { required, emitZero: '' }),
  exactly: field(2, ExactDeviceRequest, { ptr }),
  firstAvailable: list(3, DeviceSubRequest, { listType: 'atomic' }),
});
export type DeviceRequest = TypeOf<typeof DeviceRequest>;

export const DeviceConstraint = object('io.k8s.api.resource.v1.DeviceConstraint', {
  requests: list(1, aString, { listType: 'atomic' }),
  matchAttribute: string(2, { ptr }),
  distinctAttribute: string(3, { ptr }),
});
export type DeviceConstraint = TypeOf<typeof DeviceConstraint>;

export const DeviceClaimConfiguration = object('io.k8s.api.resource.v1.DeviceClaimConfiguration', {
  requests: list(1, aString, { listType: 'atomic' }),
  opaque: field(1, OpaqueDeviceConfiguration, { ptr, via: [[2, 'deviceConfiguration']] }),
});
export type DeviceClaimConfiguration = TypeOf<typeof DeviceClaimConfiguration>;

export const DeviceClaim = object('io.k8s.api.resource.v1.DeviceClaim', {
  requests: list(1, DeviceRequest, { emitZero: null, listType: 'atomic' }),
  constraints: list(2, DeviceConstraint, { listType: 'atomic' }),
  config: list(3, DeviceClaimConfiguration, { listType: 'atomic' }),
});
export type DeviceClaim = TypeOf<typeof DeviceClaim>;
