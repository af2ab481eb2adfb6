// Horizontal pod autoscalers.
import { compareQuantities } from '../../../api/quantity.ts';
import type { FieldProblem } from '../../../api/status.ts';
import type {
  HorizontalPodAutoscaler,
  HPAScalingRules,
} from '../../../api/types/autoscaling/horizontal-pod-autoscaler.ts';
import type {
  CrossVersionObjectReference,
  MetricIdentifier,
  MetricSpec,
  MetricTarget,
} from '../../../api/types/autoscaling/metrics-v2.ts';
import { labelSelectorProblems } from './label-selector.ts';
import { pathSegmentName } from './path-segment.ts';
import { forbidden, invalidValue, notSupported, required } from './problems.ts';
import { each, NON_NEGATIVE, named, oneOf } from './values.ts';

const KINDS = {
  ContainerResource: 'containerResource',
  External: 'external',
  Object: 'object',
  Pods: 'pods',
  Resource: 'resource',
} as const;
const TYPES = Object.keys(KINDS);

export function autoscalerProblems({ spec }: HorizontalPodAutoscaler): FieldProblem[] {
  const { minReplicas: min, maxReplicas: max, scaleTargetRef, metrics, behavior } = spec;
  const problems: FieldProblem[] = [];
  // Scaling to nothing is for what is measured elsewhere, and not enabled.
  if (min !== undefined && min < 1) {
    problems.push(invalidValue('spec.minReplicas', min, 'must be greater than or equal to 1'));
  }
  if (max < 1) problems.push(invalidValue('spec.maxReplicas', max, 'must be greater than 0'));
  if (min !== undefined && max < min) {
    problems.push(invalidValue('spec.maxReplicas', max, 'must be greater than or equal to `minReplicas`'));
  }
  problems.push(...targetRefProblems(scaleTargetRef, 'spec.scaleTargetRef', true));
  problems.push(...each(metrics, 'spec.metrics', metricProblems));
  if (min === 0 && !metrics?.some(({ type }) => type === 'Object' || type === 'External')) {
    const why = 'must specify at least one Object or External metric to support scaling to zero replicas';
    problems.push(forbidden('spec.metrics', why));
  }
  for (const direction of ['scaleUp', 'scaleDown'] as const) {
    const rules = behavior?.[direction];
    if (rules) problems.push(...rulesProblems(rules, `spec.behavior.${direction}`));
  }
  return problems;
}

/** What is scaled must say its group; what is measured need not. */
function targetRefProblems(
  ref: Partial<CrossVersionObjectReference> | undefined,
  path: string,
  needsGroup = false,
): FieldProblem[] {
  const { kind, name, apiVersion = '' } = ref ?? {};
  const segment = (value: string) => pathSegmentName(value, false);
  const problems = [
    ...(kind ? named(`${path}.kind`, kind, segment) : [required(`${path}.kind`)]),
    ...(name ? named(`${path}.name`, name, segment) : [required(`${path}.name`)]),
  ];
  const parts = apiVersion.split('/');
  if (parts.length > 2) {
    problems.push(invalidValue(`${path}.apiVersion`, apiVersion, `unexpected GroupVersion string: ${apiVersion}`));
  } else if (needsGroup && parts.length === 1 && kind !== 'ReplicationController') {
    problems.push(invalidValue(`${path}.apiVersion`, apiVersion, 'apiVersion must specify API group'));
  }
  return problems;
}

function metricProblems(metric: MetricSpec, path: string): FieldProblem[] {
  const { type } = metric;
  const problems: FieldProblem[] = [];
  if (!type) problems.push(required(`${path}.type`, 'must specify a metric source type'));
  else if (!TYPES.includes(type)) problems.push(notSupported(`${path}.type`, type, TYPES));
  const given = Object.values(KINDS).filter((kind) => metric[kind] !== undefined);
  const expected = KINDS[type as keyof typeof KINDS];
  for (const kind of given) problems.push(...sourceProblems(metric, kind, `${path}.${kind}`));
  if (expected === undefined) return [...problems, notSupported(`${path}.type`, type, TYPES)];
  if (!given.includes(expected)) {
    problems.push(required(`${path}.${expected}`, 'must populate information for the given metric source'));
  }
  for (const kind of given) {
    if (kind === expected || given.length === 1) continue;
    problems.push(forbidden(`${path}.${kind}`, 'must populate the given metric source only'));
  }
  return problems;
}

