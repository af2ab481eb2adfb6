// Storage drivers: what they are, where they run, what room they have.

import { kind } from '../../schema/kind.ts';
import {
  aString,
  boolean,
  field,
  int32,
  int64,
  list,
  object,
  ptr,
  quantity,
  required,
  string,
  type TypeOf,
} from '../../schema/schema.ts';
import { LabelSelector } from '../meta/label-selector.ts';

export const TokenRequest = object('io.k8s.api.storage.v1.TokenRequest', {
  audience: string(1, { required, emitZero: '' }),
  expirationSeconds: int64(2, { ptr }),
});
export type TokenRequest = TypeOf<typeof TokenRequest>;

export const CSIDriverSpec = object('io.k8s.api.storage.v1.CSIDriverSpec', {
  attachRequired: boolean(1, { ptr }),
  podInfoOnMount: boolean(2, { ptr }),
  volumeLifecycleModes: list(3, aString, { listType: 'set' }),
  storageCapacity: boolean(4, { ptr }),
  fsGroupPolicy: string(5, { ptr }),
  tokenRequests: list(6, TokenRequest, { listType: 'atomic' }),
  requiresRepublish: boolean(7, { ptr }),
  seLinuxMount: boolean(8, { ptr }),
  nodeAllocatableUpdatePeriodSeconds: int64(9, { ptr }),
  serviceAccountTokenInSecrets: boolean(10, { ptr }),
  preventPodSchedulingIfMissing: boolean(11, { ptr }),
});
export type CSIDriverSpec = TypeOf<typeof CSIDriverSpec>;

export const CSIDriver = kind(
  'io.k8s.api.storage.v1.CSIDriver',
  {
    spec: field(2, CSIDriverSpec, { required, emitZero: {} }),
  },
  {
    defaults(value) {
      const { spec } = value;
      spec.attachRequired ??= true;
      spec.podInfoOnMount ??= false;
      spec.storageCapacity ??= false;
      spec.fsGroupPolicy ??= 'ReadWriteOnceWithFSType';
      if (!spec.volumeLifecycleModes?.length) spec.volumeLifecycleModes = ['Persistent'];
      spec.requiresRepublish ??= false;
      spec.seLinuxMount ??= false;
    },
  },
);
export type CSIDriver = TypeOf<typeof CSIDriver>;

export const VolumeNodeResources = object('io.k8s.api.storage.v1.VolumeNodeResources', {
  count: int32(1, { ptr }),
});
export type VolumeNodeResources = TypeOf<typeof VolumeNodeResources>;

export const CSINodeDriver = object('io.k8s.api.storage.v1.CSINodeDriver', {
  name: string(1, { required, emitZero: '' }),
  nodeID: string(2, { required, emitZero: '' }),
  topologyKeys: list(3, aString, { emitZero: null, listType: 'atomic' }),
  allocatable: field(4, VolumeNodeResources, { ptr }),
});
export type CSINodeDriver = TypeOf<typeof CSINodeDriver>;

export const CSINodeSpec = object('io.k8s.api.storage.v1.CSINodeSpec', {
  drivers: list(1, CSINodeDriver, {
    required,
    emitZero: null,
    listType: 'map',
    keys: ['name'],
    patchStrategy: 'merge',
    patchMergeKey: 'name',
  }),
});
export type CSINodeSpec = TypeOf<typeof CSINodeSpec>;

export const CSINode = kind('io.k8s.api.storage.v1.CSINode', {
  spec: field(2, CSINodeSpec, { required, emitZero: {} }),
});
export type CSINode = TypeOf<typeof CSINode>;

export const CSIStorageCapacity = kind('io.k8s.api.storage.v1.CSIStorageCapacity', {
  nodeTopology: field(2, LabelSelector, { ptr }),
  storageClassName: string(3, { required, emitZero: '' }),
  capacity: quantity(4, { ptr }),
  maximumVolumeSize: quantity(5, { ptr }),
});
export type CSIStorageCapacity = TypeOf<typeof CSIStorageCapacity>;
