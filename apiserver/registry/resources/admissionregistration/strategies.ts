// Webhooks and admission policies.
import type {
  ValidatingAdmissionPolicy,
  ValidatingAdmissionPolicyBinding,
} from '../../../../api/types/admissionregistration/validating-admission-policy.ts';
import type {
  MutatingWebhookConfiguration,
  ValidatingWebhookConfiguration,
} from '../../../../api/types/admissionregistration/webhook-configuration.ts';
import type { Strategy } from '../../strategy.ts';
import { admissionPolicyProblems, policyBindingProblems, webhooksProblems } from '../../validation/webhooks.ts';

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
