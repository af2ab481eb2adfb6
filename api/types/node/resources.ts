// The resources of node.k8s.io/v1.
import type { ResourceDefinition } from '../../resource.ts';
import { AGE, ALL_VERBS, NAME, text } from '../resource-parts.ts';
import { RuntimeClass } from './runtime-class.ts';

export const runtimeClasses: ResourceDefinition<RuntimeClass> = {
  group: 'node.k8s.io',
  version: 'v1',
  kind: 'RuntimeClass',
  listKind: 'RuntimeClassList',
  plural: 'runtimeclasses',
  singular: 'runtimeclass',
  namespaced: false,
  verbs: ALL_VERBS,
  schema: RuntimeClass,
  subresources: {},
  columns: [NAME, text('Handler', 'handler'), AGE],
};

export const nodeResources: readonly ResourceDefinition[] = [runtimeClasses];
