import assert from 'node:assert/strict';
import { test } from 'node:test';
import { strategicMerge } from '../../../apiserver/patch/strategic-merge.ts';
import { Example } from './example.ts';

const cases: { it: string; from: unknown; patch: unknown; wants: unknown }[] = [
  {
    it: 'merges the items of a list by their key and keeps the others',
    from: {
      spec: {
        items: [
          { name: 'a', image: '1' },
          { name: 'b', image: '1' },
        ],
      },
    },
    patch: { spec: { items: [{ name: 'b', image: '2' }] } },
    wants: {
      spec: {
        items: [
          { name: 'a', image: '1' },
          { name: 'b', image: '2' },
        ],
      },
    },
  },
  {
    it: 'removes an item by a directive',
    from: { spec: { items: [{ name: 'a' }, { name: 'b' }] } },
    patch: { spec: { items: [{ name: 'a', $patch: 'delete' }] } },
    wants: { spec: { items: [{ name: 'b' }] } },
  },
  {
    it: 'replaces a list by a directive among its items',
    from: { spec: { items: [{ name: 'a' }, { name: 'b' }] } },
    patch: { spec: { items: [{ name: 'c' }, { $patch: 'replace' }] } },
    wants: { spec: { items: [{ name: 'c' }] } },
  },
  {
    it: 'replaces a map by a directive in it',
    from: { data: { a: '1', b: '2' } },
    patch: { data: { $patch: 'replace', c: '3' } },
    wants: { data: { c: '3' } },
  },
  {
    it: 'removes what is null',
    from: { data: { a: '1', b: '2' } },
    patch: { data: { a: null } },
    wants: { data: { b: '2' } },
  },
  {
    it: 'adds to a set, new ones first, and takes from it by a directive',
    from: { spec: { flags: ['a', 'b'] } },
    patch: { spec: { flags: ['c'], '$deleteFromPrimitiveList/flags': ['a'] } },
    wants: { spec: { flags: ['c', 'b'] } },
  },
  {
    it: 'orders a list as the patch says',
    from: { spec: { items: [{ name: 'a' }, { name: 'b' }, { name: 'c' }] } },
    patch: { spec: { '$setElementOrder/items': [{ name: 'c' }, { name: 'a' }], items: [{ name: 'c', image: '2' }] } },
    wants: { spec: { items: [{ name: 'b' }, { name: 'c', image: '2' }, { name: 'a' }] } },
  },
  {
    it: 'drops the keys that $retainKeys does not name',
    from: { spec: { strategy: { type: 'Rolling', rolling: { max: '1' } } } },
    patch: { spec: { strategy: { $retainKeys: ['type'], type: 'Recreate' } } },
    wants: { spec: { strategy: { type: 'Recreate' } } },
  },
  {
    it: 'replaces a list that has no merge strategy',
    from: { spec: { items: [{ name: 'a', args: ['1', '2'] }] } },
    patch: { spec: { items: [{ name: 'a', args: ['3'] }] } },
    wants: { spec: { items: [{ name: 'a', args: ['3'] }] } },
  },
];
for (const { it, from, patch, wants } of cases) {
  test(`a strategic merge ${it}`, () => assert.deepEqual(strategicMerge(from, patch, Example), wants));
}

test('a strategic merge refuses an item without its key, an unknown directive and keys beyond $retainKeys', () => {
  const from = { spec: { items: [{ name: 'a' }], strategy: { type: 'x' } } };
  assert.throws(
    () => strategicMerge(from, { spec: { items: [{ image: '1' }] } }, Example),
    /does not contain declared merge key: name/,
  );
  assert.throws(
    () => strategicMerge(from, { spec: { $patch: 'frob' } }, Example),
    /unknown patch type: frob in map: map\[\$patch:frob\]/,
  );
  const beyond = { spec: { strategy: { $retainKeys: ['type'], rolling: {} } } };
  assert.throws(() => strategicMerge(from, beyond, Example), /invalid patch format of retainKeys/);
});

test('a strategic merge treats __proto__ as data and leaves the document it was given alone', () => {
  const from = { data: { a: '1' } };
  const patch = JSON.parse('{"data":{"__proto__":"x"}}') as unknown;
  const merged = strategicMerge(from, patch, Example) as { data: object };
  assert.deepEqual(Object.keys(merged.data), ['a', '__proto__']);
  assert.deepEqual(from, { data: { a: '1' } });
});
