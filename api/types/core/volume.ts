// Volumes of a pod.
import { boolean, field, object, ptr, quantity, required, string, type TypeOf } from '../../schema/schema.ts';
import { inline } from '../build.ts';
import { pullPolicyOf } from './container-defaults.ts';
import { PersistentVolumeClaimTemplate } from './persistent-volume-claim.ts';
import {
  AzureFileVolumeSource,
  CephFSVolumeSource,
  CinderVolumeSource,
  CSIVolumeSource,
  FlexVolumeSource,
  GitRepoVolumeSource,
  GlusterfsVolumeSource,
  ISCSIVolumeSource,
  RBDVolumeSource,
  ScaleIOVolumeSource,
  StorageOSVolumeSource,
} from './pod-volume-sources.ts';
import {
  ConfigMapVolumeSource,
  DownwardAPIVolumeSource,
  ProjectedVolumeSource,
  SecretVolumeSource,
} from './projected-volume.ts';
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

export const EmptyDirVolumeSource = object('io.k8s.api.core.v1.EmptyDirVolumeSource', {
  medium: string(1),
  sizeLimit: quantity(2, { ptr }),
});
export type EmptyDirVolumeSource = TypeOf<typeof EmptyDirVolumeSource>;

export const PersistentVolumeClaimVolumeSource = object('io.k8s.api.core.v1.PersistentVolumeClaimVolumeSource', {
  claimName: string(1, { required, emitZero: '' }),
  readOnly: boolean(2),
});
export type PersistentVolumeClaimVolumeSource = TypeOf<typeof PersistentVolumeClaimVolumeSource>;

export const EphemeralVolumeSource = object('io.k8s.api.core.v1.EphemeralVolumeSource', {
  volumeClaimTemplate: field(1, PersistentVolumeClaimTemplate, { ptr }),
});
export type EphemeralVolumeSource = TypeOf<typeof EphemeralVolumeSource>;

export const ImageVolumeSource = object(
  'io.k8s.api.core.v1.ImageVolumeSource',
  {
    reference: string(1),
    pullPolicy: string(2, { enum: ['Always', 'IfNotPresent', 'Never'] }),
  },
  {
    defaults(value) {
      value.pullPolicy ||= pullPolicyOf(value.reference);
    },
  },
);
export type ImageVolumeSource = TypeOf<typeof ImageVolumeSource>;

const volumeSources = {
  hostPath: field(1, HostPathVolumeSource, { ptr }),
  emptyDir: field(2, EmptyDirVolumeSource, { ptr }),
  gcePersistentDisk: field(3, GCEPersistentDiskVolumeSource, { ptr }),
  awsElasticBlockStore: field(4, AWSElasticBlockStoreVolumeSource, { ptr }),
  gitRepo: field(5, GitRepoVolumeSource, { ptr }),
  secret: field(6, SecretVolumeSource, { ptr }),
  nfs: field(7, NFSVolumeSource, { ptr }),
  iscsi: field(8, ISCSIVolumeSource, { ptr }),
  glusterfs: field(9, GlusterfsVolumeSource, { ptr }),
  persistentVolumeClaim: field(10, PersistentVolumeClaimVolumeSource, { ptr }),
  rbd: field(11, RBDVolumeSource, { ptr }),
  flexVolume: field(12, FlexVolumeSource, { ptr }),
  cinder: field(13, CinderVolumeSource, { ptr }),
  cephfs: field(14, CephFSVolumeSource, { ptr }),
  flocker: field(15, FlockerVolumeSource, { ptr }),
  downwardAPI: field(16, DownwardAPIVolumeSource, { ptr }),
  fc: field(17, FCVolumeSource, { ptr }),
  azureFile: field(18, AzureFileVolumeSource, { ptr }),
  configMap: field(19, ConfigMapVolumeSource, { ptr }),
  vsphereVolume: field(20, VsphereVirtualDiskVolumeSource, { ptr }),
  quobyte: field(21, QuobyteVolumeSource, { ptr }),
  azureDisk: field(22, AzureDiskVolumeSource, { ptr }),
  photonPersistentDisk: field(23, PhotonPersistentDiskVolumeSource, { ptr }),
  portworxVolume: field(24, PortworxVolumeSource, { ptr }),
  scaleIO: field(25, ScaleIOVolumeSource, { ptr }),
  projected: field(26, ProjectedVolumeSource, { ptr }),
  storageos: field(27, StorageOSVolumeSource, { ptr }),
  csi: field(28, CSIVolumeSource, { ptr }),
  ephemeral: field(29, EphemeralVolumeSource, { ptr }),
  image: field(30, ImageVolumeSource, { ptr }),
};

export const Volume = object(
  'io.k8s.api.core.v1.Volume',
  {
    name: string(1, { required, emitZero: '' }),
    ...inline(2, 'volumeSource', volumeSources),
  },
  {
    defaults(value) {
      const { name: _, ...source } = value;
      if (Object.values(source).every((one) => one === undefined || one === null)) value.emptyDir = {};
    },
  },
);
export type Volume = TypeOf<typeof Volume>;
