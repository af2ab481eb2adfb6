// Workloads of the apps group: they count generations, and most of them can be scaled.
import { requirementsOf, selectorText } from '../../../../api/labels.ts';
import type { KubeObject } from '../../../../api/schema/kind.ts';
import type { Deployment } from '../../../../api/types/apps/deployment.ts';
import type { LabelSelector } from '../../../../api/types/meta/label-selector.ts';
import type { Strategy } from '../../strategy.ts';
import { scaleOf } from '../scale.ts';

interface Scalable extends KubeObject {
  spec: { replicas?: number; selector?: LabelSelector };
  status: { replicas?: number };
}

function scale<T extends Scalable>() {
  return scaleOf<T>({
    replicas: ({ spec }) => spec.replicas ?? 0,
    setReplicas: (object, replicas) => {
      object.spec.replicas = replicas;
    },
    current: ({ status }) => status.replicas ?? 0,
    selector: ({ spec }) => (spec.selector ? selectorText(requirementsOf(spec.selector)) : ''),
  });
}

export const scalable: Strategy<Scalable> = { hasGeneration: true, subresources: { scale: scale() } };

export const deploymentStrategy: Strategy<Deployment> = {
  hasGeneration: true,
  ignoredFields: (subresource) => (subresource === 'status' ? ['spec', 'metadata.labels'] : undefined),
  subresources: {
    scale: scale(),
    status: {
      // Labels of a deployment are not its controller's to change.
      prepareForUpdate(next, current) {
        next.metadata.labels = current.metadata.labels;
        if (next.metadata.labels === undefined) delete next.metadata.labels;
      },
    },
  },
};
