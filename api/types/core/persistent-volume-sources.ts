// Network storage as a persistent volume names it, with secrets in any namespace.
import {
  aString,
  boolean,
  field,
  int32,
  list,
  map,
  object,
  ptr,
  required,
  string,
  type TypeOf,
} from '../../schema/schema.ts';
import { ObjectReference, SecretReference } from './references.ts';

export const AzureFilePersistentVolumeSource = object('io.k8s.api.core.v1.AzureFilePersistentVolumeSource', {
  secretName: string(1, { required, emitZero: '' }),
  shareName: string(2, { required, emitZero: '' }),
  readOnly: boolean(3),
  secretNamespace: string(4, { ptr, emitZero: null }),
});
export type AzureFilePersistentVolumeSource = TypeOf<typeof AzureFilePersistentVolumeSource>;

export const CSIPersistentVolumeSource = object('io.k8s.api.core.v1.CSIPersistentVolumeSource', {
  driver: string(1, { required, emitZero: '' }),
  volumeHandle: string(2, { required, emitZero: '' }),
  readOnly: boolean(3),
  fsType: string(4),
  volumeAttributes: map(5, aString),
  controllerPublishSecretRef: field(6, SecretReference, { ptr }),
  nodeStageSecretRef: field(7, SecretReference, { ptr }),
  nodePublishSecretRef: field(8, SecretReference, { ptr }),
  controllerExpandSecretRef: field(9, SecretReference, { ptr }),
  nodeExpandSecretRef: field(10, SecretReference, { ptr }),
});
export type CSIPersistentVolumeSource = TypeOf<typeof CSIPersistentVolumeSource>;

export const CephFSPersistentVolumeSource = object('io.k8s.api.core.v1.CephFSPersistentVolumeSource', {
  monitors: list(1, aString, { required, emitZero: null, listType: 'atomic' }),
  path: string(2),
  user: string(3),
  secretFile: string(4),
  secretRef: field(5, SecretReference, { ptr }),
  readOnly: boolean(6),
});
export type CephFSPersistentVolumeSource = TypeOf<typeof CephFSPersistentVolumeSource>;

export const CinderPersistentVolumeSource = object('io.k8s.api.core.v1.CinderPersistentVolumeSource', {
  volumeID: string(1, { required, emitZero: '' }),
  fsType: string(2),
  readOnly: boolean(3),
  secretRef: field(4, SecretReference, { ptr }),
});
export type CinderPersistentVolumeSource = TypeOf<typeof CinderPersistentVolumeSource>;

export const FlexPersistentVolumeSource = object('io.k8s.api.core.v1.FlexPersistentVolumeSource', {
  driver: string(1, { required, emitZero: '' }),
  fsType: string(2),
  secretRef: field(3, SecretReference, { ptr }),
  readOnly: boolean(4),
  options: map(5, aString),
});
export type FlexPersistentVolumeSource = TypeOf<typeof FlexPersistentVolumeSource>;

export const GlusterfsPersistentVolumeSource = object('io.k8s.api.core.v1.GlusterfsPersistentVolumeSource', {
  endpoints: string(1, { required, emitZero: '' }),
  path: string(2, { required, emitZero: '' }),
  readOnly: boolean(3),
  endpointsNamespace: string(4, { ptr }),
});
export type GlusterfsPersistentVolumeSource = TypeOf<typeof GlusterfsPersistentVolumeSource>;

export const ISCSIPersistentVolumeSource = object('io.k8s.api.core.v1.ISCSIPersistentVolumeSource', {
  targetPortal: string(1, { required, emitZero: '' }),
  iqn: string(2, { required, emitZero: '' }),
  lun: int32(3, { required, emitZero: 0 }),
  iscsiInterface: string(4, { default: 'default' }),
  fsType: string(5),
  readOnly: boolean(6),
  portals: list(7, aString, { listType: 'atomic' }),
  chapAuthDiscovery: boolean(8),
  secretRef: field(10, SecretReference, { ptr }),
  chapAuthSession: boolean(11),
  initiatorName: string(12, { ptr }),
});
export type ISCSIPersistentVolumeSource = TypeOf<typeof ISCSIPersistentVolumeSource>;

export const LocalVolumeSource = object('io.k8s.api.core.v1.LocalVolumeSource', {
  path: string(1, { required, emitZero: '' }),
  fsType: string(2, { ptr }),
});
export type LocalVolumeSource = TypeOf<typeof LocalVolumeSource>;

export const RBDPersistentVolumeSource = object('io.k8s.api.core.v1.RBDPersistentVolumeSource', {
  monitors: list(1, aString, { required, emitZero: null, listType: 'atomic' }),
  image: string(2, { required, emitZero: '' }),
  fsType: string(3),
  pool: string(4, { default: 'rbd' }),
  user: string(5, { default: 'admin' }),
  keyring: string(6, { default: '/etc/ceph/keyring' }),
  secretRef: field(7, SecretReference, { ptr }),
  readOnly: boolean(8),
});
export type RBDPersistentVolumeSource = TypeOf<typeof RBDPersistentVolumeSource>;

export const ScaleIOPersistentVolumeSource = object('io.k8s.api.core.v1.ScaleIOPersistentVolumeSource', {
  gateway: string(1, { required, emitZero: '' }),
  system: string(2, { required, emitZero: '' }),
  secretRef: field(3, SecretReference, { required, ptr, emitZero: null }),
  sslEnabled: boolean(4),
  protectionDomain: string(5),
  storagePool: string(6),
  storageMode: string(7, { default: 'ThinProvisioned' }),
  volumeName: string(8),
  fsType: string(9, { default: 'xfs' }),
  readOnly: boolean(10),
});
export type ScaleIOPersistentVolumeSource = TypeOf<typeof ScaleIOPersistentVolumeSource>;

export const StorageOSPersistentVolumeSource = object('io.k8s.api.core.v1.StorageOSPersistentVolumeSource', {
  volumeName: string(1),
  volumeNamespace: string(2),
  fsType: string(3),
  readOnly: boolean(4),
  secretRef: field(5, ObjectReference, { ptr }),
});
export type StorageOSPersistentVolumeSource = TypeOf<typeof StorageOSPersistentVolumeSource>;
