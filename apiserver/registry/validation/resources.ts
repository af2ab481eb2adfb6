// Amounts of resources: what names may stand in requests and limits, and what numbers.
import { dns1123Label, qualifiedName } from '../../../api/names.ts';
import { compareQuantities, isZeroQuantity, parseQuantity, quantityValue } from '../../../api/quantity.ts';
import type { FieldProblem } from '../../../api/status.ts';
import type { ResourceRequirements } from '../../../api/types/core/resource-requirements.ts';
import { duplicate, forbidden, invalidValue, notFoundValue, required } from './problems.ts';
import { each, NON_NEGATIVE, named } from './values.ts';

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

/** Things that are counted one by one. */
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

export const isHugePages = (name: string) => name.startsWith(HUGE);
const isNative = (name: string) => !name.includes('/') || name.includes('kubernetes.io/');
const isExtended = (name: string) => !isNative(name) && !name.startsWith('requests.');
/** What a node may promise more of than it has. */
export const isElastic = (name: string) => isNative(name) && !isHugePages(name);

export function resourceNameProblems(path: string, name: string): FieldProblem[] {
  const problems = named(path, name, qualifiedName);
  if (problems.length > 0) return problems;
  if (!name.includes('/') && !STANDARD.has(name) && !isHugePages(name)) {
    return [invalidValue(path, name, 'must be a standard resource type or fully qualified')];
  }
  return [];
}

export function containerResourceProblems(path: string, name: string): FieldProblem[] {
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
  if ((isExtended(name) || COUNTS.includes(name)) && !isWhole(amount))
    problems.push(invalidValue(path, amount, 'must be an integer'));
  return problems;
}

/** What upstream says of amounts that are below zero where it looks at nothing else. */
export function basicAmountProblems(path: string, amount: string): FieldProblem[] {
  if (compareQuantities(amount, '0') >= 0) return [];
  return [invalidValue(path, quantityValue(amount), 'must be a valid resource quantity')];
}

export function isWhole(amount: string): boolean {
  const { digits, exponent } = parseQuantity(amount);
  return exponent >= 0 || digits % 10n ** BigInt(-exponent) === 0n;
}

const NO_AMOUNTS: Amounts = {};
const NO_CLAIMS: ReadonlySet<string> = new Set();

export function requirementsProblems(
  { limits = NO_AMOUNTS, requests = NO_AMOUNTS, claims }: ResourceRequirements,
  path: string,
  podClaims: ReadonlySet<string> = NO_CLAIMS,
  nameProblems: typeof containerResourceProblems = containerResourceProblems,
): FieldProblem[] {
  const problems: FieldProblem[] = [];
  for (const name of Object.keys(limits).sort()) {
    const amount = limits[name]!;
    const at = `${path}.limits[${name}]`;
    problems.push(...nameProblems(at, name), ...amountProblems(at, name, amount));
    problems.push(...hugePagesProblems(at, name, amount));
  }
  for (const name of Object.keys(requests).sort()) {
    const amount = requests[name]!;
    const at = `${path}.requests[${name}]`;
    problems.push(...nameProblems(at, name), ...amountProblems(at, name, amount));
    const limit = limits[name];
    const wrong = hugePagesProblems(at, name, amount);
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
    problems.push(...wrong);
  }
  if ((hasHugePages(limits) || hasHugePages(requests)) && !isOrdinary(limits) && !isOrdinary(requests)) {
    problems.push(forbidden(path, 'HugePages require cpu or memory'));
  }
  if (claims !== undefined) problems.push(...claimsProblems(claims, `${path}.claims`, podClaims));
  return problems;
}

function hasHugePages(amounts: Amounts): boolean {
  for (const name in amounts) if (isHugePages(name)) return true;
  return false;
}

const isOrdinary = (amounts: Amounts) => Object.hasOwn(amounts, 'cpu') || Object.hasOwn(amounts, 'memory');

type Claims = ResourceRequirements['claims'];

/** What a container takes of the pod's claims: a whole claim, or named requests of it, and nothing twice. */
function claimsProblems(claims: Claims, path: string, podClaims: ReadonlySet<string>): FieldProblem[] {
  const taken = new Set<string>();
  return each(claims, path, ({ name, request = '' }, at) => {
    if (!name) return [required(at)];
    const problems: FieldProblem[] = [];
    if (taken.has(name)) problems.push(duplicate(at, name));
    else {
      const key = request === '' ? name : `${name}/${request}`;
      if (request !== '') problems.push(...named(`${at}.request`, request, dns1123Label));
      if (taken.has(key)) problems.push(duplicate(at, key));
      else if (request === '') {
        for (const other of taken) if (other.startsWith(`${name}/`)) problems.push(duplicate(at, name));
      }
      taken.add(key);
    }
    if (podClaims.has(name)) return problems;
    const known = podClaims.size === 0 ? ' which is empty' : `: ${[...podClaims].sort().join(', ')}`;
    const { message, ...row } = notFoundValue(at, name);
    return [
      ...problems,
      { ...row, message: `${message}: must be one of the names in pod.spec.resourceClaims${known}` },
    ];
  });
}

function hugePagesProblems(path: string, name: string, amount: string): FieldProblem[] {
  if (!isHugePages(name) || isZeroQuantity(amount) || dividesInto(name.slice(HUGE.length), amount)) return [];
  return [invalidValue(path, amount, `${amount} is not positive integer multiple of ${name}`)];
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
