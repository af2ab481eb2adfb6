// CertificateSigningRequest.

import { kind } from '../../schema/kind.ts';
import {
  aList,
  aString,
  bytes,
  field,
  int32,
  list,
  map,
  object,
  ptr,
  required,
  string,
  type TypeOf,
  time,
} from '../../schema/schema.ts';
import { oneOf } from '../build.ts';

export const CertificateSigningRequestSpec = object('io.k8s.api.certificates.v1.CertificateSigningRequestSpec', {
  request: bytes(1, { required, emitZero: null }),
  username: string(2),
  uid: string(3),
  groups: list(4, aString, { listType: 'atomic' }),
  usages: list(
    5,
    oneOf(
      'any',
      'cert sign',
      'client auth',
      'code signing',
      'content commitment',
      'crl sign',
      'data encipherment',
      'decipher only',
      'digital signature',
      'email protection',
      'encipher only',
      'ipsec end system',
      'ipsec tunnel',
      'ipsec user',
      'key agreement',
      'key encipherment',
      'microsoft sgc',
      'netscape sgc',
      'ocsp signing',
      's/mime',
      'server auth',
      'signing',
      'timestamping',
    ),
    { listType: 'atomic' },
  ),
  extra: map(6, aList(aString)),
  signerName: string(7, { required, emitZero: '' }),
  expirationSeconds: int32(8, { ptr }),
});
export type CertificateSigningRequestSpec = TypeOf<typeof CertificateSigningRequestSpec>;

export const CertificateSigningRequestCondition = object(
  'io.k8s.api.certificates.v1.CertificateSigningRequestCondition',
  {
    type: string(1, { required, emitZero: '' }),
    reason: string(2),
    message: string(3),
    lastUpdateTime: time(4, { emitZero: null }),
    lastTransitionTime: time(5, { emitZero: null }),
    status: string(6, { required, emitZero: '' }),
  },
);
export type CertificateSigningRequestCondition = TypeOf<typeof CertificateSigningRequestCondition>;

export const CertificateSigningRequestStatus = object('io.k8s.api.certificates.v1.CertificateSigningRequestStatus', {
  conditions: list(1, CertificateSigningRequestCondition, { listType: 'map', keys: ['type'] }),
  certificate: bytes(2),
});
export type CertificateSigningRequestStatus = TypeOf<typeof CertificateSigningRequestStatus>;

export const CertificateSigningRequest = kind('io.k8s.api.certificates.v1.CertificateSigningRequest', {
  spec: field(2, CertificateSigningRequestSpec, { required, emitZero: {} }),
  status: field(3, CertificateSigningRequestStatus, { emitZero: {} }),
});
export type CertificateSigningRequest = TypeOf<typeof CertificateSigningRequest>;
