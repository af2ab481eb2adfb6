// StorageClass and VolumeAttributesClass: sorts of storage.

import { kind } from '../../schema/kind.ts';
import { aString, boolean, list, map, ptr, required, string, type TypeOf } from '../../schema/schema.ts';
import { TopologySelectorTerm } from '../core/affinity.ts';

export const StorageClass = kind(
  'io.k8s.api.storage.v1.StorageClass',
  {
    provisioner: string(2, { required, emitZero: '' }),
    parameters: map(3, aString),
    reclaimPolicy: string(4, { ptr, enum: ['Delete', 'Recycle', 'Retain'] }),
    mountOptions: list(5, aString, { listType: 'atomic' }),
    allowVolumeExpansion: boolean(6, { ptr }),
    volumeBindingMode: string(7, { ptr, enum: ['Immediate', 'WaitForFirstConsumer'] }),
    allowedTopologies: list(8, TopologySelectorTerm, { listType: 'atomic' }),
  },
  {
    defaults(value) {
      value.reclaimPolicy ??= 'Delete';
      value.volumeBindingMode ??= 'Immediate';
    },
  },
);
export type StorageClass = TypeOf<typeof StorageClass>;

export const VolumeAttributesClass = kind('io.k8s.api.storage.v1.VolumeAttributesClass', {
  driverName: string(2, { required, emitZero: '' }),
  parameters: map(3, aString),
});
export type VolumeAttributesClass = TypeOf<typeof VolumeAttributesClass>;
