// IngressClass: who carries ingresses out.

import { kind } from '../../schema/kind.ts';
import { field, object, ptr, required, string, type TypeOf } from '../../schema/schema.ts';

export const IngressClassParametersReference = object('io.k8s.api.networking.v1.IngressClassParametersReference', {
  apiGroup: string(1, { ptr, protoName: 'aPIGroup' }),
  kind: string(2, { required, emitZero: '' }),
  name: string(3, { required, emitZero: '' }),
  scope: string(4, { ptr, emitZero: null }),
  namespace: string(5, { ptr }),
});
export type IngressClassParametersReference = TypeOf<typeof IngressClassParametersReference>;

export const IngressClassSpec = object('io.k8s.api.networking.v1.IngressClassSpec', {
  controller: string(1),
  parameters: field(2, IngressClassParametersReference, { ptr }),
});
export type IngressClassSpec = TypeOf<typeof IngressClassSpec>;

export const IngressClass = kind(
  'io.k8s.api.networking.v1.IngressClass',
  {
    spec: field(2, IngressClassSpec, { emitZero: {} }),
  },
  {
    defaults(value) {
      if (value.spec.parameters) value.spec.parameters.scope ??= 'Cluster';
    },
  },
);
export type IngressClass = TypeOf<typeof IngressClass>;
