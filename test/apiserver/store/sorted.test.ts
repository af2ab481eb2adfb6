import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { justAfter, prefixEnd, SortedMap } from '../../../apiserver/store/sorted.ts';

const step = fc.oneof(
  { weight: 6, arbitrary: fc.record({ set: fc.nat(700), value: fc.nat() }) },
  { weight: 4, arbitrary: fc.record({ delete: fc.nat(700) }) },
  { weight: 1, arbitrary: fc.constant('snapshot' as const) },
);
const keyOf = (n: number) => `k${String(n).padStart(4, '0')}`;

test('a sorted map does what a sorted list of a Map would, and its snapshots stay as they were', () => {
  fc.assert(
    fc.property(fc.array(step, { minLength: 200, maxLength: 1500 }), (steps) => {
      const map = new SortedMap<number>();
      const model = new Map<string, number>();
      const snapshots: { taken: SortedMap<number>; wants: [string, number][] }[] = [];
      const sorted = () => [...model].sort(([a], [b]) => (a < b ? -1 : 1));
      for (const one of steps) {
        if (one === 'snapshot') snapshots.push({ taken: map.snapshot(), wants: sorted() });
        else if ('set' in one) {
          assert.equal(map.set(keyOf(one.set), one.value), model.get(keyOf(one.set)));
          model.set(keyOf(one.set), one.value);
        } else {
          assert.equal(map.delete(keyOf(one.delete)), model.get(keyOf(one.delete)));
          model.delete(keyOf(one.delete));
        }
      }
      assert.equal(map.size, model.size);
      assert.deepEqual([...map.entries()], sorted());
      for (const { taken, wants } of snapshots) assert.deepEqual([...taken.entries()], wants);
      const between = sorted().filter(([key]) => key >= 'k0100' && key < 'k0500');
      assert.deepEqual([...map.entries('k0100', 'k0500')], between);
      assert.equal(map.count('k0100', 'k0500'), between.length);
    }),
    { numRuns: 60 },
  );
});

test('a snapshot can be changed without the map noticing', () => {
  const map = new SortedMap<number>();
  for (let n = 0; n < 1000; n++) map.set(keyOf(n), n);
  const copy = map.snapshot();
  copy.delete(keyOf(500));
  copy.set(keyOf(1), -1);
  assert.equal(map.get(keyOf(500)), 500);
  assert.equal(map.get(keyOf(1)), 1);
  assert.equal(copy.get(keyOf(1)), -1);
  assert.equal(copy.size, 999);
});

test('the bounds of a prefix hold every key that begins with it and no other', () => {
  assert.equal(prefixEnd('/registry/pods/'), '/registry/pods0');
  assert.equal(prefixEnd(''), undefined);
  assert.ok(justAfter('a') > 'a' && justAfter('a') < 'a-');
});
