// A cordoned node takes no pods but those that tolerate it.
import { tolerates } from '../../../api/tolerations.ts';
import { nodeChanged, type Plugin, refusal } from '../plugin.ts';

const CORDONED = refusal('node(s) were unschedulable');
const TAINT = { key: 'node.kubernetes.io/unschedulable', effect: 'NoSchedule' };

export const nodeUnschedulable: Plugin = {
  name: 'NodeUnschedulable',

  filter({ tolerations }) {
    if (tolerations.some((toleration) => tolerates(toleration, TAINT))) return undefined;
    return { test: ({ unschedulable }) => (unschedulable ? CORDONED : undefined) };
  },

  wokenBy: (event) => nodeChanged(event, 'taints'),
};