function sourceProblems(metric: MetricSpec, kind: (typeof KINDS)[keyof typeof KINDS], path: string): FieldProblem[] {
  const at = `${path}.target`;
  switch (kind) {
    case 'object': {
      const { describedObject, metric: what, target } = metric.object!;
      return [
        ...targetRefProblems(describedObject, `${path}.describedObject`),
        ...identifierProblems(what, `${path}.metric`),
        ...targetProblems(target, at),
        ...(target?.value === undefined && target?.averageValue === undefined
          ? [required(`${at}.averageValue`, 'must set either a target value or averageValue')]
          : []),
      ];
    }
    case 'pods': {
      const { metric: what, target } = metric.pods!;
      const isPositive = target?.averageValue !== undefined && compareQuantities(target.averageValue, '0') > 0;
      return [
        ...identifierProblems(what, `${path}.metric`),
        ...targetProblems(target, at),
        ...(isPositive ? [] : [required(`${at}.averageValue`, 'must specify a positive target averageValue')]),
      ];
    }
    case 'external': {
      const { metric: what, target } = metric.external!;
      const problems = [...identifierProblems(what, `${path}.metric`), ...targetProblems(target, at)];
      const both = 'may not set both a target value for metric and a per-pod target';
      const none = 'must set either a target value for metric or a per-pod target';
      if (target?.value === undefined && target?.averageValue === undefined)
        problems.push(required(`${at}.averageValue`, none));
      else if (target.value !== undefined && target.averageValue !== undefined) {
        problems.push(forbidden(`${at}.value`, both));
      }
      return problems;
    }
    case 'containerResource': {
      const { name, container, target } = metric.containerResource!;
      return [
        ...(name ? [] : [required(`${path}.name`, 'must specify a resource name')]),
        ...(container ? [] : [required(`${path}.container`, 'must specify a container')]),
        ...targetProblems(target, at),
        ...utilizationProblems(target, at),
      ];
    }
    case 'resource': {
      const { name, target } = metric.resource!;
      return [
        ...(name ? [] : [required(`${path}.name`, 'must specify a resource name')]),
        ...targetProblems(target, at),
        ...utilizationProblems(target, at),
      ];
    }
  }
}

function utilizationProblems(target: MetricTarget | undefined, path: string): FieldProblem[] {
  const { averageUtilization, averageValue } = target ?? {};
  if (averageUtilization === undefined && averageValue === undefined) {
    return [required(`${path}.averageUtilization`, 'must set either a target raw value or a target utilization')];
  }
  if (averageUtilization === undefined || averageValue === undefined) return [];
  return [forbidden(`${path}.averageValue`, 'may not set both a target raw value and a target utilization')];
}

function targetProblems(target: Partial<MetricTarget> | undefined, path: string): FieldProblem[] {
  const { type, value, averageValue, averageUtilization } = target ?? {};
  const problems: FieldProblem[] = [];
  if (!type) problems.push(required(`${path}.type`, 'must specify a metric target type'));
  else problems.push(...oneOf(`${path}.type`, type, ['Utilization', 'Value', 'AverageValue']));
  if (value !== undefined && compareQuantities(value, '0') <= 0) {
    problems.push(invalidValue(`${path}.value`, value, 'must be positive'));
  }
  if (averageValue !== undefined && compareQuantities(averageValue, '0') <= 0) {
    problems.push(invalidValue(`${path}.averageValue`, averageValue, 'must be positive'));
  }
  if (averageUtilization !== undefined && averageUtilization < 1) {
    problems.push(invalidValue(`${path}.averageUtilization`, averageUtilization, 'must be greater than 0'));
  }
  return problems;
}

function identifierProblems(metric: Partial<MetricIdentifier> | undefined, path: string): FieldProblem[] {
  const { name, selector } = metric ?? {};
  const problems = name
    ? named(`${path}.name`, name, (value) => pathSegmentName(value, false))
    : [required(`${path}.name`, 'must specify a metric name')];
  return [...problems, ...labelSelectorProblems(selector, `${path}.selector`)];
}

const WINDOW_MAX_SECONDS = 3600;
const PERIOD_MAX_SECONDS = 1800;

function rulesProblems(rules: HPAScalingRules, path: string): FieldProblem[] {
  const { stabilizationWindowSeconds: window, selectPolicy, policies } = rules;
  const problems: FieldProblem[] = [];
  const at = `${path}.stabilizationWindowSeconds`;
  if (window !== undefined && window < 0) problems.push(invalidValue(at, window, NON_NEGATIVE));
  if (window !== undefined && window > WINDOW_MAX_SECONDS) {
    problems.push(invalidValue(at, window, `must be less than or equal to ${WINDOW_MAX_SECONDS}`));
  }
  problems.push(...oneOf(`${path}.selectPolicy`, selectPolicy, ['Disabled', 'Max', 'Min']));
  if (!policies?.length) return [...problems, required(`${path}.policies`, 'must specify at least one Policy')];
  return [
    ...problems,
    ...each(policies, `${path}.policies`, ({ type, value, periodSeconds }, where) => {
      const rows = oneOf(`${where}.type`, type, ['Percent', 'Pods']);
      if (value <= 0) rows.push(invalidValue(`${where}.value`, value, 'must be greater than zero'));
      const seconds = `${where}.periodSeconds`;
      if (periodSeconds <= 0) rows.push(invalidValue(seconds, periodSeconds, 'must be greater than zero'));
      if (periodSeconds > PERIOD_MAX_SECONDS) {
        rows.push(invalidValue(seconds, periodSeconds, `must be less than or equal to ${PERIOD_MAX_SECONDS}`));
      }
      return rows;
    }),
  ];
}
