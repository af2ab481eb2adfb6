// What a definition may not say, and how it is told.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { JSONSchemaProps } from '../../../api/types/apiextensions/json-schema-props.ts';
import { crdStrategy } from '../../../apiserver/extensions/crd-strategy.ts';
import { changedDefinitionProblems, newDefinitionProblems } from '../../../apiserver/extensions/crd-validation.ts';
import { aDefinition, anything, aVersion, type Crd, established } from './example.ts';

const say = (rows: readonly { path: string; message: string }[]) =>
  rows.map(({ path, message }) => `${path}: ${message}`);
const root = 'spec.validation.openAPIV3Schema';

const schemas: { of: string; schema: JSONSchemaProps; says: string[] }[] = [
  { of: 'a plain structure', schema: { type: 'object', properties: { a: { type: 'string' } } }, says: [] },
  { of: 'no type at the root', schema: {}, says: [`${root}.type: Required value: must not be empty at the root`] },
  {
    of: 'another type at the root',
    schema: { type: 'string' },
    says: [`${root}.type: Invalid value: "string": must be object at the root`],
  },
  {
    of: 'an unknown type',
    schema: { type: 'object', properties: { a: { type: 'text' } } },
    says: [
      `${root}.properties[a].type: Unsupported value: "text": supported values: "array", "boolean", "integer", "number", "object", "string"`,
    ],
  },
  {
    of: 'an item without a type',
    schema: { type: 'object', properties: { a: { type: 'array', items: {} } } },
    says: [`${root}.properties[a].items.type: Required value: must not be empty for specified array items`],
  },
  {
    of: 'a type inside of anyOf',
    schema: { type: 'object', properties: { a: { type: 'string', anyOf: [{ type: 'string', minLength: 1 }] } } },
    says: [`${root}.properties[a].anyOf[0].type: Forbidden: must be empty to be structural`],
  },
  {
    of: 'the two types of an int-or-string',
    schema: {
      type: 'object',
      properties: { a: { 'x-kubernetes-int-or-string': true, anyOf: [{ type: 'integer' }, { type: 'string' }] } },
    },
    says: [],
  },
  {
    of: 'a rule on what no structure has',
    schema: { type: 'object', oneOf: [{ required: ['a'], properties: { a: { minLength: 1 } } }] },
    says: [`${root}.properties[a]: Required value: because it is defined in ${root}.oneOf[0].properties[a]`],
  },
  {
    of: 'more than names of metadata',
    schema: {
      type: 'object',
      properties: { metadata: { type: 'object', properties: { labels: { type: 'object' } } } },
    },
    says: [
      `${root}.properties[metadata]: Forbidden: must not specify anything other than name and generateName, but metadata is implicitly specified`,
    ],
  },
  {
    of: 'a limit on the name',
    schema: {
      type: 'object',
      properties: { metadata: { type: 'object', properties: { name: { type: 'string', maxLength: 9 } } } },
    },
    says: [],
  },
  {
    of: 'nullable at the root',
    schema: { type: 'object', nullable: true },
    says: [`${root}.nullable: Forbidden: nullable cannot be true at the root`],
  },
  {
    of: 'a default of the wrong type',
    schema: { type: 'object', properties: { a: { type: 'integer', default: 'x' } } },
    says: [
      `${root}.properties[a].default: Invalid value: "string": ${root}.properties[a].default in body must be of type integer: "string"`,
    ],
  },
  {
    of: 'a map type on a list',
    schema: {
      type: 'object',
      properties: { a: { type: 'array', items: { type: 'string' }, 'x-kubernetes-map-type': 'atomic' } },
    },
    says: [`${root}.properties[a].type: Invalid value: "array": must be object if x-kubernetes-map-type is specified`],
  },
  {
    of: 'an unknown list type',
    schema: {
      type: 'object',
      properties: { a: { type: 'array', items: { type: 'string' }, 'x-kubernetes-list-type': 'bag' } },
    },
    says: [
      `${root}.properties[a].x-kubernetes-list-type: Unsupported value: "bag": supported values: "atomic", "set", "map"`,
    ],
  },
  {
    of: 'a keyed list without keys',
    schema: {
      type: 'object',
      properties: { a: { type: 'array', items: { type: 'object' }, 'x-kubernetes-list-type': 'map' } },
    },
    says: [
      `${root}.properties[a].x-kubernetes-list-map-keys: Required value: must not be empty if x-kubernetes-list-type is map`,
    ],
  },
  {
    of: 'a set of structures that are merged',
    schema: {
      type: 'object',
      properties: { a: { type: 'array', items: { type: 'object' }, 'x-kubernetes-list-type': 'set' } },
    },
    says: [
      `${root}.properties[a].items.x-kubernetes-map-type: Invalid value: null: must be atomic as item of a list with x-kubernetes-list-type=set`,
    ],
  },
  {
    of: 'an embedded object that keeps nothing',
    schema: { type: 'object', properties: { a: { type: 'object', 'x-kubernetes-embedded-resource': true } } },
    says: [
      `${root}.properties[a].properties: Required value: must not be empty if x-kubernetes-embedded-resource is true without x-kubernetes-preserve-unknown-fields`,
    ],
  },
  {
    of: 'a pattern that looks ahead',
    schema: { type: 'object', properties: { a: { type: 'string', pattern: '^(?=a)' } } },
    says: [
      `${root}.properties[a].pattern: Invalid value: "^(?=a)": must be a valid regular expression, but isn't: error parsing regexp: invalid or unsupported Perl syntax: \`(?=\``,
    ],
  },
];
for (const { of, schema, says } of schemas) {
  test(`a schema with ${of}: ${says.length === 0 ? 'fine' : 'refused'}`, () => {
    assert.deepEqual(say(newDefinitionProblems(established(aDefinition('things', [aVersion('v1', schema)])))), says);
  });
}

