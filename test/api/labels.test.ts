import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import {
  type Labels,
  labelMapMatcher,
  labelMatcherOf,
  parseLabelSelector,
  requirementsOf,
  selectorMatcher,
  selectorText,
} from '../../api/labels.ts';

const selected: readonly { selector: string; takes: Labels[]; leaves: Labels[] }[] = [
  { selector: '', takes: [{}, { a: 'b' }], leaves: [] },
  { selector: 'a=b', takes: [{ a: 'b' }], leaves: [{}, { a: 'c' }] },
  { selector: 'a==b', takes: [{ a: 'b' }], leaves: [{}, { a: 'c' }] },
  { selector: 'a!=b', takes: [{}, { a: 'c' }], leaves: [{ a: 'b' }] },
  { selector: 'a', takes: [{ a: '' }], leaves: [{}, { b: '' }] },
  { selector: '!a', takes: [{}, { b: '' }], leaves: [{ a: 'x' }] },
  { selector: 'a in (b, c)', takes: [{ a: 'b' }, { a: 'c' }], leaves: [{}, { a: 'd' }] },
  { selector: 'a notin (b,c)', takes: [{}, { a: 'd' }], leaves: [{ a: 'b' }] },
  { selector: 'a in ()', takes: [{ a: '' }], leaves: [{ a: 'b' }] },
  { selector: 'a in (b,)', takes: [{ a: '' }, { a: 'b' }], leaves: [{ a: 'c' }] },
  { selector: 'a=', takes: [{ a: '' }], leaves: [{ a: 'b' }, {}] },
  { selector: 'n>1', takes: [{ n: '2' }], leaves: [{ n: '1' }, { n: 'x' }, {}] },
  { selector: 'n<2', takes: [{ n: '1' }, { n: '-9' }], leaves: [{ n: '2' }] },
  { selector: ' odd = yes , n in ( a , e ) ', takes: [{ odd: 'yes', n: 'e' }], leaves: [{ odd: 'yes' }] },
  { selector: 'in=notin', takes: [{ in: 'notin' }], leaves: [{}] },
  {
    selector: 'a=b,!c,example.com/d',
    takes: [{ a: 'b', 'example.com/d': '' }],
    leaves: [{ a: 'b', c: '', 'example.com/d': '' }],
  },
  { selector: 'constructor', takes: [], leaves: [{}] },
];
for (const { selector, takes, leaves } of selected) {
  test(`"${selector}" takes what it says and leaves the rest`, () => {
    const matches = labelMatcherOf(selector);
    for (const labels of takes) assert.equal(matches(labels), true, JSON.stringify(labels));
    for (const labels of leaves) assert.equal(matches(labels), false, JSON.stringify(labels));
  });
}

const refused: readonly (readonly [string, string])[] = [
  ['a=b c', "found 'c', expected: ',' or 'end of string'"],
  ['a,', "found '', expected: identifier after ','"],
  [',a', "found ',', expected: !, identifier, or 'end of string'"],
  ['a b', "unable to parse requirement: found 'b', expected: in, notin, =, ==, !=, gt, lt"],
  ['!', "unable to parse requirement: found '', expected: identifier"],
  ['a in b', "unable to parse requirement: found 'b' expected: '('"],
  ['a in (b', "unable to parse requirement: found '', expected: ',' or ')'"],
  ['a==(', "unable to parse requirement: found '(', expected: identifier"],
  [
    'n>x',
    "unable to parse requirement: values[0]: Invalid value: \"x\": for 'Gt', 'Lt' operators, the value must be an integer",
  ],
];
for (const [selector, message] of refused) {
  test(`"${selector}" is a bad request that says why`, () => {
    assert.throws(() => parseLabelSelector(selector), { code: 400, reason: 'BadRequest', message });
  });
}

test('keys and values must be what labels may be', () => {
  assert.throws(
    () => parseLabelSelector('a/b/c=d'),
    /unable to parse requirement: <nil>: Invalid value: "a\/b\/c": a valid label key must/,
  );
  assert.throws(
    () => parseLabelSelector('a=b/c'),
    /unable to parse requirement: values\[0\]\[a\]: Invalid value: "b\/c": a valid label must/,
  );
});

test('a selector object selects by all that it says', () => {
  const matches = selectorMatcher({
    matchLabels: { app: 'web' },
    matchExpressions: [
      { key: 'tier', operator: 'In', values: ['a', 'b'] },
      { key: 'old', operator: 'DoesNotExist' },
    ],
  });
  assert.equal(matches({ app: 'web', tier: 'a' }), true);
  assert.equal(matches({ app: 'web', tier: 'c' }), false);
  assert.equal(matches({ app: 'web', tier: 'a', old: '' }), false);
});

test('no selector selects nothing, an empty one everything, an empty map nothing', () => {
  assert.equal(selectorMatcher(undefined)({}), false);
  assert.equal(selectorMatcher({})({}), true);
  assert.equal(labelMapMatcher({})({ a: 'b' }), false);
  assert.equal(labelMapMatcher({ a: 'b' })({ a: 'b', c: 'd' }), true);
  assert.equal(labelMapMatcher({ a: 'b' })(undefined), false);
});

test('a selector is written by key, and reads back the same', () => {
  const selector = {
    matchLabels: { b: '1', a: '2' },
    matchExpressions: [{ key: 'c', operator: 'NotIn', values: ['y', 'x'] }],
  };
  assert.equal(selectorText(requirementsOf(selector)), 'a=2,b=1,c notin (x,y)');
  const text = selectorText(requirementsOf(selector));
  assert.equal(selectorText(parseLabelSelector(text)), text);
});

test('any text is either a selector or a bad request', () => {
  const piece = fc.constantFrom('a', 'b', '=', '!', '!=', '==', '(', ')', ',', 'in', 'notin', '>', '<', ' ', '1');
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 12 }), (pieces) => {
      try {
        const requirements = parseLabelSelector(pieces.join(''));
        assert.equal(selectorText(parseLabelSelector(selectorText(requirements))), selectorText(requirements));
      } catch (err) {
        assert.equal((err as { code?: number }).code, 400, String(err));
      }
    }),
  );
});
