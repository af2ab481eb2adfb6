import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isOfFormat } from '../../../api/schema/formats.ts';
import { goFloat } from '../../../api/schema/go-text.ts';
import { parseJson } from '../../../api/schema/json.ts';
import type { Constraints, Field, ObjectSchema, Schema } from '../../../api/schema/schema.ts';
import { duplicateProblems, validate } from '../../../api/schema/validate.ts';

const fieldOf = (schema: Schema, more: Partial<Field> = {}): Field => ({ proto: 0, schema, ...more });
const objectOf = (fields: Record<string, Field>, more: Partial<ObjectSchema> = {}): ObjectSchema => ({
  kind: 'object',
  fields,
  ...more,
});
const text = (constraints?: Constraints): Schema => ({ kind: 'string', ...(constraints && { constraints }) });
const whole = (constraints?: Constraints): Schema => ({ kind: 'int64', ...(constraints && { constraints }) });

const cases: { schema: Schema; value: unknown; says: string[]; update?: boolean }[] = [
  { schema: whole(), value: 5, says: [] },
  { schema: whole(), value: 'x', says: ['Invalid value: "string": spec.a in body must be of type integer: "string"'] },
  { schema: whole(), value: 1.5, says: ['Invalid value: "number": spec.a in body must be of type integer: "number"'] },
  { schema: text(), value: null, says: ['Invalid value: "null": spec.a in body must be of type string: "null"'] },
  { schema: text({ nullable: true }), value: null, says: [] },
  {
    schema: whole(),
    value: 'x',
    update: true,
    says: ['Invalid value: "string": a in body must be of type integer: "string"'],
  },
  {
    schema: whole({ max: 9 }),
    value: 12,
    says: ['Invalid value: 12: spec.a in body should be less than or equal to 9'],
  },
  {
    schema: whole({ min: 2_000_000, exclusiveMin: true }),
    value: 1,
    says: ['Invalid value: 1: spec.a in body should be greater than 2000000'],
  },
  {
    schema: { kind: 'double', constraints: { multipleOf: 0.5 } },
    value: 0.7,
    says: ['Invalid value: 0.7: spec.a in body should be a multiple of 0.5'],
  },
  { schema: text({ maxLength: 2 }), value: '😀😀', says: [] },
  { schema: text({ maxLength: 2 }), value: 'abc', says: ['Too long: may not be more than 2 bytes'] },
  {
    schema: text({ minLength: 1 }),
    value: '',
    says: ['Invalid value: "": spec.a in body should be at least 1 chars long'],
  },
  { schema: text({ pattern: '^a+$' }), value: 'b', says: ['Invalid value: "b": spec.a in body should match \'^a+$\''] },
  {
    schema: text({ enum: ['good', 'better'] }),
    value: 'bad',
    says: ['Unsupported value: "bad": supported values: "good", "better"'],
  },
  {
    schema: text({ format: 'duration' }),
    value: 'x',
    says: ['Invalid value: "x": spec.a in body must be of type duration: "x"'],
  },
  {
    schema: { kind: 'list', items: text(), constraints: { minItems: 1 } },
    value: [],
    says: ['Invalid value: []: spec.a in body should have at least 1 items'],
  },
  {
    schema: { kind: 'list', items: whole(), constraints: { maxItems: 1 } },
    value: [1, 2],
    says: ['Too many: 2: must have at most 1 items'],
  },
  { schema: { kind: 'list', items: text(), listType: 'set' }, value: ['a', 'a'], says: ['Duplicate value: "a"'] },
  {
    schema: {
      kind: 'list',
      items: objectOf({ k: fieldOf(text()), v: fieldOf(whole()) }),
      listType: 'map',
      keys: ['k'],
    },
    value: [
      { k: 'a', v: 1 },
      { k: 'a', v: 2 },
    ],
    says: ['Duplicate value: {"k":"a"}'],
  },
  { schema: objectOf({ b: fieldOf(text(), { required: true }) }), value: {}, says: ['Required value'] },
  { schema: { kind: 'intOrString' }, value: 'http', says: [] },
  {
    schema: { kind: 'intOrString' },
    value: true,
    says: ['Invalid value: "boolean": spec.a in body must be of type integer,string: "boolean"'],
  },
  {
    schema: objectOf({}, { embedded: true, preserveUnknown: true }),
    value: { kind: 'Pod' },
    says: ['Required value'],
  },
  {
    schema: objectOf({ b: fieldOf(whole()) }, { constraints: { logic: { not: { required: ['b'] } } } }),
    value: { b: 1 },
    says: ['Invalid value: {"b":1}: "spec.a" must not validate the schema (not)'],
  },
  {
    schema: objectOf(
      { b: fieldOf(whole()) },
      {
        constraints: {
          logic: { oneOf: [{ required: ['b'] }, { properties: { b: { minimum: 0 } } }], anyOf: [{ required: ['c'] }] },
        },
      },
    ),
    value: { b: 1 },
    says: [
      'Invalid value: {"b":1}: "spec.a" must validate at least one schema (anyOf)',
      'Invalid value: {"b":1}: "spec.a" must validate one and only one schema (oneOf). Found 2 valid alternatives',
    ],
  },
];
for (const { schema, value, says, update } of cases) {
  const of = JSON.stringify(value);
  test(`validate of ${of}${update ? ' in an update' : ''}: ${says.join('; ') || 'fine'}`, () => {
    const root = objectOf({ spec: fieldOf(objectOf({ a: fieldOf(schema) })) });
    const object = { spec: { a: value } };
    const problems = [...validate(root, object, { ...(update && { update }) }), ...duplicateProblems(root, object)];
    assert.deepEqual(
      problems.map(({ message }) => message),
      says,
    );
    for (const { path } of problems) assert.match(path, /^spec\.a/);
  });
}

