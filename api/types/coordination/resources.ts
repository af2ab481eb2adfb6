// The resources of coordination.k8s.io/v1.
import type { ResourceDefinition } from '../../resource.ts';
import { AGE, ALL_VERBS, NAME, text } from '../resource-parts.ts';
import { Lease } from './lease.ts';

export const leases: ResourceDefinition<Lease> = {
  group: 'coordination.k8s.io',
  version: 'v1',
  kind: 'Lease',
  listKind: 'LeaseList',
  plural: 'leases',
  singular: 'lease',
  namespaced: true,
  verbs: ALL_VERBS,
  schema: Lease,
  subresources: {},
  columns: [NAME, text('Holder', 'spec.holderIdentity'), AGE],
};

export const coordinationResources: readonly ResourceDefinition[] = [leases];
