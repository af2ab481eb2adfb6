// Pointers at a field, a resource or a key, for environment variables and volumes.
import { boolean, int32, object, ptr, quantity, required, string, type TypeOf } from '../../schema/schema.ts';

export const ObjectFieldSelector = object(
  'io.k8s.api.core.v1.ObjectFieldSelector',
  {
    apiVersion: string(1),
    fieldPath: string(2, { required, emitZero: '' }),
  },
  {
    mapType: 'atomic',
    defaults(value) {
      value.apiVersion ||= 'v1';
    },
  },
);
export type ObjectFieldSelector = TypeOf<typeof ObjectFieldSelector>;

export const ResourceFieldSelector = object(
  'io.k8s.api.core.v1.ResourceFieldSelector',
  {
    containerName: string(1),
    resource: string(2, { required, emitZero: '' }),
    divisor: quantity(3, { emitZero: '0' }),
  },
  { mapType: 'atomic' },
);
export type ResourceFieldSelector = TypeOf<typeof ResourceFieldSelector>;

export const ConfigMapKeySelector = object(
  'io.k8s.api.core.v1.ConfigMapKeySelector',
  {
    name: string(1, { default: '', via: [[1, 'localObjectReference']] }),
    key: string(2, { required, emitZero: '' }),
    optional: boolean(3, { ptr }),
  },
  { mapType: 'atomic' },
);
export type ConfigMapKeySelector = TypeOf<typeof ConfigMapKeySelector>;

export const SecretKeySelector = object(
  'io.k8s.api.core.v1.SecretKeySelector',
  {
    name: string(1, { default: '', via: [[1, 'localObjectReference']] }),
    key: string(2, { required, emitZero: '' }),
    optional: boolean(3, { ptr }),
  },
  { mapType: 'atomic' },
);
export type SecretKeySelector = TypeOf<typeof SecretKeySelector>;

export const FileKeySelector = object(
  'io.k8s.api.core.v1.FileKeySelector',
  {
    volumeName: string(1, { required, emitZero: '' }),
    path: string(2, { required, emitZero: '' }),
    key: string(3, { required, emitZero: '' }),
    optional: boolean(4, { ptr, default: false }),
  },
  { mapType: 'atomic' },
);
export type FileKeySelector = TypeOf<typeof FileKeySelector>;

export const KeyToPath = object('io.k8s.api.core.v1.KeyToPath', {
  key: string(1, { required, emitZero: '' }),
  path: string(2, { required, emitZero: '' }),
  mode: int32(3, { ptr }),
});
export type KeyToPath = TypeOf<typeof KeyToPath>;
