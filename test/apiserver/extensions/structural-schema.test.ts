// A JSON schema becomes a schema of ours that reads, defaults and checks values as the definition says.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { decode } from '../../../api/schema/decode.ts';
import { applyDefaults } from '../../../api/schema/defaults.ts';
import { pruneValue } from '../../../api/schema/prune.ts';
import { validate } from '../../../api/schema/validate.ts';
import type { JSONSchemaProps } from '../../../api/types/apiextensions/json-schema-props.ts';
import { conversions } from '../../../apiserver/extensions/custom-conversion.ts';
import { embeddedProblems } from '../../../apiserver/extensions/embedded.ts';
import { schemaProblems } from '../../../apiserver/extensions/schema-rules.ts';
import { structuralProblems } from '../../../apiserver/extensions/structural-rules.ts';
import { customSchema, translate } from '../../../apiserver/extensions/structural-schema.ts';
import { aDefinition, anything, aVersion, kindOf } from './example.ts';

const rootOf = (a: JSONSchemaProps): JSONSchemaProps => ({ type: 'object', properties: { a } });
const object = (a: unknown) => ({ apiVersion: 'test.example.com/v1', kind: 'Thing', metadata: { name: 'x' }, a });

const reads: { of: string; a: JSONSchemaProps; sent: unknown; read: unknown; unknown?: string[] }[] = [
  { of: 'an undeclared field goes', a: { type: 'object' }, sent: { x: 1 }, read: {}, unknown: ['a.x'] },
  { of: 'kept fields stay', a: anything, sent: { x: [1, { y: null }] }, read: { x: [1, { y: null }] } },
  {
    of: 'declared fields inside of kept ones are pruned',
    a: { ...anything, properties: { p: { type: 'object' } } },
    sent: { p: { q: 1 }, z: 2 },
    read: { p: {}, z: 2 },
    unknown: ['a.p.q'],
  },
  {
    of: 'every key of a map stays',
    a: { type: 'object', additionalProperties: { type: 'object', properties: { n: { type: 'integer' } } } },
    sent: { k: { n: 1, m: 2 } },
    read: { k: { n: 1 } },
    unknown: ['a.k.m'],
  },
  {
    of: 'a map of anything',
    a: { type: 'object', additionalProperties: true },
    sent: { k: { n: 1 } },
    read: { k: { n: 1 } },
  },
  {
    of: 'a null goes where none may be and its default comes',
    a: { type: 'object', properties: { n: { type: 'integer', default: 5 } } },
    sent: { n: null },
    read: { n: 5 },
  },
  {
    of: 'a null that is allowed stays',
    a: { type: 'object', properties: { n: { type: 'integer', nullable: true, default: 5 } } },
    sent: { n: null },
    read: { n: null },
  },
  {
    of: 'zero is not unset',
    a: { type: 'object', properties: { n: { type: 'integer', default: 5 }, s: { type: 'string', default: 'x' } } },
    sent: { n: 0, s: '' },
    read: { n: 0, s: '' },
  },
  {
    of: 'defaults reach into lists, maps and other defaults',
    a: {
      type: 'object',
      properties: {
        l: { type: 'array', items: { type: 'object', properties: { n: { type: 'integer', default: 1 } } } },
        d: { type: 'object', default: {}, properties: { n: { type: 'integer', default: 2 } } },
      },
    },
    sent: { l: [{}, { n: 9 }] },
    read: { l: [{ n: 1 }, { n: 9 }], d: { n: 2 } },
  },
  { of: 'wrong types are for validation to find', a: { type: 'integer' }, sent: 'x', read: 'x' },
];
for (const { of, a, sent, read, unknown = [] } of reads) {
  test(`read: ${of}`, () => {
    const { schema } = customSchema(rootOf(a));
    const decoded = decode(schema, object(sent));
    assert.deepEqual(decoded.unknown, unknown);
    const value = applyDefaults(schema, decoded.value as never) as { a: unknown };
    assert.deepEqual(value.a, read);
  });
}

const checks: { a: JSONSchemaProps; value: unknown; says: string[] }[] = [
  { a: { 'x-kubernetes-int-or-string': true }, value: '80%', says: [] },
  { a: { 'x-kubernetes-int-or-string': true }, value: [], says: ['a'] },
  { a: { type: 'string', anyOf: [{ pattern: '^a' }, { maxLength: 1 }] }, value: 'b', says: [] },
  { a: { type: 'string', anyOf: [{ pattern: '^a' }, { maxLength: 1 }] }, value: 'bb', says: ['a'] },
  { a: { type: 'object', required: ['x'], additionalProperties: { type: 'string' } }, value: {}, says: ['a.x'] },
  { a: { ...anything, required: ['x'] }, value: { y: 1 }, says: ['a.x'] },
  { a: { type: 'array', items: { type: 'string', enum: ['u', 'v'] } }, value: ['u', 'w'], says: ['a[1]'] },
  { a: { type: 'number', minimum: 1, exclusiveMinimum: true }, value: 1, says: ['a'] },
  { a: { 'x-kubernetes-preserve-unknown-fields': true }, value: null, says: [] },
];
for (const { a, value, says } of checks) {
  test(`${JSON.stringify(value)} held against ${JSON.stringify(a)}: ${says.join(', ') || 'fine'}`, () => {
    const { rules } = customSchema(rootOf(a));
    assert.deepEqual(
      validate(rules, object(value)).map(({ path }) => path),
      says,
    );
  });
}

