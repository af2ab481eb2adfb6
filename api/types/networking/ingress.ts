// Ingress: routes from outside to services.

import { kind } from '../../schema/kind.ts';
import { aString, field, int32, list, object, ptr, required, string, type TypeOf } from '../../schema/schema.ts';
import { TypedLocalObjectReference } from '../core/references.ts';

export const ServiceBackendPort = object(
  'io.k8s.api.networking.v1.ServiceBackendPort',
  {
    name: string(1),
    number: int32(2),
  },
  { mapType: 'atomic' },
);
export type ServiceBackendPort = TypeOf<typeof ServiceBackendPort>;

export const IngressServiceBackend = object('io.k8s.api.networking.v1.IngressServiceBackend', {
  name: string(1, { required, emitZero: '' }),
  port: field(2, ServiceBackendPort, { emitZero: {} }),
});
export type IngressServiceBackend = TypeOf<typeof IngressServiceBackend>;

export const IngressBackend = object('io.k8s.api.networking.v1.IngressBackend', {
  resource: field(3, TypedLocalObjectReference, { ptr }),
  service: field(4, IngressServiceBackend, { ptr }),
});
export type IngressBackend = TypeOf<typeof IngressBackend>;

export const IngressTLS = object('io.k8s.api.networking.v1.IngressTLS', {
  hosts: list(1, aString, { listType: 'atomic' }),
  secretName: string(2),
});
export type IngressTLS = TypeOf<typeof IngressTLS>;

export const HTTPIngressPath = object('io.k8s.api.networking.v1.HTTPIngressPath', {
  path: string(1),
  backend: field(2, IngressBackend, { required, emitZero: {} }),
  pathType: string(3, { required, ptr, emitZero: null, enum: ['Exact', 'ImplementationSpecific', 'Prefix'] }),
});
export type HTTPIngressPath = TypeOf<typeof HTTPIngressPath>;

export const HTTPIngressRuleValue = object('io.k8s.api.networking.v1.HTTPIngressRuleValue', {
  paths: list(1, HTTPIngressPath, { required, emitZero: null, listType: 'atomic' }),
});
export type HTTPIngressRuleValue = TypeOf<typeof HTTPIngressRuleValue>;

export const IngressRule = object('io.k8s.api.networking.v1.IngressRule', {
  host: string(1),
  http: field(1, HTTPIngressRuleValue, { ptr, via: [[2, 'ingressRuleValue']] }),
});
export type IngressRule = TypeOf<typeof IngressRule>;

export const IngressSpec = object('io.k8s.api.networking.v1.IngressSpec', {
  defaultBackend: field(1, IngressBackend, { ptr }),
  tls: list(2, IngressTLS, { listType: 'atomic' }),
  rules: list(3, IngressRule, { listType: 'atomic' }),
  ingressClassName: string(4, { ptr }),
});
export type IngressSpec = TypeOf<typeof IngressSpec>;

export const IngressPortStatus = object('io.k8s.api.networking.v1.IngressPortStatus', {
  port: int32(1, { required, emitZero: 0 }),
  protocol: string(2, { required, emitZero: '', enum: ['SCTP', 'TCP', 'UDP'] }),
  error: string(3, { ptr }),
});
export type IngressPortStatus = TypeOf<typeof IngressPortStatus>;

export const IngressLoadBalancerIngress = object('io.k8s.api.networking.v1.IngressLoadBalancerIngress', {
  ip: string(1),
  hostname: string(2),
  ports: list(4, IngressPortStatus, { listType: 'atomic' }),
});
export type IngressLoadBalancerIngress = TypeOf<typeof IngressLoadBalancerIngress>;

export const IngressLoadBalancerStatus = object('io.k8s.api.networking.v1.IngressLoadBalancerStatus', {
  ingress: list(1, IngressLoadBalancerIngress, { listType: 'atomic' }),
});
export type IngressLoadBalancerStatus = TypeOf<typeof IngressLoadBalancerStatus>;

export const IngressStatus = object('io.k8s.api.networking.v1.IngressStatus', {
  loadBalancer: field(1, IngressLoadBalancerStatus, { emitZero: {} }),
});
export type IngressStatus = TypeOf<typeof IngressStatus>;

export const Ingress = kind('io.k8s.api.networking.v1.Ingress', {
  spec: field(2, IngressSpec, { emitZero: {} }),
  status: field(3, IngressStatus, { emitZero: {} }),
});
export type Ingress = TypeOf<typeof Ingress>;
