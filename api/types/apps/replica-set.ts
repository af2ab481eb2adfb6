// ReplicaSet: so many pods of one template.

import { kind } from '../../schema/kind.ts';
import { field, int32, int64, list, object, ptr, required, string, type TypeOf, time } from '../../schema/schema.ts';
import { PodTemplateSpec } from '../core/pod.ts';
import { LabelSelector } from '../meta/label-selector.ts';

export const ReplicaSetSpec = object('io.k8s.api.apps.v1.ReplicaSetSpec', {
  replicas: int32(1, { ptr }),
  selector: field(2, LabelSelector, { required, ptr, emitZero: null }),
  template: field(3, PodTemplateSpec, { emitZero: {} }),
  minReadySeconds: int32(4),
});
export type ReplicaSetSpec = TypeOf<typeof ReplicaSetSpec>;

export const ReplicaSetCondition = object('io.k8s.api.apps.v1.ReplicaSetCondition', {
  type: string(1, { required, emitZero: '' }),
  status: string(2, { required, emitZero: '' }),
  lastTransitionTime: time(3, { emitZero: null }),
  reason: string(4),
  message: string(5),
});
export type ReplicaSetCondition = TypeOf<typeof ReplicaSetCondition>;

export const ReplicaSetStatus = object('io.k8s.api.apps.v1.ReplicaSetStatus', {
  replicas: int32(1, { required, emitZero: 0 }),
  fullyLabeledReplicas: int32(2),
  observedGeneration: int64(3),
  readyReplicas: int32(4),
  availableReplicas: int32(5),
  conditions: list(6, ReplicaSetCondition, {
    listType: 'map',
    keys: ['type'],
    patchStrategy: 'merge',
    patchMergeKey: 'type',
  }),
  terminatingReplicas: int32(7, { ptr }),
});
export type ReplicaSetStatus = TypeOf<typeof ReplicaSetStatus>;

export const ReplicaSet = kind(
  'io.k8s.api.apps.v1.ReplicaSet',
  {
    spec: field(2, ReplicaSetSpec, { emitZero: {} }),
    status: field(3, ReplicaSetStatus, { emitZero: {} }),
  },
  {
    defaults(value) {
      value.spec.replicas ??= 1;
    },
  },
);
export type ReplicaSet = TypeOf<typeof ReplicaSet>;
