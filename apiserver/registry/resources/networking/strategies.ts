// Ingresses, their classes, network policies, service networks.
import type { Ingress } from '../../../../api/types/networking/ingress.ts';
import type { IngressClass } from '../../../../api/types/networking/ingress-class.ts';
import type { NetworkPolicy } from '../../../../api/types/networking/network-policy.ts';
import type { IPAddress, ServiceCIDR } from '../../../../api/types/networking/service-cidr.ts';
import type { Strategy } from '../../strategy.ts';
import {
  ingressClassProblems,
  ingressClassUpdateProblems,
  ingressCreateProblems,
  ingressProblems,
  ingressStatusProblems,
  ingressWarnings,
  ipAddressProblems,
  ipAddressUpdateProblems,
  networkPolicyProblems,
  networkPolicyWarnings,
  serviceCidrProblems,
  serviceCidrUpdateProblems,
} from '../../validation/networking.ts';

export const ingressStrategy: Strategy<Ingress> = {
  hasGeneration: true,
  validateCreate: ingressCreateProblems,
  validateUpdate: ingressProblems,
  warnings: ingressWarnings,
  subresources: { status: { validateUpdate: ingressStatusProblems } },
};

export const ingressClassStrategy: Strategy<IngressClass> = {
  hasGeneration: true,
  validateCreate: ingressClassProblems,
  validateUpdate: ingressClassUpdateProblems,
};

export const networkPolicyStrategy: Strategy<NetworkPolicy> = {
  hasGeneration: true,
  validateCreate: networkPolicyProblems,
  validateUpdate: networkPolicyProblems,
  warnings: networkPolicyWarnings,
};

export const serviceCidrStrategy: Strategy<ServiceCIDR> = {
  validateCreate: serviceCidrProblems,
  validateUpdate: serviceCidrUpdateProblems,
};

export const ipAddressStrategy: Strategy<IPAddress> = {
  nameProblems: () => [],
  validateCreate: ipAddressProblems,
  validateUpdate: ipAddressUpdateProblems,
};
