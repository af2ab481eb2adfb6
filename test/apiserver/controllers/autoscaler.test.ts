import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { HorizontalPodAutoscaler } from '../../../api/types/autoscaling/horizontal-pod-autoscaler.ts';
import type { Pod } from '../../../api/types/core/pod.ts';
import { limitReplicas, type Past } from '../../../apiserver/controllers/autoscaler-limits.ts';
import { type Load, replicasFor } from '../../../apiserver/controllers/autoscaler-replicas.ts';
import { aPod } from './example.ts';

const NOW_MS = Date.parse('2026-01-01T02:00:00Z');

/** A pod that has been ready for long; each asks for 1000 thousandths. */
function aWorker(name: string, parts: Parameters<typeof aPod>[1] = {}): Pod {
  const pod = aPod(name, parts);
  return { ...pod, status: { ...pod.status, startTime: '2026-01-01T00:00:00Z' } } as Pod;
}

function aLoad(milli: Record<string, number>, more: Partial<Load> & { others?: Pod[] } = {}): Load {
  const { others = [], ...rest } = more;
  const samples = new Map(
    Object.entries(milli).map(([name, each]) => [name, { milli: each, atMs: NOW_MS, windowMs: 30_000 }]),
  );
  const unlisted = [...samples.keys()].filter((name) => !others.some(({ metadata }) => metadata.name === name));
  const pods = [...unlisted.map((name) => aWorker(name)), ...others];
  const target = { utilization: 50, requestOf: () => 1000 };
  return {
    resource: 'cpu',
    pods,
    samples,
    target,
    current: pods.length,
    tolerance: { up: 0.1, down: 0.1 },
    nowMs: NOW_MS,
    ...rest,
  };
}

const loads: { it: string; load: Load; wants: number }[] = [
  { it: 'doubles when twice the target is used', load: aLoad({ a: 1000, b: 1000 }), wants: 4 },
  { it: 'halves when half of the target is used', load: aLoad({ a: 250, b: 250 }), wants: 1 },
  { it: 'stays near the target', load: aLoad({ a: 540, b: 540 }), wants: 2 },
  {
    it: 'heeds a tolerance of its own',
    load: aLoad({ a: 540, b: 540 }, { tolerance: { up: 0.05, down: 0.1 } }),
    wants: 3,
  },
  { it: 'follows an average value', load: aLoad({ a: 300, b: 300 }, { target: { averageMilli: 100 } }), wants: 6 },
  {
    it: 'takes pods without a figure for fully used on the way down',
    load: aLoad({ a: 200, b: 200 }, { others: [aWorker('c')], target: { utilization: 90, requestOf: () => 1000 } }),
    wants: 2,
  },
  {
    it: 'takes pods without a figure for idle on the way up',
    load: aLoad({ a: 1000 }, { others: [aWorker('b')] }),
    wants: 2,
  },
  {
    it: 'takes pods that are not ready for idle on the way up',
    load: aLoad({ a: 2000 }, { others: [aWorker('b', { phase: 'Pending' })] }),
    wants: 4,
  },
  {
    it: 'does not turn round because of what is not known',
    load: aLoad({ a: 600 }, { others: [aWorker('b'), aWorker('c')] }),
    wants: 3,
  },
  {
    it: 'leaves out pods that failed or are on their way out',
    load: aLoad(
      { a: 1000 },
      { others: [aWorker('b', { phase: 'Failed' }), aWorker('c', { deleting: true })], current: 1 },
    ),
    wants: 2,
  },
];
for (const { it, load, wants } of loads) {
  test(`an autoscaler ${it}`, () => assert.equal(replicasFor(load).replicas, wants));
}

test('an autoscaler says what it lacks', () => {
  assert.throws(() => replicasFor(aLoad({})), /no metrics returned/);
  assert.throws(
    () => replicasFor(aLoad({ a: 1 }, { others: [aWorker('a', { phase: 'Pending' })] })),
    /pods might be unready/,
  );
});

test('an autoscaler shows what it measured', () => {
  const { averageMilli, utilization } = replicasFor(aLoad({ a: 300, b: 500 }));
  assert.deepEqual([averageMilli, utilization], [400, 40]);
});

