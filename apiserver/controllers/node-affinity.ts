// Whether a node is one that a pod asks for: its node selector and the required part of its node affinity. Pure.
import { type LabelRequirement, labelMatcher } from '../../api/labels.ts';
import type { NodeSelectorRequirement, NodeSelectorTerm } from '../../api/types/core/affinity.ts';
import type { Node } from '../../api/types/core/node.ts';
import type { PodSpec } from '../../api/types/core/pod-spec.ts';

const OPERATORS: Readonly<Record<string, LabelRequirement['operator']>> = {
  In: 'in',
  NotIn: 'notin',
  Exists: 'exists',
  DoesNotExist: '!',
  Gt: 'gt',
  Lt: 'lt',
};

export function wantsNode({ nodeSelector = {}, affinity }: PodSpec, { metadata }: Node): boolean {
  const labels = metadata.labels ?? {};
  if (!Object.entries(nodeSelector).every(([key, value]) => labels[key] === value)) return false;
  const required = affinity?.nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution;
  if (required === undefined) return true;
  return (required.nodeSelectorTerms ?? []).some((term) => termHolds(term, metadata.name, labels));
}

/** A term without requirements selects nothing. */
function termHolds(
  { matchExpressions = [], matchFields = [] }: NodeSelectorTerm,
  name: string,
  labels: object,
): boolean {
  if (matchExpressions.length + matchFields.length === 0) return false;
  return holds(matchExpressions, labels) && holds(matchFields, { 'metadata.name': name });
}

/** A comparison with what is no number never holds. */
function holds(requirements: readonly NodeSelectorRequirement[], labels: object): boolean {
  return requirements.every(({ key, operator, values = [] }) => {
    const known = OPERATORS[operator];
    if (known === undefined) return false;
    if ((known === 'gt' || known === 'lt') && !/^-?\d+$/.test(values[0] ?? '')) return false;
    return labelMatcher([{ key, operator: known, values }])(labels as Record<string, string>);
  });
}

/** The only node a daemon pod may run on: where it is, or where its affinity sends it. */
export function targetNode({ nodeName, affinity }: PodSpec): string | undefined {
  if (nodeName) return nodeName;
  const terms = affinity?.nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution?.nodeSelectorTerms ?? [];
  for (const { matchFields = [] } of terms) {
    const byName = matchFields.find(({ key, operator }) => key === 'metadata.name' && operator === 'In');
    if (byName?.values?.length === 1) return byName.values[0];
  }
  return undefined;
}
