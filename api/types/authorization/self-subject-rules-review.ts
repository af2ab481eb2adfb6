// What may I do in this namespace.

import { kind } from '../../schema/kind.ts';
import { aString, boolean, field, list, object, required, string, type TypeOf } from '../../schema/schema.ts';

export const SelfSubjectRulesReviewSpec = object('io.k8s.api.authorization.v1.SelfSubjectRulesReviewSpec', {
  namespace: string(1),
});
export type SelfSubjectRulesReviewSpec = TypeOf<typeof SelfSubjectRulesReviewSpec>;

export const ResourceRule = object('io.k8s.api.authorization.v1.ResourceRule', {
  verbs: list(1, aString, { required, emitZero: null, listType: 'atomic' }),
  apiGroups: list(2, aString, { listType: 'atomic' }),
  resources: list(3, aString, { listType: 'atomic' }),
  resourceNames: list(4, aString, { listType: 'atomic' }),
});
export type ResourceRule = TypeOf<typeof ResourceRule>;

export const NonResourceRule = object('io.k8s.api.authorization.v1.NonResourceRule', {
  verbs: list(1, aString, { required, emitZero: null, listType: 'atomic' }),
  nonResourceURLs: list(2, aString, { listType: 'atomic' }),
});
export type NonResourceRule = TypeOf<typeof NonResourceRule>;

export const SubjectRulesReviewStatus = object('io.k8s.api.authorization.v1.SubjectRulesReviewStatus', {
  resourceRules: list(1, ResourceRule, { required, emitZero: null, listType: 'atomic' }),
  nonResourceRules: list(2, NonResourceRule, { required, emitZero: null, listType: 'atomic' }),
  incomplete: boolean(3, { required, emitZero: false }),
  evaluationError: string(4),
});
export type SubjectRulesReviewStatus = TypeOf<typeof SubjectRulesReviewStatus>;

export const SelfSubjectRulesReview = kind('io.k8s.api.authorization.v1.SelfSubjectRulesReview', {
  spec: field(2, SelfSubjectRulesReviewSpec, { required, emitZero: {} }),
  status: field(3, SubjectRulesReviewStatus, { emitZero: {} }),
});
export type SelfSubjectRulesReview = TypeOf<typeof SelfSubjectRulesReview>;
