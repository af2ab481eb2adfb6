import assert from 'node:assert/strict';
import { test } from 'node:test';
import { decide, sampleSize } from '../../../apiserver/scheduler/decide.ts';
import { defaultPlugins } from '../../../apiserver/scheduler/plugins/index.ts';
import type { Snapshot } from '../../../apiserver/scheduler/snapshot.ts';
import { aSnapshot, infoOf, type PodParts, type Scene } from './example.ts';

function chosen(snapshot: Snapshot, parts: PodParts = {}): string | undefined {
  const verdict = decide(infoOf(snapshot, 'new', parts), snapshot, defaultPlugins, { dice: () => 0.99, from: 0 });
  return verdict.fits ? verdict.node.name : undefined;
}

const app = { app: 'x' };
const zones = {
  a1: { labels: { 'topology.kubernetes.io/zone': 'a' } },
  b1: { labels: { 'topology.kubernetes.io/zone': 'b' } },
};
const labelSelector = { matchLabels: app };
const term = { topologyKey: 'topology.kubernetes.io/zone', labelSelector };

const cases: (Scene & { it: string; pod?: PodParts; goes: string })[] = [
  {
    it: 'goes where most is left',
    nodes: { n1: {}, n2: {} },
    pods: { one: { node: 'n1', cpu: '1', memory: '1Gi' } },
    pod: { cpu: '1', memory: '1Gi' },
    goes: 'n2',
  },
  {
    it: 'counts pods that ask for nothing as taking a little',
    nodes: { n1: {}, n2: {} },
    pods: { one: { node: 'n1' }, two: { node: 'n1' }, three: { node: 'n2' } },
    goes: 'n2',
  },
  {
    it: 'avoids taints that prefer it to',
    nodes: { n1: { taints: [{ key: 'a', effect: 'PreferNoSchedule' }] }, n2: {} },
    goes: 'n2',
  },
  {
    it: 'goes to preferred nodes',
    nodes: zones,
    pod: {
      spec: {
        affinity: {
          nodeAffinity: {
            preferredDuringSchedulingIgnoredDuringExecution: [
              {
                weight: 1,
                preference: { matchExpressions: [{ key: term.topologyKey, operator: 'In', values: ['b'] }] },
              },
            ],
          },
        },
      },
    },
    goes: 'b1',
  },
  {
    it: 'goes where its images are',
    nodes: { n1: {}, n2: { images: [{ names: ['app:1'], sizeBytes: 900 << 20 }] } },
    goes: 'n2',
  },
  {
    it: 'spreads softly',
    nodes: zones,
    pods: { one: { node: 'a1', labels: app } },
    pod: {
      labels: app,
      spec: { topologySpreadConstraints: [{ maxSkew: 1, whenUnsatisfiable: 'ScheduleAnyway', ...term }] },
    },
    goes: 'b1',
  },
  {
    it: 'goes near whom it prefers',
    nodes: zones,
    pods: { one: { node: 'b1', labels: app } },
    pod: {
      spec: {
        affinity: {
          podAffinity: {
            preferredDuringSchedulingIgnoredDuringExecution: [{ weight: 100, podAffinityTerm: term }],
          },
        },
      },
    },
    goes: 'b1',
  },
  {
    it: 'goes away from those who prefer so',
    nodes: zones,
    pods: {
      one: {
        node: 'a1',
        spec: {
          affinity: {
            podAntiAffinity: {
              preferredDuringSchedulingIgnoredDuringExecution: [{ weight: 100, podAffinityTerm: term }],
            },
          },
        },
      },
    },
    pod: { labels: app },
    goes: 'b1',
  },
];

for (const { it, pod, goes, ...scene } of cases) {
  test(`a pod ${it}`, () => assert.equal(chosen(aSnapshot(scene), pod), goes));
}

test('pods of one service spread by default', () => {
  const snapshot = aSnapshot({ nodes: zones, pods: { one: { node: 'a1', labels: app } } });
  snapshot.groups.setService('default/web', { namespace: 'default', selector: app });
  assert.equal(chosen(snapshot, { labels: app }), 'b1');
});

test('of equal nodes each gets its share', () => {
  const snapshot = aSnapshot({ nodes: { n1: {}, n2: {}, n3: {} } });
  const pod = infoOf(snapshot, 'new');
  const dice = (i: number) => () => ((i * 7919) % 1000) / 1000;
  const counts = new Map<string, number>();
  for (let i = 0; i < 300; i++) {
    const verdict = decide(pod, snapshot, defaultPlugins, { dice: dice(i), from: i });
    assert.ok(verdict.fits);
    counts.set(verdict.node.name, (counts.get(verdict.node.name) ?? 0) + 1);
  }
  assert.equal(counts.size, 3);
});

for (const [nodes, looks] of [
  [50, 50],
  [100, 100],
  [101, 100],
  [1000, 420],
  [5000, 500],
  [20_000, 1000],
] as const) {
  test(`of ${nodes} nodes ${looks} that fit are enough`, () => assert.equal(sampleSize(nodes), looks));
}
