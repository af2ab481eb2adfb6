// Disruption budgets, priorities, runtime classes, leases.
import type { Lease } from '../../../../api/types/coordination/lease.ts';
import type { RuntimeClass } from '../../../../api/types/node/runtime-class.ts';
import type { PodDisruptionBudget } from '../../../../api/types/policy/pod-disruption-budget.ts';
import type { PriorityClass } from '../../../../api/types/scheduling/priority-class.ts';
import type { Strategy } from '../../strategy.ts';
import {
  budgetProblems,
  leaseProblems,
  priorityClassProblems,
  priorityClassUpdateProblems,
  runtimeClassProblems,
  runtimeClassUpdateProblems,
  runtimeClassWarnings,
} from '../../validation/policies.ts';
import { budgetStatusProblems } from '../../validation/statuses.ts';

export const podDisruptionBudgetStrategy: Strategy<PodDisruptionBudget> = {
  hasGeneration: true,
  validateCreate: budgetProblems,
  validateUpdate: budgetProblems,
  subresources: { status: { validateUpdate: budgetStatusProblems } },
};

export const priorityClassStrategy: Strategy<PriorityClass> = {
  hasGeneration: true,
  validateCreate: priorityClassProblems,
  validateUpdate: priorityClassUpdateProblems,
};

export const runtimeClassStrategy: Strategy<RuntimeClass> = {
  validateCreate: runtimeClassProblems,
  validateUpdate: runtimeClassUpdateProblems,
  warnings: runtimeClassWarnings,
};

export const leaseStrategy: Strategy<Lease> = {
  allowCreateOnUpdate: true,
  allowUnconditionalUpdate: false,
  validateCreate: leaseProblems,
  validateUpdate: leaseProblems,
};
