// May someone do something: the question and its answer.

import { kind } from '../../schema/kind.ts';
import {
  aList,
  aString,
  boolean,
  field,
  list,
  map,
  object,
  ptr,
  required,
  string,
  type TypeOf,
} from '../../schema/schema.ts';
import { FieldSelectorRequirement, LabelSelectorRequirement } from '../meta/label-selector.ts';

export const FieldSelectorAttributes = object('io.k8s.api.authorization.v1.FieldSelectorAttributes', {
  rawSelector: string(1),
  requirements: list(2, FieldSelectorRequirement, { listType: 'atomic' }),
});
export type FieldSelectorAttributes = TypeOf<typeof FieldSelectorAttributes>;

export const LabelSelectorAttributes = object('io.k8s.api.authorization.v1.LabelSelectorAttributes', {
  rawSelector: string(1),
  requirements: list(2, LabelSelectorRequirement, { listType: 'atomic' }),
});
export type LabelSelectorAttributes = TypeOf<typeof LabelSelectorAttributes>;

export const ResourceAttributes = object('io.k8s.api.authorization.v1.ResourceAttributes', {
  namespace: string(1),
  verb: string(2),
  group: string(3),
  version: string(4),
  resource: string(5),
  subresource: string(6),
  name: string(7),
  fieldSelector: field(8, FieldSelectorAttributes, { ptr }),
  labelSelector: field(9, LabelSelectorAttributes, { ptr }),
});
export type ResourceAttributes = TypeOf<typeof ResourceAttributes>;

export const NonResourceAttributes = object('io.k8s.api.authorization.v1.NonResourceAttributes', {
  path: string(1),
  verb: string(2),
});
export type NonResourceAttributes = TypeOf<typeof NonResourceAttributes>;

export const SubjectAccessReviewSpec = object('io.k8s.api.authorization.v1.SubjectAccessReviewSpec', {
  resourceAttributes: field(1, ResourceAttributes, { ptr }),
  nonResourceAttributes: field(2, NonResourceAttributes, { ptr }),
  user: string(3),
  groups: list(4, aString, { listType: 'atomic' }),
  extra: map(5, aList(aString)),
  uid: string(6),
});
export type SubjectAccessReviewSpec = TypeOf<typeof SubjectAccessReviewSpec>;

export const SubjectAccessReviewStatus = object('io.k8s.api.authorization.v1.SubjectAccessReviewStatus', {
  allowed: boolean(1, { required, emitZero: false }),
  reason: string(2),
  evaluationError: string(3),
  denied: boolean(4),
});
export type SubjectAccessReviewStatus = TypeOf<typeof SubjectAccessReviewStatus>;

export const SubjectAccessReview = kind('io.k8s.api.authorization.v1.SubjectAccessReview', {
  spec: field(2, SubjectAccessReviewSpec, { required, emitZero: {} }),
  status: field(3, SubjectAccessReviewStatus, { emitZero: {} }),
});
export type SubjectAccessReview = TypeOf<typeof SubjectAccessReview>;

export const LocalSubjectAccessReview = kind('io.k8s.api.authorization.v1.LocalSubjectAccessReview', {
  spec: field(2, SubjectAccessReviewSpec, { required, emitZero: {} }),
  status: field(3, SubjectAccessReviewStatus, { emitZero: {} }),
});
export type LocalSubjectAccessReview = TypeOf<typeof LocalSubjectAccessReview>;

export const SelfSubjectAccessReviewSpec = object('io.k8s.api.authorization.v1.SelfSubjectAccessReviewSpec', {
  resourceAttributes: field(1, ResourceAttributes, { ptr }),
  nonResourceAttributes: field(2, NonResourceAttributes, { ptr }),
});
export type SelfSubjectAccessReviewSpec = TypeOf<typeof SelfSubjectAccessReviewSpec>;

export const SelfSubjectAccessReview = kind('io.k8s.api.authorization.v1.SelfSubjectAccessReview', {
  spec: field(2, SelfSubjectAccessReviewSpec, { required, emitZero: {} }),
  status: field(3, SubjectAccessReviewStatus, { emitZero: {} }),
});
export type SelfSubjectAccessReview = TypeOf<typeof SelfSubjectAccessReview>;
