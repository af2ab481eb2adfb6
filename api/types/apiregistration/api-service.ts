// APIService: a group and version, and who serves it.

import { kind } from '../../schema/kind.ts';
import {
  boolean,
  field,
  int32,
  list,
  object,
  ptr,
  required,
  type ScalarSchema,
  string,
  type TypeOf,
  time,
} from '../../schema/schema.ts';

export const ServiceReference = object(
  'io.k8s.kube-aggregator.pkg.apis.apiregistration.v1.ServiceReference',
  {
    namespace: string(1),
    name: string(2),
    port: int32(3, { ptr }),
  },
  {
    defaults(value) {
      value.port ??= 443;
    },
  },
);
export type ServiceReference = TypeOf<typeof ServiceReference>;

/** OpenAPI marks these bytes as an atomic list. */
const ATOMIC_BYTES: ScalarSchema<string> = { kind: 'bytes', listType: 'atomic' };

export const APIServiceSpec = object('io.k8s.kube-aggregator.pkg.apis.apiregistration.v1.APIServiceSpec', {
  service: field(1, ServiceReference, { ptr }),
  group: string(2),
  version: string(3),
  insecureSkipTLSVerify: boolean(4),
  caBundle: field(5, ATOMIC_BYTES),
  groupPriorityMinimum: int32(7, { required, emitZero: 0 }),
  versionPriority: int32(8, { required, emitZero: 0 }),
});
export type APIServiceSpec = TypeOf<typeof APIServiceSpec>;

export const APIServiceCondition = object('io.k8s.kube-aggregator.pkg.apis.apiregistration.v1.APIServiceCondition', {
  type: string(1, { required, emitZero: '' }),
  status: string(2, { required, emitZero: '' }),
  lastTransitionTime: time(3, { emitZero: null }),
  reason: string(4),
  message: string(5),
});
export type APIServiceCondition = TypeOf<typeof APIServiceCondition>;

export const APIServiceStatus = object('io.k8s.kube-aggregator.pkg.apis.apiregistration.v1.APIServiceStatus', {
  conditions: list(1, APIServiceCondition, {
    listType: 'map',
    keys: ['type'],
    patchStrategy: 'merge',
    patchMergeKey: 'type',
  }),
});
export type APIServiceStatus = TypeOf<typeof APIServiceStatus>;

export const APIService = kind('io.k8s.kube-aggregator.pkg.apis.apiregistration.v1.APIService', {
  spec: field(2, APIServiceSpec, { emitZero: {} }),
  status: field(3, APIServiceStatus, { emitZero: {} }),
});
export type APIService = TypeOf<typeof APIService>;
