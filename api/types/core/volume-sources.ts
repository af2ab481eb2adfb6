// Kinds of storage that pods and persistent volumes know under the same definition.
import { aString, boolean, int32, list, object, ptr, required, string, type TypeOf } from '../../schema/schema.ts';

export const AWSElasticBlockStoreVolumeSource = object('io.k8s.api.core.v1.AWSElasticBlockStoreVolumeSource', {
  volumeID: string(1, { required, emitZero: '' }),
  fsType: string(2),
  partition: int32(3),
  readOnly: boolean(4),
});
export type AWSElasticBlockStoreVolumeSource = TypeOf<typeof AWSElasticBlockStoreVolumeSource>;

export const AzureDiskVolumeSource = object('io.k8s.api.core.v1.AzureDiskVolumeSource', {
  diskName: string(1, { required, emitZero: '' }),
  diskURI: string(2, { required, emitZero: '' }),
  cachingMode: string(3, { ptr, default: 'ReadWrite', enum: ['None', 'ReadOnly', 'ReadWrite'] }),
  fsType: string(4, { ptr, default: 'ext4' }),
  readOnly: boolean(5, { ptr, default: false }),
  kind: string(6, { ptr, default: 'Shared', enum: ['Dedicated', 'Managed', 'Shared'] }),
});
export type AzureDiskVolumeSource = TypeOf<typeof AzureDiskVolumeSource>;

export const FCVolumeSource = object('io.k8s.api.core.v1.FCVolumeSource', {
  targetWWNs: list(1, aString, { listType: 'atomic' }),
  lun: int32(2, { ptr }),
  fsType: string(3),
  readOnly: boolean(4),
  wwids: list(5, aString, { listType: 'atomic' }),
});
export type FCVolumeSource = TypeOf<typeof FCVolumeSource>;

export const FlockerVolumeSource = object('io.k8s.api.core.v1.FlockerVolumeSource', {
  datasetName: string(1),
  datasetUUID: string(2),
});
export type FlockerVolumeSource = TypeOf<typeof FlockerVolumeSource>;

export const GCEPersistentDiskVolumeSource = object('io.k8s.api.core.v1.GCEPersistentDiskVolumeSource', {
  pdName: string(1, { required, emitZero: '' }),
  fsType: string(2),
  partition: int32(3),
  readOnly: boolean(4),
});
export type GCEPersistentDiskVolumeSource = TypeOf<typeof GCEPersistentDiskVolumeSource>;

export const HostPathVolumeSource = object(
  'io.k8s.api.core.v1.HostPathVolumeSource',
  {
    path: string(1, { required, emitZero: '' }),
    type: string(2, {
      ptr,
      enum: ['', 'BlockDevice', 'CharDevice', 'Directory', 'DirectoryOrCreate', 'File', 'FileOrCreate', 'Socket'],
    }),
  },
  {
    defaults(value) {
      value.type ??= '';
    },
  },
);
export type HostPathVolumeSource = TypeOf<typeof HostPathVolumeSource>;

export const NFSVolumeSource = object('io.k8s.api.core.v1.NFSVolumeSource', {
  server: string(1, { required, emitZero: '' }),
  path: string(2, { required, emitZero: '' }),
  readOnly: boolean(3),
});
export type NFSVolumeSource = TypeOf<typeof NFSVolumeSource>;

export const PhotonPersistentDiskVolumeSource = object('io.k8s.api.core.v1.PhotonPersistentDiskVolumeSource', {
  pdID: string(1, { required, emitZero: '' }),
  fsType: string(2),
});
export type PhotonPersistentDiskVolumeSource = TypeOf<typeof PhotonPersistentDiskVolumeSource>;

export const PortworxVolumeSource = object('io.k8s.api.core.v1.PortworxVolumeSource', {
  volumeID: string(1, { required, emitZero: '' }),
  fsType: string(2),
  readOnly: boolean(3),
});
export type PortworxVolumeSource = TypeOf<typeof PortworxVolumeSource>;

export const QuobyteVolumeSource = object('io.k8s.api.core.v1.QuobyteVolumeSource', {
  registry: string(1, { required, emitZero: '' }),
  volume: string(2, { required, emitZero: '' }),
  readOnly: boolean(3),
  user: string(4),
  group: string(5),
  tenant: string(6),
});
export type QuobyteVolumeSource = TypeOf<typeof QuobyteVolumeSource>;

export const VsphereVirtualDiskVolumeSource = object('io.k8s.api.core.v1.VsphereVirtualDiskVolumeSource', {
  volumePath: string(1, { required, emitZero: '' }),
  fsType: string(2),
  storagePolicyName: string(3),
  storagePolicyID: string(4),
});
export type VsphereVirtualDiskVolumeSource = TypeOf<typeof VsphereVirtualDiskVolumeSource>;
