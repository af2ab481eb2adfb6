// Metadata that every object carries.
import {
  any,
  aString,
  boolean,
  int64,
  list,
  map,
  type ObjectSchema,
  object,
  required,
  string,
  type TypeOf,
  time,
} from '../../schema/schema.ts';

export const OwnerReference = object(
  'io.k8s.apimachinery.pkg.apis.meta.v1.OwnerReference',
  {
    kind: string(1, { required, emitZero: '' }),
    name: string(3, { required, emitZero: '' }),
    uid: string(4, { required, emitZero: '' }),
    apiVersion: string(5, { required, emitZero: '' }),
    controller: boolean(6, { ptr: true }),
    blockOwnerDeletion: boolean(7, { ptr: true }),
  },
  { mapType: 'atomic' },
);
export type OwnerReference = TypeOf<typeof OwnerReference>;

export const ManagedFieldsEntry = object('io.k8s.apimachinery.pkg.apis.meta.v1.ManagedFieldsEntry', {
  manager: string(1),
  operation: string(2),
  apiVersion: string(3),
  time: time(4, { ptr: true }),
  fieldsType: string(6),
  fieldsV1: any(7, 'io.k8s.apimachinery.pkg.apis.meta.v1.FieldsV1', { ptr: true }),
  subresource: string(8),
});
export type ManagedFieldsEntry = TypeOf<typeof ManagedFieldsEntry>;

/** What a stored object has for certain is not optional here; `New` loosens it for what is about to be created. */
export interface ObjectMeta {
  name: string;
  generateName?: string;
  /** Empty for what belongs to no namespace. */
  namespace?: string;
  uid: string;
  resourceVersion: string;
  generation?: number;
  creationTimestamp: string;
  deletionTimestamp?: string;
  deletionGracePeriodSeconds?: number;
  labels?: Record<string, string>;
  annotations?: Record<string, string>;
  ownerReferences?: OwnerReference[];
  finalizers?: string[];
  managedFields?: ManagedFieldsEntry[];
  selfLink?: string;
}
export const ObjectMeta: ObjectSchema<ObjectMeta> = object('io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta', {
  name: string(1),
  generateName: string(2),
  namespace: string(3),
  selfLink: string(4),
  uid: string(5),
  resourceVersion: string(6),
  generation: int64(7),
  creationTimestamp: time(8),
  deletionTimestamp: time(9, { ptr: true }),
  deletionGracePeriodSeconds: int64(10, { ptr: true }),
  labels: map(11, aString),
  annotations: map(12, aString),
  ownerReferences: list(13, OwnerReference, {
    listType: 'map',
    keys: ['uid'],
    patchStrategy: 'merge',
    patchMergeKey: 'uid',
  }),
  finalizers: list(14, aString, { listType: 'set', patchStrategy: 'merge' }),
  managedFields: list(17, ManagedFieldsEntry, { listType: 'atomic' }),
}) as ObjectSchema<unknown> as ObjectSchema<ObjectMeta>;
