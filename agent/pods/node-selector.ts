// Whether this node is one that a pod asks for: its node selector and the required part of its node affinity. Pure.
import { type LabelRequirement, labelMatcher } from '../../api/labels.ts';
import type { NodeSelectorRequirement, NodeSelectorTerm } from '../../api/types/core/affinity.ts';
import type { Node } from '../../api/types/core/node.ts';
import type { PodSpec } from '../../api/types/core/pod-spec.ts';

type Labels = Readonly<Record<string, string>>;
type Named = Pick<Node['metadata'], 'name' | 'labels'>;

const OPERATORS: Readonly<Record<string, LabelRequirement['operator']>> = {
  In: 'in',
  NotIn: 'notin',
  Exists: 'exists',
  DoesNotExist: '!',
  Gt: 'gt',
  Lt: 'lt',
};

export function wantsNode({ nodeSelector = {}, affinity }: PodSpec, { name, labels = {} }: Named): boolean {
  if (!Object.entries(nodeSelector).every(([key, value]) => labels[key] === value)) return false;
  const required = affinity?.nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution;
  return required === undefined || matchesTerms(required.nodeSelectorTerms ?? [], { name, labels });
}

/** One of them is enough; a term without requirements selects nothing. */
export function matchesTerms(terms: readonly NodeSelectorTerm[], { name, labels = {} }: Named): boolean {
  return terms.some(({ matchExpressions = [], matchFields = [] }) => {
    if (matchExpressions.length + matchFields.length === 0) return false;
    return holds(matchExpressions, labels) && holds(matchFields, { 'metadata.name': name });
  });
}

/** A comparison with what is no number never holds. */
function holds(requirements: readonly NodeSelectorRequirement[], labels: Labels): boolean {
  return requirements.every(({ key, operator, values = [] }) => {
    const known = OPERATORS[operator];
    if (known === undefined) return false;
    if ((known === 'gt' || known === 'lt') && !/^-?\d+$/.test(values[0] ?? '')) return false;
    return labelMatcher([{ key, operator: known, values }])(labels);
  });
}
