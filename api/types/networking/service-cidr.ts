// ServiceCIDR and IPAddress: where addresses of services come from.

import { kind } from '../../schema/kind.ts';
import { aString, field, list, object, ptr, required, string, type TypeOf } from '../../schema/schema.ts';
import { Condition } from '../meta/condition.ts';

export const ServiceCIDRSpec = object('io.k8s.api.networking.v1.ServiceCIDRSpec', {
  cidrs: list(1, aString, { listType: 'atomic' }),
});
export type ServiceCIDRSpec = TypeOf<typeof ServiceCIDRSpec>;

export const ServiceCIDRStatus = object('io.k8s.api.networking.v1.ServiceCIDRStatus', {
  conditions: list(1, Condition, { listType: 'map', keys: ['type'], patchStrategy: 'merge', patchMergeKey: 'type' }),
});
export type ServiceCIDRStatus = TypeOf<typeof ServiceCIDRStatus>;

export const ServiceCIDR = kind('io.k8s.api.networking.v1.ServiceCIDR', {
  spec: field(2, ServiceCIDRSpec, { emitZero: {} }),
  status: field(3, ServiceCIDRStatus, { emitZero: {} }),
});
export type ServiceCIDR = TypeOf<typeof ServiceCIDR>;

export const ParentReference = object('io.k8s.api.networking.v1.ParentReference', {
  group: string(1),
  resource: string(2, { required }),
  namespace: string(3),
  name: string(4, { required }),
});
export type ParentReference = TypeOf<typeof ParentReference>;

export const IPAddressSpec = object('io.k8s.api.networking.v1.IPAddressSpec', {
  parentRef: field(1, ParentReference, { required, ptr }),
});
export type IPAddressSpec = TypeOf<typeof IPAddressSpec>;

export const IPAddress = kind('io.k8s.api.networking.v1.IPAddress', {
  spec: field(2, IPAddressSpec, { required, emitZero: {} }),
});
export type IPAddress = TypeOf<typeof IPAddress>;
