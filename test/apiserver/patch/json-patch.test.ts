import assert from 'node:assert/strict';
import { test } from 'node:test';
import { jsonPatch } from '../../../apiserver/patch/json-patch.ts';
import { mergePatch } from '../../../apiserver/patch/merge-patch.ts';

const cases: { it: string; from: unknown; patch: unknown[]; wants: unknown }[] = [
  { it: 'adds a key', from: {}, patch: [{ op: 'add', path: '/a', value: 1 }], wants: { a: 1 } },
  {
    it: 'inserts into a list',
    from: { l: [1, 3] },
    patch: [{ op: 'add', path: '/l/1', value: 2 }],
    wants: { l: [1, 2, 3] },
  },
  { it: 'appends to a list', from: { l: [1] }, patch: [{ op: 'add', path: '/l/-', value: 2 }], wants: { l: [1, 2] } },
  {
    it: 'removes from the end by a negative index',
    from: { l: [1, 2] },
    patch: [{ op: 'remove', path: '/l/-1' }],
    wants: { l: [1] },
  },
  { it: 'moves', from: { a: 1 }, patch: [{ op: 'move', from: '/a', path: '/b' }], wants: { b: 1 } },
  { it: 'copies', from: { a: [1] }, patch: [{ op: 'copy', from: '/a', path: '/b' }], wants: { a: [1], b: [1] } },
  { it: 'unescapes names', from: { 'a/b~c': 1 }, patch: [{ op: 'remove', path: '/a~1b~0c' }], wants: {} },
  {
    it: 'passes a test of what is absent against null',
    from: {},
    patch: [{ op: 'test', path: '/a', value: null }],
    wants: {},
  },
  {
    it: 'replaces a key that is not there',
    from: {},
    patch: [{ op: 'replace', path: '/a', value: 1 }],
    wants: { a: 1 },
  },
  {
    it: 'replaces the whole document',
    from: { a: 1 },
    patch: [{ op: 'replace', path: '', value: { b: 2 } }],
    wants: { b: 2 },
  },
];
for (const { it, from, patch, wants } of cases) {
  test(`a json patch ${it}`, () => assert.deepEqual(jsonPatch(from, patch), wants));
}

const refused: unknown[][] = [
  [{ op: 'replace', path: '/none/below', value: 1 }],
  [{ op: 'replace', path: '/l/0', value: 1 }],
  [{ op: 'remove', path: '/none' }],
  [{ op: 'test', path: '/a', value: 2 }],
  [{ op: 'frob', path: '/a' }],
  [{ path: '/a', value: 1 }],
  [{ op: 'add', path: 'a', value: 1 }],
  [{ op: 'add', path: '/l/7', value: 1 }],
  [{ op: 'move', path: '/b' }],
];
for (const patch of refused) {
  test(`a json patch that cannot be carried out is a 422: ${JSON.stringify(patch)}`, () => {
    assert.throws(() => jsonPatch({ a: 1, l: [] }, patch), { code: 422, message: /the server rejected our request/ });
  });
}

test('a json patch whose copies double what is there again and again is refused', () => {
  const copies = Array.from({ length: 40 }, (_, n) => ({ op: 'copy', from: '/a', path: `/a/${n}` }));
  assert.throws(() => jsonPatch({ a: { text: 'x'.repeat(1000) } }, copies), { code: 422 });
});

test('a merge patch removes by null, merges objects and replaces the rest', () => {
  const from = { a: 1, b: { c: 1, d: 1 }, l: [1] };
  assert.deepEqual(mergePatch(from, { a: null, b: { c: 2 }, l: [2] }), { b: { c: 2, d: 1 }, l: [2] });
});
