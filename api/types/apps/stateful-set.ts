// StatefulSet: pods with a name and storage of their own.

import { kind } from '../../schema/kind.ts';
import {
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
import { PersistentVolumeClaim } from '../core/persistent-volume-claim.ts';
import { PodTemplateSpec } from '../core/pod.ts';
import { LabelSelector } from '../meta/label-selector.ts';

export const RollingUpdateStatefulSetStrategy = object('io.k8s.api.apps.v1.RollingUpdateStatefulSetStrategy', {
  partition: int32(1, { ptr }),
  maxUnavailable: intOrString(2, { ptr }),
});
export type RollingUpdateStatefulSetStrategy = TypeOf<typeof RollingUpdateStatefulSetStrategy>;

export const StatefulSetUpdateStrategy = object('io.k8s.api.apps.v1.StatefulSetUpdateStrategy', {
  type: string(1, { enum: ['OnDelete', 'RollingUpdate'] }),
  rollingUpdate: field(2, RollingUpdateStatefulSetStrategy, { ptr }),
});
export type StatefulSetUpdateStrategy = TypeOf<typeof StatefulSetUpdateStrategy>;

export const StatefulSetPersistentVolumeClaimRetentionPolicy = object(
  'io.k8s.api.apps.v1.StatefulSetPersistentVolumeClaimRetentionPolicy',
  {
    whenDeleted: string(1),
    whenScaled: string(2),
  },
);
export type StatefulSetPersistentVolumeClaimRetentionPolicy = TypeOf<
  typeof StatefulSetPersistentVolumeClaimRetentionPolicy
>;

export const StatefulSetOrdinals = object('io.k8s.api.apps.v1.StatefulSetOrdinals', {
  start: int32(1, { emitZero: 0 }),
});
export type StatefulSetOrdinals = TypeOf<typeof StatefulSetOrdinals>;

export const StatefulSetSpec = object('io.k8s.api.apps.v1.StatefulSetSpec', {
  replicas: int32(1, { ptr }),
  selector: field(2, LabelSelector, { required, ptr, emitZero: null }),
  template: field(3, PodTemplateSpec, { required, emitZero: {} }),
  volumeClaimTemplates: list(4, PersistentVolumeClaim, { listType: 'atomic' }),
  serviceName: string(5, { emitZero: '' }),
  podManagementPolicy: string(6, { enum: ['OrderedReady', 'Parallel'] }),
  updateStrategy: field(7, StatefulSetUpdateStrategy, { emitZero: {} }),
  revisionHistoryLimit: int32(8, { ptr }),
  minReadySeconds: int32(9),
  persistentVolumeClaimRetentionPolicy: field(10, StatefulSetPersistentVolumeClaimRetentionPolicy, { ptr }),
  ordinals: field(11, StatefulSetOrdinals, { ptr }),
});
export type StatefulSetSpec = TypeOf<typeof StatefulSetSpec>;

export const StatefulSetCondition = object('io.k8s.api.apps.v1.StatefulSetCondition', {
  type: string(1, { required, emitZero: '' }),
  status: string(2, { required, emitZero: '' }),
  lastTransitionTime: time(3, { emitZero: null }),
  reason: string(4),
  message: string(5),
});
export type StatefulSetCondition = TypeOf<typeof StatefulSetCondition>;

export const StatefulSetStatus = object('io.k8s.api.apps.v1.StatefulSetStatus', {
  observedGeneration: int64(1),
  replicas: int32(2, { required, emitZero: 0 }),
  readyReplicas: int32(3),
  currentReplicas: int32(4),
  updatedReplicas: int32(5),
  currentRevision: string(6),
  updateRevision: string(7),
  collisionCount: int32(9, { ptr }),
  conditions: list(10, StatefulSetCondition, {
    listType: 'map',
    keys: ['type'],
    patchStrategy: 'merge',
    patchMergeKey: 'type',
  }),
  availableReplicas: int32(11, { emitZero: 0 }),
});
export type StatefulSetStatus = TypeOf<typeof StatefulSetStatus>;

export const StatefulSet = kind(
  'io.k8s.api.apps.v1.StatefulSet',
  {
    spec: field(2, StatefulSetSpec, { emitZero: {} }),
    status: field(3, StatefulSetStatus, { emitZero: {} }),
  },
  {
    defaults(value) {
      const { spec } = value;
      spec.podManagementPolicy ||= 'OrderedReady';
      spec.updateStrategy ??= {};
      if (!spec.updateStrategy.type) {
        spec.updateStrategy.type = 'RollingUpdate';
        spec.updateStrategy.rollingUpdate ??= {};
      }
      const { type, rollingUpdate } = spec.updateStrategy;
      if (type === 'RollingUpdate' && rollingUpdate) rollingUpdate.partition ??= 0;
      for (const claim of spec.volumeClaimTemplates ?? []) {
        claim.apiVersion = 'v1';
        claim.kind = 'PersistentVolumeClaim';
      }
      spec.persistentVolumeClaimRetentionPolicy ??= {};
      spec.persistentVolumeClaimRetentionPolicy.whenDeleted ||= 'Retain';
      spec.persistentVolumeClaimRetentionPolicy.whenScaled ||= 'Retain';
      spec.replicas ??= 1;
      spec.revisionHistoryLimit ??= 10;
    },
  },
);
export type StatefulSet = TypeOf<typeof StatefulSet>;
