// The resources of apiregistration.k8s.io/v1.
import type { ResourceDefinition } from '../../resource.ts';
import { AGE, ALL_VERBS, NAME, PART, text } from '../resource-parts.ts';
import { APIService } from './api-service.ts';

export const apiServices: ResourceDefinition<APIService> = {
  group: 'apiregistration.k8s.io',
  version: 'v1',
  kind: 'APIService',
  listKind: 'APIServiceList',
  plural: 'apiservices',
  singular: 'apiservice',
  categories: ['api-extensions'],
  namespaced: false,
  verbs: ALL_VERBS,
  schema: APIService,
  subresources: {
    status: PART,
  },
  columns: [NAME, text('Service'), text('Available'), AGE],
  storageKey: 'apiregistration.k8s.io/apiservices',
};

export const apiregistrationResources: readonly ResourceDefinition[] = [apiServices];
