// A node that has just come is not ready before it says so: nothing is scheduled to it until a controller looked.
import type { Node } from '../../api/types/core/node.ts';
import type { AdmissionPlugin } from './admission.ts';

const NOT_READY = { key: 'node.kubernetes.io/not-ready', effect: 'NoSchedule' } as const;

export const taintNodesByCondition: AdmissionPlugin = {
  name: 'TaintNodesByCondition',
  resources: ['nodes'],
  operations: ['CREATE'],
  admit({ object }) {
    const { spec } = object as unknown as Node;
    const has = spec.taints?.some(({ key, effect }) => key === NOT_READY.key && effect === NOT_READY.effect);
    if (!has) spec.taints = [...(spec.taints ?? []), { ...NOT_READY }];
  },
};
