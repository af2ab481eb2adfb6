import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Pod } from '../../../api/types/core/pod.ts';
import { decideReplicas, statusOf } from '../../../apiserver/controllers/replica-set-decide.ts';
import { aPod, aSet } from './example.ts';

const cases: { it: string; replicas: number; pods: Pod[]; creates?: number; removes?: string[] }[] = [
  { it: 'creates what is missing', replicas: 3, pods: [aPod('a')], creates: 2 },
  {
    it: 'replaces pods that finished or are on their way out',
    replicas: 2,
    pods: [aPod('a', { phase: 'Failed' }), aPod('b', { deleting: true })],
    creates: 2,
  },
  { it: 'rests when the number is right', replicas: 1, pods: [aPod('a')] },
  { it: 'takes pods without a node first', replicas: 1, pods: [aPod('a', { node: 'n' }), aPod('b')], removes: ['b'] },
  {
    it: 'takes pending before running',
    replicas: 1,
    pods: [aPod('a', { node: 'n' }), aPod('b', { node: 'n', phase: 'Pending' })],
    removes: ['b'],
  },
  {
    it: 'takes those that are not ready',
    replicas: 1,
    pods: [aPod('a', { node: 'n' }), aPod('b', { node: 'n', ready: false })],
    removes: ['b'],
  },
  {
    it: 'heeds the cost of deletion before anything of age',
    replicas: 1,
    pods: [
      aPod('a', { node: 'n', annotations: { 'controller.kubernetes.io/pod-deletion-cost': '-5' } }),
      aPod('b', { node: 'n', restarts: 9 }),
    ],
    removes: ['a'],
  },
  {
    it: 'takes from the node that has most',
    replicas: 2,
    pods: [aPod('a', { node: 'n' }), aPod('b', { node: 'm' }), aPod('c', { node: 'm' })],
    removes: ['b'],
  },
  {
    it: 'takes those that restarted more',
    replicas: 1,
    pods: [aPod('a', { node: 'n' }), aPod('b', { node: 'n', restarts: 3 })],
    removes: ['b'],
  },
  {
    it: 'takes the younger one',
    replicas: 1,
    pods: [aPod('a', { node: 'n' }), aPod('b', { node: 'n', created: '2026-01-02T00:00:00Z' })],
    removes: ['b'],
  },
];
for (const { it, replicas, pods, creates = 0, removes = [] } of cases) {
  test(`a replica set ${it}`, () => {
    const { create, remove } = decideReplicas(aSet('s', { replicas }), pods, pods);
    assert.deepEqual([create, remove.map(({ metadata }) => metadata.name)], [creates, removes]);
  });
}

test('a replica set counts a pod as available only after its time of being ready, and looks again then', () => {
  const set = { ...aSet('s', { replicas: 2 }) };
  set.spec = { ...set.spec, minReadySeconds: 30 };
  const pods = [aPod('a', { ready: '2026-01-01T00:00:00Z' }), aPod('b', { ready: '2026-01-01T00:00:50Z' })];
  const { status, againMs } = statusOf(set, pods, undefined, { ms: Date.UTC(2026, 0, 1, 0, 1), text: 'now' });
  assert.deepEqual([status.readyReplicas, status.availableReplicas, againMs], [2, 1, 20_000]);
});
