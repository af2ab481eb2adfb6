// Which nodes a pod or a volume asks for: the node selector, and terms of which one must hold, each by labels and by
// the node's name. Compiled for those who ask about many nodes. Pure.
import { type LabelMatcher, type LabelRequirement, labelMapMatcher, labelMatcher } from './labels.ts';
import type { NodeAffinity, NodeSelectorRequirement, NodeSelectorTerm } from './types/core/affinity.ts';
import type { PodSpec } from './types/core/pod-spec.ts';

export interface NamedNode {
  readonly name: string;
  readonly labels?: Readonly<Record<string, string>>;
}
export type NodeTest = (node: NamedNode) => boolean;

const OPERATORS: Readonly<Record<string, LabelRequirement['operator']>> = {
  In: 'in',
  NotIn: 'notin',
  Exists: 'exists',
  DoesNotExist: '!',
  Gt: 'gt',
  Lt: 'lt',
};

interface Wish {
  readonly nodeSelector?: Readonly<Record<string, string>>;
  readonly nodeAffinity?: NodeAffinity;
}

/** By its node selector and the required part of its node affinity. */
export function wantsNode({ nodeSelector, affinity }: PodSpec, node: NamedNode): boolean {
  return requiredNodes({ nodeSelector, nodeAffinity: affinity?.nodeAffinity })?.(node) ?? true;
}

/** Undefined when every node will do. */
export function requiredNodes({ nodeSelector, nodeAffinity }: Wish): NodeTest | undefined {
  const required = nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution;
  const selects = nodeSelector !== undefined && Object.keys(nodeSelector).length > 0;
  const selected = selects ? labelMapMatcher(nodeSelector) : undefined;
  const affine = required && anyTerm(required.nodeSelectorTerms ?? []);
  if (selected === undefined) return affine;
  return (node) => selected(node.labels) && (affine === undefined || affine(node));
}

export function matchesTerms(terms: readonly NodeSelectorTerm[], node: NamedNode): boolean {
  return anyTerm(terms)(node);
}

export function anyTerm(terms: readonly NodeSelectorTerm[]): NodeTest {
  const tests = terms.filter((term) => !isEmptyTerm(term)).map(termTest);
  return (node) => tests.some((test) => test(node));
}

/** A term without requirements selects nothing. */
export function isEmptyTerm({ matchExpressions = [], matchFields = [] }: NodeSelectorTerm): boolean {
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
