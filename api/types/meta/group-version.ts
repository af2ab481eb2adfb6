// Names of groups, versions, kinds and resources.
import { object, required, string, type TypeOf } from '../../schema/schema.ts';

export const GroupKind = object('io.k8s.apimachinery.pkg.apis.meta.v1.GroupKind', {
  group: string(1, { required, emitZero: '' }),
  kind: string(2, { required, emitZero: '' }),
});
export type GroupKind = TypeOf<typeof GroupKind>;

export const GroupResource = object('io.k8s.apimachinery.pkg.apis.meta.v1.GroupResource', {
  group: string(1, { required, emitZero: '' }),
  resource: string(2, { required, emitZero: '' }),
});
export type GroupResource = TypeOf<typeof GroupResource>;

export const GroupVersion = object('io.k8s.apimachinery.pkg.apis.meta.v1.GroupVersion', {
  group: string(1, { required, emitZero: '' }),
  version: string(2, { required, emitZero: '' }),
});
export type GroupVersion = TypeOf<typeof GroupVersion>;

export const GroupVersionKind = object('io.k8s.apimachinery.pkg.apis.meta.v1.GroupVersionKind', {
  group: string(1, { required, emitZero: '' }),
  version: string(2, { required, emitZero: '' }),
  kind: string(3, { required, emitZero: '' }),
});
export type GroupVersionKind = TypeOf<typeof GroupVersionKind>;

export const GroupVersionResource = object('io.k8s.apimachinery.pkg.apis.meta.v1.GroupVersionResource', {
  group: string(1, { required, emitZero: '' }),
  version: string(2, { required, emitZero: '' }),
  resource: string(3, { required, emitZero: '' }),
});
export type GroupVersionResource = TypeOf<typeof GroupVersionResource>;
