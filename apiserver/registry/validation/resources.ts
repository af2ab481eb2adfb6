// Amounts of resources: what names may stand in requests and limits, and what numbers.
import { qualifiedName } from '../../../api/names.ts';
import { compareQuantities, isZeroQuantity, parseQuantity } from '../../../api/quantity.ts';
import type { FieldProblem } from '../../../api/status.ts';
import type { ResourceRequirements } from '../../../api/types/core/resource-requirements.ts';
import { duplicate, forbidden, invalidValue, notFoundValue, required } from './problems.ts';
import { NON_NEGATIVE, named } from './values.ts';

type Amounts = Readonly<Record<string, string>>;

const HUGE = 'hugepages-';
const FOR_CONTAINERS = ['cpu', 'memory', 'ephemeral-storage'];
export const STANDARD = new Set([
  ...FOR_CONTAINERS,
  'configmaps',
  'limits.cpu',
  'limits.ephemeral-storage',
  'limits.memory',
  'persistentvolumeclaims',
  'pods',
  'replicationcontrollers',
  'requests.cpu',
  'requests.ephemeral-storage',
  'requests.memory',
  'requests.storage',
  'resourcequotas',
  'secrets',
  'services',
  'services.loadbalancers',
  'services.nodeports',
  'storage',
]);

export const isHugePages = (name: string) => name.startsWith(HUGE);
const isNative = (name: string) => !name.includes('/') || name.includes('kubernetes.io/');
export const isExtended = (name: string) => !isNative(name) && !name.startsWith('requests.');
/** What a node may promise more of than it has. */
const isElastic = (name: string) => isNative(name) && !isHugePages(name);

export function resourceNameProblems(path: string, name: string): FieldProblem[] {
  const problems = named(path, name, qualifiedName);
  if (problems.length > 0) return problems;
  if (!name.includes('/') && !STANDARD.has(name) && !isHugePages(name)) {
    return [invalidValue(path, name, 'must be a standard resource type or fully qualified')];
  }
  return [];
}

function containerResourceProblems(path: string, name: string): FieldProblem[] {
  const problems = resourceNameProblems(path, name);
  const why = 'must be a standard resource for containers';
  if (!name.includes('/')) {
    if (!FOR_CONTAINERS.includes(name) && !isHugePages(name)) problems.push(invalidValue(path, name, why));
  } else if (!isNative(name) && !isExtended(name)) {
    problems.push(invalidValue(path, name, "doesn't follow extended resource name standard"));
  }
  return problems;
}

export function amountProblems(path: string, name: string, amount: string): FieldProblem[] {
  const problems: FieldProblem[] = [];
  if (compareQuantities(amount, '0') < 0) problems.push(invalidValue(path, amount, NON_NEGATIVE));
  if (isExtended(name) && !isWhole(amount)) problems.push(invalidValue(path, amount, 'must be an integer'));
  return problems;
}

export function isWhole(amount: string): boolean {
  const { digits, exponent } = parseQuantity(amount);
  return exponent >= 0 || digits % 10n ** BigInt(-exponent) === 0n;
}

export function requirementsProblems(
  { limits = {}, requests = {}, claims }: ResourceRequirements,
  path: string,
  podClaims: ReadonlySet<string> = new Set(),
): FieldProblem[] {
  const problems: FieldProblem[] = [];
  for (const [name, amount] of sorted(limits)) problems.push(...one(`${path}.limits[${name}]`, name, amount));
  for (const [name, amount] of sorted(requests)) {
    problems.push(...one(`${path}.requests[${name}]`, name, amount));
    const limit = limits[name];
    if (limit === undefined) {
      if (!isElastic(name)) {
        problems.push(required(`${path}.limits`, 'Limit must be set for non overcommitable resources'));
      }
    } else if (!isElastic(name) && compareQuantities(amount, limit) !== 0) {
      problems.push(invalidValue(`${path}.requests`, amount, `must be equal to ${name} limit of ${limit}`));
    } else if (compareQuantities(amount, limit) > 0) {
      problems.push(
        invalidValue(`${path}.requests`, amount, `must be less than or equal to ${name} limit of ${limit}`),
      );
    }
  }
  const names = [...Object.keys(limits), ...Object.keys(requests)];
  if (names.some(isHugePages) && !names.some((name) => name === 'cpu' || name === 'memory')) {
    problems.push(forbidden(path, 'HugePages require cpu or memory'));
  }
  const seen = new Set<string>();
  for (const [i, { name, request = '' }] of (claims ?? []).entries()) {
    const at = `${path}.claims[${i}]`;
    if (!name) problems.push(required(`${at}.name`));
    else if (seen.has(`${name}/${request}`)) problems.push(duplicate(at, name));
    else if (!podClaims.has(name)) problems.push(notFoundValue(`${at}.name`, name));
    seen.add(`${name}/${request}`);
  }
  return problems;
}

function one(path: string, name: string, amount: string): FieldProblem[] {
  const problems = [...containerResourceProblems(path, name), ...amountProblems(path, name, amount)];
  if (isHugePages(name) && !isZeroQuantity(amount)) {
    const size = name.slice(HUGE.length);
    if (!dividesInto(size, amount)) {
      problems.push(invalidValue(path, amount, `${amount} is not positive integer multiple of ${size}`));
    }
  }
  return problems;
}

function dividesInto(size: string, amount: string): boolean {
  try {
    const step = parseQuantity(size);
    const total = parseQuantity(amount);
    const scale = Math.min(step.exponent, total.exponent);
    const at = (digits: bigint, exponent: number) => digits * 10n ** BigInt(exponent - scale);
    const unit = at(step.digits, step.exponent);
    return unit > 0n && at(total.digits, total.exponent) % unit === 0n;
  } catch (err) {
    if (err instanceof RangeError) return false;
    throw err;
  }
}

export function sorted(amounts: Amounts): [string, string][] {
  return Object.entries(amounts).sort(([a], [b]) => (a < b ? -1 : 1));
}
