// ReplicationController: the ancestor of ReplicaSet.

import { kind } from '../../schema/kind.ts';
import {
  aString,
  field,
  int32,
  int64,
  list,
  map,
  object,
  ptr,
  required,
  string,
  type TypeOf,
  time,
} from '../../schema/schema.ts';
import { isEmpty } from '../build.ts';
import { PodTemplateSpec } from './pod.ts';

export const ReplicationControllerSpec = object('io.k8s.api.core.v1.ReplicationControllerSpec', {
  replicas: int32(1, { ptr, default: 1 }),
  selector: map(2, aString, { mapType: 'atomic' }),
  template: field(3, PodTemplateSpec, { ptr }),
  minReadySeconds: int32(4, { default: 0 }),
});
export type ReplicationControllerSpec = TypeOf<typeof ReplicationControllerSpec>;

export const ReplicationControllerCondition = object('io.k8s.api.core.v1.ReplicationControllerCondition', {
  type: string(1, { required, emitZero: '' }),
  status: string(2, { required, emitZero: '' }),
  lastTransitionTime: time(3, { emitZero: null }),
  reason: string(4),
  message: string(5),
});
export type ReplicationControllerCondition = TypeOf<typeof ReplicationControllerCondition>;

export const ReplicationControllerStatus = object('io.k8s.api.core.v1.ReplicationControllerStatus', {
  replicas: int32(1, { required, emitZero: 0 }),
  fullyLabeledReplicas: int32(2),
  observedGeneration: int64(3),
  readyReplicas: int32(4),
  availableReplicas: int32(5),
  conditions: list(6, ReplicationControllerCondition, {
    listType: 'map',
    keys: ['type'],
    patchStrategy: 'merge',
    patchMergeKey: 'type',
  }),
});
export type ReplicationControllerStatus = TypeOf<typeof ReplicationControllerStatus>;

export const ReplicationController = kind(
  'io.k8s.api.core.v1.ReplicationController',
  {
    spec: field(2, ReplicationControllerSpec, { emitZero: {} }),
    status: field(3, ReplicationControllerStatus, { emitZero: {} }),
  },
  {
    defaults(value) {
      const labels = value.spec.template?.metadata?.labels;
      if (labels === undefined) return;
      if (isEmpty(value.spec.selector)) value.spec.selector = { ...labels };
      if (isEmpty(value.metadata.labels)) value.metadata.labels = { ...labels };
    },
  },
);
export type ReplicationController = TypeOf<typeof ReplicationController>;
