// Taints keep pods off, tolerations let them on; taints that only prefer so are counted.
import { type TaintLike, tolerates } from '../../../api/tolerations.ts';
import { nodeChanged, normalizeByMost, type Plugin, refusal } from '../plugin.ts';
import type { PodInfo } from '../pod-info.ts';

const TAINTED = refusal('node(s) had untolerated taint(s)');

export const taintToleration: Plugin = {
  name: 'TaintToleration',
  weight: 3,

  filter: (pod) => ({
    test: ({ taints }) => (taints.length > 0 && taints.some((taint) => repels(taint, pod)) ? TAINTED : undefined),
  }),

  score({ tolerations }, _snapshot, nodes) {
    if (nodes.every(({ taints }) => taints.length === 0)) return undefined; // all alike
    const tolerating = tolerations.filter(({ effect }) => !effect || effect === 'PreferNoSchedule');
    const unwelcome = (taint: TaintLike) =>
      taint.effect === 'PreferNoSchedule' && !tolerating.some((toleration) => tolerates(toleration, taint));
    return {
      of: ({ taints }) => taints.filter(unwelcome).length,
      normalize: (scores) => normalizeByMost(scores, true),
    };
  },

  wokenBy: (event) => nodeChanged(event, 'taints'),
};

export function repels(taint: TaintLike, { tolerations }: Pick<PodInfo, 'tolerations'>): boolean {
  if (taint.effect !== 'NoSchedule' && taint.effect !== 'NoExecute') return false;
  return !tolerations.some((toleration) => tolerates(toleration, taint));
}
