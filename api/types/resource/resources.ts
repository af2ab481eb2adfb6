// The resources of resource.k8s.io/v1.
import type { ResourceDefinition } from '../../resource.ts';
import { AGE, ALL_VERBS, NAME, PART, text } from '../resource-parts.ts';
import { DeviceClass } from './device-class.ts';
import { ResourceClaim, ResourceClaimTemplate } from './resource-claim.ts';
import { ResourceSlice } from './resource-slice.ts';

export const deviceClasses: ResourceDefinition<DeviceClass> = {
  group: 'resource.k8s.io',
  version: 'v1',
  kind: 'DeviceClass',
  listKind: 'DeviceClassList',
  plural: 'deviceclasses',
  singular: 'deviceclass',
  namespaced: false,
  verbs: ALL_VERBS,
  returnsDeleted: true,
  schema: DeviceClass,
  subresources: {},
  columns: [NAME, AGE],
};

export const resourceClaims: ResourceDefinition<ResourceClaim> = {
  group: 'resource.k8s.io',
  version: 'v1',
  kind: 'ResourceClaim',
  listKind: 'ResourceClaimList',
  plural: 'resourceclaims',
  singular: 'resourceclaim',
  namespaced: true,
  verbs: ALL_VERBS,
  returnsDeleted: true,
  schema: ResourceClaim,
  subresources: {
    status: PART,
  },
  columns: [NAME, text('State'), AGE],
};

export const resourceClaimTemplates: ResourceDefinition<ResourceClaimTemplate> = {
  group: 'resource.k8s.io',
  version: 'v1',
  kind: 'ResourceClaimTemplate',
  listKind: 'ResourceClaimTemplateList',
  plural: 'resourceclaimtemplates',
  singular: 'resourceclaimtemplate',
  namespaced: true,
  verbs: ALL_VERBS,
  returnsDeleted: true,
  schema: ResourceClaimTemplate,
  subresources: {},
  columns: [NAME, AGE],
};

export const resourceSlices: ResourceDefinition<ResourceSlice> = {
  group: 'resource.k8s.io',
  version: 'v1',
  kind: 'ResourceSlice',
  listKind: 'ResourceSliceList',
  plural: 'resourceslices',
  singular: 'resourceslice',
  namespaced: false,
  verbs: ALL_VERBS,
  returnsDeleted: true,
  schema: ResourceSlice,
  subresources: {},
  selectableFields: ['spec.nodeName', 'spec.driver'],
  columns: [NAME, text('Node'), text('Driver', 'spec.driver'), text('Pool', 'spec.pool.name'), AGE],
};

export const resourceResources: readonly ResourceDefinition[] = [
  deviceClasses,
  resourceClaims,
  resourceClaimTemplates,
  resourceSlices,
];
