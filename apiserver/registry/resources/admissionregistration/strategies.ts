// Webhooks and admission policies.
import type {
  MutatingAdmissionPolicy,
  MutatingAdmissionPolicyBinding,
} from '../../../../api/types/admissionregistration/mutating-admission-policy.ts';
import type {
  ValidatingAdmissionPolicy,
  ValidatingAdmissionPolicyBinding,
} from '../../../../api/types/admissionregistration/validating-admission-policy.ts';
import type {
  MutatingWebhookConfiguration,
  ValidatingWebhookConfiguration,
} from '../../../../api/types/admissionregistration/webhook-configuration.ts';
import type { Strategy } from '../../strategy.ts';
import {
  admissionPolicyProblems,
  mutatingPolicyBindingProblems,
  mutatingPolicyProblems,
  policyBindingProblems,
} from '../../validation/admission-policies.ts';
import { webhooksProblems } from '../../validation/webhooks.ts';

export const webhookStrategy: Strategy<ValidatingWebhookConfiguration | MutatingWebhookConfiguration> = {
  hasGeneration: true,
  validateCreate: webhooksProblems,
  validateUpdate: webhooksProblems,
};

export const admissionPolicyStrategy: Strategy<ValidatingAdmissionPolicy> = {
  hasGeneration: true,
  validateCreate: admissionPolicyProblems,
  validateUpdate: admissionPolicyProblems,
};

export const policyBindingStrategy: Strategy<ValidatingAdmissionPolicyBinding> = {
  hasGeneration: true,
  validateCreate: policyBindingProblems,
  validateUpdate: policyBindingProblems,
};

export const mutatingPolicyStrategy: Strategy<MutatingAdmissionPolicy> = {
  hasGeneration: true,
  validateCreate: mutatingPolicyProblems,
  validateUpdate: mutatingPolicyProblems,
};

export const mutatingPolicyBindingStrategy: Strategy<MutatingAdmissionPolicyBinding> = {
  hasGeneration: true,
  validateCreate: mutatingPolicyBindingProblems,
  validateUpdate: mutatingPolicyBindingProblems,
};
