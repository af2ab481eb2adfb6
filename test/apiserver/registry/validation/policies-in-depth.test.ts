// Admission policies, API services, priority levels, hints of endpoint slices, and what all objects have.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { decode } from '../../../../api/schema/decode.ts';
import { applyDefaults } from '../../../../api/schema/defaults.ts';
import type { KubeObject } from '../../../../api/schema/kind.ts';
import type { ObjectSchema } from '../../../../api/schema/schema.ts';
import type { FieldProblem } from '../../../../api/status.ts';
import {
  MutatingAdmissionPolicy,
  MutatingAdmissionPolicyBinding,
} from '../../../../api/types/admissionregistration/mutating-admission-policy.ts';
import {
  ValidatingAdmissionPolicy,
  ValidatingAdmissionPolicyBinding,
} from '../../../../api/types/admissionregistration/validating-admission-policy.ts';
import { ValidatingWebhookConfiguration } from '../../../../api/types/admissionregistration/webhook-configuration.ts';
import { APIService } from '../../../../api/types/apiregistration/api-service.ts';
import { ConfigMap } from '../../../../api/types/core/config-map.ts';
import { EndpointSlice } from '../../../../api/types/discovery/endpoint-slice.ts';
import { PriorityLevelConfiguration } from '../../../../api/types/flowcontrol/priority-level-configuration.ts';
import {
  admissionPolicyProblems,
  mutatingPolicyBindingProblems,
  mutatingPolicyProblems,
  policyBindingProblems,
} from '../../../../apiserver/registry/validation/admission-policies.ts';
import { apiServiceProblems } from '../../../../apiserver/registry/validation/api-services.ts';
import { endpointSliceProblems } from '../../../../apiserver/registry/validation/endpoints.ts';
import { priorityLevelProblems } from '../../../../apiserver/registry/validation/flow-control.ts';
import { objectMetaProblems } from '../../../../apiserver/registry/validation/object-meta.ts';
import { webhooksProblems } from '../../../../apiserver/registry/validation/webhooks.ts';
import { rows } from './rows.ts';

type Fields = Record<string, unknown>;

function made<T extends KubeObject>(schema: ObjectSchema<T>, body: Fields): T {
  const object = decode(schema, { metadata: { name: 'x' }, ...body }).value as T;
  applyDefaults(schema, object);
  return object;
}

const rule = (more: Fields = {}) => ({
  ...{ operations: ['CREATE'], apiGroups: [''], apiVersions: ['v1'], resources: ['pods'] },
  ...more,
});
const matching = (more: Fields = {}) => ({ matchConstraints: { resourceRules: [rule(more)] } });
const policy = (spec: Fields) =>
  made(ValidatingAdmissionPolicy, { spec: { ...matching(), validations: [{ expression: 'true' }], ...spec } });
const mutation = { patchType: 'ApplyConfiguration', applyConfiguration: { expression: 'Object{}' } };
const mutating = (spec: Fields) =>
  made(MutatingAdmissionPolicy, {
    spec: { ...matching(), mutations: [mutation], reinvocationPolicy: 'Never', ...spec },
  });
const binding = (spec: Fields) =>
  made(ValidatingAdmissionPolicyBinding, { spec: { policyName: 'p', validationActions: ['Deny'], ...spec } });
const hooks = (resources: string[]) =>
  made(ValidatingWebhookConfiguration, {
    webhooks: [
      {
        ...{ name: 'a.b.c', sideEffects: 'None', admissionReviewVersions: ['v1'], clientConfig: { url: 'https://x' } },
        rules: [rule({ resources })],
      },
    ],
  });
const service = (name: string, spec: Fields) => made(APIService, { metadata: { name }, spec });
const priorities = { groupPriorityMinimum: 1, versionPriority: 1 };
const level = (queuing: Fields) =>
  made(PriorityLevelConfiguration, {
    spec: { type: 'Limited', limited: { limitResponse: { type: 'Queue', queuing } } },
  });
const slice = (endpoint: Fields) =>
  made(EndpointSlice, { addressType: 'IPv4', endpoints: [{ addresses: ['10.0.0.1'], ...endpoint }], ports: [] });
