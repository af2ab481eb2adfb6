import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Pod } from '../../../api/types/core/pod.ts';
import type { PodDisruptionBudget } from '../../../api/types/policy/pod-disruption-budget.ts';
import { decideBudget } from '../../../apiserver/controllers/disruption-decide.ts';
import { aPod } from './example.ts';

const NOW = '2026-01-01T01:00:00Z';

function aBudget(spec: Partial<PodDisruptionBudget['spec']>, status: object = {}): PodDisruptionBudget {
  return { metadata: { name: 'b', namespace: 'ns', generation: 2 }, spec, status } as unknown as PodDisruptionBudget;
}
const decide = (budget: PodDisruptionBudget, pods: Pod[], scale: number | Error = pods.length) =>
  decideBudget({ budget, pods, scale, nowMs: Date.parse(NOW), now: NOW });

const three = [aPod('a'), aPod('b'), aPod('c')];
const cases: {
  it: string;
  spec: Partial<PodDisruptionBudget['spec']>;
  pods: Pod[];
  scale?: number;
  allows: number;
  desired: number;
  expected: number;
}[] = [
  { it: 'keeps a number of pods', spec: { minAvailable: 2 }, pods: three, allows: 1, desired: 2, expected: 3 },
  {
    it: 'keeps a part of what is wanted, rounded up',
    spec: { minAvailable: '50%' },
    pods: three,
    scale: 3,
    allows: 1,
    desired: 2,
    expected: 3,
  },
  {
    it: 'lets a number be missing from what is wanted',
    spec: { maxUnavailable: 1 },
    pods: three,
    scale: 4,
    allows: 0,
    desired: 3,
    expected: 4,
  },
  {
    it: 'lets a part be missing, rounded up',
    spec: { maxUnavailable: '30%' },
    pods: three,
    scale: 3,
    allows: 1,
    desired: 2,
    expected: 3,
  },
  {
    it: 'counts no pod that is not ready or on its way out',
    spec: { minAvailable: 1 },
    pods: [aPod('a'), aPod('b', { ready: false }), aPod('c', { deleting: true })],
    allows: 0,
    desired: 1,
    expected: 3,
  },
  {
    it: 'allows nothing where it has no pods',
    spec: { minAvailable: 0 },
    pods: [],
    allows: 0,
    desired: 0,
    expected: 0,
  },
  {
    it: 'never wants less than none',
    spec: { maxUnavailable: 5 },
    pods: three,
    scale: 3,
    allows: 3,
    desired: 0,
    expected: 3,
  },
];
for (const { it, spec, pods, scale, allows, desired, expected } of cases) {
  test(`a disruption budget ${it}`, () => {
    const { status } = decide(aBudget(spec), pods, scale);
    assert.deepEqual(
      [status.disruptionsAllowed, status.desiredHealthy, status.expectedPods],
      [allows, desired, expected],
    );
    const [condition] = status.conditions!;
    assert.equal(condition!.reason, allows > 0 ? 'SufficientPods' : 'InsufficientPods');
    assert.equal(status.observedGeneration, 2);
  });
}

test('an evicted pod does not count until it is gone, and counts again when nothing came of it', () => {
  const budget = aBudget(
    { minAvailable: 1 },
    { disruptedPods: { a: '2026-01-01T00:59:00Z', b: '2026-01-01T00:57:00Z', x: NOW } },
  );
  const { status, notDeleted, againMs } = decide(budget, three);
  assert.deepEqual(status.disruptedPods, { a: '2026-01-01T00:59:00Z' });
  assert.deepEqual([status.currentHealthy, status.disruptionsAllowed], [2, 1]);
  assert.deepEqual([notDeleted.map(({ metadata }) => metadata.name), againMs], [['b'], 60_000]);
});

test('a budget whose scale cannot be known allows nothing and says why', () => {
  const { status } = decide(
    aBudget({ maxUnavailable: 1 }, { disruptionsAllowed: 3, currentHealthy: 3 }),
    three,
    new Error('no scale'),
  );
  assert.deepEqual([status.disruptionsAllowed, status.currentHealthy], [0, 3]);
  assert.deepEqual([status.conditions![0]!.reason, status.conditions![0]!.message], ['SyncFailed', 'no scale']);
});

test('the condition keeps its time as long as it says the same', () => {
  const conditions = [
    {
      type: 'DisruptionAllowed',
      status: 'True',
      lastTransitionTime: '2026-01-01T00:00:00Z',
      reason: 'SufficientPods',
      message: '',
    },
  ];
  const same = decide(aBudget({ minAvailable: 1 }, { conditions }), three).status.conditions![0]!;
  const other = decide(aBudget({ minAvailable: 3 }, { conditions }), three).status.conditions![0]!;
  assert.deepEqual([same.lastTransitionTime, other.lastTransitionTime], ['2026-01-01T00:00:00Z', NOW]);
});
