// Whom processes run as and what the kernel lets them do.
import {
  anInt64,
  aString,
  boolean,
  field,
  int64,
  list,
  object,
  ptr,
  required,
  string,
  type TypeOf,
} from '../../schema/schema.ts';

export const Capabilities = object('io.k8s.api.core.v1.Capabilities', {
  add: list(1, aString, { listType: 'atomic' }),
  drop: list(2, aString, { listType: 'atomic' }),
});
export type Capabilities = TypeOf<typeof Capabilities>;

export const SELinuxOptions = object('io.k8s.api.core.v1.SELinuxOptions', {
  user: string(1),
  role: string(2),
  type: string(3),
  level: string(4),
});
export type SELinuxOptions = TypeOf<typeof SELinuxOptions>;

export const WindowsSecurityContextOptions = object('io.k8s.api.core.v1.WindowsSecurityContextOptions', {
  gmsaCredentialSpecName: string(1, { ptr }),
  gmsaCredentialSpec: string(2, { ptr }),
  runAsUserName: string(3, { ptr }),
  hostProcess: boolean(4, { ptr }),
});
export type WindowsSecurityContextOptions = TypeOf<typeof WindowsSecurityContextOptions>;

export const SeccompProfile = object(
  'io.k8s.api.core.v1.SeccompProfile',
  {
    type: string(1, { required, emitZero: '', enum: ['Localhost', 'RuntimeDefault', 'Unconfined'] }),
    localhostProfile: string(2, { ptr }),
  },
  { unions: [{ discriminator: 'type', fields: { localhostProfile: 'LocalhostProfile' } }] },
);
export type SeccompProfile = TypeOf<typeof SeccompProfile>;

export const AppArmorProfile = object(
  'io.k8s.api.core.v1.AppArmorProfile',
  {
    type: string(1, { required, emitZero: '', enum: ['Localhost', 'RuntimeDefault', 'Unconfined'] }),
    localhostProfile: string(2, { ptr }),
  },
  { unions: [{ discriminator: 'type', fields: { localhostProfile: 'LocalhostProfile' } }] },
);
export type AppArmorProfile = TypeOf<typeof AppArmorProfile>;

export const SecurityContext = object('io.k8s.api.core.v1.SecurityContext', {
  capabilities: field(1, Capabilities, { ptr }),
  privileged: boolean(2, { ptr }),
  seLinuxOptions: field(3, SELinuxOptions, { ptr }),
  runAsUser: int64(4, { ptr }),
  runAsNonRoot: boolean(5, { ptr }),
  readOnlyRootFilesystem: boolean(6, { ptr }),
  allowPrivilegeEscalation: boolean(7, { ptr }),
  runAsGroup: int64(8, { ptr }),
  procMount: string(9, { ptr, enum: ['Default', 'Unmasked'] }),
  windowsOptions: field(10, WindowsSecurityContextOptions, { ptr }),
  seccompProfile: field(11, SeccompProfile, { ptr }),
  appArmorProfile: field(12, AppArmorProfile, { ptr }),
});
export type SecurityContext = TypeOf<typeof SecurityContext>;

export const Sysctl = object('io.k8s.api.core.v1.Sysctl', {
  name: string(1, { required, emitZero: '' }),
  value: string(2, { required, emitZero: '' }),
});
export type Sysctl = TypeOf<typeof Sysctl>;

export const PodSecurityContext = object('io.k8s.api.core.v1.PodSecurityContext', {
  seLinuxOptions: field(1, SELinuxOptions, { ptr }),
  runAsUser: int64(2, { ptr }),
  runAsNonRoot: boolean(3, { ptr }),
  supplementalGroups: list(4, anInt64, { listType: 'atomic' }),
  fsGroup: int64(5, { ptr }),
  runAsGroup: int64(6, { ptr }),
  sysctls: list(7, Sysctl, { listType: 'atomic' }),
  windowsOptions: field(8, WindowsSecurityContextOptions, { ptr }),
  fsGroupChangePolicy: string(9, { ptr, enum: ['Always', 'OnRootMismatch'] }),
  seccompProfile: field(10, SeccompProfile, { ptr }),
  appArmorProfile: field(11, AppArmorProfile, { ptr }),
  supplementalGroupsPolicy: string(12, { ptr, enum: ['Merge', 'Strict'] }),
  seLinuxChangePolicy: string(13, { ptr }),
});
export type PodSecurityContext = TypeOf<typeof PodSecurityContext>;
