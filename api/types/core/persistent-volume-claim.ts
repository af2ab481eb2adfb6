// PersistentVolumeClaim: storage as a pod asks for it.
import { roundResources } from '../../quantity.ts';

import { kind } from '../../schema/kind.ts';
import { aQuantity, field, list, map, object, ptr, required, string, type TypeOf, time } from '../../schema/schema.ts';
import { oneOf } from '../build.ts';
import { LabelSelector } from '../meta/label-selector.ts';
import { TemplateMeta } from '../meta/template-meta.ts';
import { TypedLocalObjectReference, TypedObjectReference } from './references.ts';
import { VolumeResourceRequirements } from './resource-requirements.ts';

export const PersistentVolumeClaimSpec = object(
  'io.k8s.api.core.v1.PersistentVolumeClaimSpec',
  {
    accessModes: list(1, oneOf('ReadOnlyMany', 'ReadWriteMany', 'ReadWriteOnce', 'ReadWriteOncePod'), {
      listType: 'atomic',
    }),
    resources: field(2, VolumeResourceRequirements, { emitZero: {} }),
    volumeName: string(3),
    selector: field(4, LabelSelector, { ptr }),
    storageClassName: string(5, { ptr }),
    volumeMode: string(6, { ptr, enum: ['Block', 'Filesystem'] }),
    dataSource: field(7, TypedLocalObjectReference, { ptr }),
    dataSourceRef: field(8, TypedObjectReference, { ptr }),
    volumeAttributesClassName: string(9, { ptr }),
  },
  {
    defaults(value) {
      value.volumeMode ??= 'Filesystem';
    },
  },
);
export type PersistentVolumeClaimSpec = TypeOf<typeof PersistentVolumeClaimSpec>;

export const PersistentVolumeClaimCondition = object('io.k8s.api.core.v1.PersistentVolumeClaimCondition', {
  type: string(1, { required, emitZero: '' }),
  status: string(2, { required, emitZero: '' }),
  lastProbeTime: time(3, { emitZero: null }),
  lastTransitionTime: time(4, { emitZero: null }),
  reason: string(5),
  message: string(6),
});
export type PersistentVolumeClaimCondition = TypeOf<typeof PersistentVolumeClaimCondition>;

export const ModifyVolumeStatus = object('io.k8s.api.core.v1.ModifyVolumeStatus', {
  targetVolumeAttributesClassName: string(1),
  status: string(2, { required, emitZero: '', enum: ['InProgress', 'Infeasible', 'Pending'] }),
});
export type ModifyVolumeStatus = TypeOf<typeof ModifyVolumeStatus>;

export const PersistentVolumeClaimStatus = object(
  'io.k8s.api.core.v1.PersistentVolumeClaimStatus',
  {
    phase: string(1, { enum: ['Bound', 'Lost', 'Pending'] }),
    accessModes: list(2, oneOf('ReadOnlyMany', 'ReadWriteMany', 'ReadWriteOnce', 'ReadWriteOncePod'), {
      listType: 'atomic',
    }),
    capacity: map(3, aQuantity),
    conditions: list(4, PersistentVolumeClaimCondition, {
      listType: 'map',
      keys: ['type'],
      patchStrategy: 'merge',
      patchMergeKey: 'type',
    }),
    allocatedResources: map(5, aQuantity),
    allocatedResourceStatuses: map(
      7,
      oneOf(
        'ControllerResizeInProgress',
        'ControllerResizeInfeasible',
        'NodeResizeInProgress',
        'NodeResizeInfeasible',
        'NodeResizePending',
      ),
      { mapType: 'granular' },
    ),
    currentVolumeAttributesClassName: string(8, { ptr }),
    modifyVolumeStatus: field(9, ModifyVolumeStatus, { ptr }),
  },
  {
    defaults(value) {
      roundResources(value.capacity);
      roundResources(value.allocatedResources);
    },
  },
);
export type PersistentVolumeClaimStatus = TypeOf<typeof PersistentVolumeClaimStatus>;

export const PersistentVolumeClaim = kind(
  'io.k8s.api.core.v1.PersistentVolumeClaim',
  {
    spec: field(2, PersistentVolumeClaimSpec, { emitZero: {} }),
    status: field(3, PersistentVolumeClaimStatus, { emitZero: {} }),
  },
  {
    defaults(value) {
      value.status.phase ||= 'Pending';
    },
  },
);
export type PersistentVolumeClaim = TypeOf<typeof PersistentVolumeClaim>;

export const PersistentVolumeClaimTemplate = object('io.k8s.api.core.v1.PersistentVolumeClaimTemplate', {
  metadata: field(1, TemplateMeta, { emitZero: {} }),
  spec: field(2, PersistentVolumeClaimSpec, { required, emitZero: {} }),
});
export type PersistentVolumeClaimTemplate = TypeOf<typeof PersistentVolumeClaimTemplate>;
