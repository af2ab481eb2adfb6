// A token for a service account.

import { kind } from '../../schema/kind.ts';
import { aString, field, int64, list, object, ptr, string, type TypeOf, time } from '../../schema/schema.ts';

export const BoundObjectReference = object('io.k8s.api.authentication.v1.BoundObjectReference', {
  kind: string(1),
  apiVersion: string(2),
  name: string(3),
  uid: string(4, { protoName: 'uID' }),
});
export type BoundObjectReference = TypeOf<typeof BoundObjectReference>;

export const TokenRequestSpec = object(
  'io.k8s.api.authentication.v1.TokenRequestSpec',
  {
    audiences: list(1, aString, { emitZero: null, listType: 'atomic' }),
    boundObjectRef: field(3, BoundObjectReference, { ptr, emitZero: null }),
    expirationSeconds: int64(4, { ptr, emitZero: null }),
  },
  {
    defaults(value) {
      value.expirationSeconds ??= 3600;
    },
  },
);
export type TokenRequestSpec = TypeOf<typeof TokenRequestSpec>;

export const TokenRequestStatus = object('io.k8s.api.authentication.v1.TokenRequestStatus', {
  token: string(1, { emitZero: '' }),
  expirationTimestamp: time(2, { emitZero: null }),
});
export type TokenRequestStatus = TypeOf<typeof TokenRequestStatus>;

export const TokenRequest = kind('io.k8s.api.authentication.v1.TokenRequest', {
  spec: field(2, TokenRequestSpec, { emitZero: {} }),
  status: field(3, TokenRequestStatus, { emitZero: {} }),
});
export type TokenRequest = TypeOf<typeof TokenRequest>;
