import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { clone } from '../../../api/schema/clone.ts';
import { deepEqual, semanticEqual } from '../../../api/schema/equal.ts';
import { deepFreeze } from '../../../api/schema/freeze.ts';
import { canonicalDuration, formatDuration, parseDuration } from '../../../api/schema/go-duration.ts';
import { canonicalMicroTime, canonicalTime, formatTime, timeOf } from '../../../api/schema/go-time.ts';
import { Pod } from '../../../api/types/core/pod.ts';

test('a copy is equal and shares nothing', () => {
  fc.assert(
    fc.property(fc.jsonValue({ maxDepth: 4 }), (value) => {
      const copy = clone(value);
      assert.equal(JSON.stringify(copy), JSON.stringify(value));
      assert.ok(deepEqual(copy, JSON.parse(JSON.stringify(value))));
      if (typeof value === 'object' && value !== null) assert.notEqual(copy, value);
    }),
    { numRuns: 100 },
  );
});

test('what is frozen stays as it is, all the way down', () => {
  const value = deepFreeze({ a: { b: [{ c: 1 }] } });
  assert.throws(() => Object.assign(value.a.b[0]!, { c: 2 }), TypeError);
});

const pod = (resources: object) => ({ metadata: {}, spec: { containers: [{ name: 'a', resources }] } });
const pairs: { it: string; a: unknown; b: unknown; equal: boolean }[] = [
  { it: 'quantities by amount', a: pod({ limits: { cpu: '1' } }), b: pod({ limits: { cpu: '1000m' } }), equal: true },
  { it: 'other amounts', a: pod({ limits: { cpu: '1' } }), b: pod({ limits: { cpu: '2' } }), equal: false },
  { it: 'an empty map and none', a: pod({ limits: {} }), b: pod({}), equal: true },
  { it: 'an empty list and null', a: { spec: { containers: [] } }, b: { spec: { containers: null } }, equal: true },
  { it: 'a zero that was sent and nothing', a: { spec: { priority: 0 } }, b: { spec: {} }, equal: false },
  { it: 'a pointer to nothing and none', a: { spec: { securityContext: {} } }, b: { spec: {} }, equal: false },
];
for (const { it, a, b, equal } of pairs) {
  test(`semantic equality: ${it} are ${equal ? 'one' : 'two'}`, () => {
    assert.equal(semanticEqual(Pod, a, b), equal);
    assert.equal(semanticEqual(Pod, b, a), equal);
  });
}

test('durations keep their amount and have one text', () => {
  fc.assert(
    fc.property(fc.bigInt({ min: -(2n ** 62n), max: 2n ** 62n }), (nanos) => {
      assert.equal(parseDuration(formatDuration(nanos)), nanos);
    }),
  );
  const texts = {
    '60m': '1h0m0s',
    '1.5h': '1h30m0s',
    '0': '0s',
    '1500ms': '1.5s',
    '-2us': '-2µs',
    '1h1ns': '1h0m0.000000001s',
  };
  for (const [text, wants] of Object.entries(texts)) assert.equal(canonicalDuration(text), wants);
});

const badDurations: [string, string][] = [
  ['', 'time: invalid duration ""'],
  ['1', 'time: missing unit in duration "1"'],
  ['1x', 'time: unknown unit "x" in duration "1x"'],
  ['x', 'time: invalid duration "x"'],
  ['99999999h', 'time: invalid duration "99999999h"'],
];
for (const [text, says] of badDurations) {
  test(`a duration ${JSON.stringify(text)}: ${says}`, () =>
    assert.throws(() => parseDuration(text), new RangeError(says)));
}

test('times are written in UTC with whole seconds, or six decimals', () => {
  fc.assert(
    fc.property(fc.integer({ min: -62135596799, max: 253402300799 }), (seconds) => {
      const text = formatTime(seconds)!;
      assert.equal(timeOf(text).seconds, seconds);
      assert.equal(canonicalTime(text), text);
    }),
  );
  assert.equal(canonicalTime('2024-02-29T23:30:00-02:00'), '2024-03-01T01:30:00Z');
  assert.equal(canonicalTime('0001-01-01T00:00:00Z'), undefined);
  assert.equal(canonicalMicroTime('2024-01-02T03:04:05.000001+00:00'), '2024-01-02T03:04:05.000001Z');
});

const SECONDS = '2006-01-02T15:04:05Z07:00';
const badTimes: [string, string][] = [
  ['x', `parsing time "x" as "${SECONDS}": cannot parse "x" as "2006"`],
  ['2024-13-01T00:00:00Z', 'parsing time "2024-13-01T00:00:00Z": month out of range'],
  ['2023-02-29T00:00:00Z', 'parsing time "2023-02-29T00:00:00Z": day out of range'],
  ['2024-01-01T00:00:00', `parsing time "2024-01-01T00:00:00" as "${SECONDS}": cannot parse "" as "Z07:00"`],
  ['2024-01-01 00:00:00Z', `parsing time "2024-01-01 00:00:00Z" as "${SECONDS}": cannot parse " 00:00:00Z" as "T"`],
  ['2024-01-01T00:00:00Zz', 'parsing time "2024-01-01T00:00:00Zz": extra text: "z"'],
];
for (const [text, says] of badTimes) {
  test(`a time ${text}: ${says}`, () => assert.throws(() => canonicalTime(text), new RangeError(says)));
}
