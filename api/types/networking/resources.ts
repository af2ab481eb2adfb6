// The resources of networking.k8s.io/v1.
import type { ResourceDefinition } from '../../resource.ts';
import { AGE, ALL_VERBS, NAME, PART, text } from '../resource-parts.ts';
import { Ingress } from './ingress.ts';
import { IngressClass } from './ingress-class.ts';
import { NetworkPolicy } from './network-policy.ts';
import { IPAddress, ServiceCIDR } from './service-cidr.ts';

export const ingressClasses: ResourceDefinition<IngressClass> = {
  group: 'networking.k8s.io',
  version: 'v1',
  kind: 'IngressClass',
  listKind: 'IngressClassList',
  plural: 'ingressclasses',
  singular: 'ingressclass',
  namespaced: false,
  verbs: ALL_VERBS,
  schema: IngressClass,
  subresources: {},
  columns: [NAME, text('Controller', 'spec.controller'), text('Parameters'), AGE],
};

export const ingresses: ResourceDefinition<Ingress> = {
  group: 'networking.k8s.io',
  version: 'v1',
  kind: 'Ingress',
  listKind: 'IngressList',
  plural: 'ingresses',
  singular: 'ingress',
  shortNames: ['ing'],
  namespaced: true,
  verbs: ALL_VERBS,
  schema: Ingress,
  subresources: {
    status: PART,
  },
  columns: [NAME, text('Class'), text('Hosts'), text('Address'), text('Ports'), AGE],
  storageKey: 'ingress',
};

export const ipAddresses: ResourceDefinition<IPAddress> = {
  group: 'networking.k8s.io',
  version: 'v1',
  kind: 'IPAddress',
  listKind: 'IPAddressList',
  plural: 'ipaddresses',
  singular: 'ipaddress',
  shortNames: ['ip'],
  namespaced: false,
  verbs: ALL_VERBS,
  schema: IPAddress,
  subresources: {},
  columns: [NAME, text('ParentRef')],
};

export const networkPolicies: ResourceDefinition<NetworkPolicy> = {
  group: 'networking.k8s.io',
  version: 'v1',
  kind: 'NetworkPolicy',
  listKind: 'NetworkPolicyList',
  plural: 'networkpolicies',
  singular: 'networkpolicy',
  shortNames: ['netpol'],
  namespaced: true,
  verbs: ALL_VERBS,
  schema: NetworkPolicy,
  subresources: {},
  columns: [NAME, text('Pod-Selector'), AGE],
};

export const serviceCidrs: ResourceDefinition<ServiceCIDR> = {
  group: 'networking.k8s.io',
  version: 'v1',
  kind: 'ServiceCIDR',
  listKind: 'ServiceCIDRList',
  plural: 'servicecidrs',
  singular: 'servicecidr',
  namespaced: false,
  verbs: ALL_VERBS,
  schema: ServiceCIDR,
  subresources: {
    status: PART,
  },
  columns: [NAME, text('CIDRs'), AGE],
};

export const networkingResources: readonly ResourceDefinition[] = [
  ingressClasses,
  ingresses,
  ipAddresses,
  networkPolicies,
  serviceCidrs,
];
