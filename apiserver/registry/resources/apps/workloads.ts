// Workloads of the apps group: they count generations, and most of them can be scaled.
import { requirementsOf, selectorText } from '../../../../api/labels.ts';
import { dns1123Label } from '../../../../api/names.ts';
import type { KubeObject } from '../../../../api/schema/kind.ts';
import type { ControllerRevision } from '../../../../api/types/apps/controller-revision.ts';
import type { Deployment } from '../../../../api/types/apps/deployment.ts';
import type { ReplicaSet } from '../../../../api/types/apps/replica-set.ts';
import type { StatefulSet } from '../../../../api/types/apps/stateful-set.ts';
import type { LabelSelector } from '../../../../api/types/meta/label-selector.ts';
import type { Strategy } from '../../strategy.ts';
import { asPrefixToo } from '../../validation/object-meta.ts';
import { statefulSetWarnings, workloadWarnings } from '../../validation/pod-warnings.ts';
import {
  deploymentStatusProblems,
  replicaSetStatusProblems,
  statefulSetStatusProblems,
} from '../../validation/statuses.ts';
import {
  deploymentProblems,
  deploymentUpdateProblems,
  replicaSetProblems,
  replicaSetUpdateProblems,
  revisionProblems,
  revisionUpdateProblems,
  statefulSetProblems,
  statefulSetUpdateProblems,
} from '../../validation/workloads.ts';
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

export const replicaSetStrategy: Strategy<ReplicaSet> = {
  hasGeneration: true,
  validateCreate: replicaSetProblems,
  validateUpdate: replicaSetUpdateProblems,
  warnings: (set, previous) => workloadWarnings(set, previous, set.spec.template),
  subresources: { scale: scale(), status: { validateUpdate: replicaSetStatusProblems } },
};

export const statefulSetStrategy: Strategy<StatefulSet> = {
  hasGeneration: true,
  // Its pods' hosts are named after it.
  nameProblems: asPrefixToo(dns1123Label),
  validateCreate: statefulSetProblems,
  validateUpdate: statefulSetUpdateProblems,
  warnings: statefulSetWarnings,
  subresources: { scale: scale(), status: { validateUpdate: statefulSetStatusProblems } },
};

export const controllerRevisionStrategy: Strategy<ControllerRevision> = {
  validateCreate: revisionProblems,
  validateUpdate: revisionUpdateProblems,
};

export const deploymentStrategy: Strategy<Deployment> = {
  hasGeneration: true,
  validateCreate: deploymentProblems,
  validateUpdate: deploymentUpdateProblems,
  warnings: (deployment, previous) => workloadWarnings(deployment, previous, deployment.spec.template),
  ignoredFields: (subresource) => (subresource === 'status' ? ['spec', 'metadata.labels'] : undefined),
  subresources: {
    scale: scale(),
    status: {
      validateUpdate: deploymentStatusProblems,
      // Labels of a deployment are not its controller's to change.
      prepareForUpdate(next, current) {
        next.metadata.labels = current.metadata.labels;
        if (next.metadata.labels === undefined) delete next.metadata.labels;
      },
    },
  },
};
