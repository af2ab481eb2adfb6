// Selectors of nodes, compiled: terms of which one must hold, each by labels and by the node's name.
import { type LabelMatcher, type LabelRequirement, labelMatcher } from '../../api/labels.ts';
import type { NodeSelectorRequirement, NodeSelectorTerm } from '../../api/types/core/affinity.ts';
import type { NodeInfo } from './node-info.ts';

type Named = Pick<NodeInfo, 'name' | 'labels'>;
export type NodeTest = (node: Named) => boolean;

const OPERATORS: Readonly<Record<string, LabelRequirement['operator']>> = {
  In: 'in',
  NotIn: 'notin',
  Exists: 'exists',
  DoesNotExist: '!',
  Gt: 'gt',
  Lt: 'lt',
};

export function anyTerm(terms: readonly NodeSelectorTerm[]): NodeTest {
  const tests = terms.filter((term) => !isEmpty(term)).map(termTest);
  return (node) => tests.some((test) => test(node));
}

/** A term without requirements selects nothing. */
export function isEmpty({ matchExpressions = [], matchFields = [] }: NodeSelectorTerm): boolean {
  return matchExpressions.length + matchFields.length === 0;
}

export function termTest({ matchExpressions = [], matchFields = [] }: NodeSelectorTerm): NodeTest {
  const byLabels = matcherOf(matchExpressions);
  const byName = matcherOf(matchFields);
  if (matchFields.length === 0) return ({ labels }) => byLabels(labels);
  return ({ name, labels }) => byName({ 'metadata.name': name }) && byLabels(labels);
}

/** Values that are no numbers match no comparison; the API refuses them, but old objects may hold them. */
function matcherOf(requirements: readonly NodeSelectorRequirement[]): LabelMatcher {
  const known = requirements.map(({ key, operator, values = [] }) => ({ key, operator: OPERATORS[operator], values }));
  const broken = known.some(
    ({ operator, values }) =>
      operator === undefined || ((operator === 'gt' || operator === 'lt') && !/^-?\d+$/.test(values[0] ?? '')),
  );
  return broken ? () => false : labelMatcher(known as LabelRequirement[]);
}

/** The names a node must have, where every term fixes them: pods of daemon sets do. */
export function namesIn(terms: readonly NodeSelectorTerm[]): ReadonlySet<string> | undefined {
  const names = new Set<string>();
  for (const { matchFields = [] } of terms) {
    const fixed = matchFields.filter(({ key, operator }) => key === 'metadata.name' && operator === 'In');
    if (fixed.length === 0) return undefined;
    for (const name of fixed[0]!.values ?? [])
      if (fixed.every(({ values = [] }) => values.includes(name))) names.add(name);
  }
  return names;
}
