// DaemonSet: a pod on every node.

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
import { PodTemplateSpec } from '../core/pod.ts';
import { LabelSelector } from '../meta/label-selector.ts';

export const RollingUpdateDaemonSet = object('io.k8s.api.apps.v1.RollingUpdateDaemonSet', {
  maxUnavailable: intOrString(1, { ptr }),
  maxSurge: intOrString(2, { ptr }),
});
export type RollingUpdateDaemonSet = TypeOf<typeof RollingUpdateDaemonSet>;

export const DaemonSetUpdateStrategy = object('io.k8s.api.apps.v1.DaemonSetUpdateStrategy', {
  type: string(1, { enum: ['OnDelete', 'RollingUpdate'] }),
  rollingUpdate: field(2, RollingUpdateDaemonSet, { ptr }),
});
export type DaemonSetUpdateStrategy = TypeOf<typeof DaemonSetUpdateStrategy>;

export const DaemonSetSpec = object('io.k8s.api.apps.v1.DaemonSetSpec', {
  selector: field(1, LabelSelector, { required, ptr, emitZero: null }),
  template: field(2, PodTemplateSpec, { required, emitZero: {} }),
  updateStrategy: field(3, DaemonSetUpdateStrategy, { emitZero: {} }),
  minReadySeconds: int32(4),
  revisionHistoryLimit: int32(6, { ptr }),
});
export type DaemonSetSpec = TypeOf<typeof DaemonSetSpec>;

export const DaemonSetCondition = object('io.k8s.api.apps.v1.DaemonSetCondition', {
  type: string(1, { required, emitZero: '' }),
  status: string(2, { required, emitZero: '' }),
  lastTransitionTime: time(3, { emitZero: null }),
  reason: string(4),
  message: string(5),
});
export type DaemonSetCondition = TypeOf<typeof DaemonSetCondition>;

export const DaemonSetStatus = object('io.k8s.api.apps.v1.DaemonSetStatus', {
  currentNumberScheduled: int32(1, { required, emitZero: 0 }),
  numberMisscheduled: int32(2, { required, emitZero: 0 }),
  desiredNumberScheduled: int32(3, { required, emitZero: 0 }),
  numberReady: int32(4, { required, emitZero: 0 }),
  observedGeneration: int64(5),
  updatedNumberScheduled: int32(6),
  numberAvailable: int32(7),
  numberUnavailable: int32(8),
  collisionCount: int32(9, { ptr }),
  conditions: list(10, DaemonSetCondition, {
    listType: 'map',
    keys: ['type'],
    patchStrategy: 'merge',
    patchMergeKey: 'type',
  }),
});
export type DaemonSetStatus = TypeOf<typeof DaemonSetStatus>;

export const DaemonSet = kind(
  'io.k8s.api.apps.v1.DaemonSet',
  {
    spec: field(2, DaemonSetSpec, { emitZero: {} }),
    status: field(3, DaemonSetStatus, { emitZero: {} }),
  },
  {
    defaults(value) {
      const { spec } = value;
      spec.updateStrategy ??= {};
      spec.updateStrategy.type ||= 'RollingUpdate';
      if (spec.updateStrategy.type === 'RollingUpdate') {
        spec.updateStrategy.rollingUpdate ??= {};
        spec.updateStrategy.rollingUpdate.maxUnavailable ??= 1;
        spec.updateStrategy.rollingUpdate.maxSurge ??= 0;
      }
      spec.revisionHistoryLimit ??= 10;
    },
  },
);
export type DaemonSet = TypeOf<typeof DaemonSet>;
