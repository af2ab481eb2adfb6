// Volumes that are made of objects: config maps, secrets, tokens, the downward API.
import {
  aString,
  boolean,
  field,
  int32,
  int64,
  list,
  map,
  object,
  ptr,
  required,
  string,
  type TypeOf,
} from '../../schema/schema.ts';
import { LabelSelector } from '../meta/label-selector.ts';
import { KeyToPath, ObjectFieldSelector, ResourceFieldSelector } from './selectors.ts';

export const SecretProjection = object('io.k8s.api.core.v1.SecretProjection', {
  name: string(1, { default: '', via: [[1, 'localObjectReference']] }),
  items: list(2, KeyToPath, { listType: 'atomic' }),
  optional: boolean(4, { ptr }),
});
export type SecretProjection = TypeOf<typeof SecretProjection>;

export const DownwardAPIVolumeFile = object('io.k8s.api.core.v1.DownwardAPIVolumeFile', {
  path: string(1, { required, emitZero: '' }),
  fieldRef: field(2, ObjectFieldSelector, { ptr }),
  resourceFieldRef: field(3, ResourceFieldSelector, { ptr }),
  mode: int32(4, { ptr }),
});
export type DownwardAPIVolumeFile = TypeOf<typeof DownwardAPIVolumeFile>;

export const DownwardAPIProjection = object('io.k8s.api.core.v1.DownwardAPIProjection', {
  items: list(1, DownwardAPIVolumeFile, { listType: 'atomic' }),
});
export type DownwardAPIProjection = TypeOf<typeof DownwardAPIProjection>;

export const ConfigMapProjection = object('io.k8s.api.core.v1.ConfigMapProjection', {
  name: string(1, { default: '', via: [[1, 'localObjectReference']] }),
  items: list(2, KeyToPath, { listType: 'atomic' }),
  optional: boolean(4, { ptr }),
});
export type ConfigMapProjection = TypeOf<typeof ConfigMapProjection>;

export const ServiceAccountTokenProjection = object(
  'io.k8s.api.core.v1.ServiceAccountTokenProjection',
  {
    audience: string(1),
    expirationSeconds: int64(2, { ptr }),
    path: string(3, { required, emitZero: '' }),
  },
  {
    defaults(value) {
      value.expirationSeconds ??= 3600;
    },
  },
);
export type ServiceAccountTokenProjection = TypeOf<typeof ServiceAccountTokenProjection>;

export const ClusterTrustBundleProjection = object('io.k8s.api.core.v1.ClusterTrustBundleProjection', {
  name: string(1, { ptr }),
  signerName: string(2, { ptr }),
  labelSelector: field(3, LabelSelector, { ptr }),
  path: string(4, { required, emitZero: '' }),
  optional: boolean(5, { ptr }),
});
export type ClusterTrustBundleProjection = TypeOf<typeof ClusterTrustBundleProjection>;

export const PodCertificateProjection = object('io.k8s.api.core.v1.PodCertificateProjection', {
  signerName: string(1, { required }),
  keyType: string(2, { required }),
  maxExpirationSeconds: int32(3, { ptr }),
  credentialBundlePath: string(4),
  keyPath: string(5),
  certificateChainPath: string(6),
  userAnnotations: map(7, aString),
});
export type PodCertificateProjection = TypeOf<typeof PodCertificateProjection>;

export const VolumeProjection = object('io.k8s.api.core.v1.VolumeProjection', {
  secret: field(1, SecretProjection, { ptr }),
  downwardAPI: field(2, DownwardAPIProjection, { ptr }),
  configMap: field(3, ConfigMapProjection, { ptr }),
  serviceAccountToken: field(4, ServiceAccountTokenProjection, { ptr }),
  clusterTrustBundle: field(5, ClusterTrustBundleProjection, { ptr }),
  podCertificate: field(6, PodCertificateProjection, { ptr }),
});
export type VolumeProjection = TypeOf<typeof VolumeProjection>;

export const ProjectedVolumeSource = object(
  'io.k8s.api.core.v1.ProjectedVolumeSource',
  {
    sources: list(1, VolumeProjection, { emitZero: null, listType: 'atomic' }),
    defaultMode: int32(2, { ptr }),
  },
  {
    defaults(value) {
      value.defaultMode ??= 0o644;
    },
  },
);
export type ProjectedVolumeSource = TypeOf<typeof ProjectedVolumeSource>;

export const ConfigMapVolumeSource = object(
  'io.k8s.api.core.v1.ConfigMapVolumeSource',
  {
    name: string(1, { default: '', via: [[1, 'localObjectReference']] }),
    items: list(2, KeyToPath, { listType: 'atomic' }),
    defaultMode: int32(3, { ptr }),
    optional: boolean(4, { ptr }),
  },
  {
    defaults(value) {
      value.defaultMode ??= 0o644;
    },
  },
);
export type ConfigMapVolumeSource = TypeOf<typeof ConfigMapVolumeSource>;

export const SecretVolumeSource = object(
  'io.k8s.api.core.v1.SecretVolumeSource',
  {
    secretName: string(1),
    items: list(2, KeyToPath, { listType: 'atomic' }),
    defaultMode: int32(3, { ptr }),
    optional: boolean(4, { ptr }),
  },
  {
    defaults(value) {
      value.defaultMode ??= 0o644;
    },
  },
);
export type SecretVolumeSource = TypeOf<typeof SecretVolumeSource>;

export const DownwardAPIVolumeSource = object(
  'io.k8s.api.core.v1.DownwardAPIVolumeSource',
  {
    items: list(1, DownwardAPIVolumeFile, { listType: 'atomic' }),
    defaultMode: int32(2, { ptr }),
  },
  {
    defaults(value) {
      value.defaultMode ??= 0o644;
    },
  },
);
export type DownwardAPIVolumeSource = TypeOf<typeof DownwardAPIVolumeSource>;
