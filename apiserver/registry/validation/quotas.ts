// Bounds for a namespace: quotas and limit ranges.
import { qualifiedName } from '../../../api/names.ts';
import { compareQuantities, quantityMilli } from '../../../api/quantity.ts';
import { deepEqual } from '../../../api/schema/equal.ts';
import type { FieldProblem } from '../../../api/status.ts';
import { type LimitRange, type ResourceQuota, ScopeSelector } from '../../../api/types/core/limit-range.ts';
import { goJson } from './go-value.ts';
import { duplicate, forbidden, invalidValue, Printed, required } from './problems.ts';
import {
  amountProblems,
  containerResourceProblems,
  isElastic,
  isHugePages,
  resourceNameProblems,
  STANDARD,
  sorted,
} from './resources.ts';
import { each, IMMUTABLE, named } from './values.ts';

type Amounts = Readonly<Record<string, string>>;

const OF_PODS = [
  'pods',
  'cpu',
  'memory',
  'ephemeral-storage',
  'requests.cpu',
  'requests.memory',
  'requests.ephemeral-storage',
  'limits.cpu',
  'limits.memory',
  'limits.ephemeral-storage',
];
const OF_CLAIMS = ['persistentvolumeclaims', 'requests.storage'];
const SCOPES = [
  'BestEffort',
  'CrossNamespacePodAffinity',
  'NotBestEffort',
  'NotTerminating',
  'PriorityClass',
  'Terminating',
  'VolumeAttributesClass',
];
const MUST_EXIST = ['BestEffort', 'NotBestEffort', 'Terminating', 'NotTerminating', 'CrossNamespacePodAffinity'];

export function quotaProblems({ spec, status }: ResourceQuota): FieldProblem[] {
  return [...quotaSpecProblems(spec), ...quotaStatusProblems({ status })];
}

function quotaSpecProblems(spec: ResourceQuota['spec']): FieldProblem[] {
  return [
    ...hardProblems(spec.hard ?? {}, 'spec.hard'),
    ...scopesProblems(spec, 'spec.scopes'),
    ...scopeSelectorProblems(spec, 'spec.scopeSelector.matchExpressions'),
  ];
}

export function quotaStatusProblems({ status }: Pick<ResourceQuota, 'status'>): FieldProblem[] {
  return [...hardProblems(status.hard ?? {}, 'status.hard'), ...hardProblems(status.used ?? {}, 'status.used')];
}

function hardProblems(hard: Amounts, path: string): FieldProblem[] {
  return sorted(hard).flatMap(([name, amount]) => {
    const at = `${path}[${name}]`;
    const problems = resourceNameProblems(at, name);
    if (!name.includes('/') && !STANDARD.has(name) && !isHugePages(name) && !name.startsWith('requests.hugepages-')) {
      problems.push(invalidValue(at, name, 'must be a standard resource for quota'));
    }
    return [...problems, ...amountProblems(at, name, amount)];
  });
}

function fits(scope: string, resource: string): boolean {
  if (!STANDARD.has(resource)) return true;
  if (scope === 'BestEffort') return resource === 'pods';
  if (scope === 'VolumeAttributesClass') return OF_CLAIMS.includes(resource);
  return OF_PODS.includes(resource);
}

function scopesProblems({ scopes, hard }: ResourceQuota['spec'], path: string): FieldProblem[] {
  const problems: FieldProblem[] = [];
  for (const scope of scopes ?? []) {
    if (!SCOPES.includes(scope)) problems.push(invalidValue(path, scopes, 'unsupported scope'));
    for (const resource of Object.keys(hard ?? {})) {
      if (!SCOPES.includes(scope) || fits(scope, resource)) continue;
      problems.push(invalidValue(path, scopes, 'unsupported scope applied to resource'));
    }
  }
  for (const pair of CONFLICTS) {
    if (pair.every((scope) => scopes?.includes(scope as never))) {
      problems.push(invalidValue(path, scopes, 'conflicting scopes'));
    }
  }
  return problems;
}

const CONFLICTS = [
  ['BestEffort', 'NotBestEffort'],
  ['Terminating', 'NotTerminating'],
] as const;

/** Upstream names the list, not the place in it, and of a conflict the other list. */
function scopeSelectorProblems({ scopeSelector, hard, scopes }: ResourceQuota['spec'], path: string): FieldProblem[] {
  const named = new Set((scopeSelector?.matchExpressions ?? []).map(({ scopeName }) => scopeName as string));
  const conflicts = CONFLICTS.filter((pair) => pair.every((scope) => named.has(scope)));
  const shown = scopeSelector && new Printed(goJson(ScopeSelector, scopeSelector));
  const problems = (scopeSelector?.matchExpressions ?? []).flatMap(({ scopeName, operator, values }) => {
    const problems: FieldProblem[] = [];
    if (!SCOPES.includes(scopeName)) {
      problems.push(invalidValue(`${path}.scopeName`, scopeName, 'unsupported scope'));
    }
    for (const resource of Object.keys(hard ?? {})) {
      if (!SCOPES.includes(scopeName) || fits(scopeName, resource)) continue;
      problems.push(invalidValue(path, shown, 'unsupported scope applied to resource'));
    }
    if (MUST_EXIST.includes(scopeName) && operator !== 'Exists') {
      const why =
        "must be 'Exists' when scope is any of ResourceQuotaScopeTerminating, ResourceQuotaScopeNotTerminating, " +
        'ResourceQuotaScopeBestEffort, ResourceQuotaScopeNotBestEffort or ResourceQuotaScopeCrossNamespacePodAffinity';
      problems.push(invalidValue(`${path}.operator`, operator, why));
    }
    switch (operator as string) {
      case 'In':
      case 'NotIn':
        if (!values?.length) {
          const why = "must be at least one value when `operator` is 'In' or 'NotIn' for scope selector";
          problems.push(required(`${path}.values`, why));
        }
        break;
      case 'Exists':
      case 'DoesNotExist':
        if (values?.length) {
          const why = "must be no value when `operator` is 'Exist' or 'DoesNotExist' for scope selector";
          problems.push(invalidValue(`${path}.values`, values, why));
        }
        break;
      default:
        problems.push(invalidValue(`${path}.operator`, operator, 'not a valid selector operator'));
    }
    return problems;
  });
  return [...problems, ...conflicts.map(() => invalidValue(path, scopes, 'conflicting scopes'))];
}

