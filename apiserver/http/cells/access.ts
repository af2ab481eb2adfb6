// What decides about requests, in rows: admission policies and flow control.
import type {
  MutatingAdmissionPolicy,
  MutatingAdmissionPolicyBinding,
} from '../../../api/types/admissionregistration/mutating-admission-policy.ts';
import type {
  ValidatingAdmissionPolicy,
  ValidatingAdmissionPolicyBinding,
} from '../../../api/types/admissionregistration/validating-admission-policy.ts';
import type { FlowSchema } from '../../../api/types/flowcontrol/flow-schema.ts';
import type { PriorityLevelConfiguration } from '../../../api/types/flowcontrol/priority-level-configuration.ts';
import { NONE, since, UNSET } from './words.ts';

type ParamKind = ValidatingAdmissionPolicy['spec']['paramKind'];

const paramKindCell = (kind: ParamKind) => (kind ? `${kind.apiVersion}/${kind.kind}` : UNSET);

export function validatingPolicyCells({ spec }: ValidatingAdmissionPolicy): unknown[] {
  return [spec.validations?.length ?? 0, paramKindCell(spec.paramKind)];
}

export function mutatingPolicyCells({ spec }: MutatingAdmissionPolicy): unknown[] {
  return [spec.mutations?.length ?? 0, paramKindCell(spec.paramKind)];
}

type Binding = ValidatingAdmissionPolicyBinding | MutatingAdmissionPolicyBinding;

export function policyBindingCells({ spec }: Binding): unknown[] {
  const { name, namespace } = spec.paramRef ?? {};
  return [name ? `${namespace || '*'}/${name}` : UNSET];
}

export function flowSchemaCells({ spec, status, metadata }: FlowSchema, nowMs: number): unknown[] {
  const dangling = status.conditions?.find(({ type }) => type === 'Dangling');
  const age = since(metadata.creationTimestamp, nowMs);
  return [spec.distinguisherMethod?.type ?? NONE, age, dangling?.status ?? '?'];
}

export function priorityLevelCells({ spec }: PriorityLevelConfiguration): unknown[] {
  const { nominalConcurrencyShares: shares, limitResponse } = spec.limited ?? {};
  const { queues, handSize, queueLengthLimit } = limitResponse?.queuing ?? {};
  return [shares, queues, handSize, queueLengthLimit].map((number) => number ?? NONE);
}
