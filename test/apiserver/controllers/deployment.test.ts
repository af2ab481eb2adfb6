import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { Deployment } from '../../../api/types/apps/deployment.ts';
import type { ReplicaSet } from '../../../api/types/apps/replica-set.ts';
import { type Action, decideDeployment } from '../../../apiserver/controllers/deployment-decide.ts';
import { maxSurge, maxUnavailable } from '../../../apiserver/controllers/deployment-limits.ts';
import { sizeAnnotations } from '../../../apiserver/controllers/deployment-sets.ts';
import { deploymentStatus } from '../../../apiserver/controllers/deployment-status.ts';
import { aDeployment, aSet } from './example.ts';

/** Scaling and making sets, in short: what most cases are about. */
function sizes(actions: readonly Action[]): string[] {
  return actions.flatMap((action) => {
    if (action.do === 'create') return [`create ${action.replicas}`];
    if (action.do === 'scale') return [`${action.set.metadata.name} -> ${action.replicas}`];
    return action.do === 'remove' ? [`remove ${action.set.metadata.name}`] : [];
  });
}

const cases: { it: string; deployment: Deployment; sets: ReplicaSet[]; oldPodsRun?: boolean; wants: string[] }[] = [
  { it: 'makes its first set at full size', deployment: aDeployment(), sets: [], wants: ['create 3'] },
  {
    it: 'makes the new set as large as the surge allows',
    deployment: aDeployment({ replicas: 4, image: 'app:2', strategy: rolling(1, 1) }),
    sets: [aSet('old', { replicas: 4, desired: 4, max: 5 })],
    wants: ['create 1'],
  },
  {
    it: 'takes from the old set what may be unavailable once the surge is used up',
    deployment: aDeployment({ replicas: 4, image: 'app:2', strategy: rolling(1, 1) }),
    sets: [
      aSet('old', { replicas: 4, desired: 4, max: 5 }),
      aSet('new', { image: 'app:2', replicas: 1, available: 0, desired: 4, max: 5, revision: 2 }),
    ],
    wants: ['old -> 3'],
  },
  {
    it: 'rests at 5 pods, 2 of them new, while nothing new becomes ready',
    deployment: aDeployment({ replicas: 4, image: 'app:2', strategy: rolling(1, 1) }),
    sets: [
      aSet('old', { replicas: 3, desired: 4, max: 5 }),
      aSet('new', { image: 'app:2', replicas: 2, available: 0, desired: 4, max: 5, revision: 2 }),
    ],
    wants: [],
  },
  {
    it: 'takes pods that are not available anyway first',
    deployment: aDeployment({ replicas: 2, image: 'app:3', strategy: rolling(1, 0) }),
    sets: [
      aSet('good', { replicas: 2, desired: 2, max: 3, created: '2026-01-01T00:00:02Z' }),
      aSet('bad', { image: 'app:2', replicas: 1, available: 0, desired: 2, max: 3, revision: 2 }),
      aSet('new', { image: 'app:3', replicas: 0, desired: 2, max: 3, revision: 3 }),
    ],
    wants: ['bad -> 0'],
  },
  {
    it: 'follows a change of its own size',
    deployment: aDeployment({ replicas: 5 }),
    sets: [aSet('now', { replicas: 3, desired: 3, max: 4 })],
    wants: ['now -> 5'],
  },
  {
    it: 'shares a change of size among its sets in the middle of a rollout',
    deployment: aDeployment({ replicas: 20, image: 'app:2', strategy: rolling(0, 5) }),
    sets: [
      aSet('old', { replicas: 8, desired: 10, max: 10 }),
      aSet('new', { image: 'app:2', replicas: 2, available: 0, desired: 10, max: 10, revision: 2 }),
    ],
    wants: ['old -> 16', 'new -> 4'],
  },
  {
    it: 'makes no new set while it is paused',
    deployment: aDeployment({ image: 'app:2', paused: true }),
    sets: [aSet('old', { replicas: 3, desired: 3, max: 4 })],
    wants: [],
  },
  {
    it: 'with Recreate first ends all old pods',
    deployment: aDeployment({ image: 'app:2', strategy: { type: 'Recreate' } }),
    sets: [aSet('old', { replicas: 3, desired: 3, max: 3 })],
    wants: ['old -> 0'],
  },
  {
    it: 'with Recreate waits for old pods to end',
    deployment: aDeployment({ image: 'app:2', strategy: { type: 'Recreate' } }),
    sets: [aSet('old', { replicas: 0 })],
    oldPodsRun: true,
    wants: [],
  },
  {
    it: 'with Recreate then makes the new set at full size',
    deployment: aDeployment({ image: 'app:2', strategy: { type: 'Recreate' } }),
    sets: [aSet('old', { replicas: 0 })],
    wants: ['create 3'],
  },
  {
    it: 'forgets the oldest sets beyond its history when it is complete',
    deployment: aDeployment({ image: 'app:4', revisionHistoryLimit: 1 }),
    sets: [
      aSet('a', { replicas: 0, image: 'app:1', revision: 1 }),
      aSet('b', { replicas: 0, image: 'app:2', revision: 2 }),
      aSet('c', { replicas: 0, image: 'app:3', revision: 3 }),
      aSet('d', { image: 'app:4', replicas: 3, revision: 4, desired: 3, max: 4 }),
    ],
    wants: ['remove a', 'remove b'],
  },
];

