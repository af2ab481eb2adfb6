// Replication controllers: a scale whose selector is a plain map of labels.
import type { ReplicationController } from '../../../../api/types/core/replication-controller.ts';
import type { Strategy } from '../../strategy.ts';
import { workloadWarnings } from '../../validation/pod-warnings.ts';
import { replicationControllerStatusProblems } from '../../validation/statuses.ts';
import { replicationControllerProblems } from '../../validation/workloads.ts';
import { scaleOf } from '../scale.ts';

export const replicationControllerStrategy: Strategy<ReplicationController> = {
  hasGeneration: true,
  validateCreate: replicationControllerProblems,
  validateUpdate: replicationControllerProblems,
  warnings: (controller, previous) => workloadWarnings(controller, previous, controller.spec.template),
  subresources: {
    status: { validateUpdate: replicationControllerStatusProblems },
    scale: scaleOf({
      replicas: ({ spec }) => spec.replicas ?? 0,
      setReplicas: (object, replicas) => {
        object.spec.replicas = replicas;
      },
      current: ({ status }) => status.replicas ?? 0,
      selector: ({ spec }) => {
        const pairs = Object.entries(spec.selector ?? {}).sort(([a], [b]) => (a < b ? -1 : 1));
        return pairs.map(([key, value]) => `${key}=${value}`).join(',');
      },
    }),
  },
};
