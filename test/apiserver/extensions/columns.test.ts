import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { cellOf, columnsOf } from '../../../apiserver/extensions/columns.ts';
import { jsonPath } from '../../../apiserver/extensions/json-path.ts';

const object = {
  metadata: { name: 'x', labels: { 'a.b/c': 'label' } },
  spec: {
    n: 7,
    list: [
      { n: 'a', on: true },
      { n: 'b', size: 3 },
    ],
    deep: { n: 'c' },
  },
  status: {
    conditions: [
      { type: 'Synced', status: 'False' },
      { type: 'Ready', status: 'True' },
    ],
  },
};
const paths: [path: string, finds: unknown[]][] = [
  ['.metadata.name', ['x']],
  ['.spec.list[*].n', ['a', 'b']],
  ['.spec.list[0].n', ['a']],
  ['.spec.list[-1].n', ['b']],
  ['.spec.list[0,1].n', ['a', 'b']],
  ['.spec.list[0:1].n', ['a']],
  ['.spec.list[9].n', []],
  ['.spec.list.n', []],
  ['.metadata.labels.a\\.b/c', ['label']],
  [".metadata.labels['a.b/c']", ['label']],
  ['.metadata.labels["a.b/c"]', ['label']],
  ["['spec','status'].n", [7]],
  ['.status.conditions[?(@.type=="Ready")].status', ['True']],
  [".status.conditions[?(@.type == 'Ready')].status", ['True']],
  ['.status.conditions[?(@.type!="Ready")].status', ['False']],
  ['.spec.list[?(@.size>2)].n', ['b']],
  ['.spec.list[?(@.on)].n', ['a']],
  ['.spec.list[?(@.on==true)].n', ['a']],
  ['..n', [7, 'a', 'b', 'c']],
  ['.spec.deep.*', ['c']],
  ['.', [object]],
  ['.nothing.there', []],
  ['.__proto__', []],
];
for (const [path, finds] of paths) {
  test(`${path} finds ${JSON.stringify(finds).slice(0, 40)}`, () => assert.deepEqual(jsonPath(path)(object), finds));
}

for (const path of ['spec', '.spec[', '.spec[?(]', '.a[x]', ".a['b'", '.a b']) {
  test(`${path} is no path`, () => assert.throws(() => jsonPath(path), RangeError));
}

test('whatever is written as a path compiles or is refused, and never fails on an object', () => {
  const piece = fc.constantFrom(
    '.',
    '..',
    '[',
    ']',
    '*',
    'spec',
    'n',
    '?(',
    ')',
    '@',
    '==',
    '"x"',
    "'y'",
    '0',
    ':',
    ',',
    '-1',
    '\\',
  );
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 12 }), (pieces) => {
      let find: (of: unknown) => unknown[];
      try {
        find = jsonPath(pieces.join(''));
      } catch (err) {
        assert.ok(err instanceof RangeError);
        return;
      }
      assert.ok(Array.isArray(find(object)));
    }),
  );
});

const cells: [type: 'string' | 'integer' | 'number' | 'boolean' | 'date', value: unknown, shows: unknown][] = [
  ['string', 'x', 'x'],
  ['string', 5, '5'],
  ['string', ['a'], '["a"]'],
  ['integer', 7, 7],
  ['integer', 7.9, 7],
  ['integer', '7', null],
  ['number', 1.5, 1.5],
  ['boolean', false, false],
  ['boolean', 'false', null],
  ['date', '2026-01-01T00:00:00Z', 'age of 2026-01-01T00:00:00Z'],
  ['date', 5, null],
  ['string', null, null],
  ['integer', undefined, null],
];
for (const [type, value, shows] of cells) {
  test(`a ${type} column shows ${JSON.stringify(value)} as ${JSON.stringify(shows)}`, () =>
    assert.deepEqual(
      cellOf(type, value, (time) => `age of ${time}`),
      shows,
    ));
}

test('the name comes first, the age when nothing is asked for', () => {
  assert.deepEqual(
    columnsOf(undefined).map(({ name }) => name),
    ['Name', 'Age'],
  );
  const asked = columnsOf([{ name: 'N', type: 'integer', jsonPath: '.spec.n' }]);
  assert.deepEqual(
    asked.map(({ name }) => name),
    ['Name', 'N'],
  );
  assert.equal(asked[1]!.find!(object), 7);
});
