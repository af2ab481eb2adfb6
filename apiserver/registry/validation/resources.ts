// Requests and limits.
import { qualifiedName } from '../../../api/names.ts';
import { compareQuantities, parseQuantity, quantityMilli } from '../../../api/quantity.ts';
import type { FieldProblem } from '../../../api/status.ts';
import type { ResourceRequirements } from '../../../api/types/core/resource-requirements.ts';
import { invalidValue, required } from './problems.ts';
import { NON_NEGATIVE, named } from './values.ts';

const STANDARD = new Set([
  'cpu',
  'memory',
  'ephemeral-storage',
  'storage',
  'requests.cpu',
  'requests.memory',
  'requests.storage',
  'requests.ephemeral-storage',
  'limits.cpu',
  'limits.memory',
  'limits.ephemeral-storage',
  'pods',
  'resourcequotas',
  'services',
  'replicationcontrollers',
  'secrets',
  'persistentvolumeclaims',
  'configmaps',
  'services.loadbalancers',
  'services.nodeports',
]);
const OF_CONTAINERS = new Set(['cpu', 'memory', 'ephemeral-storage']);
const HUGEPAGES = 'hugepages-';
const isNative = (name: string) => !name.includes('/') || name.includes('kubernetes.io/');
const isExtended = (name: string) => !isNative(name) && !name.startsWith('requests.');

export function resourceNameProblems(name: string, path: string): FieldProblem[] {
  const problems = named(path, name, qualifiedName);
  if (problems.length > 0 || name.includes('/') || STANDARD.has(name) || name.startsWith(HUGEPAGES)) return problems;
  return [invalidValue(path, name, 'must be a standard resource type or fully qualified')];
}

export function quantityProblems(name: string, value: string, path: string): FieldProblem[] {
  if (compareQuantities(value, '0') < 0) return [invalidValue(path, value, NON_NEGATIVE)];
  const whole = isExtended(name) || name === 'pods';
  if (whole && quantityMilli(parseQuantity(value)) % 1000 !== 0)
    return [invalidValue(path, value, 'must be an integer')];
  return [];
}

function containerResourceProblems(name: string, path: string): FieldProblem[] {
  const problems = resourceNameProblems(name, path);
  if (name.includes('/') || OF_CONTAINERS.has(name) || name.startsWith(HUGEPAGES)) return problems;
  return [...problems, invalidValue(path, name, 'must be a standard resource for containers')];
}

export function requirementProblems(resources: ResourceRequirements | undefined, path: string): FieldProblem[] {
  const problems: FieldProblem[] = [];
  const { limits = {}, requests = {} } = resources ?? {};
  for (const [name, value] of Object.entries(limits)) {
    const at = `${path}.limits[${name}]`;
    problems.push(...containerResourceProblems(name, at), ...quantityProblems(name, value, at));
  }
  for (const [name, value] of Object.entries(requests)) {
    const at = `${path}.requests[${name}]`;
    problems.push(...containerResourceProblems(name, at), ...quantityProblems(name, value, at));
    const limit = limits[name];
    if (limit === undefined) {
      if (isExtended(name) || name.startsWith(HUGEPAGES)) {
        problems.push(required(`${path}.limits`, `Limit must be set for non overcommitable resources`));
      }
      continue;
    }
    const order = compareQuantities(value, limit);
    if (order > 0) {
      problems.push(invalidValue(`${path}.requests`, value, `must be less than or equal to ${name} limit of ${limit}`));
    } else if (order < 0 && (isExtended(name) || name.startsWith(HUGEPAGES))) {
      problems.push(invalidValue(`${path}.requests`, value, `must be equal to ${name} limit of ${limit}`));
    }
  }
  return problems;
}
