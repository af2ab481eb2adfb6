// Affinity between pods, compiled: which pods a term speaks of, and by which label of nodes "near" is meant.
import {
  type LabelMatcher,
  type LabelRequirement,
  type Labels,
  labelMatcher,
  requirementsOf,
} from '../../api/labels.ts';
import type { PodAffinityTerm } from '../../api/types/core/affinity.ts';
import type { Pod } from '../../api/types/core/pod.ts';

export interface AffinityTerm {
  readonly topologyKey: string;
  /** Negative for anti-affinity, in preferences only. */
  readonly weight: number;
  readonly selects: LabelMatcher;
  readonly namespaces: ReadonlySet<string>;
  /** Further namespaces, by their labels. */
  readonly namespaceSelects: LabelMatcher | undefined;
}

export interface PodTerms {
  readonly near: readonly AffinityTerm[];
  readonly apart: readonly AffinityTerm[];
  readonly preferred: readonly AffinityTerm[];
}

const NO_TERMS: PodTerms = { near: [], apart: [], preferred: [] };

export function termsOf({ metadata, spec }: Pod): PodTerms {
  const { podAffinity, podAntiAffinity } = spec.affinity ?? {};
  if (podAffinity === undefined && podAntiAffinity === undefined) return NO_TERMS;
  const compile = (term: PodAffinityTerm, weight = 0) => compiled(term, weight, metadata);
  return {
    near: (podAffinity?.requiredDuringSchedulingIgnoredDuringExecution ?? []).map((term) => compile(term)),
    apart: (podAntiAffinity?.requiredDuringSchedulingIgnoredDuringExecution ?? []).map((term) => compile(term)),
    preferred: [
      ...(podAffinity?.preferredDuringSchedulingIgnoredDuringExecution ?? []).map(({ podAffinityTerm, weight }) =>
        compile(podAffinityTerm, weight),
      ),
      ...(podAntiAffinity?.preferredDuringSchedulingIgnoredDuringExecution ?? []).map(({ podAffinityTerm, weight }) =>
        compile(podAffinityTerm, -weight),
      ),
    ],
  };
}

function compiled(
  term: PodAffinityTerm,
  weight: number,
  { namespace = '', labels = {} }: Pod['metadata'],
): AffinityTerm {
  const named = term.namespaces ?? [];
  const own = named.length === 0 && term.namespaceSelector === undefined;
  return {
    topologyKey: term.topologyKey,
    weight,
    selects: selectorWithKeys(term, labels),
    namespaces: new Set(own ? [namespace] : named),
    namespaceSelects: term.namespaceSelector && labelMatcher(requirementsOf(term.namespaceSelector)),
  };
}

/** The selector, narrowed to pods with the same values as this one's (or others) under the keys that are named. */
export function selectorWithKeys(
  {
    labelSelector,
    matchLabelKeys = [],
    mismatchLabelKeys = [],
  }: Pick<PodAffinityTerm, 'labelSelector' | 'matchLabelKeys' | 'mismatchLabelKeys'>,
  labels: Labels,
): LabelMatcher {
  if (labelSelector === undefined) return () => false;
  const by = (keys: readonly string[], operator: 'in' | 'notin') =>
    keys
      .filter((key) => Object.hasOwn(labels, key))
      .map((key): LabelRequirement => ({ key, operator, values: [labels[key]!] }));
  return labelMatcher([
    ...requirementsOf(labelSelector),
    ...by(matchLabelKeys, 'in'),
    ...by(mismatchLabelKeys, 'notin'),
  ]);
}

export function speaksOf(
  term: AffinityTerm,
  pod: { readonly namespace: string; readonly labels: Labels },
  namespaceLabels: (namespace: string) => Labels,
): boolean {
  const { namespaces, namespaceSelects } = term;
  const inScope = namespaces.has(pod.namespace) || namespaceSelects?.(namespaceLabels(pod.namespace)) === true;
  return inScope && term.selects(pod.labels);
}
