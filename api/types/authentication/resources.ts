// The resources of authentication.k8s.io/v1.
import type { ResourceDefinition } from '../../resource.ts';
import { CREATE_ONLY, CREATED_AT, NAME } from '../resource-parts.ts';
import { SelfSubjectReview, TokenReview } from './token-review.ts';

export const selfSubjectReviews: ResourceDefinition<SelfSubjectReview> = {
  group: 'authentication.k8s.io',
  version: 'v1',
  kind: 'SelfSubjectReview',
  listKind: 'SelfSubjectReviewList',
  plural: 'selfsubjectreviews',
  singular: 'selfsubjectreview',
  namespaced: false,
  verbs: CREATE_ONLY,
  schema: SelfSubjectReview,
  subresources: {},
  columns: [NAME, CREATED_AT],
};

export const tokenReviews: ResourceDefinition<TokenReview> = {
  group: 'authentication.k8s.io',
  version: 'v1',
  kind: 'TokenReview',
  listKind: 'TokenReviewList',
  plural: 'tokenreviews',
  singular: 'tokenreview',
  namespaced: false,
  verbs: CREATE_ONLY,
  schema: TokenReview,
  subresources: {},
  columns: [NAME, CREATED_AT],
};

export const authenticationResources: readonly ResourceDefinition[] = [selfSubjectReviews, tokenReviews];
