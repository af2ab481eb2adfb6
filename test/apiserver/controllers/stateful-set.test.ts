import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { StatefulSet } from '../../../api/types/apps/stateful-set.ts';
import type { PersistentVolumeClaim } from '../../../api/types/core/persistent-volume-claim.ts';
import type { Pod, PodTemplateSpec } from '../../../api/types/core/pod.ts';
import { revisionHash } from '../../../apiserver/controllers/revision-hash.ts';
import { claimOwners, isStale, newMember, ordinalOf, REVISION } from '../../../apiserver/controllers/stateful-pods.ts';
import { decideMembers, statefulStatus } from '../../../apiserver/controllers/stateful-set-decide.ts';
import { aPod, type PodParts } from './example.ts';

const NOW_MS = Date.parse('2026-01-01T01:00:00Z');

function aStatefulSet(spec: object = {}, status: object = {}): StatefulSet {
  return {
    metadata: { name: 'web', namespace: 'ns', uid: 'uid-web', generation: 1 },
    spec: {
      replicas: 3,
      serviceName: 'web',
      podManagementPolicy: 'OrderedReady',
      updateStrategy: { type: 'RollingUpdate', rollingUpdate: { partition: 0 } },
      selector: { matchLabels: { a: 'b' } },
      template: { metadata: { labels: { a: 'b' } }, spec: { containers: [{ name: 'app' }] } },
      ...spec,
    },
    status,
  } as unknown as StatefulSet;
}
const rolling = (rollingUpdate: object, more: object = {}) => ({
  updateStrategy: { type: 'RollingUpdate', rollingUpdate },
  ...more,
});
const parallel = { podManagementPolicy: 'Parallel' };

function aMember(ordinal: number, { revision = 'new', ...parts }: PodParts & { revision?: string } = {}): Pod {
  return aPod(`web-${ordinal}`, { labels: { [REVISION]: revision }, ...parts });
}
const old = (ordinal: number, parts: PodParts = {}) => aMember(ordinal, { revision: 'old', ...parts });
const view = (set: StatefulSet, pods: Pod[]) => ({
  set,
  pods,
  currentRevision: 'old',
  updateRevision: 'new',
  nowMs: NOW_MS,
});

const cases: { it: string; set?: StatefulSet; pods: Pod[]; creates?: string[]; removes?: string[] }[] = [
  { it: 'starts with the first member', pods: [], creates: ['0 update'] },
  {
    it: 'starts the next member when those before it are ready',
    pods: [aMember(0), aMember(1)],
    creates: ['2 update'],
  },
  { it: 'waits for a member that is not ready', pods: [aMember(0, { ready: false })] },
  {
    it: 'waits for a member to be ready long enough',
    set: aStatefulSet({ minReadySeconds: 10 }),
    pods: [aMember(0, { ready: '2026-01-01T00:59:55Z' })],
  },
  { it: 'waits for a member that is on its way out', pods: [aMember(0, { deleting: true }), aMember(1)] },
  { it: 'fills gaps from below', pods: [aMember(1), aMember(2)], creates: ['0 update'] },
  { it: 'replaces a member that failed', pods: [aMember(0, { phase: 'Failed' })], removes: ['web-0'] },
  {
    it: 'starts all at once where order does not matter',
    set: aStatefulSet({ ...parallel, ordinals: { start: 5 } }),
    pods: [aMember(6, { ready: false })],
    creates: ['5 update', '7 update'],
  },
  {
    it: 'shrinks from the highest ordinal, one by one',
    set: aStatefulSet({ replicas: 1 }),
    pods: [aMember(0), aMember(1), aMember(2)],
    removes: ['web-2'],
  },
  {
    it: 'does not go on shrinking while one is on its way out',
    set: aStatefulSet({ replicas: 1 }),
    pods: [aMember(0), aMember(1), aMember(2, { deleting: true })],
  },
  {
    it: 'does not shrink past a broken member of lower ordinal',
    set: aStatefulSet({ replicas: 1 }),
    pods: [aMember(0), aMember(1, { ready: false }), aMember(2, { ready: false })],
    removes: [],
  },
  {
    it: 'shrinks at once where order does not matter',
    set: aStatefulSet({ replicas: 1, ...parallel }),
    pods: [aMember(0), aMember(1), aMember(2)],
    removes: ['web-2', 'web-1'],
  },
  { it: 'updates from the highest ordinal', pods: [old(0), old(1), old(2)], removes: ['web-2'] },
  { it: 'goes on updating when the last one serves', pods: [old(0), old(1), aMember(2)], removes: ['web-1'] },
  {
    it: 'waits for the updated one to serve',
    set: aStatefulSet(parallel),
    pods: [old(0), old(1), aMember(2, { ready: false })],
  },
  {
    it: 'leaves what is below the partition',
    set: aStatefulSet(rolling({ partition: 2 })),
    pods: [old(0), old(1), aMember(2)],
  },
  {
    it: 'brings a lost member below the partition back as it was',
    set: aStatefulSet(rolling({ partition: 2 })),
    pods: [],
    creates: ['0 current'],
  },
  {
    it: 'updates several at once where more may be missing',
    set: aStatefulSet(rolling({ partition: 0, maxUnavailable: 2 })),
    pods: [old(0), old(1), old(2)],
    removes: ['web-2', 'web-1'],
  },
  {
    it: 'replaces an old member that is broken without waiting for it',
    set: aStatefulSet(parallel),
    pods: [old(0), old(1), old(2, { ready: false })],
    removes: ['web-2'],
  },
  {
    it: 'leaves updates to its owner where it is told to',
    set: aStatefulSet({ updateStrategy: { type: 'OnDelete' } }),
    pods: [old(0), old(1), old(2)],
  },
];
for (const { it, set = aStatefulSet(), pods, creates = [], removes = [] } of cases) {
  test(`a stateful set ${it}`, () => {
    const plan = decideMembers(view(set, pods));
    assert.deepEqual(
      plan.create.map(({ ordinal, revision }) => `${ordinal} ${revision}`),
      creates,
    );
    assert.deepEqual(
      plan.remove.map(({ metadata }) => metadata.name),
      removes,
    );
  });
}

