import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { Heap } from '../../../apiserver/scheduler/heap.ts';
import type { ClusterEvent } from '../../../apiserver/scheduler/plugin.ts';
import { defaultPlugins } from '../../../apiserver/scheduler/plugins/index.ts';
import { backoffMs, FLUSH_AFTER_MS, SchedulingQueue } from '../../../apiserver/scheduler/queue.ts';
import { aSnapshot, infoOf, type PodParts } from './example.ts';

const snapshot = aSnapshot({ nodes: { n1: { cpu: '4' } } });
const pod = (name: string, parts: PodParts = {}) => infoOf(snapshot, name, parts);
const FIT = new Set(['NodeResourcesFit']);
const TAINTS = new Set(['TaintToleration']);
const gone: ClusterEvent = { on: 'pod-gone', pod: pod('gone', { node: 'n1' }) };

function queueOf(...pods: ReturnType<typeof pod>[]): SchedulingQueue {
  const queue = new SchedulingQueue(defaultPlugins);
  for (const one of pods) queue.put(one, 0);
  return queue;
}

const order = (queue: SchedulingQueue, nowMs = 0) => {
  const names: string[] = [];
  for (let next = queue.pop(nowMs); next !== undefined; next = queue.pop(nowMs)) names.push(next.pod.name);
  return names;
};

test('the most important comes first, then who came first', () => {
  const queue = queueOf(
    pod('a'),
    pod('b', { priority: 5 }),
    pod('c'),
    pod('d', { priority: 5 }),
    pod('e', { priority: -1 }),
  );
  assert.deepEqual(order(queue), ['b', 'd', 'a', 'c', 'e']);
});

test('a pod in hand is not handed out again', () => {
  const queue = queueOf(pod('a'));
  assert.deepEqual(order(queue), ['a']);
  queue.put(pod('a', { labels: { changed: 'yes' } }), 0);
  assert.deepEqual(order(queue), []);
});

test('a pod behind gates waits until they are gone', () => {
  const queue = queueOf(pod('a', { gates: ['one'] }));
  assert.deepEqual(order(queue), []);
  queue.put(pod('a'), 1);
  assert.deepEqual(order(queue), ['a']);
});

test('a refused pod waits for an event that concerns who refused it', () => {
  const queue = queueOf(pod('fit', { cpu: '1' }), pod('taint'));
  order(queue);
  queue.refused('default/fit', FIT, 0);
  queue.refused('default/taint', TAINTS, 0);
  queue.wake({ on: 'namespace', name: 'default' }, 2000);
  assert.deepEqual(order(queue, 2000), []);
  queue.wake(gone, 2000);
  assert.deepEqual(order(queue, 2000), ['fit']);
  queue.wake({ on: 'node', node: snapshot.node('n1')!, changes: ['taints'] }, 3000);
  assert.deepEqual(order(queue, 3000), ['taint']);
});

test('a node that could not take the pod empty does not wake it', () => {
  const queue = queueOf(pod('huge', { cpu: '5' }));
  order(queue);
  queue.refused('default/huge', FIT, 0);
  queue.wake({ on: 'node', node: snapshot.node('n1')!, changes: ['added'] }, 2000);
  assert.deepEqual(order(queue, 2000), []);
});

test('its own change wakes a refused pod, news of its status do not', () => {
  const queue = queueOf(pod('a'));
  order(queue);
  queue.refused('default/a', FIT, 0);
  queue.put(pod('a'), 2000, false);
  assert.deepEqual(order(queue, 2000), []);
  queue.put(pod('a', { labels: { a: 'b' } }), 2000, true);
  assert.deepEqual(order(queue, 2000), ['a']);
});

test('an idle scheduler does not wait for the back-off of a woken pod', () => {
  const queue = queueOf(pod('a'));
  order(queue);
  queue.refused('default/a', FIT, 0);
  queue.wake(gone, 10);
  assert.equal(queue.placeOf('default/a'), 'backoff');
  assert.deepEqual(order(queue, 10), ['a']);
});

test('others come before a woken pod that is still to back off', () => {
  const queue = queueOf(pod('a'));
  order(queue);
  queue.refused('default/a', FIT, 0);
  queue.wake(gone, 10);
  queue.put(pod('b'), 11);
  assert.deepEqual(order(queue, 11), ['b', 'a']);
});

test('after a failed write the back-off is kept', () => {
  const queue = queueOf(pod('a'));
  order(queue);
  queue.failed(pod('a'), 100);
  assert.deepEqual(order(queue, 1099), []);
  assert.equal(queue.nextDueMs(), 1100);
  assert.deepEqual(order(queue, 1100), ['a']);
});

test('nobody waits longer than five minutes', () => {
  const queue = queueOf(pod('a'));
  order(queue);
  queue.refused('default/a', FIT, 0);
  queue.flush(FLUSH_AFTER_MS - 1);
  assert.deepEqual(order(queue, FLUSH_AFTER_MS - 1), []);
  queue.flush(FLUSH_AFTER_MS);
  assert.deepEqual(order(queue, FLUSH_AFTER_MS), ['a']);
});

test('a deleted pod is forgotten wherever it is', () => {
  const queue = queueOf(pod('a'), pod('b'));
  queue.delete('default/a');
  assert.deepEqual(order(queue), ['b']);
  queue.refused('default/b', FIT, 0);
  queue.delete('default/b');
  queue.wake(gone, 5000);
  assert.equal(queue.size, 0);
  assert.deepEqual(order(queue, 5000), []);
});

for (const [attempts, ms] of [
  [0, 1000],
  [1, 1000],
  [2, 2000],
  [3, 4000],
  [4, 8000],
  [5, 10_000],
  [500, 10_000],
] as const) {
  test(`after ${attempts} attempts the back-off is ${ms} ms`, () => assert.equal(backoffMs(attempts), ms));
}

test('a heap gives back what was put in, in order', () => {
  fc.assert(
    fc.property(fc.array(fc.integer()), (numbers) => {
      const heap = new Heap<number>((a, b) => a < b);
      for (const number of numbers) heap.push(number);
      assert.deepEqual(
        numbers.map(() => heap.pop()),
        numbers.toSorted((a, b) => a - b),
      );
      assert.equal(heap.pop(), undefined);
    }),
  );
});

test('whoever was looked at often waits its back-off out', () => {
  const queue = queueOf(pod('a'));
  for (let i = 0; i < 6; i++) {
    assert.deepEqual(order(queue, i), ['a']);
    queue.refused('default/a', FIT, i);
    queue.wake(gone, i);
  }
  assert.deepEqual(order(queue, 6), []);
  assert.deepEqual(order(queue, 10_005), ['a']);
});
