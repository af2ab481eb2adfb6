// The resources of policy/v1.
import type { ResourceDefinition } from '../../resource.ts';
import { AGE, ALL_VERBS, integer, NAME, PART, text } from '../resource-parts.ts';
import { PodDisruptionBudget } from './pod-disruption-budget.ts';

export const podDisruptionBudgets: ResourceDefinition<PodDisruptionBudget> = {
  group: 'policy',
  version: 'v1',
  kind: 'PodDisruptionBudget',
  listKind: 'PodDisruptionBudgetList',
  plural: 'poddisruptionbudgets',
  singular: 'poddisruptionbudget',
  shortNames: ['pdb'],
  namespaced: true,
  verbs: ALL_VERBS,
  schema: PodDisruptionBudget,
  subresources: {
    status: PART,
  },
  columns: [
    NAME,
    text('Min Available'),
    text('Max Unavailable'),
    integer('Allowed Disruptions', 'status.disruptionsAllowed'),
    AGE,
  ],
};

export const policyResources: readonly ResourceDefinition[] = [podDisruptionBudgets];
