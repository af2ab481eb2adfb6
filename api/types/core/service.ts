// Service: one stable address in front of pods.

import { kind } from '../../schema/kind.ts';
import {
  aString,
  boolean,
  field,
  int32,
  intOrString,
  list,
  map,
  object,
  ptr,
  required,
  string,
  type TypeOf,
} from '../../schema/schema.ts';
import { oneOf } from '../build.ts';
import { Condition } from '../meta/condition.ts';
import { defaultService } from './service-defaults.ts';

export const ServicePort = object('io.k8s.api.core.v1.ServicePort', {
  name: string(1),
  protocol: string(2, { default: 'TCP', enum: ['SCTP', 'TCP', 'UDP'] }),
  port: int32(3, { required, emitZero: 0 }),
  targetPort: intOrString(4, { emitZero: 0 }),
  nodePort: int32(5),
  appProtocol: string(6, { ptr }),
});
export type ServicePort = TypeOf<typeof ServicePort>;

export const ClientIPConfig = object('io.k8s.api.core.v1.ClientIPConfig', {
  timeoutSeconds: int32(1, { ptr }),
});
export type ClientIPConfig = TypeOf<typeof ClientIPConfig>;

export const SessionAffinityConfig = object('io.k8s.api.core.v1.SessionAffinityConfig', {
  clientIP: field(1, ClientIPConfig, { ptr }),
});
export type SessionAffinityConfig = TypeOf<typeof SessionAffinityConfig>;

export const ServiceSpec = object('io.k8s.api.core.v1.ServiceSpec', {
  ports: list(1, ServicePort, {
    listType: 'map',
    keys: ['port', 'protocol'],
    patchStrategy: 'merge',
    patchMergeKey: 'port',
  }),
  selector: map(2, aString, { mapType: 'atomic' }),
  clusterIP: string(3),
  type: string(4, { enum: ['ClusterIP', 'ExternalName', 'LoadBalancer', 'NodePort'] }),
  externalIPs: list(5, aString, { listType: 'atomic' }),
  sessionAffinity: string(7, { enum: ['ClientIP', 'None'] }),
  loadBalancerIP: string(8),
  loadBalancerSourceRanges: list(9, aString, { listType: 'atomic' }),
  externalName: string(10),
  externalTrafficPolicy: string(11, { enum: ['Cluster', 'Local'] }),
  healthCheckNodePort: int32(12),
  publishNotReadyAddresses: boolean(13),
  sessionAffinityConfig: field(14, SessionAffinityConfig, { ptr }),
  ipFamilyPolicy: string(17, { ptr, enum: ['PreferDualStack', 'RequireDualStack', 'SingleStack'] }),
  clusterIPs: list(18, aString, { listType: 'atomic' }),
  ipFamilies: list(19, oneOf('', 'IPv4', 'IPv6'), { listType: 'atomic' }),
  allocateLoadBalancerNodePorts: boolean(20, { ptr }),
  loadBalancerClass: string(21, { ptr }),
  internalTrafficPolicy: string(22, { ptr, enum: ['Cluster', 'Local'] }),
  trafficDistribution: string(23, { ptr }),
});
export type ServiceSpec = TypeOf<typeof ServiceSpec>;

export const PortStatus = object('io.k8s.api.core.v1.PortStatus', {
  port: int32(1, { required, emitZero: 0 }),
  protocol: string(2, { required, emitZero: '', enum: ['SCTP', 'TCP', 'UDP'] }),
  error: string(3, { ptr }),
});
export type PortStatus = TypeOf<typeof PortStatus>;

export const LoadBalancerIngress = object('io.k8s.api.core.v1.LoadBalancerIngress', {
  ip: string(1),
  hostname: string(2),
  ipMode: string(3, { ptr }),
  ports: list(4, PortStatus, { listType: 'atomic' }),
});
export type LoadBalancerIngress = TypeOf<typeof LoadBalancerIngress>;

export const LoadBalancerStatus = object('io.k8s.api.core.v1.LoadBalancerStatus', {
  ingress: list(1, LoadBalancerIngress, { listType: 'atomic' }),
});
export type LoadBalancerStatus = TypeOf<typeof LoadBalancerStatus>;

export const ServiceStatus = object('io.k8s.api.core.v1.ServiceStatus', {
  loadBalancer: field(1, LoadBalancerStatus, { emitZero: {} }),
  conditions: list(2, Condition, { listType: 'map', keys: ['type'], patchStrategy: 'merge', patchMergeKey: 'type' }),
});
export type ServiceStatus = TypeOf<typeof ServiceStatus>;

export const Service = kind(
  'io.k8s.api.core.v1.Service',
  {
    spec: field(2, ServiceSpec, { emitZero: {} }),
    status: field(3, ServiceStatus, { emitZero: {} }),
  },
  {
    defaults(value) {
      defaultService(value);
    },
  },
);
export type Service = TypeOf<typeof Service>;
