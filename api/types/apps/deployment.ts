// Deployment: replica sets that roll from one version to the next.

import { kind } from '../../schema/kind.ts';
import {
  boolean,
  field,
  int32,
  int64,
  intOrString,
  list,
  object,
  ptr,
  required,
  string,
  type TypeOf,
  time,
} from '../../schema/schema.ts';
import { PodTemplateSpec } from '../core/pod.ts';
import { LabelSelector } from '../meta/label-selector.ts';

export const RollingUpdateDeployment = object('io.k8s.api.apps.v1.RollingUpdateDeployment', {
  maxUnavailable: intOrString(1, { ptr }),
  maxSurge: intOrString(2, { ptr }),
});
export type RollingUpdateDeployment = TypeOf<typeof RollingUpdateDeployment>;

export const DeploymentStrategy = object('io.k8s.api.apps.v1.DeploymentStrategy', {
  type: string(1, { enum: ['Recreate', 'RollingUpdate'] }),
  rollingUpdate: field(2, RollingUpdateDeployment, { ptr }),
});
export type DeploymentStrategy = TypeOf<typeof DeploymentStrategy>;

export const DeploymentSpec = object('io.k8s.api.apps.v1.DeploymentSpec', {
  replicas: int32(1, { ptr }),
  selector: field(2, LabelSelector, { required, ptr, emitZero: null }),
  template: field(3, PodTemplateSpec, { required, emitZero: {} }),
  strategy: field(4, DeploymentStrategy, { emitZero: {}, patchStrategy: 'retainKeys' }),
  minReadySeconds: int32(5),
  revisionHistoryLimit: int32(6, { ptr }),
  paused: boolean(7),
  progressDeadlineSeconds: int32(9, { ptr }),
});
export type DeploymentSpec = TypeOf<typeof DeploymentSpec>;

export const DeploymentCondition = object('io.k8s.api.apps.v1.DeploymentCondition', {
  type: string(1, { required, emitZero: '' }),
  status: string(2, { required, emitZero: '' }),
  reason: string(4),
  message: string(5),
  lastUpdateTime: time(6, { emitZero: null }),
  lastTransitionTime: time(7, { emitZero: null }),
});
export type DeploymentCondition = TypeOf<typeof DeploymentCondition>;

export const DeploymentStatus = object('io.k8s.api.apps.v1.DeploymentStatus', {
  observedGeneration: int64(1),
  replicas: int32(2),
  updatedReplicas: int32(3),
  availableReplicas: int32(4),
  unavailableReplicas: int32(5),
  conditions: list(6, DeploymentCondition, {
    listType: 'map',
    keys: ['type'],
    patchStrategy: 'merge',
    patchMergeKey: 'type',
  }),
  readyReplicas: int32(7),
  collisionCount: int32(8, { ptr }),
  terminatingReplicas: int32(9, { ptr }),
});
export type DeploymentStatus = TypeOf<typeof DeploymentStatus>;

export const Deployment = kind(
  'io.k8s.api.apps.v1.Deployment',
  {
    spec: field(2, DeploymentSpec, { emitZero: {} }),
    status: field(3, DeploymentStatus, { emitZero: {} }),
  },
  {
    defaults(value) {
      const { spec } = value;
      spec.replicas ??= 1;
      spec.strategy ??= {};
      spec.strategy.type ||= 'RollingUpdate';
      if (spec.strategy.type === 'RollingUpdate') {
        spec.strategy.rollingUpdate ??= {};
        spec.strategy.rollingUpdate.maxUnavailable ??= '25%';
        spec.strategy.rollingUpdate.maxSurge ??= '25%';
      }
      spec.revisionHistoryLimit ??= 10;
      spec.progressDeadlineSeconds ??= 600;
    },
  },
);
export type Deployment = TypeOf<typeof Deployment>;
