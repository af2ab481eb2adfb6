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
  const usage = { cpuMs: 0, nurseryBytes: MB, heapBytes: 50 * MB };
  const collected: number[] = [];
  const all = () => {
    collected.push(usage.heapBytes);
    usage.heapBytes -= 10 * MB; // the rest is kept
  };
  const kept = keepIdleMemorySmall({ nursery: () => {}, all }, clock, stop.signal, () => ({ ...usage }));
  await clock.advance(6_000);
  assert.deepEqual(collected, [50 * MB]);
  await clock.advance(10_000);
  assert.equal(collected.length, 1);
  usage.heapBytes += 20 * MB;
  usage.cpuMs += 4_000;
  await clock.advance(5_000);
  assert.equal(collected.length, 1, 'it has work');
  await clock.advance(5_000);
  assert.deepEqual(collected, [50 * MB, 60 * MB]);
  usage.heapBytes += 20 * MB;
  stop.abort();
  await kept;
  await clock.advance(10_000);
  assert.equal(collected.length, 2);
});