test('validate names the place and the reason', () => {
  const root = objectOf({ list: fieldOf({ kind: 'list', items: { kind: 'map', values: whole() } }) });
  assert.deepEqual(validate(root, { list: [{}, { x: 'y' }] }), [
    {
      path: 'list[1].x',
      reason: 'FieldValueTypeInvalid',
      message: 'Invalid value: "string": list[1].x in body must be of type integer: "string"',
    },
  ]);
});

test('validate takes integers beyond 2^53 for integers', () => {
  const { value } = parseJson('{"a":9007199254740993}');
  assert.deepEqual(validate(objectOf({ a: fieldOf(whole({ min: 1 })) }), value), []);
});

const formats: { format: string; holds: string[]; fails: string[] }[] = [
  { format: 'date-time', holds: ['2024-01-02T03:04:05Z', '2024-01-02T03:04:05.5+01:00'], fails: ['2024-01-02', 'now'] },
  { format: 'date', holds: ['2024-02-29'], fails: ['2023-02-29', '2024-1-1'] },
  { format: 'duration', holds: ['1h30m', '1.5s'], fails: ['1', 'x'] },
  { format: 'cidr', holds: ['10.0.0.0/8', '::/0'], fails: ['10.0.0.0', '10.0.0.0/33'] },
  { format: 'ipv4', holds: ['1.2.3.4'], fails: ['::1', '1.2.3'] },
  { format: 'uuid', holds: ['123e4567-e89b-12d3-a456-426614174000'], fails: ['123'] },
  { format: 'mac', holds: ['01:23:45:67:89:ab'], fails: ['01:23'] },
  { format: 'byte', holds: ['', 'YQ=='], fails: ['a', 'YQ='] },
  { format: 'never heard of', holds: ['anything'], fails: [] },
];
for (const { format, holds, fails } of formats) {
  test(`format ${format}`, () => {
    for (const one of holds) assert.equal(isOfFormat(format, one), true, one);
    for (const one of fails) assert.equal(isOfFormat(format, one), false, one);
  });
}

const floats: [number, string][] = [
  [0, '0'],
  [1.5, '1.5'],
  [100000, '100000'],
  [1000000, '1e+06'],
  [1234567, '1.234567e+06'],
  [0.00001, '1e-05'],
];
for (const [value, wants] of floats) test(`Go prints ${value} as ${wants}`, () => assert.equal(goFloat(value), wants));

const keyedList: Schema = {
  kind: 'list',
  items: objectOf({ k: fieldOf(text()), v: fieldOf(whole({ max: 5 })) }),
  listType: 'map',
  keys: ['k'],
};
const plainList: Schema = { kind: 'list', items: whole({ max: 5 }) };
const changes: { schema: Schema; old: unknown; next: unknown; paths: string[] }[] = [
  { schema: objectOf({ a: fieldOf(whole({ max: 5 })) }), old: { a: 9 }, next: { a: 9 }, paths: [] },
  { schema: objectOf({ a: fieldOf(whole({ max: 5 })) }), old: { a: 9 }, next: { a: 8 }, paths: ['a'] },
  {
    schema: objectOf({ a: fieldOf(whole(), { required: true }), b: fieldOf(whole()) }),
    old: {},
    next: { b: 1 },
    paths: ['a'],
  },
  {
    schema: keyedList,
    old: [{ k: 'x', v: 9 }],
    next: [
      { k: 'y', v: 9 },
      { k: 'x', v: 9 },
    ],
    paths: ['[0].v'],
  },
  { schema: plainList, old: [9], next: [9, 1], paths: ['[0]'] },
  { schema: { kind: 'map', values: whole({ max: 5 }) }, old: { a: 9 }, next: { a: 9, b: 9 }, paths: ['b'] },
];
for (const { schema, old, next, paths } of changes) {
  test(`an update from ${JSON.stringify(old)} to ${JSON.stringify(next)} is looked at where it changes something`, () => {
    assert.deepEqual(
      validate(schema, next, { update: true, old }).map(({ path }) => path),
      paths,
    );
  });
}