function anAutoscaler(behavior?: object, maxReplicas = 100): HorizontalPodAutoscaler {
  return { spec: { minReplicas: 1, maxReplicas, behavior } } as unknown as HorizontalPodAutoscaler;
}
const none: Past = { recommended: [], changes: [] };
const at = (secondsAgo: number) => 1_000_000 - secondsAgo * 1000;
const wanted = (replicas: number, secondsAgo: number): Past => ({
  ...none,
  recommended: [{ atMs: at(secondsAgo), replicas }],
});
const changed = (by: number, secondsAgo: number): Past => ({ ...none, changes: [{ atMs: at(secondsAgo), by }] });
const slow = {
  scaleUp: {
    selectPolicy: 'Min',
    stabilizationWindowSeconds: 60,
    policies: [
      { type: 'Pods', value: 1, periodSeconds: 60 },
      { type: 'Percent', value: 100, periodSeconds: 60 },
    ],
  },
  scaleDown: { selectPolicy: 'Disabled', policies: [] },
};

const limits: {
  it: string;
  autoscaler?: HorizontalPodAutoscaler;
  current: number;
  asks: number;
  past?: Past;
  gets: number;
  able?: string;
  limited?: string;
}[] = [
  { it: 'doubles at most', current: 10, asks: 50, gets: 20, limited: 'ScaleUpLimit' },
  { it: 'may add four when it is small', current: 1, asks: 50, gets: 5, limited: 'ScaleUpLimit' },
  {
    it: 'does not go beyond its largest size',
    autoscaler: anAutoscaler(undefined, 6),
    current: 4,
    asks: 7,
    gets: 6,
    limited: 'TooManyReplicas',
  },
  { it: 'does not go below its smallest size', current: 4, asks: 0, gets: 1, limited: 'TooFewReplicas' },
  {
    it: 'counts what it did in this period',
    current: 10,
    asks: 30,
    past: changed(5, 10),
    gets: 10,
    limited: 'ScaleUpLimit',
  },
  { it: 'forgets what it did before this period', current: 10, asks: 20, past: changed(5, 20), gets: 20 },
  {
    it: 'comes down no further than it was asked for within five minutes',
    current: 10,
    asks: 2,
    past: wanted(8, 200),
    gets: 8,
    able: 'ScaleDownStabilized',
  },
  { it: 'comes down after five minutes', current: 10, asks: 2, past: wanted(8, 400), gets: 2 },
  {
    it: 'goes up as slowly as it is told to',
    autoscaler: anAutoscaler(slow),
    current: 10,
    asks: 20,
    gets: 11,
    limited: 'ScaleUpLimit',
  },
  {
    it: 'goes up only when it was asked to for long enough',
    autoscaler: anAutoscaler(slow),
    current: 10,
    asks: 20,
    past: wanted(10, 30),
    gets: 10,
    able: 'ScaleUpStabilized',
  },
  {
    it: 'does not come down where that is disabled',
    autoscaler: anAutoscaler(slow),
    current: 10,
    asks: 2,
    past: wanted(2, 400),
    gets: 10,
    limited: 'ScaleDownLimit',
  },
];
for (const {
  it,
  autoscaler = anAutoscaler(),
  current,
  asks,
  past = none,
  gets,
  able = 'ReadyForNewScale',
  limited = 'DesiredWithinRange',
} of limits) {
  test(`an autoscaler ${it}`, () => {
    const made = limitReplicas(autoscaler, current, asks, past, at(0));
    assert.deepEqual([made.replicas, made.able.reason, made.limited.reason], [gets, able, limited]);
  });
}

test('an autoscaler stays within its bounds and never goes against what is asked', () => {
  const size = fc.integer({ min: 1, max: 100 });
  fc.assert(
    fc.property(
      size,
      fc.integer({ min: 0, max: 500 }),
      fc.integer({ min: -50, max: 50 }),
      fc.integer({ min: 1, max: 600 }),
      (current, asks, by, ago) => {
        const { replicas } = limitReplicas(anAutoscaler(), current, asks, changed(by, ago), at(0));
        assert.ok(replicas >= 1 && replicas <= 100);
        assert.ok(asks >= current ? replicas >= current : replicas <= current);
      },
    ),
  );
});
