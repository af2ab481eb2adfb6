import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import {
  addQuantities,
  canonicalQuantity,
  compareQuantities,
  formatQuantity,
  isZeroQuantity,
  parseQuantity,
  quantityFromMilli,
  quantityMilli,
  quantityValue,
  roundResources,
  subtractQuantities,
} from '../../api/quantity.ts';

const canonical: readonly (readonly [string, string])[] = [
  ['0', '0'],
  ['0Gi', '0'],
  ['-0', '0'],
  ['1000m', '1'],
  ['1500m', '1500m'],
  ['0.5', '500m'],
  ['.5', '500m'],
  ['1.', '1'],
  ['+5', '5'],
  ['007', '7'],
  ['1000', '1k'],
  ['1024', '1024'],
  ['100000', '100k'],
  ['1024Ki', '1Mi'],
  ['1023Mi', '1023Mi'],
  ['1.5Gi', '1536Mi'],
  ['0.5Ki', '512'],
  ['1.0001Ki', '1024102400u'],
  ['-1Gi', '-1Gi'],
  ['1e3', '1e3'],
  ['1E3', '1e3'],
  ['12e1', '120'],
  ['1500e-3', '1500e-3'],
  ['1E', '1E'],
  ['1000E', '1000E'],
  ['0.1n', '1n'],
  ['-0.1n', '-1n'],
  ['10Ei', '9223372036854775807'],
];
for (const [text, wants] of canonical) {
  test(`${text} is written ${wants}`, () => assert.equal(canonicalQuantity(text), wants));
}

const PATTERN = "quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'";
const refused: readonly (readonly [string, string])[] = [
  ['', PATTERN],
  ['abc', PATTERN],
  ['1 Gi', PATTERN],
  ['1x', PATTERN],
  ['1.2.3', PATTERN],
  ['1Kib', PATTERN],
  ['1e', "unable to parse quantity's suffix"],
  ['1mm', "unable to parse quantity's suffix"],
  ['1ki', "unable to parse quantity's suffix"],
  ['1e999999999', "unable to parse quantity's suffix"],
  ['1'.repeat(2000), 'unable to parse numeric part of quantity'],
];
for (const [text, message] of refused) {
  test(`${text.slice(0, 20) || 'nothing'} is no quantity`, () => {
    assert.throws(() => parseQuantity(text), { name: 'RangeError', message });
  });
}

test('values and thousandths are rounded up', () => {
  assert.equal(quantityValue('1500m'), 2);
  assert.equal(quantityValue('1Gi'), 2 ** 30);
  assert.equal(quantityMilli('1.0001'), 1001);
  assert.equal(quantityMilli('2'), 2000);
  assert.equal(formatQuantity(quantityFromMilli(2500)), '2500m');
});

test('a sum is written as its left side was, unless that was nothing', () => {
  assert.equal(formatQuantity(addQuantities('1Gi', '1G')), '2073741824');
  assert.equal(formatQuantity(addQuantities('512Mi', '512Mi')), '1Gi');
  assert.equal(formatQuantity(addQuantities('0', '1024Mi')), '1Gi');
  assert.equal(formatQuantity(subtractQuantities('1', '250m')), '750m');
  assert.ok(isZeroQuantity(subtractQuantities('1Ki', '1024')));
});

test('resource lists keep nothing finer than a thousandth', () => {
  const resources = { cpu: '1500u', memory: '1Gi', other: '1n' };
  roundResources(resources);
  assert.deepEqual(resources, { cpu: '2m', memory: '1Gi', other: '1m' });
});

const aQuantity = fc
  .tuple(
    fc.integer({ min: -1_000_000, max: 1_000_000 }),
    fc.nat(999),
    fc.constantFrom('', 'm', 'k', 'M', 'G', 'Ki', 'Mi', 'Gi', 'e3', 'e-2'),
  )
  .map(([whole, fraction, suffix]) => `${whole}.${String(fraction).padStart(3, '0')}${suffix}`);

test('the canonical text is its own canonical text and means the same', () => {
  fc.assert(
    fc.property(aQuantity, (text) => {
      const once = canonicalQuantity(text);
      assert.equal(canonicalQuantity(once), once);
      assert.equal(compareQuantities(once, text), 0);
    }),
  );
});

test('sums and differences undo one another, and order follows the difference', () => {
  fc.assert(
    fc.property(aQuantity, aQuantity, (a, b) => {
      assert.equal(compareQuantities(subtractQuantities(addQuantities(a, b), b), a), 0);
      assert.equal(compareQuantities(a, b), compareQuantities(subtractQuantities(a, b), '0'));
      assert.equal(compareQuantities(addQuantities(a, b), addQuantities(b, a)), 0);
    }),
  );
});

test('any text is either a quantity or a RangeError', () => {
  fc.assert(
    fc.property(fc.string(), (text) => {
      try {
        parseQuantity(text);
      } catch (err) {
        assert.ok(err instanceof RangeError);
      }
    }),
  );
});