const edits: { of: string; edit(crd: Crd): void; says: string[] }[] = [
  { of: 'nothing odd', edit() {}, says: [] },
  {
    of: 'another name than its plural and group make',
    edit({ metadata }) {
      metadata.name = 'other.test.example.com';
    },
    says: ['metadata.name: Invalid value: "other.test.example.com": must be spec.names.plural+"."+spec.group'],
  },
  {
    of: 'a group without a dot',
    edit({ metadata, spec }) {
      spec.group = 'local';
      metadata.name = 'things.local';
    },
    says: ['spec.group: Invalid value: "local": should be a domain with at least one dot'],
  },
  {
    of: 'one name for kind and list',
    edit({ spec }) {
      spec.names.listKind = 'Thing';
    },
    says: ['spec.names.listKind: Invalid value: "Thing": kind and listKind may not be the same'],
  },
  {
    of: 'a version twice',
    edit: ({ spec }) => void spec.versions.push({ ...spec.versions[0]!, storage: false }),
    says: [
      'spec.versions: Invalid value: [{"Name":"v1","Served":true,"Storage":true,"Deprecated":false,"DeprecationWarning":null,"Schema":null,"Subresources":null,"AdditionalPrinterColumns":null,"SelectableFields":null},{"Name":"v1","Served":true,"Storage":false,"Deprecated":false,"DeprecationWarning":null,"Schema":null,"Subresources":null,"AdditionalPrinterColumns":null,"SelectableFields":null}]: must contain unique version names',
    ],
  },
  {
    of: 'a warning for what is not deprecated',
    edit({ spec }) {
      spec.versions[0]!.deprecationWarning = 'old';
    },
    says: ['spec.versions[0].deprecationWarning: Invalid value: "old": can only be set for deprecated versions'],
  },
  {
    of: 'a column of no known type',
    edit({ spec }) {
      spec.versions[0]!.additionalPrinterColumns = [{ name: 'A', type: 'text', jsonPath: 'spec' }];
    },
    says: [
      'spec.additionalPrinterColumns[0].type: Invalid value: "text": must be one of boolean,date,integer,number,string',
      'spec.additionalPrinterColumns[0].JSONPath: Invalid value: "spec": must be a simple json path starting with .',
    ],
  },
  {
    of: 'a bad schema in one of two versions',
    edit: ({ spec }) =>
      void spec.versions.push({ ...spec.versions[0]!, name: 'v2', storage: false, schema: { openAPIV3Schema: {} } }),
    says: ['spec.versions[1].schema.openAPIV3Schema.type: Required value: must not be empty at the root'],
  },
  {
    of: 'a webhook that is not asked for',
    edit({ spec }) {
      spec.conversion = {
        strategy: 'None',
        webhook: { clientConfig: { url: 'https://x' }, conversionReviewVersions: ['v1'] },
      };
    },
    says: [
      'spec.conversion.webhookClientConfig: Forbidden: should not be set when strategy is not set to Webhook',
      'spec.conversion.conversionReviewVersions: Forbidden: should not be set when strategy is not set to Webhook',
    ],
  },
  {
    of: 'an approval that is no address',
    edit({ metadata, spec }) {
      spec.group = 'x.k8s.io';
      metadata.name = 'things.x.k8s.io';
      metadata.annotations = { 'api-approved.kubernetes.io': 'yes' };
    },
    says: [
      'metadata.annotations[api-approved.kubernetes.io]: Invalid value: "yes": protected groups must have approval annotation "api-approved.kubernetes.io" with either a URL or a reason starting with "unapproved", see https://github.com/kubernetes/enhancements/pull/1111',
    ],
  },
];
for (const { of, edit, says } of edits) {
  test(`a definition with ${of}: ${says.length === 0 ? 'fine' : 'refused'}`, () => {
    const crd = structuredClone(established(aDefinition('things', [aVersion('v1', anything)])));
    crd.status.acceptedNames = { plural: '', kind: '' };
    edit(crd);
    assert.deepEqual(say(newDefinitionProblems(crd)), says);
  });
}

test('scope and kind may change until the definition is established, group and plural never', () => {
  const current = established(aDefinition('things', [aVersion('v1', anything)]));
  const next = structuredClone(current);
  next.spec.scope = 'Cluster';
  next.spec.names = { ...next.spec.names, plural: 'others', kind: 'Other' };
  const paths = (was: Crd) => changedDefinitionProblems(next, was).map(({ path }) => path);
  assert.deepEqual(paths(current), ['spec.scope', 'spec.names.kind', 'spec.names.plural']);
  assert.deepEqual(paths({ ...current, status: { ...current.status, conditions: [] } }), ['spec.names.plural']);
});

test('a new stored version is noted beside those that were', () => {
  const current = established(aDefinition('things', [aVersion('v1', anything)]));
  const next = structuredClone(current);
  next.spec.versions = [{ ...next.spec.versions[0]!, storage: false }, aVersion('v2', anything)];
  crdStrategy.prepareForUpdate!(next, current, undefined as never);
  assert.deepEqual(next.status.storedVersions, ['v1', 'v2']);
});

test('formats that nobody knows are warned about once', () => {
  const odd = { type: 'string', format: 'color' };
  const crd = established(aDefinition('things', [aVersion('v1', { type: 'object', properties: { a: odd, b: odd } })]));
  assert.deepEqual(crdStrategy.warnings!(crd, undefined), ['unrecognized format "color"']);
  assert.deepEqual(crdStrategy.warnings!(crd, crd), []);
});
