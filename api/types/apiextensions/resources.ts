// The resources of apiextensions.k8s.io/v1.
import type { ResourceDefinition } from '../../resource.ts';
import { ALL_VERBS, CREATED_AT, NAME, PART } from '../resource-parts.ts';
import { CustomResourceDefinition } from './custom-resource-definition.ts';

export const customResourceDefinitions: ResourceDefinition<CustomResourceDefinition> = {
  group: 'apiextensions.k8s.io',
  version: 'v1',
  kind: 'CustomResourceDefinition',
  listKind: 'CustomResourceDefinitionList',
  plural: 'customresourcedefinitions',
  singular: 'customresourcedefinition',
  shortNames: ['crd', 'crds'],
  categories: ['api-extensions'],
  namespaced: false,
  verbs: ALL_VERBS,
  schema: CustomResourceDefinition,
  subresources: {
    status: PART,
  },
  columns: [NAME, CREATED_AT],
  storageKey: 'apiextensions.k8s.io/customresourcedefinitions',
  storedAs: 'apiextensions.k8s.io/v1beta1/CustomResourceDefinition',
};

export const apiextensionsResources: readonly ResourceDefinition[] = [customResourceDefinitions];
