// Where a pod must or would like to run, by labels and names of nodes.
import { isEmptyTerm, namesIn, requiredNodes, termTest } from '../../../api/node-selector.ts';
import { nodeChanged, normalizeByMost, type Plugin, refusal } from '../plugin.ts';

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
      .filter(({ weight, preference }) => weight !== 0 && !isEmptyTerm(preference))
      .map(({ weight, preference }) => ({ weight, test: termTest(preference) }));
    if (preferred.length === 0) return undefined;
    return {
      of: (node) => preferred.reduce((sum, { weight, test }) => (test(node) ? sum + weight : sum), 0),
      normalize: (scores) => normalizeByMost(scores),
    };
  },

  wokenBy: (event) => nodeChanged(event, 'labels'),
};
