// NetworkPolicy: who may talk to which pods.

import { kind } from '../../schema/kind.ts';
import {
  aString,
  field,
  int32,
  intOrString,
  list,
  object,
  ptr,
  required,
  string,
  type TypeOf,
} from '../../schema/schema.ts';
import { oneOf } from '../build.ts';
import { LabelSelector } from '../meta/label-selector.ts';

export const NetworkPolicyPort = object(
  'io.k8s.api.networking.v1.NetworkPolicyPort',
  {
    protocol: string(1, { ptr, enum: ['SCTP', 'TCP', 'UDP'] }),
    port: intOrString(2, { ptr }),
    endPort: int32(3, { ptr }),
  },
  {
    defaults(value) {
      value.protocol ??= 'TCP';
    },
  },
);
export type NetworkPolicyPort = TypeOf<typeof NetworkPolicyPort>;

export const IPBlock = object('io.k8s.api.networking.v1.IPBlock', {
  cidr: string(1, { required, emitZero: '' }),
  except: list(2, aString, { listType: 'atomic' }),
});
export type IPBlock = TypeOf<typeof IPBlock>;

export const NetworkPolicyPeer = object('io.k8s.api.networking.v1.NetworkPolicyPeer', {
  podSelector: field(1, LabelSelector, { ptr }),
  namespaceSelector: field(2, LabelSelector, { ptr }),
  ipBlock: field(3, IPBlock, { ptr }),
});
export type NetworkPolicyPeer = TypeOf<typeof NetworkPolicyPeer>;

export const NetworkPolicyIngressRule = object('io.k8s.api.networking.v1.NetworkPolicyIngressRule', {
  ports: list(1, NetworkPolicyPort, { listType: 'atomic' }),
  from: list(2, NetworkPolicyPeer, { listType: 'atomic' }),
});
export type NetworkPolicyIngressRule = TypeOf<typeof NetworkPolicyIngressRule>;

export const NetworkPolicyEgressRule = object('io.k8s.api.networking.v1.NetworkPolicyEgressRule', {
  ports: list(1, NetworkPolicyPort, { listType: 'atomic' }),
  to: list(2, NetworkPolicyPeer, { listType: 'atomic' }),
});
export type NetworkPolicyEgressRule = TypeOf<typeof NetworkPolicyEgressRule>;

export const NetworkPolicySpec = object('io.k8s.api.networking.v1.NetworkPolicySpec', {
  podSelector: field(1, LabelSelector, { emitZero: {} }),
  ingress: list(2, NetworkPolicyIngressRule, { listType: 'atomic' }),
  egress: list(3, NetworkPolicyEgressRule, { listType: 'atomic' }),
  policyTypes: list(4, oneOf('Egress', 'Ingress'), { listType: 'atomic' }),
});
export type NetworkPolicySpec = TypeOf<typeof NetworkPolicySpec>;

export const NetworkPolicy = kind(
  'io.k8s.api.networking.v1.NetworkPolicy',
  {
    spec: field(2, NetworkPolicySpec, { emitZero: {} }),
  },
  {
    defaults(value) {
      const { spec } = value;
      if (spec.policyTypes?.length) return;
      spec.policyTypes = spec.egress?.length ? ['Ingress', 'Egress'] : ['Ingress'];
    },
  },
);
export type NetworkPolicy = TypeOf<typeof NetworkPolicy>;
