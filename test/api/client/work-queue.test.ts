import assert from 'node:assert/strict';
import { test } from 'node:test';
import { AT_REST, type Next, WorkQueue } from '../../../api/client/work-queue.ts';
import { systemClock } from '../../../api/system.ts';
import { settle, VirtualClock } from '../../sim/virtual-clock.ts';

interface Rig {
  clock: VirtualClock;
  queue: WorkQueue;
  passes: string[];
  retries: number[];
  end(): Promise<void>;
}

function rig(work: (key: string, passes: string[]) => Promise<Next>, workers = 2): Rig {
  const clock = new VirtualClock();
  const queue = new WorkQueue(clock);
  const passes: string[] = [];
  const retries: number[] = [];
  const stop = new AbortController();
  const running = queue.run(
    workers,
    (key) => {
      passes.push(key);
      return work(key, passes);
    },
    (_key, _err, retryMs) => retries.push(retryMs),
    stop.signal,
  );
  const end = () => {
    stop.abort();
    return running;
  };
  return { clock, queue, passes, retries, end };
}

test('a key added many times before its turn is worked on once', async () => {
  const { queue, passes, end } = rig(async () => AT_REST);
  for (let i = 0; i < 100; i++) queue.add('a');
  await settle();
  assert.deepEqual(passes, ['a']);
  await end();
});

test('a key is never worked on twice at once, and one added meanwhile gets another pass', async () => {
  const gate = Promise.withResolvers<void>();
  let atOnce = 0;
  let most = 0;
  const { queue, passes, end } = rig(async () => {
    most = Math.max(most, ++atOnce);
    await gate.promise;
    atOnce--;
    return AT_REST;
  }, 4);
  queue.add('a');
  await settle();
  queue.add('a');
  queue.add('a');
  await settle();
  assert.deepEqual(passes, ['a']);
  gate.resolve();
  await settle();
  assert.deepEqual(passes, ['a', 'a']);
  assert.equal(most, 1);
  await end();
});

test('a failing key comes back with growing delay, and starts over after a success', async () => {
  let failures = 3;
  const { clock, queue, passes, retries, end } = rig(async () => {
    if (failures-- > 0) throw new Error('not yet');
    return AT_REST;
  });
  queue.add('a');
  await clock.advance(100);
  assert.deepEqual(retries, [5, 10, 20]);
  assert.equal(passes.length, 4);
  failures = 1;
  queue.add('a');
  await clock.advance(100);
  assert.deepEqual(retries, [5, 10, 20, 5]);
  await end();
});

test('a pass that asks for another look gets it after that time, or at once when an event comes first', async () => {
  const { clock, queue, passes, end } = rig(async (_key, seen) => (seen.length < 2 ? { afterMs: 1000 } : AT_REST));
  queue.add('a');
  await clock.advance(999);
  assert.equal(passes.length, 1);
  await clock.advance(1);
  assert.equal(passes.length, 2);
  queue.addAfter('b', 5000);
  queue.addAfter('b', 9000);
  await clock.advance(4999);
  assert.equal(passes.includes('b'), false);
  queue.add('b');
  await clock.advance(10_000);
  assert.equal(passes.filter((key) => key === 'b').length, 1);
  await end();
});

test('run returns only when the passes in flight have ended', async () => {
  const gate = Promise.withResolvers<void>();
  const { queue, end } = rig(async () => {
    await gate.promise;
    return AT_REST;
  });
  queue.add('a');
  await settle();
  let ended = false;
  const ending = end().then(() => {
    ended = true;
  });
  await settle();
  assert.equal(ended, false);
  gate.resolve();
  await ending;
});

test('keys are worked on in the order in which they came, also those that come back', async () => {
  const { queue, passes, end } = rig(async (key, seen) => {
    if (key === 'busy' && seen.length < 4) queue.add('busy');
    return AT_REST;
  }, 1);
  for (const key of ['busy', 'a', 'b', 'busy', 'a']) queue.add(key);
  await settle();
  assert.deepEqual(passes, ['busy', 'a', 'b', 'busy']);
  await end();
});

test('a key that always wants another pass, and one that always fails, leave the others their turns', async () => {
  const { clock, queue, passes, end } = rig(async (key) => {
    if (key === 'failing') throw new Error('never');
    return key === 'eager' ? { afterMs: 0 } : AT_REST;
  }, 1);
  queue.add('eager');
  queue.add('failing');
  await clock.advance(50);
  queue.add('late');
  await clock.advance(1);
  assert.equal(passes.filter((key) => key === 'late').length, 1);
  await end();
});

test('a long line of keys that wait for nothing does not hold up the rest of the process', async () => {
  const queue = new WorkQueue(systemClock);
  const stop = new AbortController();
  let passes = 0;
  const running = queue.run(
    2,
    async () => {
      passes++;
      const untilMs = performance.now() + 0.5;
      while (performance.now() < untilMs);
      return AT_REST;
    },
    () => undefined,
    stop.signal,
  );
  for (let i = 0; i < 400; i++) queue.add(String(i));
  await settle();
  await settle();
  assert.ok(passes > 0 && passes < 400, `${passes} passes in two turns of the loop`);
  stop.abort();
  await running;
});
