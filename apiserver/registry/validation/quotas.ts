// Bounds for a namespace: quotas and limit ranges.
import { qualifiedName } from '../../../api/names.ts';
import { compareQuantities } from '../../../api/quantity.ts';
import { deepEqual } from '../../../api/schema/equal.ts';
import type { FieldProblem } from '../../../api/status.ts';
import type { LimitRange, ResourceQuota } from '../../../api/types/core/limit-range.ts';
import { duplicate, forbidden, invalidValue, required } from './problems.ts';
import {
  amountProblems,
  isExtended,
  isHugePages,
  isWhole,
  resourceNameProblems,
  STANDARD,
  sorted,
} from './resources.ts';
import { each, IMMUTABLE, named } from './values.ts';

type Amounts = Readonly<Record<string, string>>;

const COUNTS = [
  'pods',
  'services',
  'replicationcontrollers',
  'secrets',
  'configmaps',
  'resourcequotas',
  'persistentvolumeclaims',
  'services.nodeports',
  'services.loadbalancers',
];
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
  return [
    ...hardProblems(spec.hard ?? {}, 'spec.hard'),
    ...scopesProblems(spec, 'spec.scopes'),
    ...scopeSelectorProblems(spec, 'spec.scopeSelector.matchExpressions'),
    ...hardProblems(status.hard ?? {}, 'status.hard'),
    ...hardProblems(status.used ?? {}, 'status.used'),
  ];
}

function hardProblems(hard: Amounts, path: string): FieldProblem[] {
  return sorted(hard).flatMap(([name, amount]) => {
    const at = `${path}[${name}]`;
    const problems = resourceNameProblems(at, name);
    if (!name.includes('/') && !STANDARD.has(name) && !isHugePages(name) && !name.startsWith('requests.hugepages-')) {
      problems.push(invalidValue(at, name, 'must be a standard resource for quota'));
    }
    if (COUNTS.includes(name) && !isExtended(name)) {
      if (compareQuantities(amount, '0') >= 0 && !isWhole(amount)) {
        return [...problems, invalidValue(at, amount, 'must be an integer')];
      }
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
  const has = (scope: never) => scopes?.includes(scope);
  const pairs = [
    ['BestEffort', 'NotBestEffort'],
    ['Terminating', 'NotTerminating'],
  ] as const;
  for (const [one, other] of pairs) {
    if (has(one as never) && has(other as never)) problems.push(invalidValue(path, scopes, 'conflicting scopes'));
  }
  return problems;
}

/** Upstream names the list, not the place in it. */
function scopeSelectorProblems({ scopeSelector, hard }: ResourceQuota['spec'], path: string): FieldProblem[] {
  return (scopeSelector?.matchExpressions ?? []).flatMap(({ scopeName, operator, values }) => {
    const problems: FieldProblem[] = [];
    if (!SCOPES.includes(scopeName)) {
      problems.push(invalidValue(`${path}.scopeName`, scopeName, 'unsupported scope'));
    }
    for (const resource of Object.keys(hard ?? {})) {
      if (!SCOPES.includes(scopeName) || fits(scopeName, resource)) continue;
      problems.push(invalidValue(path, scopeSelector, 'unsupported scope applied to resource'));
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
          const why = "must be no value when `operator` is 'Exists' or 'DoesNotExist' for scope selector";
          problems.push(invalidValue(`${path}.values`, values, why));
        }
        break;
      default:
        problems.push(invalidValue(`${path}.operator`, operator, 'not a valid selector operator'));
    }
    return problems;
  });
}

export function quotaUpdateProblems(next: ResourceQuota, current: ResourceQuota): FieldProblem[] {
  const problems = quotaProblems(next);
  const scopes = ({ spec }: ResourceQuota) => [...(spec.scopes ?? [])].sort();
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
    const problems = named(`${at}.type`, type, qualifiedName);
    if (types.has(type)) problems.push(duplicate(`${at}.type`, type));
    types.add(type);
    return [...problems, ...limitProblems(limit, at)];
  });
}

function limitProblems(limit: Limit, at: string): FieldProblem[] {
  const { type, max = {}, min = {}, maxLimitRequestRatio: ratios = {} } = limit;
  const problems: FieldProblem[] = [];
  const names = new Set([...Object.keys(max), ...Object.keys(min), ...Object.keys(ratios)]);
  for (const field of ['max', 'min'] as const) problems.push(...limitNames(limit[field], type, `${at}.${field}`));
  if (type === 'Pod') {
    for (const field of ['default', 'defaultRequest'] as const) {
      if (Object.keys(limit[field] ?? {}).length === 0) continue;
      problems.push(forbidden(`${at}.${field}`, "may not be specified when `type` is 'Pod'"));
    }
  } else {
    for (const field of ['default', 'defaultRequest'] as const) {
      problems.push(...limitNames(limit[field], type, `${at}.${field}`));
      for (const name of Object.keys(limit[field] ?? {})) names.add(name);
    }
  }
  if (type === 'PersistentVolumeClaim' && !Object.hasOwn(max, 'storage') && !Object.hasOwn(min, 'storage')) {
    const why = 'either minimum or maximum storage value is required, but neither was provided';
    problems.push(required(`${at}.limits`, why));
  }
  for (const name of [...names].sort()) problems.push(...amountsProblems(limit, name, at));
  return problems;
}

function limitNames(amounts: Amounts | undefined, type: string, path: string): FieldProblem[] {
  return Object.keys(amounts ?? {})
    .sort()
    .flatMap((name) => {
      const at = `${path}[${name}]`;
      const problems = resourceNameProblems(at, name);
      const ofContainers = ['cpu', 'memory', 'ephemeral-storage'];
      if (name.includes('/') || isHugePages(name)) return problems;
      if ((type === 'Pod' || type === 'Container') && !ofContainers.includes(name)) {
        problems.push(invalidValue(at, name, `must be a standard limit type or fully qualified`));
      }
      return problems;
    });
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
  return problems;
}