test('a stateful set has arrived at its new revision when every member serves it', () => {
  const { status } = statefulStatus(view(aStatefulSet(), [aMember(0), aMember(1), aMember(2)]), 0);
  assert.deepEqual([status.currentRevision, status.currentReplicas, status.updatedReplicas], ['new', 3, 3]);
  const halfway = statefulStatus(view(aStatefulSet(), [old(0), aMember(1), aMember(2, { ready: false })]), 0).status;
  assert.deepEqual(
    [halfway.currentRevision, halfway.currentReplicas, halfway.updatedReplicas, halfway.readyReplicas],
    ['old', 1, 2, 2],
  );
});

/** One step of the world: what was started becomes ready, breaks, or is gone at last. */
type Step = { which: number; becomes: 'ready' | 'unready' | 'failed' | 'gone' } | { replicas: number };
const steps: fc.Arbitrary<Step[]> = fc.array(
  fc.oneof(
    {
      weight: 6,
      arbitrary: fc.record({
        which: fc.nat(5),
        becomes: fc.constantFrom('ready' as const, 'unready' as const, 'failed' as const, 'gone' as const),
      }),
    },
    { weight: 1, arbitrary: fc.record({ replicas: fc.nat(5) }) },
  ),
  { maxLength: 40 },
);

for (const podManagementPolicy of ['OrderedReady', 'Parallel']) {
  test(`a ${podManagementPolicy} stateful set keeps its promises on any way, and arrives`, () => {
    fc.assert(
      fc.property(steps, fc.integer({ min: 1, max: 2 }), (all, maxUnavailable) => {
        let set = aStatefulSet({ podManagementPolicy, ...rolling({ partition: 0, maxUnavailable }) });
        const world = new Map<number, Pod>([0, 1, 2].map((ordinal) => [ordinal, old(ordinal)]));
        const serving = (ordinal: number) => {
          const pod = world.get(ordinal);
          return (
            pod?.status.conditions?.[0]?.status === 'True' &&
            !pod.metadata.deletionTimestamp &&
            pod.status.phase === 'Running'
          );
        };
        const pass = () => {
          const before = [...world.keys()].filter(serving).length;
          const { create, remove } = decideMembers(view(set, [...world.values()]));
          for (const { ordinal } of create) {
            assert.ok(!world.has(ordinal), 'a name is free before it is taken again');
            if (podManagementPolicy === 'OrderedReady') {
              for (let lower = 0; lower < ordinal; lower++)
                assert.ok(serving(lower), `web-${lower} serves before web-${ordinal} starts`);
            }
            world.set(ordinal, aMember(ordinal, { ready: false }));
          }
          const lost = remove
            .map(({ metadata }) => ordinalOf(set, metadata.name)!)
            .filter((ordinal) => ordinal < set.spec.replicas!);
          const taken = lost.filter(serving).length;
          if (taken > 0) {
            const wanted = set.spec.replicas!;
            const missing = wanted - [...world.keys()].filter((ordinal) => ordinal < wanted && serving(ordinal)).length;
            assert.ok(missing + taken <= maxUnavailable, `${missing} missing of ${before}, ${taken} more taken`);
          }
          for (const { metadata } of remove) {
            const ordinal = ordinalOf(set, metadata.name)!;
            const pod = world.get(ordinal)!;
            world.set(ordinal, { ...pod, metadata: { ...pod.metadata, deletionTimestamp: '2026-01-01T00:00:00Z' } });
          }
        };
        const become = (ordinal: number, becomes: string) => {
          const pod = world.get(ordinal);
          if (pod === undefined) return;
          const isLeaving = pod.metadata.deletionTimestamp !== undefined;
          if (becomes === 'gone') {
            if (isLeaving) world.delete(ordinal);
            return;
          }
          const parts = {
            ready: becomes === 'ready',
            phase: becomes === 'failed' ? 'Failed' : 'Running',
            deleting: isLeaving,
          };
          world.set(ordinal, aMember(ordinal, { ...parts, revision: pod.metadata.labels![REVISION]! }));
        };
        for (const step of all) {
          if ('replicas' in step) set = { ...set, spec: { ...set.spec, replicas: step.replicas } };
          else become(step.which, step.becomes);
          pass();
        }
        for (let i = 0; i < 60; i++) {
          for (const ordinal of [...world.keys()])
            become(ordinal, world.get(ordinal)!.metadata.deletionTimestamp ? 'gone' : 'ready');
          pass();
        }
        const left = [...world]
          .sort(([a], [b]) => a - b)
          .map(([ordinal, pod]) => `${ordinal} ${pod.metadata.labels![REVISION]}`);
        assert.deepEqual(
          left,
          Array.from({ length: set.spec.replicas! }, (_, i) => `${i} new`),
        );
      }),
      { numRuns: 200 },
    );
  });
}

