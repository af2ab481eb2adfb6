// Validation by expressions, without a webhook.

import { kind } from '../../schema/kind.ts';
import { field, int64, list, object, ptr, required, string, type TypeOf } from '../../schema/schema.ts';
import { oneOf } from '../build.ts';
import { Condition } from '../meta/condition.ts';
import { MatchCondition, MatchResources } from './match.ts';
import { ParamKind, ParamRef, Variable } from './policy-parts.ts';

export const Validation = object('io.k8s.api.admissionregistration.v1.Validation', {
  expression: string(1, { required, emitZero: '', protoName: 'Expression' }),
  message: string(2),
  reason: string(3, { ptr }),
  messageExpression: string(4),
});
export type Validation = TypeOf<typeof Validation>;

export const AuditAnnotation = object('io.k8s.api.admissionregistration.v1.AuditAnnotation', {
  key: string(1, { required, emitZero: '' }),
  valueExpression: string(2, { required, emitZero: '' }),
});
export type AuditAnnotation = TypeOf<typeof AuditAnnotation>;

export const ValidatingAdmissionPolicySpec = object(
  'io.k8s.api.admissionregistration.v1.ValidatingAdmissionPolicySpec',
  {
    paramKind: field(1, ParamKind, { ptr }),
    matchConstraints: field(2, MatchResources, { ptr }),
    validations: list(3, Validation, { listType: 'atomic' }),
    failurePolicy: string(4, { ptr, enum: ['Fail', 'Ignore'] }),
    auditAnnotations: list(5, AuditAnnotation, { listType: 'atomic' }),
    matchConditions: list(6, MatchCondition, {
      listType: 'map',
      keys: ['name'],
      patchStrategy: 'merge',
      patchMergeKey: 'name',
    }),
    variables: list(7, Variable, { listType: 'map', keys: ['name'], patchStrategy: 'merge', patchMergeKey: 'name' }),
  },
  {
    defaults(value) {
      value.failurePolicy ??= 'Fail';
    },
  },
);
export type ValidatingAdmissionPolicySpec = TypeOf<typeof ValidatingAdmissionPolicySpec>;

export const ExpressionWarning = object('io.k8s.api.admissionregistration.v1.ExpressionWarning', {
  fieldRef: string(2, { required, emitZero: '' }),
  warning: string(3, { required, emitZero: '' }),
});
export type ExpressionWarning = TypeOf<typeof ExpressionWarning>;

export const TypeChecking = object('io.k8s.api.admissionregistration.v1.TypeChecking', {
  expressionWarnings: list(1, ExpressionWarning, { listType: 'atomic' }),
});
export type TypeChecking = TypeOf<typeof TypeChecking>;

export const ValidatingAdmissionPolicyStatus = object(
  'io.k8s.api.admissionregistration.v1.ValidatingAdmissionPolicyStatus',
  {
    observedGeneration: int64(1),
    typeChecking: field(2, TypeChecking, { ptr }),
    conditions: list(3, Condition, { listType: 'map', keys: ['type'] }),
  },
);
export type ValidatingAdmissionPolicyStatus = TypeOf<typeof ValidatingAdmissionPolicyStatus>;

export const ValidatingAdmissionPolicy = kind('io.k8s.api.admissionregistration.v1.ValidatingAdmissionPolicy', {
  spec: field(2, ValidatingAdmissionPolicySpec, { emitZero: {} }),
  status: field(3, ValidatingAdmissionPolicyStatus, { emitZero: {} }),
});
export type ValidatingAdmissionPolicy = TypeOf<typeof ValidatingAdmissionPolicy>;

export const ValidatingAdmissionPolicyBindingSpec = object(
  'io.k8s.api.admissionregistration.v1.ValidatingAdmissionPolicyBindingSpec',
  {
    policyName: string(1, { required }),
    paramRef: field(2, ParamRef, { ptr }),
    matchResources: field(3, MatchResources, { ptr }),
    validationActions: list(4, oneOf('Audit', 'Deny', 'Warn'), { required, listType: 'set' }),
  },
);
export type ValidatingAdmissionPolicyBindingSpec = TypeOf<typeof ValidatingAdmissionPolicyBindingSpec>;

export const ValidatingAdmissionPolicyBinding = kind(
  'io.k8s.api.admissionregistration.v1.ValidatingAdmissionPolicyBinding',
  {
    spec: field(2, ValidatingAdmissionPolicyBindingSpec, { required, emitZero: {} }),
  },
);
export type ValidatingAdmissionPolicyBinding = TypeOf<typeof ValidatingAdmissionPolicyBinding>;
