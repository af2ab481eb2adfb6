// The resources of admissionregistration.k8s.io/v1.
import type { ResourceDefinition } from '../../resource.ts';
import { AGE, ALL_VERBS, integer, NAME, PART, text } from '../resource-parts.ts';
import { MutatingAdmissionPolicy, MutatingAdmissionPolicyBinding } from './mutating-admission-policy.ts';
import { ValidatingAdmissionPolicy, ValidatingAdmissionPolicyBinding } from './validating-admission-policy.ts';
import { MutatingWebhookConfiguration, ValidatingWebhookConfiguration } from './webhook-configuration.ts';

export const mutatingAdmissionPolicies: ResourceDefinition<MutatingAdmissionPolicy> = {
  group: 'admissionregistration.k8s.io',
  version: 'v1',
  kind: 'MutatingAdmissionPolicy',
  listKind: 'MutatingAdmissionPolicyList',
  plural: 'mutatingadmissionpolicies',
  singular: 'mutatingadmissionpolicy',
  categories: ['api-extensions'],
  namespaced: false,
  verbs: ALL_VERBS,
  schema: MutatingAdmissionPolicy,
  subresources: {},
  columns: [NAME, integer('Mutations'), text('ParamKind'), AGE],
  storedAs: 'admissionregistration.k8s.io/v1beta1/MutatingAdmissionPolicy',
};

export const mutatingAdmissionPolicyBindings: ResourceDefinition<MutatingAdmissionPolicyBinding> = {
  group: 'admissionregistration.k8s.io',
  version: 'v1',
  kind: 'MutatingAdmissionPolicyBinding',
  listKind: 'MutatingAdmissionPolicyBindingList',
  plural: 'mutatingadmissionpolicybindings',
  singular: 'mutatingadmissionpolicybinding',
  categories: ['api-extensions'],
  namespaced: false,
  verbs: ALL_VERBS,
  schema: MutatingAdmissionPolicyBinding,
  subresources: {},
  columns: [NAME, text('PolicyName', 'spec.policyName'), text('ParamRef'), AGE],
  storedAs: 'admissionregistration.k8s.io/v1beta1/MutatingAdmissionPolicyBinding',
};

export const mutatingWebhookConfigurations: ResourceDefinition<MutatingWebhookConfiguration> = {
  group: 'admissionregistration.k8s.io',
  version: 'v1',
  kind: 'MutatingWebhookConfiguration',
  listKind: 'MutatingWebhookConfigurationList',
  plural: 'mutatingwebhookconfigurations',
  singular: 'mutatingwebhookconfiguration',
  categories: ['api-extensions'],
  namespaced: false,
  verbs: ALL_VERBS,
  schema: MutatingWebhookConfiguration,
  subresources: {},
  columns: [NAME, integer('Webhooks'), AGE],
};

export const validatingAdmissionPolicies: ResourceDefinition<ValidatingAdmissionPolicy> = {
  group: 'admissionregistration.k8s.io',
  version: 'v1',
  kind: 'ValidatingAdmissionPolicy',
  listKind: 'ValidatingAdmissionPolicyList',
  plural: 'validatingadmissionpolicies',
  singular: 'validatingadmissionpolicy',
  categories: ['api-extensions'],
  namespaced: false,
  verbs: ALL_VERBS,
  schema: ValidatingAdmissionPolicy,
  subresources: {
    status: PART,
  },
  columns: [NAME, integer('Validations'), text('ParamKind'), AGE],
};

export const validatingAdmissionPolicyBindings: ResourceDefinition<ValidatingAdmissionPolicyBinding> = {
  group: 'admissionregistration.k8s.io',
  version: 'v1',
  kind: 'ValidatingAdmissionPolicyBinding',
  listKind: 'ValidatingAdmissionPolicyBindingList',
  plural: 'validatingadmissionpolicybindings',
  singular: 'validatingadmissionpolicybinding',
  categories: ['api-extensions'],
  namespaced: false,
  verbs: ALL_VERBS,
  schema: ValidatingAdmissionPolicyBinding,
  subresources: {},
  columns: [NAME, text('PolicyName', 'spec.policyName'), text('ParamRef'), AGE],
};

export const validatingWebhookConfigurations: ResourceDefinition<ValidatingWebhookConfiguration> = {
  group: 'admissionregistration.k8s.io',
  version: 'v1',
  kind: 'ValidatingWebhookConfiguration',
  listKind: 'ValidatingWebhookConfigurationList',
  plural: 'validatingwebhookconfigurations',
  singular: 'validatingwebhookconfiguration',
  categories: ['api-extensions'],
  namespaced: false,
  verbs: ALL_VERBS,
  schema: ValidatingWebhookConfiguration,
  subresources: {},
  columns: [NAME, integer('Webhooks'), AGE],
};

export const admissionregistrationResources: readonly ResourceDefinition[] = [
  mutatingAdmissionPolicies,
  mutatingAdmissionPolicyBindings,
  mutatingWebhookConfigurations,
  validatingAdmissionPolicies,
  validatingAdmissionPolicyBindings,
  validatingWebhookConfigurations,
];
