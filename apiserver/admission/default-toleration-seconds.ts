// Pods stay for five minutes on a node that is not ready or not reachable, unless they say otherwise.
import type { Pod } from '../../api/types/core/pod.ts';
import type { AdmissionPlugin } from './admission.ts';

const SECONDS = 300;
const TAINTS = ['node.kubernetes.io/not-ready', 'node.kubernetes.io/unreachable'];

export const defaultTolerationSeconds: AdmissionPlugin = {
  name: 'DefaultTolerationSeconds',
  resources: ['pods'],
  operations: ['CREATE', 'UPDATE'],
  admit({ object }) {
    const { spec } = object as unknown as Pod;
    for (const key of TAINTS) {
      const tolerated = spec.tolerations?.some(
        (each) => (!each.key || each.key === key) && (!each.effect || each.effect === 'NoExecute'),
      );
      if (tolerated) continue;
      const toleration = { key, operator: 'Exists', effect: 'NoExecute', tolerationSeconds: SECONDS } as const;
      spec.tolerations = [...(spec.tolerations ?? []), toleration];
    }
  },
};
