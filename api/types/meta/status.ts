// The answer that is not an object: Status.
import { field, int32, list, object, ptr, string, type TypeOf } from '../../schema/schema.ts';
import { ListMeta } from './list-meta.ts';

export const StatusCause = object('io.k8s.apimachinery.pkg.apis.meta.v1.StatusCause', {
  reason: string(1),
  message: string(2),
  field: string(3),
});
export type StatusCause = TypeOf<typeof StatusCause>;

export const StatusDetails = object('io.k8s.apimachinery.pkg.apis.meta.v1.StatusDetails', {
  name: string(1),
  group: string(2),
  kind: string(3),
  causes: list(4, StatusCause, { listType: 'atomic' }),
  retryAfterSeconds: int32(5),
  uid: string(6),
});
export type StatusDetails = TypeOf<typeof StatusDetails>;

export const Status = object('io.k8s.apimachinery.pkg.apis.meta.v1.Status', {
  apiVersion: string(0),
  kind: string(0),
  metadata: field(1, ListMeta, { emitZero: {} }),
  status: string(2),
  message: string(3),
  reason: string(4),
  details: field(5, StatusDetails, { ptr }),
  code: int32(6),
});
export type Status = TypeOf<typeof Status>;
