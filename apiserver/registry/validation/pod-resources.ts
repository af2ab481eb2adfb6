// Amounts for a pod as a whole: they hold what its containers ask for.
import { compareQuantities } from '../../../api/quantity.ts';
import type { FieldProblem } from '../../../api/status.ts';
import { aggregated } from '../../../api/types/core/pod-defaults.ts';
import type { PodSpec } from '../../../api/types/core/pod-spec.ts';
import { forbidden, invalidValue, notSupported } from './problems.ts';
import { isHugePages, requirementsProblems, resourceNameProblems, sorted } from './resources.ts';

const OF_PODS = ['cpu', 'memory'];

function nameProblems(path: string, name: string): FieldProblem[] {
  const problems = resourceNameProblems(path, name);
  if (problems.length > 0 || OF_PODS.includes(name) || isHugePages(name)) return problems;
  return [notSupported(path, name, ['cpu', 'hugepages-', 'memory'])];
}

export function podResourcesProblems(spec: PodSpec, path: string, claims: ReadonlySet<string>): FieldProblem[] {
  const { resources, os } = spec;
  if (resources === undefined) return [];
  if (os?.name === 'windows') return [forbidden(path, 'may not be set for a windows pod')];
  const problems: FieldProblem[] = [];
  if (resources.claims !== undefined) {
    problems.push(forbidden(`${path}.claims`, 'claims may not be set for Resources at pod-level'));
  }
  problems.push(...requirementsProblems(resources, path, claims, nameProblems));
  const { requests = {}, limits = {} } = resources;
  for (const [name, amount] of sorted(aggregated(spec, 'requests'))) {
    const own = requests[name];
    if (own === undefined || compareQuantities(amount, own) <= 0) continue;
    const why = `must be greater than or equal to aggregate container requests of ${amount}`;
    problems.push(invalidValue(`${path}.requests[${name}]`, own, why));
  }
  for (const [name, amount] of sorted(aggregated(spec, 'limits'))) {
    const own = limits[name];
    if (!isHugePages(name) || own === undefined || compareQuantities(amount, own) <= 0) continue;
    const why = `must be greater than or equal to aggregate container limits of ${amount}`;
    problems.push(invalidValue(`${path}.limits[${name}]`, own, why));
  }
  for (const [i, container] of (spec.containers ?? []).entries()) {
    for (const [name, amount] of sorted(container.resources?.limits ?? {})) {
      const own = limits[name];
      if (own === undefined || compareQuantities(amount, own) <= 0) continue;
      const why = `must be less than or equal to pod limits of ${own}`;
      problems.push(invalidValue(`${path}.containers[${i}][${name}].limits`, amount, why));
    }
  }
  return problems;
}
