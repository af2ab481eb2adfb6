// Environment variables and where they come from.
import { boolean, field, object, ptr, required, string, type TypeOf } from '../../schema/schema.ts';
import {
  ConfigMapKeySelector,
  FileKeySelector,
  ObjectFieldSelector,
  ResourceFieldSelector,
  SecretKeySelector,
} from './selectors.ts';

export const EnvVarSource = object('io.k8s.api.core.v1.EnvVarSource', {
  fieldRef: field(1, ObjectFieldSelector, { ptr }),
  resourceFieldRef: field(2, ResourceFieldSelector, { ptr }),
  configMapKeyRef: field(3, ConfigMapKeySelector, { ptr }),
  secretKeyRef: field(4, SecretKeySelector, { ptr }),
  fileKeyRef: field(5, FileKeySelector, { ptr }),
});
export type EnvVarSource = TypeOf<typeof EnvVarSource>;

export const EnvVar = object('io.k8s.api.core.v1.EnvVar', {
  name: string(1, { required, emitZero: '' }),
  value: string(2),
  valueFrom: field(3, EnvVarSource, { ptr }),
});
export type EnvVar = TypeOf<typeof EnvVar>;

export const ConfigMapEnvSource = object('io.k8s.api.core.v1.ConfigMapEnvSource', {
  name: string(1, { default: '', via: [[1, 'localObjectReference']] }),
  optional: boolean(2, { ptr }),
});
export type ConfigMapEnvSource = TypeOf<typeof ConfigMapEnvSource>;

export const SecretEnvSource = object('io.k8s.api.core.v1.SecretEnvSource', {
  name: string(1, { default: '', via: [[1, 'localObjectReference']] }),
  optional: boolean(2, { ptr }),
});
export type SecretEnvSource = TypeOf<typeof SecretEnvSource>;

export const EnvFromSource = object('io.k8s.api.core.v1.EnvFromSource', {
  prefix: string(1),
  configMapRef: field(2, ConfigMapEnvSource, { ptr }),
  secretRef: field(3, SecretEnvSource, { ptr }),
});
export type EnvFromSource = TypeOf<typeof EnvFromSource>;
