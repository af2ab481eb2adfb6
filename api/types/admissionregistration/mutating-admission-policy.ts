// Changes by expressions, without a webhook.

import { kind } from '../../schema/kind.ts';
import { field, list, object, ptr, required, string, type TypeOf } from '../../schema/schema.ts';
import { MatchCondition, MatchResources } from './match.ts';
import { ParamKind, ParamRef, Variable } from './policy-parts.ts';

export const ApplyConfiguration = object('io.k8s.api.admissionregistration.v1.ApplyConfiguration', {
  expression: string(1),
});
export type ApplyConfiguration = TypeOf<typeof ApplyConfiguration>;

export const JSONPatch = object('io.k8s.api.admissionregistration.v1.JSONPatch', {
  expression: string(1),
});
export type JSONPatch = TypeOf<typeof JSONPatch>;

export const Mutation = object('io.k8s.api.admissionregistration.v1.Mutation', {
  patchType: string(2, { required, emitZero: '', enum: ['ApplyConfiguration', 'JSONPatch'] }),
  applyConfiguration: field(3, ApplyConfiguration, { ptr }),
  jsonPatch: field(4, JSONPatch, { ptr }),
});
export type Mutation = TypeOf<typeof Mutation>;

export const MutatingAdmissionPolicySpec = object(
  'io.k8s.api.admissionregistration.v1.MutatingAdmissionPolicySpec',
  {
    paramKind: field(1, ParamKind, { ptr }),
    matchConstraints: field(2, MatchResources, { ptr }),
    variables: list(3, Variable, { listType: 'atomic' }),
    mutations: list(4, Mutation, { listType: 'atomic' }),
    failurePolicy: string(5, { ptr, enum: ['Fail', 'Ignore'] }),
    matchConditions: list(6, MatchCondition, {
      listType: 'map',
      keys: ['name'],
      patchStrategy: 'merge',
      patchMergeKey: 'name',
    }),
    reinvocationPolicy: string(7, { enum: ['IfNeeded', 'Never'] }),
  },
  {
    defaults(value) {
      value.failurePolicy ??= 'Fail';
    },
  },
);
export type MutatingAdmissionPolicySpec = TypeOf<typeof MutatingAdmissionPolicySpec>;

export const MutatingAdmissionPolicy = kind('io.k8s.api.admissionregistration.v1.MutatingAdmissionPolicy', {
  spec: field(2, MutatingAdmissionPolicySpec, { emitZero: {} }),
});
export type MutatingAdmissionPolicy = TypeOf<typeof MutatingAdmissionPolicy>;

export const MutatingAdmissionPolicyBindingSpec = object(
  'io.k8s.api.admissionregistration.v1.MutatingAdmissionPolicyBindingSpec',
  {
    policyName: string(1),
    paramRef: field(2, ParamRef, { ptr }),
    matchResources: field(3, MatchResources, { ptr }),
  },
);
export type MutatingAdmissionPolicyBindingSpec = TypeOf<typeof MutatingAdmissionPolicyBindingSpec>;

export const MutatingAdmissionPolicyBinding = kind(
  'io.k8s.api.admissionregistration.v1.MutatingAdmissionPolicyBinding',
  {
    spec: field(2, MutatingAdmissionPolicyBindingSpec, { emitZero: {} }),
  },
);
export type MutatingAdmissionPolicyBinding = TypeOf<typeof MutatingAdmissionPolicyBinding>;
