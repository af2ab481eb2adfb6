// DeviceClass: a sort of device and how to choose one.

import { kind } from '../../schema/kind.ts';
import { any, field, list, object, ptr, required, string, type TypeOf } from '../../schema/schema.ts';

export const CELDeviceSelector = object('io.k8s.api.resource.v1.CELDeviceSelector', {
  expression: string(1, { required, emitZero: '' }),
});
export type CELDeviceSelector = TypeOf<typeof CELDeviceSelector>;

export const DeviceSelector = object('io.k8s.api.resource.v1.DeviceSelector', {
  cel: field(1, CELDeviceSelector, { ptr }),
});
export type DeviceSelector = TypeOf<typeof DeviceSelector>;

export const OpaqueDeviceConfiguration = object('io.k8s.api.resource.v1.OpaqueDeviceConfiguration', {
  driver: string(1, { required, emitZero: '' }),
  parameters: any(2, 'io.k8s.apimachinery.pkg.runtime.RawExtension', { required, emitZero: null }),
});
export type OpaqueDeviceConfiguration = TypeOf<typeof OpaqueDeviceConfiguration>;

export const DeviceClassConfiguration = object('io.k8s.api.resource.v1.DeviceClassConfiguration', {
  opaque: field(1, OpaqueDeviceConfiguration, { ptr, via: [[1, 'deviceConfiguration']] }),
});
export type DeviceClassConfiguration = TypeOf<typeof DeviceClassConfiguration>;

export const DeviceClassSpec = object('io.k8s.api.resource.v1.DeviceClassSpec', {
  selectors: list(1, DeviceSelector, { listType: 'atomic' }),
  config: list(2, DeviceClassConfiguration, { listType: 'atomic' }),
  extendedResourceName: string(4, { ptr }),
});
export type DeviceClassSpec = TypeOf<typeof DeviceClassSpec>;

export const DeviceClass = kind('io.k8s.api.resource.v1.DeviceClass', {
  spec: field(2, DeviceClassSpec, { required, emitZero: {} }),
});
export type DeviceClass = TypeOf<typeof DeviceClass>;
