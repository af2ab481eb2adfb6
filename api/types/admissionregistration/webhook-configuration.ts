// Webhooks that see objects before they are stored.

import { kind } from '../../schema/kind.ts';
import { aString, bytes, field, int32, list, object, ptr, required, string, type TypeOf } from '../../schema/schema.ts';
import { LabelSelector } from '../meta/label-selector.ts';
import { MatchCondition, RuleWithOperations } from './match.ts';

export const ServiceReference = object(
  'io.k8s.api.admissionregistration.v1.ServiceReference',
  {
    namespace: string(1, { required, emitZero: '' }),
    name: string(2, { required, emitZero: '' }),
    path: string(3, { ptr }),
    port: int32(4, { ptr }),
  },
  {
    defaults(value) {
      value.port ??= 443;
    },
  },
);
export type ServiceReference = TypeOf<typeof ServiceReference>;

export const WebhookClientConfig = object('io.k8s.api.admissionregistration.v1.WebhookClientConfig', {
  service: field(1, ServiceReference, { ptr }),
  caBundle: bytes(2),
  url: string(3, { ptr }),
});
export type WebhookClientConfig = TypeOf<typeof WebhookClientConfig>;

export const ValidatingWebhook = object(
  'io.k8s.api.admissionregistration.v1.ValidatingWebhook',
  {
    name: string(1, { required, emitZero: '' }),
    clientConfig: field(2, WebhookClientConfig, { required, emitZero: {} }),
    rules: list(3, RuleWithOperations, { listType: 'atomic' }),
    failurePolicy: string(4, { ptr, enum: ['Fail', 'Ignore'] }),
    namespaceSelector: field(5, LabelSelector, { ptr }),
    sideEffects: string(6, { required, ptr, emitZero: null, enum: ['None', 'NoneOnDryRun', 'Some', 'Unknown'] }),
    timeoutSeconds: int32(7, { ptr }),
    admissionReviewVersions: list(8, aString, { required, emitZero: null, listType: 'atomic' }),
    matchPolicy: string(9, { ptr, enum: ['Equivalent', 'Exact'] }),
    objectSelector: field(10, LabelSelector, { ptr }),
    matchConditions: list(11, MatchCondition, {
      listType: 'map',
      keys: ['name'],
      patchStrategy: 'merge',
      patchMergeKey: 'name',
    }),
  },
  {
    defaults(value) {
      value.failurePolicy ??= 'Fail';
      value.matchPolicy ??= 'Equivalent';
      value.namespaceSelector ??= {};
      value.objectSelector ??= {};
      value.timeoutSeconds ??= 10;
    },
  },
);
export type ValidatingWebhook = TypeOf<typeof ValidatingWebhook>;

export const ValidatingWebhookConfiguration = kind(
  'io.k8s.api.admissionregistration.v1.ValidatingWebhookConfiguration',
  {
    webhooks: list(2, ValidatingWebhook, {
      listType: 'map',
      keys: ['name'],
      patchStrategy: 'merge',
      patchMergeKey: 'name',
      protoName: 'Webhooks',
    }),
  },
);
export type ValidatingWebhookConfiguration = TypeOf<typeof ValidatingWebhookConfiguration>;

export const MutatingWebhook = object(
  'io.k8s.api.admissionregistration.v1.MutatingWebhook',
  {
    name: string(1, { required, emitZero: '' }),
    clientConfig: field(2, WebhookClientConfig, { required, emitZero: {} }),
    rules: list(3, RuleWithOperations, { listType: 'atomic' }),
    failurePolicy: string(4, { ptr, enum: ['Fail', 'Ignore'] }),
    namespaceSelector: field(5, LabelSelector, { ptr }),
    sideEffects: string(6, { required, ptr, emitZero: null, enum: ['None', 'NoneOnDryRun', 'Some', 'Unknown'] }),
    timeoutSeconds: int32(7, { ptr }),
    admissionReviewVersions: list(8, aString, { required, emitZero: null, listType: 'atomic' }),
    matchPolicy: string(9, { ptr, enum: ['Equivalent', 'Exact'] }),
    reinvocationPolicy: string(10, { ptr, enum: ['IfNeeded', 'Never'] }),
    objectSelector: field(11, LabelSelector, { ptr }),
    matchConditions: list(12, MatchCondition, {
      listType: 'map',
      keys: ['name'],
      patchStrategy: 'merge',
      patchMergeKey: 'name',
    }),
  },
  {
    defaults(value) {
      value.failurePolicy ??= 'Fail';
      value.matchPolicy ??= 'Equivalent';
      value.namespaceSelector ??= {};
      value.objectSelector ??= {};
      value.timeoutSeconds ??= 10;
      value.reinvocationPolicy ??= 'Never';
    },
  },
);
export type MutatingWebhook = TypeOf<typeof MutatingWebhook>;

export const MutatingWebhookConfiguration = kind('io.k8s.api.admissionregistration.v1.MutatingWebhookConfiguration', {
  webhooks: list(2, MutatingWebhook, {
    listType: 'map',
    keys: ['name'],
    patchStrategy: 'merge',
    patchMergeKey: 'name',
    protoName: 'Webhooks',
  }),
});
export type MutatingWebhookConfiguration = TypeOf<typeof MutatingWebhookConfiguration>;