test('a member has its name as host name, the service as domain, and claims of its own', () => {
  const set = aStatefulSet({ volumeClaimTemplates: [{ metadata: { name: 'data' }, spec: {} }] });
  const { metadata, spec } = newMember(set, set.spec.template, 'r1', 2);
  assert.equal(metadata.name, 'web-2');
  assert.equal(metadata.labels!['statefulset.kubernetes.io/pod-name'], 'web-2');
  assert.deepEqual([spec.hostname, spec.subdomain], ['web-2', 'web']);
  assert.deepEqual(spec.volumes, [{ name: 'data', persistentVolumeClaim: { claimName: 'data-web-2' } }]);
});

test('a name belongs to a set only with a plain ordinal after it', () => {
  const names = ['web-0', 'web-10', 'web-01', 'web-', 'web-a', 'webx-1', 'web-1-2'];
  assert.deepEqual(
    names.map((name) => ordinalOf(aStatefulSet(), name)),
    [0, 10, undefined, undefined, undefined, undefined, undefined],
  );
});

test('claims go with the set or with their pod, as the policy says', () => {
  const claim = (...owners: string[]) =>
    ({
      metadata: {
        name: 'data-web-1',
        ownerReferences: owners.map((uid) => ({
          kind: uid === 'uid-web' ? 'StatefulSet' : 'Pod',
          name: uid === 'uid-web' ? 'web' : 'web-1',
          uid,
        })),
      },
    }) as unknown as PersistentVolumeClaim;
  const set = (whenDeleted: string, whenScaled: string) =>
    aStatefulSet({ persistentVolumeClaimRetentionPolicy: { whenDeleted, whenScaled } });
  const uids = (...args: Parameters<typeof claimOwners>) => claimOwners(...args)?.map(({ uid }) => uid);
  const pod = aMember(1);
  assert.deepEqual(uids(set('Retain', 'Retain'), claim(), pod, true), undefined);
  assert.deepEqual(uids(set('Delete', 'Retain'), claim(), pod, true), ['uid-web']);
  assert.deepEqual(uids(set('Retain', 'Delete'), claim(), pod, true), ['uid-web-1']);
  assert.deepEqual(uids(set('Retain', 'Delete'), claim('uid-web-1'), pod, false), []);
  assert.deepEqual(uids(set('Delete', 'Delete'), claim('uid-web'), pod, true), ['uid-web-1']);
  assert.deepEqual(uids(set('Delete', 'Delete'), claim('uid-web'), pod, false), undefined);
  assert.deepEqual(uids(set('Retain', 'Retain'), claim('uid-web'), pod, false), []);
  assert.equal(isStale(claim('uid-web-1'), undefined), true);
  assert.equal(isStale(claim('uid-web'), undefined), false);
});

test('a template gets the revision name it has in clusters of old', () => {
  const container = {
    name: 'app',
    image: 'app:1',
    resources: {},
    terminationMessagePath: '/dev/termination-log',
    terminationMessagePolicy: 'File',
    imagePullPolicy: 'IfNotPresent',
  };
  const spec = {
    containers: [container],
    restartPolicy: 'Always',
    terminationGracePeriodSeconds: 30,
    dnsPolicy: 'ClusterFirst',
    securityContext: {},
    schedulerName: 'golden',
  };
  const template = { metadata: { labels: { a: 'b' } }, spec } as unknown as PodTemplateSpec;
  assert.equal(revisionHash(template, 0), '5cd8c7ddd8');
});