export function quotaUpdateProblems(next: ResourceQuota, current: ResourceQuota): FieldProblem[] {
  const problems = quotaSpecProblems(next.spec);
  const scopes = ({ spec }: ResourceQuota) => [...new Set(spec.scopes)].sort();
  if (!deepEqual(scopes(next), scopes(current))) {
    problems.push(invalidValue('spec.scopes', next.spec.scopes, IMMUTABLE));
  }
  return problems;
}

type Limit = LimitRange['spec']['limits'][number];

export function limitRangeProblems({ spec }: LimitRange): FieldProblem[] {
  const types = new Set<string>();
  return each(spec.limits ?? [], 'spec.limits', (limit, at) => {
    const { type } = limit;
    const problems = typeProblems(`${at}.type`, type);
    if (types.has(type)) problems.push(duplicate(`${at}.type`, type));
    types.add(type);
    return [...problems, ...limitProblems(limit, at)];
  });
}

function typeProblems(path: string, type: string): FieldProblem[] {
  const problems = named(path, type, qualifiedName);
  if (problems.length > 0 || type.includes('/') || TYPES.includes(type)) return problems;
  return [invalidValue(path, type, 'must be a standard limit type or fully qualified')];
}

const TYPES = ['Pod', 'Container', 'PersistentVolumeClaim'];

function limitProblems(limit: Limit, at: string): FieldProblem[] {
  const { type, max = {}, min = {} } = limit;
  const problems: FieldProblem[] = [];
  const names = new Set<string>();
  const look = (field: keyof Limit & ('max' | 'min' | 'default' | 'defaultRequest' | 'maxLimitRequestRatio')) => {
    for (const [name] of sorted(limit[field] ?? {})) {
      const path = `${at}.${field}[${name}]`;
      const ofContainers = type === 'Pod' || type === 'Container';
      problems.push(...(ofContainers ? containerResourceProblems(path, name) : resourceNameProblems(path, name)));
      names.add(name);
    }
  };
  look('max');
  look('min');
  for (const field of ['default', 'defaultRequest'] as const) {
    if (type !== 'Pod') look(field);
    else if (Object.keys(limit[field] ?? {}).length > 0) {
      problems.push(forbidden(`${at}.${field}`, "may not be specified when `type` is 'Pod'"));
    }
  }
  if (type === 'PersistentVolumeClaim' && !Object.hasOwn(max, 'storage') && !Object.hasOwn(min, 'storage')) {
    const why = 'either minimum or maximum storage value is required, but neither was provided';
    problems.push(required(`${at}.limits`, why));
  }
  look('maxLimitRequestRatio');
  for (const name of [...names].sort()) problems.push(...amountsProblems(limit, name, at));
  return problems;
}

function amountsProblems(limit: Limit, name: string, at: string): FieldProblem[] {
  const max = limit.max?.[name];
  const min = limit.min?.[name];
  const byDefault = limit.type === 'Pod' ? undefined : limit.default?.[name];
  const request = limit.type === 'Pod' ? undefined : limit.defaultRequest?.[name];
  const ratio = limit.maxLimitRequestRatio?.[name];
  const problems: FieldProblem[] = [];
  const above = (a: string | undefined, b: string | undefined) =>
    a !== undefined && b !== undefined && compareQuantities(a, b) > 0;
  const say = (field: string, value: string | undefined, why: string) =>
    problems.push(invalidValue(`${at}.${field}[${name}]`, value, why));
  if (above(min, max)) say('min', min, `min value ${min} is greater than max value ${max}`);
  if (above(min, request)) {
    say('defaultRequest', request, `min value ${min} is greater than default request value ${request}`);
  }
  if (above(request, max)) {
    say('defaultRequest', request, `default request value ${request} is greater than max value ${max}`);
  }
  if (above(request, byDefault)) {
    const why = `default request value ${request} is greater than default limit value ${byDefault}`;
    say('defaultRequest', request, why);
  }
  if (above(min, byDefault)) say('default', min, `min value ${min} is greater than default value ${byDefault}`);
  if (above(byDefault, max)) say('default', max, `default value ${byDefault} is greater than max value ${max}`);
  if (ratio !== undefined && compareQuantities(ratio, '1') < 0) {
    say('maxLimitRequestRatio', ratio, `ratio ${ratio} is less than 1`);
  }
  if (ratio !== undefined && min !== undefined && max !== undefined) {
    const most = quantityMilli(max) / quantityMilli(min);
    if (quantityMilli(ratio) / 1000 > most) {
      say('maxLimitRequestRatio', ratio, `ratio ${ratio} is greater than max/min = ${most.toFixed(6)}`);
    }
  }
  if (!isElastic(name) && byDefault !== undefined && request !== undefined) {
    if (compareQuantities(byDefault, request) !== 0) {
      const why = `default value ${byDefault} must equal to defaultRequest value ${request} in ${name}`;
      say('defaultRequest', request, why);
    }
  }
  return problems;
}
