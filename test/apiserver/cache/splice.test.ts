import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { withRevision } from '../../../apiserver/cache/splice.ts';

const cases: { it: string; value: string; wants: string }[] = [
  {
    it: 'goes right behind the opening of metadata in what our writer wrote',
    value: '{"kind":"Pod","apiVersion":"v1","metadata":{"name":"a"},"spec":{"metadata":{}}}',
    wants: '{"kind":"Pod","apiVersion":"v1","metadata":{"resourceVersion":"7","name":"a"},"spec":{"metadata":{}}}',
  },
  {
    it: 'needs no comma in empty metadata',
    value: '{"kind":"Pod","apiVersion":"v1","metadata":{}}',
    wants: '{"kind":"Pod","apiVersion":"v1","metadata":{"resourceVersion":"7"}}',
  },
  {
    it: 'replaces the one it spliced in before',
    value: '{"kind":"Pod","apiVersion":"v1","metadata":{"resourceVersion":"123456","name":"a"}}',
    wants: '{"kind":"Pod","apiVersion":"v1","metadata":{"resourceVersion":"7","name":"a"}}',
  },
  {
    it: 'replaces the one it spliced into empty metadata',
    value: '{"kind":"Pod","apiVersion":"v1","metadata":{"resourceVersion":"123456"}}',
    wants: '{"kind":"Pod","apiVersion":"v1","metadata":{"resourceVersion":"7"}}',
  },
  {
    it: 'finds metadata behind other fields that hold the same name',
    value: '{"apiVersion":"v1","spec":{"metadata":{"x":"\\"metadata\\":{"}},"kind":"A","metadata":{"name":"a"}}',
    wants:
      '{"apiVersion":"v1","spec":{"metadata":{"x":"\\"metadata\\":{"}},"kind":"A","metadata":{"resourceVersion":"7","name":"a"}}',
  },
  {
    it: 'removes a version in the middle, at the end, and alone',
    value: '{ "apiVersion" : "v1", "metadata" : { "name" : "a", "resourceVersion" : "", "uid" : "u" } }',
    wants: '{ "apiVersion" : "v1", "metadata" : {"resourceVersion":"7", "name" : "a", "uid" : "u" } }',
  },
  {
    it: 'removes a version at the end',
    value: '{"apiVersion":"v1","metadata":{"name":"a","resourceVersion":"3"}}',
    wants: '{"apiVersion":"v1","metadata":{"resourceVersion":"7","name":"a"}}',
  },
  {
    it: 'knows an escaped key',
    value: '{"apiVersion":"v1","met\\u0061data":{"name":"a"}}',
    wants: '{"apiVersion":"v1","met\\u0061data":{"resourceVersion":"7","name":"a"}}',
  },
];
for (const { it, value, wants } of cases) {
  test(`the spliced version ${it}`, () => {
    const bytes = withRevision(Buffer.from(value), 7);
    assert.equal(bytes.toString(), wants);
    assert.equal(bytes.buffer.byteLength, bytes.length, 'exact size, not pooled');
  });
}

for (const value of [
  '',
  '{',
  '[]',
  '{"kind":"Pod"}',
  '{"metadata":3}',
  '{"metadata":{"a":',
  '{"metadata" {}}',
  '{"a":"',
]) {
  test(`a value that is no object is refused: ${JSON.stringify(value)}`, () => {
    assert.throws(() => withRevision(Buffer.from(value), 1));
  });
}

test('any object keeps everything but its version', () => {
  const head = fc.constantFrom('kind', 'apiVersion', 'spec', '__proto__', 'é"\\');
  const object = fc.record({
    before: fc.dictionary(head, fc.jsonValue()),
    metadata: fc.dictionary(fc.constantFrom('name', 'resourceVersion', 'labels', 'uid'), fc.jsonValue()),
    after: fc.dictionary(fc.constantFrom('status', 'data'), fc.jsonValue()),
    space: fc.constantFrom(undefined, 2),
  });
  fc.assert(
    fc.property(object, ({ before, metadata, after, space }) => {
      const whole = { ...before, metadata, ...after };
      const bytes = withRevision(Buffer.from(JSON.stringify(whole, undefined, space)), 42);
      const wants = { ...whole, metadata: { ...metadata, resourceVersion: '42' } };
      assert.deepEqual(JSON.parse(bytes.toString()), JSON.parse(JSON.stringify(wants)));
    }),
    { numRuns: 300 },
  );
});
