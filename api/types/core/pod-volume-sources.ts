// Network storage as a pod names it, without the namespace of its secrets.
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
import { LocalObjectReference } from './references.ts';

export const AzureFileVolumeSource = object('io.k8s.api.core.v1.AzureFileVolumeSource', {
  secretName: string(1, { required, emitZero: '' }),
  shareName: string(2, { required, emitZero: '' }),
  readOnly: boolean(3),
});
export type AzureFileVolumeSource = TypeOf<typeof AzureFileVolumeSource>;

export const CSIVolumeSource = object('io.k8s.api.core.v1.CSIVolumeSource', {
  driver: string(1, { required, emitZero: '' }),
  readOnly: boolean(2, { ptr }),
  fsType: string(3, { ptr }),
  volumeAttributes: map(4, aString),
  nodePublishSecretRef: field(5, LocalObjectReference, { ptr }),
});
export type CSIVolumeSource = TypeOf<typeof CSIVolumeSource>;

export const CephFSVolumeSource = object('io.k8s.api.core.v1.CephFSVolumeSource', {
  monitors: list(1, aString, { required, emitZero: null, listType: 'atomic' }),
  path: string(2),
  user: string(3),
  secretFile: string(4),
  secretRef: field(5, LocalObjectReference, { ptr }),
  readOnly: boolean(6),
});
export type CephFSVolumeSource = TypeOf<typeof CephFSVolumeSource>;

export const CinderVolumeSource = object('io.k8s.api.core.v1.CinderVolumeSource', {
  volumeID: string(1, { required, emitZero: '' }),
  fsType: string(2),
  readOnly: boolean(3),
  secretRef: field(4, LocalObjectReference, { ptr }),
});
export type CinderVolumeSource = TypeOf<typeof CinderVolumeSource>;

export const FlexVolumeSource = object('io.k8s.api.core.v1.FlexVolumeSource', {
  driver: string(1, { required, emitZero: '' }),
  fsType: string(2),
  secretRef: field(3, LocalObjectReference, { ptr }),
  readOnly: boolean(4),
  options: map(5, aString),
});
export type FlexVolumeSource = TypeOf<typeof FlexVolumeSource>;

export const GitRepoVolumeSource = object('io.k8s.api.core.v1.GitRepoVolumeSource', {
  repository: string(1, { required, emitZero: '' }),
  revision: string(2),
  directory: string(3),
});
export type GitRepoVolumeSource = TypeOf<typeof GitRepoVolumeSource>;

export const GlusterfsVolumeSource = object('io.k8s.api.core.v1.GlusterfsVolumeSource', {
  endpoints: string(1, { required, emitZero: '' }),
  path: string(2, { required, emitZero: '' }),
  readOnly: boolean(3),
});
export type GlusterfsVolumeSource = TypeOf<typeof GlusterfsVolumeSource>;

export const ISCSIVolumeSource = object('io.k8s.api.core.v1.ISCSIVolumeSource', {
  targetPortal: string(1, { required, emitZero: '' }),
  iqn: string(2, { required, emitZero: '' }),
  lun: int32(3, { required, emitZero: 0 }),
  iscsiInterface: string(4, { default: 'default' }),
  fsType: string(5),
  readOnly: boolean(6),
  portals: list(7, aString, { listType: 'atomic' }),
  chapAuthDiscovery: boolean(8),
  secretRef: field(10, LocalObjectReference, { ptr }),
  chapAuthSession: boolean(11),
  initiatorName: string(12, { ptr }),
});
export type ISCSIVolumeSource = TypeOf<typeof ISCSIVolumeSource>;

export const RBDVolumeSource = object('io.k8s.api.core.v1.RBDVolumeSource', {
  monitors: list(1, aString, { required, emitZero: null, listType: 'atomic' }),
  image: string(2, { required, emitZero: '' }),
  fsType: string(3),
  pool: string(4, { default: 'rbd' }),
  user: string(5, { default: 'admin' }),
  keyring: string(6, { default: '/etc/ceph/keyring' }),
  secretRef: field(7, LocalObjectReference, { ptr }),
  readOnly: boolean(8),
});
export type RBDVolumeSource = TypeOf<typeof RBDVolumeSource>;

export const ScaleIOVolumeSource = object('io.k8s.api.core.v1.ScaleIOVolumeSource', {
  gateway: string(1, { required, emitZero: '' }),
  system: string(2, { required, emitZero: '' }),
  secretRef: field(3, LocalObjectReference, { required, ptr, emitZero: null }),
  sslEnabled: boolean(4),
  protectionDomain: string(5),
  storagePool: string(6),
  storageMode: string(7, { default: 'ThinProvisioned' }),
  volumeName: string(8),
  fsType: string(9, { default: 'xfs' }),
  readOnly: boolean(10),
});
export type ScaleIOVolumeSource = TypeOf<typeof ScaleIOVolumeSource>;

export const StorageOSVolumeSource = object('io.k8s.api.core.v1.StorageOSVolumeSource', {
  volumeName: string(1),
  volumeNamespace: string(2),
  fsType: string(3),
  readOnly: boolean(4),
  secretRef: field(5, LocalObjectReference, { ptr }),
});
export type StorageOSVolumeSource = TypeOf<typeof StorageOSVolumeSource>;