const label =
  "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must start and " +
  "end with an alphanumeric character (e.g. 'MyValue',  or 'my_value',  or '12345', regex used for validation is " +
  "'(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?')";

const cases: { it: string; found: () => FieldProblem[]; says: string[] }[] = [
  {
    it: 'a policy names the parts of its parameters',
    found: () => admissionPolicyProblems(policy({ paramKind: { apiVersion: 'a/b/c', kind: '' } })),
    says: [
      'spec.paramKind.apiVersion: Invalid value: "a/b/c": unexpected GroupVersion string: a/b/c',
      'spec.paramKind.kind: Required value',
    ],
  },
  {
    it: 'names in rules are segments of paths, each once, before what they are done with',
    found: () => admissionPolicyProblems(policy(matching({ resourceNames: ['a/b', 'c', 'c'], operations: [] }))),
    says: [
      `spec.matchConstraints.resourceRules[0].resourceNames[0]: Invalid value: "a/b": may not contain '/'`,
      'spec.matchConstraints.resourceRules[0].resourceNames[2]: Duplicate value: "c"',
      'spec.matchConstraints.resourceRules[0].operations: Required value',
    ],
  },
  {
    it: 'variables are identifiers',
    found: () =>
      admissionPolicyProblems(
        policy({ variables: [{ name: 'a b', expression: '1' }, { name: 'in', expression: '1' }, { expression: '' }] }),
      ),
    says: [
      'spec.variables[0].name: Invalid value: "a b": name is not a valid CEL identifier',
      'spec.variables[1].name: Invalid value: "in": name is not a valid CEL identifier',
      'spec.variables[2].name: Required value: name is not specified',
      'spec.variables[2].expression: Required value: expression is not specified',
    ],
  },
  {
    it: 'messages of a policy are one line',
    found: () =>
      admissionPolicyProblems(
        policy({ validations: [{ expression: 'true', message: 'a\nb', messageExpression: ' ' }] }),
      ),
    says: [
      'spec.validations[0].messageExpression: Invalid value: " ": must be non-empty if specified',
      'spec.validations[0].message: Invalid value: "a\\nb": message must not contain line breaks',
    ],
  },
  {
    it: 'annotations of the audit log have keys of their own',
    found: () =>
      admissionPolicyProblems(
        policy({
          auditAnnotations: [
            { key: 'k', valueExpression: '"a"' },
            { key: 'k', valueExpression: '' },
          ],
        }),
      ),
    says: [
      'spec.auditAnnotations[1].valueExpression: Required value: valueExpression is not specified',
      'spec.auditAnnotations[1].key: Duplicate value: "k"',
    ],
  },
  {
    it: 'parameters are found by name or by selector',
    found: () =>
      policyBindingProblems(binding({ paramRef: { name: 'a', selector: {}, parameterNotFoundAction: 'Deny' } })),
    says: [
      'spec.paramRef.name: Forbidden: name and selector are mutually exclusive',
      'spec.paramRef.selector: Forbidden: name and selector are mutually exclusive',
    ],
  },
  {
    it: 'a mutating policy changes something',
    found: () => mutatingPolicyProblems(mutating({ mutations: [], reinvocationPolicy: '' })),
    says: [
      'spec.mutations: Required value: mutations must contain at least one item',
      'spec.reinvocationPolicy: Required value',
    ],
  },
  {
    it: 'each mutation has the patch that it says',
    found: () =>
      mutatingPolicyProblems(
        mutating({
          mutations: [
            { patchType: '' },
            { patchType: 'X' },
            { patchType: 'JSONPatch' },
            { patchType: 'JSONPatch', jsonPatch: { expression: ' ' }, applyConfiguration: { expression: 'Object{}' } },
          ],
        }),
      ),
    says: [
      'spec.mutations[0].patchType: Required value',
      'spec.mutations[1].patchType: Unsupported value: "X": supported values: "ApplyConfiguration", "JSONPatch"',
      'spec.mutations[2].jsonPatch: Required value: must be specified when patchType is JSONPatch',
      'spec.mutations[3].jsonPatch.expression: Required value',
      'spec.mutations[3].applyConfiguration: Invalid value: "{applyConfiguration}": must not be specified when ' +
        'patchType is JSONPatch',
    ],
  },
  {
    it: 'what goes cannot be changed',
    found: () => mutatingPolicyProblems(mutating(matching({ operations: ['CREATE', 'DELETE'] }))),
    says: [
      'spec.matchConstraints.resourceRules.operations: Unsupported value: "DELETE": supported values: "*", "CONNECT", ' +
        '"CREATE", "UPDATE"',
    ],
  },
  {
    it: 'a binding names its policy',
    found: () => mutatingPolicyBindingProblems(made(MutatingAdmissionPolicyBinding, { spec: {} })),
    says: ['spec.policyName: Required value'],
  },
  {
    it: 'a wildcard speaks of the resources after it',
    found: () => webhooksProblems(hooks(['pods/log', 'pods/*', 'pods/exec', '*/scale', 'a/scale'])),
    says: [
      `webhooks[0].rules[0].resources[2]: Invalid value: "pods/exec": if 'pods/*' is present, must not specify pods/exec`,
      `webhooks[0].rules[0].resources[4]: Invalid value: "a/scale": if '*/scale' is present, must not specify a/scale`,
    ],
  },
  {
    it: 'an API service has priorities',
    found: () => apiServiceProblems(service('v1.a.b', { group: 'a.b', version: 'v1', groupPriorityMinimum: 20_001 })),
    says: [
      'spec.groupPriorityMinimum: Invalid value: 20001: must be positive and less than 20000',
      'spec.versionPriority: Invalid value: 0: must be positive and less than 1000',
    ],
  },
  {
    it: 'a local API service is not talked to',
    found: () =>
      apiServiceProblems(
        service('v1.', { version: 'v1', caBundle: 'Zm9v', insecureSkipTLSVerify: true, ...priorities }),
      ),
    says: [
      'spec.caBundle: Invalid value: "3 bytes": local APIServices may not have a caBundle',
      'spec.insecureSkipTLSVerify: Invalid value: true: local APIServices may not have insecureSkipTLSVerify',
    ],
  },
  {
    it: 'an API service elsewhere is named, and trusted in one way',
    found: () =>
      apiServiceProblems(
        service('v2.', { version: 'v2', service: {}, caBundle: 'Zm9v', insecureSkipTLSVerify: true, ...priorities }),
      ),
    says: [
      'spec.group: Required value: only v1 may have an empty group and it better be legacy kube',
      'spec.service.namespace: Required value',
      'spec.service.name: Required value',
      'spec.insecureSkipTLSVerify: Invalid value: true: may not be true if caBundle is present',
    ],
  },
  {
    it: 'hands of queues are dealt by one hash',
    found: () => priorityLevelProblems(level({ queues: 1_000_000, handSize: 10 })),
    says: [
      'spec.limited.limitResponse.queuing.handSize: Invalid value: 10: required entropy bits of deckSize 1000000 and ' +
        'handSize 10 should not be greater than 60',
    ],
  },
  { it: 'small hands are dealt', found: () => priorityLevelProblems(level({ queues: 512, handSize: 6 })), says: [] },
  {
    it: 'hints of an endpoint are different ones',
    found: () => endpointSliceProblems(slice({ hints: { forZones: [{ name: 'a' }, { name: 'a' }] } })),
    says: ['endpoints[0].hints.forZones[1].name: Duplicate value: "a"'],
  },
  {
    it: 'old topology is labels',
    found: () => endpointSliceProblems(slice({ deprecatedTopology: { a: 'c d' } })),
    says: [`endpoints[0].deprecatedTopology: Invalid value: "c d": ${label}`],
  },
  {
    it: 'a generation counts up from zero',
    found: () =>
      objectMetaProblems(made(ConfigMap, { metadata: { name: 'x', generation: -1 } }), { namespaced: false }),
    says: ['metadata.generation: Invalid value: -1: must be greater than or equal to 0'],
  },
];

for (const { it, found, says } of cases) test(it, () => assert.deepEqual(rows(found()), says));
