// Small cluster policies: disruption budgets, priority classes, runtime classes, leases.
import { dns1123Label, qualifiedName } from '../../../api/names.ts';
import type { FieldProblem } from '../../../api/status.ts';
import type { Lease } from '../../../api/types/coordination/lease.ts';
import type { RuntimeClass } from '../../../api/types/node/runtime-class.ts';
import { type PodDisruptionBudget, PodDisruptionBudgetSpec } from '../../../api/types/policy/pod-disruption-budget.ts';
import type { PriorityClass } from '../../../api/types/scheduling/priority-class.ts';
import { goJson } from './go-value.ts';
import { labelSelectorProblems } from './label-selector.ts';
import { labelProblems } from './object-meta.ts';
import { OLD_LABELS } from './old-labels.ts';
import { forbidden, invalidValue, Printed, required } from './problems.ts';
import { amountProblems, resourceNameProblems, sorted } from './resources.ts';
import { tolerationsProblems } from './scheduling.ts';
import { countOrPercent, named, notAbove100, notNegative, oneOf, requiredOneOf, unchanged } from './values.ts';

export function budgetProblems({ spec }: PodDisruptionBudget): FieldProblem[] {
  const { minAvailable: min, maxUnavailable: max } = spec;
  const problems: FieldProblem[] = [];
  if (min !== undefined && max !== undefined) {
    const shown = new Printed(goJson(PodDisruptionBudgetSpec, spec));
    problems.push(invalidValue('spec', shown, 'minAvailable and maxUnavailable cannot be both set'));
  }
  return [
    ...problems,
    ...countOrPercent('spec.minAvailable', min),
    ...notAbove100('spec.minAvailable', min),
    ...countOrPercent('spec.maxUnavailable', max),
    ...notAbove100('spec.maxUnavailable', max),
    ...labelSelectorProblems(spec.selector, 'spec.selector'),
    ...oneOf('spec.unhealthyPodEvictionPolicy', spec.unhealthyPodEvictionPolicy, ['AlwaysAllow', 'IfHealthyBudget']),
  ];
}

const USER_MAX = 1_000_000_000;
const SYSTEM_PREFIX = 'system-';
const SYSTEM: Readonly<Record<string, number>> = {
  'system-cluster-critical': 2_000_000_000,
  'system-node-critical': 2_000_001_000,
};

export function priorityClassProblems({ metadata, value = 0, preemptionPolicy }: PriorityClass): FieldProblem[] {
  const { name = '' } = metadata;
  const problems: FieldProblem[] = [];
  if (name.startsWith(SYSTEM_PREFIX)) {
    const known = SYSTEM[name];
    const why =
      known === undefined
        ? `${name} is not a known system priority class`
        : known === value
          ? undefined
          : `value of ${name} PriorityClass must be ${known}`;
    if (why !== undefined) {
      const reserved = `priority class names with '${SYSTEM_PREFIX}' prefix are reserved for system use only. error: ${why}`;
      problems.push(forbidden('metadata.name', reserved));
    }
  } else if (value > USER_MAX) {
    problems.push(forbidden('value', `maximum allowed value of a user defined priority is ${USER_MAX}`));
  }
  return [...problems, ...requiredOneOf('preemptionPolicy', preemptionPolicy, ['PreemptLowerPriority', 'Never'])];
}

export function priorityClassUpdateProblems(next: PriorityClass, current: PriorityClass): FieldProblem[] {
  const problems: FieldProblem[] = [];
  if ((next.value ?? 0) !== (current.value ?? 0)) problems.push(forbidden('value', 'may not be changed in an update.'));
  return [...problems, ...unchanged('preemptionPolicy', next.preemptionPolicy, current.preemptionPolicy)];
}

export function runtimeClassWarnings({ scheduling }: RuntimeClass): string[] {
  const keys = Object.keys(scheduling?.nodeSelector ?? {}).sort();
  return keys.flatMap((key) => (OLD_LABELS[key] ? [`scheduling.nodeSelector: ${OLD_LABELS[key]}`] : []));
}

export function runtimeClassProblems({ handler, overhead, scheduling }: RuntimeClass): FieldProblem[] {
  return [
    ...(handler ? named('handler', handler, dns1123Label) : [required('handler')]),
    ...sorted(overhead?.podFixed ?? {}).flatMap(([name, amount]) => {
      const at = `overhead.podFixed[${name}]`;
      return [...resourceNameProblems(at, name), ...amountProblems(at, name, amount)];
    }),
    ...labelProblems(scheduling?.nodeSelector, 'scheduling.nodeSelector'),
    ...tolerationsProblems(scheduling?.tolerations, 'scheduling.tolerations'),
  ];
}

export function runtimeClassUpdateProblems(next: RuntimeClass, current: RuntimeClass): FieldProblem[] {
  return [...runtimeClassProblems(next), ...unchanged('handler', next.handler, current.handler)];
}

const LEASE_STRATEGIES = ['OldestEmulationVersion'];

export function leaseProblems({ spec }: Lease): FieldProblem[] {
  const { leaseDurationSeconds: seconds, strategy, preferredHolder } = spec;
  const problems: FieldProblem[] = [];
  if (seconds !== undefined && seconds <= 0) {
    problems.push(invalidValue('spec.leaseDurationSeconds', seconds, 'must be greater than 0'));
  }
  problems.push(...notNegative('spec.leaseTransitions', spec.leaseTransitions));
  if (strategy !== undefined) {
    if (strategy.includes('/')) problems.push(...named('spec.strategy', strategy, qualifiedName));
    else problems.push(...oneOf('spec.strategy', strategy, LEASE_STRATEGIES));
  }
  if (preferredHolder && strategy === undefined) {
    const why = 'may only be specified if `strategy` is defined';
    problems.push(invalidValue('spec.preferredHolder', preferredHolder, why));
  }
  return problems;
}
