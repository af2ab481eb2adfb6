// The resources of scheduling.k8s.io/v1.
import type { ResourceDefinition } from '../../resource.ts';
import { AGE, ALL_VERBS, flag, integer, NAME, text } from '../resource-parts.ts';
import { PriorityClass } from './priority-class.ts';

export const priorityClasses: ResourceDefinition<PriorityClass> = {
  group: 'scheduling.k8s.io',
  version: 'v1',
  kind: 'PriorityClass',
  listKind: 'PriorityClassList',
  plural: 'priorityclasses',
  singular: 'priorityclass',
  shortNames: ['pc'],
  namespaced: false,
  verbs: ALL_VERBS,
  schema: PriorityClass,
  subresources: {},
  columns: [NAME, integer('Value', 'value'), flag('Global-Default', 'globalDefault'), AGE, text('PreemptionPolicy')],
};

export const schedulingResources: readonly ResourceDefinition[] = [priorityClasses];
