// Nodes: their taints and networks.
import type { FieldProblem } from '../../../api/status.ts';
import type { Node } from '../../../api/types/core/node.ts';
import { cidrProblems } from './addresses.ts';
import { duplicate, forbidden, invalidValue } from './problems.ts';
import { amountProblems, sorted } from './resources.ts';
import { taintsProblems } from './scheduling.ts';
import { each } from './values.ts';

export function nodeProblems({ spec, status }: Node): FieldProblem[] {
  const { podCIDRs = [] } = spec;
  const problems = [
    // Upstream says metadata here.
    ...taintsProblems(spec.taints, 'metadata.taints'),
    ...sorted(status.capacity ?? {}).flatMap(([name, amount]) =>
      amountProblems(`status.capacity[${name}]`, name, amount),
    ),
    ...each(podCIDRs, 'spec.podCIDRs', (cidr, at) => cidrProblems(at, cidr)),
  ];
  if (podCIDRs.length > 2) {
    problems.push(invalidValue('spec.podCIDRs', podCIDRs, 'may specify no more than one CIDR for each IP family'));
  }
  return problems;
}

export function nodeUpdateProblems(next: Node, current: Node): FieldProblem[] {
  const problems = nodeProblems(next);
  const [now, was] = [next.spec.podCIDRs ?? [], current.spec.podCIDRs ?? []];
  if (was.length > 0 && (was.length !== now.length || was.some((cidr, i) => cidr !== now[i]))) {
    problems.push(forbidden('spec.podCIDRs', 'node updates may not change podCIDR except from "" to valid'));
  }
  const { providerID } = current.spec;
  if (providerID && providerID !== next.spec.providerID) {
    problems.push(forbidden('spec.providerID', 'node updates may not change providerID except from "" to valid'));
  }
  return problems;
}

export function nodeStatusProblems({ status }: Node): FieldProblem[] {
  const seen = new Set<string>();
  return each(status.addresses, 'status.addresses', ({ type, address }, at) => {
    const id = `${type} ${address}`;
    const problems = seen.has(id) ? [duplicate(at, { Type: type, Address: address })] : [];
    seen.add(id);
    return problems;
  });
}
