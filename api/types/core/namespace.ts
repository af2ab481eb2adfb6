// Namespace.

import { kind } from '../../schema/kind.ts';
import { aString, field, list, object, required, string, type TypeOf, time } from '../../schema/schema.ts';

export const NamespaceSpec = object('io.k8s.api.core.v1.NamespaceSpec', {
  finalizers: list(1, aString, { listType: 'atomic' }),
});
export type NamespaceSpec = TypeOf<typeof NamespaceSpec>;

export const NamespaceCondition = object('io.k8s.api.core.v1.NamespaceCondition', {
  type: string(1, { required, emitZero: '' }),
  status: string(2, { required, emitZero: '' }),
  lastTransitionTime: time(4, { emitZero: null }),
  reason: string(5),
  message: string(6),
});
export type NamespaceCondition = TypeOf<typeof NamespaceCondition>;

export const NamespaceStatus = object(
  'io.k8s.api.core.v1.NamespaceStatus',
  {
    phase: string(1, { enum: ['Active', 'Terminating'] }),
    conditions: list(2, NamespaceCondition, {
      listType: 'map',
      keys: ['type'],
      patchStrategy: 'merge',
      patchMergeKey: 'type',
    }),
  },
  {
    defaults(value) {
      value.phase ||= 'Active';
    },
  },
);
export type NamespaceStatus = TypeOf<typeof NamespaceStatus>;

export const Namespace = kind('io.k8s.api.core.v1.Namespace', {
  spec: field(2, NamespaceSpec, { emitZero: {} }),
  status: field(3, NamespaceStatus, { emitZero: {} }),
});
export type Namespace = TypeOf<typeof Namespace>;
