// What a request may say beside its object: the bodies and query parameters of the verbs.
import {
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

export const Preconditions = object('io.k8s.apimachinery.pkg.apis.meta.v1.Preconditions', {
  uid: string(1, { ptr }),
  resourceVersion: string(2, { ptr }),
});
export type Preconditions = TypeOf<typeof Preconditions>;

export const DeleteOptions = object('io.k8s.apimachinery.pkg.apis.meta.v1.DeleteOptions', {
  apiVersion: string(0),
  kind: string(0),
  gracePeriodSeconds: int64(1, { ptr }),
  preconditions: field(2, Preconditions, { ptr }),
  orphanDependents: boolean(3, { ptr }),
  propagationPolicy: string(4, { ptr }),
  dryRun: list(5, aString, { listType: 'atomic' }),
  ignoreStoreReadErrorWithClusterBreakingPotential: boolean(6, { ptr }),
});
export type DeleteOptions = TypeOf<typeof DeleteOptions>;

export const CreateOptions = object('io.k8s.apimachinery.pkg.apis.meta.v1.CreateOptions', {
  apiVersion: string(0),
  kind: string(0),
  dryRun: list(1, aString, { listType: 'atomic' }),
  fieldManager: string(3),
  fieldValidation: string(4),
});
export type CreateOptions = TypeOf<typeof CreateOptions>;

export const UpdateOptions = object('io.k8s.apimachinery.pkg.apis.meta.v1.UpdateOptions', {
  apiVersion: string(0),
  kind: string(0),
  dryRun: list(1, aString, { listType: 'atomic' }),
  fieldManager: string(2),
  fieldValidation: string(3),
});
export type UpdateOptions = TypeOf<typeof UpdateOptions>;

export const PatchOptions = object('io.k8s.apimachinery.pkg.apis.meta.v1.PatchOptions', {
  apiVersion: string(0),
  kind: string(0),
  dryRun: list(1, aString, { listType: 'atomic' }),
  force: boolean(2, { ptr }),
  fieldManager: string(3),
  fieldValidation: string(4),
});
export type PatchOptions = TypeOf<typeof PatchOptions>;

export const ApplyOptions = object('io.k8s.apimachinery.pkg.apis.meta.v1.ApplyOptions', {
  apiVersion: string(0),
  kind: string(0),
  dryRun: list(1, aString, { listType: 'atomic' }),
  force: boolean(2, { required, emitZero: false }),
  fieldManager: string(3, { required, emitZero: '' }),
});
export type ApplyOptions = TypeOf<typeof ApplyOptions>;

export const GetOptions = object('io.k8s.apimachinery.pkg.apis.meta.v1.GetOptions', {
  apiVersion: string(0),
  kind: string(0),
  resourceVersion: string(1),
});
export type GetOptions = TypeOf<typeof GetOptions>;

export const ListOptions = object('io.k8s.apimachinery.pkg.apis.meta.v1.ListOptions', {
  apiVersion: string(0),
  kind: string(0),
  labelSelector: string(1),
  fieldSelector: string(2),
  watch: boolean(3),
  resourceVersion: string(4),
  timeoutSeconds: int64(5, { ptr }),
  limit: int64(7),
  continue: string(8),
  allowWatchBookmarks: boolean(9),
  resourceVersionMatch: string(10),
  sendInitialEvents: boolean(11, { ptr }),
  shardSelector: string(15),
});
export type ListOptions = TypeOf<typeof ListOptions>;

export const TableOptions = object('io.k8s.apimachinery.pkg.apis.meta.v1.TableOptions', {
  apiVersion: string(0),
  kind: string(0),
  includeObject: string(1),
});
export type TableOptions = TypeOf<typeof TableOptions>;
