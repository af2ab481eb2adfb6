import assert from 'node:assert/strict';
import { test } from 'node:test';
import { keepIdleMemorySmall, type Measured, worthCollecting } from '../../api/idle-memory.ts';
import { VirtualClock } from '../sim/virtual-clock.ts';

const MB = 1 << 20;
const idle: Measured = { busyMs: 10, nurseryBytes: 16 * MB, heapBytes: 60 * MB, collectedBytes: 40 * MB };
const cases: { it: string; measured: Measured; mayCollectAll?: boolean; wants: string | undefined }[] = [
  { it: 'leaves a process alone that has work', measured: { ...idle, busyMs: 500 }, wants: undefined },
  { it: 'collects the nursery that a burst left large', measured: idle, wants: 'nursery' },
  { it: 'leaves a small nursery alone', measured: { ...idle, nurseryBytes: 4 * MB }, wants: undefined },
  {
    it: 'collects everything when the heap has grown, where it may',
    measured: idle,
    mayCollectAll: true,
    wants: 'all',
  },
  {
    it: 'collects the nursery alone when the heap has hardly grown',
    measured: { ...idle, heapBytes: 48 * MB },
    mayCollectAll: true,
    wants: 'nursery',
  },
];
for (const { it, measured, mayCollectAll = false, wants } of cases) {
  test(`worthCollecting ${it}`, () => assert.equal(worthCollecting(measured, mayCollectAll), wants));
}

test('an idle process collects what it grew by, not again what it keeps, and nothing once it ends', async () => {
  const clock = new VirtualClock();
  const stop = new AbortController();
  let collected = 0;
  const all = () => void collected++;
  const kept = keepIdleMemorySmall({ nursery: () => {}, all }, clock, stop.signal);
  await clock.advance(6_000);
  assert.equal(collected, 1);
  await clock.advance(10_000);
  assert.equal(collected, 1);
  const ballast = Array.from({ length: 20 }, () => new Array(MB / 8).fill(1.5));
  await clock.advance(10_000);
  assert.equal(collected, 2);
  assert.equal(ballast.length, 20);
  stop.abort();
  await kept;
  await clock.advance(10_000);
  assert.equal(collected, 2);
});