function rolling(surge: number, unavailable: number): Deployment['spec']['strategy'] {
  return { type: 'RollingUpdate', rollingUpdate: { maxSurge: surge, maxUnavailable: unavailable } };
}

for (const { it, deployment, sets, oldPodsRun = false, wants } of cases) {
  test(`a deployment ${it}`, () => assert.deepEqual(sizes(decideDeployment({ deployment, sets, oldPodsRun })), wants));
}

test('a rollout always ends, with never too many pods and never too few available', () => {
  const scenario = fc.record({
    replicas: fc.integer({ min: 1, max: 12 }),
    surge: fc.oneof(fc.integer({ min: 0, max: 4 }), fc.constantFrom('0%', '25%', '50%', '100%')),
    unavailable: fc.oneof(fc.integer({ min: 0, max: 4 }), fc.constantFrom('0%', '25%', '50%', '100%')),
    readyPerStep: fc.integer({ min: 1, max: 5 }),
  });
  fc.assert(
    fc.property(scenario, ({ replicas, surge, unavailable, readyPerStep }) => {
      const strategy = {
        type: 'RollingUpdate',
        rollingUpdate: { maxSurge: surge, maxUnavailable: unavailable },
      } as const;
      const deployment = aDeployment({ replicas, image: 'app:2', strategy });
      const { spec } = deployment;
      const annotations = sizeAnnotations(deployment);
      const sets = [aSet('old', { replicas })];
      Object.assign(sets[0]!.metadata.annotations!, annotations);
      for (let step = 0; step < 200; step++) {
        for (const action of decideDeployment({ deployment, sets, oldPodsRun: false })) {
          if (action.do === 'create') {
            sets.push({ ...aSet('new', { image: 'app:2', replicas: action.replicas, available: 0, revision: 2 }) });
            Object.assign(sets[1]!.metadata.annotations!, annotations);
          } else if (action.do === 'scale') {
            const set = sets.find(({ metadata }) => metadata.name === action.set.metadata.name)!;
            set.spec.replicas = action.replicas;
            set.status.replicas = action.replicas;
            set.status.availableReplicas = Math.min(set.status.availableReplicas ?? 0, action.replicas);
          }
        }
        const total = sets.reduce((sum, set) => sum + set.spec.replicas!, 0);
        const available = sets.reduce((sum, set) => sum + set.status.availableReplicas!, 0);
        assert.ok(total <= replicas + maxSurge(spec), `${total} pods`);
        assert.ok(available >= replicas - maxUnavailable(spec), `${available} available`);
        if (sets[1]?.status.availableReplicas === replicas && sets[0]!.spec.replicas === 0) return;
        const fresh = sets[1];
        if (fresh !== undefined) {
          fresh.status.availableReplicas = Math.min(
            fresh.spec.replicas!,
            fresh.status.availableReplicas! + readyPerStep,
          );
        }
      }
      assert.fail('the rollout did not end');
    }),
  );
});

const NOW = Date.UTC(2026, 0, 1, 1);

function progressing(deployment: Deployment, sets: ReplicaSet[], nowMs = NOW) {
  const { status, againMs } = deploymentStatus(deployment, sets, {}, nowMs);
  return { ...status.conditions?.find(({ type }) => type === 'Progressing'), againMs };
}

test('a deployment that is complete says so and needs no further look', () => {
  const sets = [aSet('new', { replicas: 3 })];
  const known = {
    type: 'Progressing',
    status: 'True',
    reason: 'ReplicaSetUpdated',
    lastUpdateTime: '2026-01-01T00:59:00Z',
  };
  const deployment = aDeployment({ status: { conditions: [known] } as unknown as Deployment['status'] });
  const { reason, message, againMs } = progressing(deployment, sets);
  assert.deepEqual(
    [reason, message, againMs],
    ['NewReplicaSetAvailable', 'ReplicaSet "new" has successfully progressed.', undefined],
  );
});

test('a deployment that makes no progress until its deadline says so', () => {
  const known = {
    type: 'Progressing',
    status: 'True',
    reason: 'ReplicaSetUpdated',
    lastUpdateTime: '2026-01-01T00:40:00Z',
  };
  const status = { replicas: 3, updatedReplicas: 3, conditions: [known] } as unknown as Deployment['status'];
  const sets = [aSet('new', { replicas: 3, available: 0 })];
  assert.equal(progressing(aDeployment({ status }), sets).reason, 'ProgressDeadlineExceeded');
  const early = progressing(aDeployment({ status }), sets, Date.UTC(2026, 0, 1, 0, 45));
  assert.deepEqual([early.reason, early.againMs], ['ReplicaSetUpdated', 301_000]);
});
