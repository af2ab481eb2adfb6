// The resources of authorization.k8s.io/v1.
import type { ResourceDefinition } from '../../resource.ts';
import { CREATE_ONLY, CREATED_AT, NAME } from '../resource-parts.ts';
import { SelfSubjectRulesReview } from './self-subject-rules-review.ts';
import { LocalSubjectAccessReview, SelfSubjectAccessReview, SubjectAccessReview } from './subject-access-review.ts';

export const localSubjectAccessReviews: ResourceDefinition<LocalSubjectAccessReview> = {
  group: 'authorization.k8s.io',
  version: 'v1',
  kind: 'LocalSubjectAccessReview',
  listKind: 'LocalSubjectAccessReviewList',
  plural: 'localsubjectaccessreviews',
  singular: 'localsubjectaccessreview',
  namespaced: true,
  verbs: CREATE_ONLY,
  schema: LocalSubjectAccessReview,
  subresources: {},
  columns: [NAME, CREATED_AT],
};

export const selfSubjectAccessReviews: ResourceDefinition<SelfSubjectAccessReview> = {
  group: 'authorization.k8s.io',
  version: 'v1',
  kind: 'SelfSubjectAccessReview',
  listKind: 'SelfSubjectAccessReviewList',
  plural: 'selfsubjectaccessreviews',
  singular: 'selfsubjectaccessreview',
  namespaced: false,
  verbs: CREATE_ONLY,
  schema: SelfSubjectAccessReview,
  subresources: {},
  columns: [NAME, CREATED_AT],
};

export const selfSubjectRulesReviews: ResourceDefinition<SelfSubjectRulesReview> = {
  group: 'authorization.k8s.io',
  version: 'v1',
  kind: 'SelfSubjectRulesReview',
  listKind: 'SelfSubjectRulesReviewList',
  plural: 'selfsubjectrulesreviews',
  singular: 'selfsubjectrulesreview',
  namespaced: false,
  verbs: CREATE_ONLY,
  schema: SelfSubjectRulesReview,
  subresources: {},
  columns: [NAME, CREATED_AT],
};

export const subjectAccessReviews: ResourceDefinition<SubjectAccessReview> = {
  group: 'authorization.k8s.io',
  version: 'v1',
  kind: 'SubjectAccessReview',
  listKind: 'SubjectAccessReviewList',
  plural: 'subjectaccessreviews',
  singular: 'subjectaccessreview',
  namespaced: false,
  verbs: CREATE_ONLY,
  schema: SubjectAccessReview,
  subresources: {},
  columns: [NAME, CREATED_AT],
};

export const authorizationResources: readonly ResourceDefinition[] = [
  localSubjectAccessReviews,
  selfSubjectAccessReviews,
  selfSubjectRulesReviews,
  subjectAccessReviews,
];
