// Where a pod must or would like to run, by labels and names of nodes.
import { labelMatcher, matchesEverything } from '../../../api/labels.ts';
import { anyTerm, isEmpty, type NodeTest, namesIn, termTest } from '../node-selectors.ts';
import { nodeChanged, normalizeByMost, type Plugin, refusal } from '../plugin.ts';
import type { PodInfo } from '../pod-info.ts';

const ELSEWHERE = refusal("node(s) didn't match Pod's node affinity/selector");

export const nodeAffinity: Plugin = {
  name: 'NodeAffinity',
  weight: 2,

  filter(pod) {
    const test = requiredNodes(pod);
    if (test === undefined) return undefined;
    const terms = pod.nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution?.nodeSelectorTerms;
    const only = terms && namesIn(terms);
    return { test: (node) => (test(node) ? undefined : ELSEWHERE), ...(only && { only }) };
  },

  score({ nodeAffinity }) {
    const preferred = (nodeAffinity?.preferredDuringSchedulingIgnoredDuringExecution ?? [])
      .filter(({ weight, preference }) => weight !== 0 && !isEmpty(preference))
      .map(({ weight, preference }) => ({ weight, test: termTest(preference) }));
    if (preferred.length === 0) return undefined;
    return {
      of: (node) => preferred.reduce((sum, { weight, test }) => (test(node) ? sum + weight : sum), 0),
      normalize: (scores) => normalizeByMost(scores),
    };
  },

  wokenBy: (event) => nodeChanged(event, 'labels'),
};

/** Undefined when every node will do. */
export function requiredNodes({ nodeSelector, nodeAffinity }: PodInfo): NodeTest | undefined {
  const required = nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution;
  const wanted = Object.entries(nodeSelector ?? {});
  if (wanted.length === 0 && required === undefined) return undefined;
  const selected =
    wanted.length === 0
      ? matchesEverything
      : labelMatcher(wanted.map(([key, value]) => ({ key, operator: '=', values: [value] })));
  const affine = required && anyTerm(required.nodeSelectorTerms ?? []);
  return (node) => selected(node.labels) && (affine === undefined || affine(node));
}