test('names are held against what the definition asks of metadata, beside what is asked of all', () => {
  const name: JSONSchemaProps = { type: 'string', maxLength: 3 };
  const { rules } = customSchema({
    type: 'object',
    properties: { metadata: { type: 'object', properties: { name } } },
  });
  const rows = validate(rules, { ...object(1), metadata: { name: 'long', labels: { a: 'b' } } });
  assert.deepEqual(
    rows.map(({ path }) => path),
    ['metadata.name'],
  );
});

test('an object inside of an object has an identity of its own', () => {
  const embedded: JSONSchemaProps = { ...anything, 'x-kubernetes-embedded-resource': true };
  const { rules } = customSchema(rootOf({ type: 'array', items: embedded }));
  const value = object([{ apiVersion: 'a/b/c', kind: 'Pod_', metadata: { labels: { 'a b': 'c' } } }]);
  assert.deepEqual(
    embeddedProblems(rules, value).map(({ path }) => path),
    ['a[0].apiVersion', 'a[0].kind', 'a[0].metadata.labels'],
  );
});

// ------------------------------------------------------------------ properties

const schemaOf = fc.letrec<{ any: JSONSchemaProps }>((tie) => ({
  any: fc.oneof(
    { maxDepth: 3, withCrossShrink: true },
    fc.constantFrom<JSONSchemaProps>(
      { type: 'string' },
      { type: 'integer' },
      { type: 'boolean', default: true },
      { type: 'string', default: 'd' },
      { 'x-kubernetes-int-or-string': true },
      { 'x-kubernetes-preserve-unknown-fields': true },
      { type: 'string', nullable: true },
    ),
    fc.record({ type: fc.constant('array'), items: tie('any') }),
    fc.record({ type: fc.constant('object'), additionalProperties: tie('any') }),
    fc.record(
      {
        type: fc.constant('object'),
        properties: fc.dictionary(fc.constantFrom('a', 'b', 'c'), tie('any'), { maxKeys: 3 }),
        'x-kubernetes-preserve-unknown-fields': fc.constant(true as const),
      },
      { requiredKeys: ['type', 'properties'] },
    ),
  ),
})).any;
const value = fc.jsonValue({ maxDepth: 4 });

test('pruning is done when it is done, and takes nothing that is declared', () => {
  fc.assert(
    fc.property(schemaOf, value, (source, sent) => {
      const schema = translate(source);
      const once = pruneValue(schema, sent);
      assert.deepEqual(pruneValue(schema, once), once);
    }),
  );
});

test('filling in defaults is done when it is done, and what is filled in is not pruned', () => {
  fc.assert(
    fc.property(schemaOf, value, (source, sent) => {
      const schema = translate(source);
      const filled = applyDefaults(schema, structuredClone(pruneValue(schema, sent)));
      assert.deepEqual(applyDefaults(schema, structuredClone(filled)), filled);
      assert.deepEqual(pruneValue(schema, filled), filled);
    }),
  );
});

test('the rules are asked of any schema without failing, and let structural ones through', () => {
  fc.assert(
    fc.property(schemaOf, (source) => {
      const root = rootOf(source);
      assert.deepEqual([...schemaProblems(root, 's'), ...structuralProblems(root, 's')], []);
    }),
  );
});

test('what is stored in one version and read in it again is the same', () => {
  fc.assert(
    fc.property(schemaOf, value, (source, sent) => {
      const { schema } = customSchema(rootOf(source));
      const base = kindOf(aDefinition('things', [aVersion('v1', anything)]));
      const [v1, v2] = [
        { ...base, schema },
        { ...base, version: 'v2', schema },
      ] as [typeof base, typeof base];
      const convert = conversions([v1, v2], v1, false);
      const read = applyDefaults(schema, structuredClone(pruneValue(schema, object(sent))) as never) as never;
      assert.deepEqual(convert(v1).fromStored(convert(v1).toStored(read)), read);
      const asV2 = { ...(read as object), apiVersion: 'test.example.com/v2' } as never;
      assert.deepEqual(convert(v2).fromStored(convert(v2).toStored(asV2)), asV2);
    }),
  );
});
