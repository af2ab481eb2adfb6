// What a webhook is asked and answers.
import {
  any,
  aString,
  boolean,
  bytes,
  field,
  list,
  map,
  object,
  ptr,
  string,
  type TypeOf,
} from '../../schema/schema.ts';
import { UserInfo } from '../authentication/token-review.ts';
import { GroupVersionKind, GroupVersionResource } from '../meta/group-version.ts';
import { Status } from '../meta/status.ts';

export const AdmissionRequest = object('io.k8s.api.admission.v1.AdmissionRequest', {
  uid: string(1, { emitZero: '' }),
  kind: field(2, GroupVersionKind, { emitZero: {} }),
  resource: field(3, GroupVersionResource, { emitZero: {} }),
  subResource: string(4),
  name: string(5),
  namespace: string(6),
  operation: string(7, { emitZero: '' }),
  userInfo: field(8, UserInfo, { emitZero: {} }),
  object: any(9, 'io.k8s.apimachinery.pkg.runtime.RawExtension', { emitZero: null }),
  oldObject: any(10, 'io.k8s.apimachinery.pkg.runtime.RawExtension', { emitZero: null }),
  dryRun: boolean(11, { ptr }),
  options: any(12, 'io.k8s.apimachinery.pkg.runtime.RawExtension', { emitZero: null }),
  requestKind: field(13, GroupVersionKind, { ptr }),
  requestResource: field(14, GroupVersionResource, { ptr }),
  requestSubResource: string(15),
});
export type AdmissionRequest = TypeOf<typeof AdmissionRequest>;

export const AdmissionResponse = object('io.k8s.api.admission.v1.AdmissionResponse', {
  uid: string(1, { emitZero: '' }),
  allowed: boolean(2, { emitZero: false }),
  status: field(3, Status, { ptr }),
  patch: bytes(4),
  patchType: string(5, { ptr }),
  auditAnnotations: map(6, aString),
  warnings: list(7, aString, { listType: 'atomic' }),
});
export type AdmissionResponse = TypeOf<typeof AdmissionResponse>;

export const AdmissionReview = object('io.k8s.api.admission.v1.AdmissionReview', {
  apiVersion: string(0),
  kind: string(0),
  request: field(1, AdmissionRequest, { ptr }),
  response: field(2, AdmissionResponse, { ptr }),
});
export type AdmissionReview = TypeOf<typeof AdmissionReview>;
