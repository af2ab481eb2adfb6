// References from one object to another, and to keys inside one.
import { object, ptr, required, string, type TypeOf } from '../../schema/schema.ts';

export const LocalObjectReference = object(
  'io.k8s.api.core.v1.LocalObjectReference',
  {
    name: string(1, { default: '' }),
  },
  { mapType: 'atomic' },
);
export type LocalObjectReference = TypeOf<typeof LocalObjectReference>;

export const ObjectReference = object(
  'io.k8s.api.core.v1.ObjectReference',
  {
    kind: string(1),
    namespace: string(2),
    name: string(3),
    uid: string(4),
    apiVersion: string(5),
    resourceVersion: string(6),
    fieldPath: string(7),
  },
  { mapType: 'atomic' },
);
export type ObjectReference = TypeOf<typeof ObjectReference>;

export const TypedLocalObjectReference = object(
  'io.k8s.api.core.v1.TypedLocalObjectReference',
  {
    apiGroup: string(1, { ptr, emitZero: null }),
    kind: string(2, { required, emitZero: '' }),
    name: string(3, { required, emitZero: '' }),
  },
  { mapType: 'atomic' },
);
export type TypedLocalObjectReference = TypeOf<typeof TypedLocalObjectReference>;

export const TypedObjectReference = object('io.k8s.api.core.v1.TypedObjectReference', {
  apiGroup: string(1, { ptr, emitZero: null }),
  kind: string(2, { required, emitZero: '' }),
  name: string(3, { required, emitZero: '' }),
  namespace: string(4, { ptr }),
});
export type TypedObjectReference = TypeOf<typeof TypedObjectReference>;

export const SecretReference = object(
  'io.k8s.api.core.v1.SecretReference',
  {
    name: string(1),
    namespace: string(2),
  },
  { mapType: 'atomic' },
);
export type SecretReference = TypeOf<typeof SecretReference>;
