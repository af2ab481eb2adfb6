// Who is behind a token, and who am I.

import { kind } from '../../schema/kind.ts';
import {
  aList,
  aString,
  boolean,
  field,
  list,
  map,
  object,
  required,
  string,
  type TypeOf,
} from '../../schema/schema.ts';

export const TokenReviewSpec = object('io.k8s.api.authentication.v1.TokenReviewSpec', {
  token: string(1, { required }),
  audiences: list(2, aString, { listType: 'atomic' }),
});
export type TokenReviewSpec = TypeOf<typeof TokenReviewSpec>;

export const UserInfo = object('io.k8s.api.authentication.v1.UserInfo', {
  username: string(1),
  uid: string(2),
  groups: list(3, aString, { listType: 'atomic' }),
  extra: map(4, aList(aString)),
});
export type UserInfo = TypeOf<typeof UserInfo>;

export const TokenReviewStatus = object('io.k8s.api.authentication.v1.TokenReviewStatus', {
  authenticated: boolean(1),
  user: field(2, UserInfo, { emitZero: {} }),
  error: string(3),
  audiences: list(4, aString, { listType: 'atomic' }),
});
export type TokenReviewStatus = TypeOf<typeof TokenReviewStatus>;

export const TokenReview = kind('io.k8s.api.authentication.v1.TokenReview', {
  spec: field(2, TokenReviewSpec, { required, emitZero: {} }),
  status: field(3, TokenReviewStatus, { emitZero: {} }),
});
export type TokenReview = TypeOf<typeof TokenReview>;

export const SelfSubjectReviewStatus = object('io.k8s.api.authentication.v1.SelfSubjectReviewStatus', {
  userInfo: field(1, UserInfo, { emitZero: {} }),
});
export type SelfSubjectReviewStatus = TypeOf<typeof SelfSubjectReviewStatus>;

export const SelfSubjectReview = kind('io.k8s.api.authentication.v1.SelfSubjectReview', {
  status: field(2, SelfSubjectReviewStatus, { emitZero: {} }),
});
export type SelfSubjectReview = TypeOf<typeof SelfSubjectReview>;
