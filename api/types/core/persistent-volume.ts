// PersistentVolume: a piece of storage in the cluster.
import { roundResources } from '../../quantity.ts';

import { kind } from '../../schema/kind.ts';
import { aQuantity, aString, field, list, map, object, ptr, string, type TypeOf, time } from '../../schema/schema.ts';
import { inline, oneOf } from '../build.ts';
import { NodeSelector } from './affinity.ts';
import {
  AzureFilePersistentVolumeSource,
  CephFSPersistentVolumeSource,
  CinderPersistentVolumeSource,
  CSIPersistentVolumeSource,
  FlexPersistentVolumeSource,
  GlusterfsPersistentVolumeSource,
  ISCSIPersistentVolumeSource,
  LocalVolumeSource,
  RBDPersistentVolumeSource,
  ScaleIOPersistentVolumeSource,
  StorageOSPersistentVolumeSource,
} from './persistent-volume-sources.ts';
import { ObjectReference } from './references.ts';
import {
  AWSElasticBlockStoreVolumeSource,
  AzureDiskVolumeSource,
  FCVolumeSource,
  FlockerVolumeSource,
  GCEPersistentDiskVolumeSource,
  HostPathVolumeSource,
  NFSVolumeSource,
  PhotonPersistentDiskVolumeSource,
  PortworxVolumeSource,
  QuobyteVolumeSource,
  VsphereVirtualDiskVolumeSource,
} from './volume-sources.ts';

export const VolumeNodeAffinity = object('io.k8s.api.core.v1.VolumeNodeAffinity', {
  required: field(1, NodeSelector, { ptr }),
});
export type VolumeNodeAffinity = TypeOf<typeof VolumeNodeAffinity>;

const persistentVolumeSources = {
  gcePersistentDisk: field(1, GCEPersistentDiskVolumeSource, { ptr }),
  awsElasticBlockStore: field(2, AWSElasticBlockStoreVolumeSource, { ptr }),
  hostPath: field(3, HostPathVolumeSource, { ptr }),
  glusterfs: field(4, GlusterfsPersistentVolumeSource, { ptr }),
  nfs: field(5, NFSVolumeSource, { ptr }),
  rbd: field(6, RBDPersistentVolumeSource, { ptr }),
  iscsi: field(7, ISCSIPersistentVolumeSource, { ptr }),
  cinder: field(8, CinderPersistentVolumeSource, { ptr }),
  cephfs: field(9, CephFSPersistentVolumeSource, { ptr }),
  fc: field(10, FCVolumeSource, { ptr }),
  flocker: field(11, FlockerVolumeSource, { ptr }),
  flexVolume: field(12, FlexPersistentVolumeSource, { ptr }),
  azureFile: field(13, AzureFilePersistentVolumeSource, { ptr }),
  vsphereVolume: field(14, VsphereVirtualDiskVolumeSource, { ptr }),
  quobyte: field(15, QuobyteVolumeSource, { ptr }),
  azureDisk: field(16, AzureDiskVolumeSource, { ptr }),
  photonPersistentDisk: field(17, PhotonPersistentDiskVolumeSource, { ptr }),
  portworxVolume: field(18, PortworxVolumeSource, { ptr }),
  scaleIO: field(19, ScaleIOPersistentVolumeSource, { ptr }),
  local: field(20, LocalVolumeSource, { ptr }),
  storageos: field(21, StorageOSPersistentVolumeSource, { ptr }),
  csi: field(22, CSIPersistentVolumeSource, { ptr }),
};

export const PersistentVolumeSpec = object('io.k8s.api.core.v1.PersistentVolumeSpec', {
  capacity: map(1, aQuantity),
  ...inline(2, 'persistentVolumeSource', persistentVolumeSources),
  accessModes: list(3, oneOf('ReadOnlyMany', 'ReadWriteMany', 'ReadWriteOnce', 'ReadWriteOncePod'), {
    listType: 'atomic',
  }),
  claimRef: field(4, { ...ObjectReference, mapType: 'granular' }, { ptr }),
  persistentVolumeReclaimPolicy: string(5, { enum: ['Delete', 'Recycle', 'Retain'] }),
  storageClassName: string(6),
  mountOptions: list(7, aString, { listType: 'atomic' }),
  volumeMode: string(8, { ptr, enum: ['Block', 'Filesystem'] }),
  nodeAffinity: field(9, VolumeNodeAffinity, { ptr }),
  volumeAttributesClassName: string(10, { ptr }),
});
export type PersistentVolumeSpec = TypeOf<typeof PersistentVolumeSpec>;

export const PersistentVolumeStatus = object('io.k8s.api.core.v1.PersistentVolumeStatus', {
  phase: string(1, { enum: ['Available', 'Bound', 'Failed', 'Pending', 'Released'] }),
  message: string(2),
  reason: string(3),
  lastPhaseTransitionTime: time(4, { ptr }),
});
export type PersistentVolumeStatus = TypeOf<typeof PersistentVolumeStatus>;

export const PersistentVolume = kind(
  'io.k8s.api.core.v1.PersistentVolume',
  {
    spec: field(2, PersistentVolumeSpec, { emitZero: {} }),
    status: field(3, PersistentVolumeStatus, { emitZero: {} }),
  },
  {
    defaults(value) {
      value.status.phase ||= 'Pending';
      value.spec.persistentVolumeReclaimPolicy ||= 'Retain';
      value.spec.volumeMode ??= 'Filesystem';
      roundResources(value.spec.capacity);
    },
  },
);
export type PersistentVolume = TypeOf<typeof PersistentVolume>;
