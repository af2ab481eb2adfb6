import assert from 'node:assert/strict';
import { test } from 'node:test';
import { decide } from '../../../apiserver/scheduler/decide.ts';
import { defaultPlugins } from '../../../apiserver/scheduler/plugins/index.ts';
import { leastHarm, makeRoom, type Preemption } from '../../../apiserver/scheduler/preemption.ts';
import type { Snapshot } from '../../../apiserver/scheduler/snapshot.ts';
import { aSnapshot, infoOf, type PodParts, type Scene } from './example.ts';

function preempting(snapshot: Snapshot, parts: PodParts): Preemption {
  const pod = infoOf(snapshot, 'new', parts);
  const verdict = decide(pod, snapshot, defaultPlugins, { dice: () => 0, from: 0 });
  assert.ok(!verdict.fits);
  return makeRoom(pod, snapshot, verdict.diagnosis, verdict.filters, () => 0);
}

interface Case extends Scene {
  it: string;
  pod: PodParts;
  budgets?: Record<string, { app: string; allowed: number }>;
  on?: string;
  evicts?: string[];
  why?: string;
}

const two = { n1: { cpu: '2' }, n2: { cpu: '2' } };
const cases: Case[] = [
  {
    it: 'evicts who matters less',
    nodes: { n1: { cpu: '2' } },
    pods: { low: { node: 'n1', cpu: '2' } },
    pod: { cpu: '1', priority: 1 },
    on: 'n1',
    evicts: ['low'],
  },
  {
    it: 'evicts nobody who matters as much',
    nodes: { n1: { cpu: '2' } },
    pods: { same: { node: 'n1', cpu: '2', priority: 1 } },
    pod: { cpu: '1', priority: 1 },
    why: '0/1 nodes are available: 1 No preemption victims found for incoming pod.',
  },
  {
    it: 'evicts no more than it must, the least important',
    nodes: { n1: { cpu: '3' } },
    pods: {
      a: { node: 'n1', cpu: '1', priority: 1 },
      b: { node: 'n1', cpu: '1', priority: 3 },
      c: { node: 'n1', cpu: '1', priority: 2 },
    },
    pod: { cpu: '1', priority: 9 },
    on: 'n1',
    evicts: ['a'],
  },
  {
    it: 'of equals evicts the younger',
    nodes: { n1: { cpu: '2' } },
    pods: {
      old: { node: 'n1', cpu: '1', started: '2026-01-01T00:00:00Z' },
      young: { node: 'n1', cpu: '1', started: '2026-01-02T00:00:00Z' },
    },
    pod: { cpu: '1', priority: 9 },
    on: 'n1',
    evicts: ['young'],
  },
  {
    it: 'goes where the most important victim matters least',
    nodes: two,
    pods: { a: { node: 'n1', cpu: '2', priority: 5 }, b: { node: 'n2', cpu: '2', priority: 4 } },
    pod: { cpu: '2', priority: 9 },
    on: 'n2',
    evicts: ['b'],
  },
  {
    it: 'goes where fewer must leave',
    nodes: two,
    pods: { a: { node: 'n1', cpu: '1' }, b: { node: 'n1', cpu: '1' }, c: { node: 'n2', cpu: '2' } },
    pod: { cpu: '2', priority: 9 },
    on: 'n2',
    evicts: ['c'],
  },
  {
    it: 'rather evicts who matters more than break a budget',
    nodes: two,
    pods: {
      guarded: { node: 'n1', cpu: '2', labels: { app: 'x' } },
      free: { node: 'n2', cpu: '2', priority: 5 },
    },
    budgets: { x: { app: 'x', allowed: 0 } },
    pod: { cpu: '2', priority: 9 },
    on: 'n2',
    evicts: ['free'],
  },
  {
    it: 'breaks a budget when nothing else helps',
    nodes: { n1: { cpu: '2' } },
    pods: { guarded: { node: 'n1', cpu: '2', labels: { app: 'x' } } },
    budgets: { x: { app: 'x', allowed: 0 } },
    pod: { cpu: '2', priority: 9 },
    on: 'n1',
    evicts: ['guarded'],
  },
  {
    it: 'does not try where no eviction helps',
    nodes: { n1: { cpu: '1' }, n2: { unschedulable: true } },
    pods: { low: { node: 'n1', cpu: '1' } },
    pod: { cpu: '2', priority: 9 },
    why: '0/2 nodes are available: 2 Preemption is not helpful for scheduling.',
  },
  {
    it: 'frees a port',
    pods: { low: { node: 'n1', hostPort: 80 }, other: { node: 'n1' } },
    pod: { hostPort: 80, priority: 9 },
    on: 'n1',
    evicts: ['low'],
  },
  {
    it: 'frees a place from those who do not want it there',
    pods: {
      low: {
        node: 'n1',
        spec: {
          affinity: {
            podAntiAffinity: {
              requiredDuringSchedulingIgnoredDuringExecution: [
                { topologyKey: 'kubernetes.io/hostname', labelSelector: { matchLabels: { app: 'x' } } },
              ],
            },
          },
        },
      },
    },
    pod: { labels: { app: 'x' }, priority: 9 },
    on: 'n1',
    evicts: ['low'],
  },
  {
    it: 'makes room in a domain that has too many',
    nodes: { n1: { labels: { zone: 'a' } }, n2: { labels: { zone: 'b' }, unschedulable: true } },
    pods: { low: { node: 'n1', labels: { app: 'x' } } },
    pod: {
      labels: { app: 'x' },
      priority: 9,
      spec: {
        topologySpreadConstraints: [
          {
            maxSkew: 1,
            topologyKey: 'zone',
            whenUnsatisfiable: 'DoNotSchedule',
            labelSelector: { matchLabels: { app: 'x' } },
          },
        ],
      },
    },
    on: 'n1',
    evicts: ['low'],
  },
  {
    it: 'leaves others alone when it may not',
    nodes: { n1: { cpu: '2' } },
    pods: { low: { node: 'n1', cpu: '2' } },
    pod: { cpu: '1', priority: 1, preemptionPolicy: 'Never' },
    why: 'not eligible due to preemptionPolicy=Never.',
  },
];

for (const { it, pod, budgets = {}, on, evicts, why, ...scene } of cases) {
  test(`preemption ${it}`, () => {
    const snapshot = aSnapshot(scene);
    for (const [key, { app, allowed }] of Object.entries(budgets)) {
      const selects = (labels: Readonly<Record<string, string>> = {}) => labels['app'] === app;
      snapshot.budgets.set(key, { namespace: 'default', selects, allowed, disrupted: new Set() });
    }
    const before = snapshot.nodes.map(({ pods }) => [...pods.keys()].sort());
    const preemption = preempting(snapshot, pod);
    if (why !== undefined) assert.equal('why' in preemption && preemption.why, why);
    else {
      assert.ok('node' in preemption);
      assert.deepEqual([preemption.node, preemption.victims.map(({ name }) => name)], [on, evicts]);
    }
    assert.deepEqual(
      snapshot.nodes.map(({ pods }) => [...pods.keys()].sort()),
      before,
    );
  });
}

test('preemption waits while victims are leaving the promised node', () => {
  const snapshot = aSnapshot({ nodes: { n1: { cpu: '2' } } });
  const leaving = { ...infoOf(snapshot, 'low', { node: 'n1', cpu: '2' }), terminating: true, preempted: true };
  snapshot.setPod(leaving);
  assert.deepEqual(preempting(snapshot, { cpu: '2', priority: 1, nominated: 'n1' }), {
    why: 'not eligible due to a terminating pod on the nominated node.',
    mayStay: true,
  });
});

test('preemption takes promises back from who matters less', () => {
  const snapshot = aSnapshot({ nodes: { n1: { cpu: '2' } }, pods: { low: { node: 'n1', cpu: '2' } } });
  snapshot.nominate(infoOf(snapshot, 'middle', { cpu: '1', priority: 3 }), 'n1');
  const preemption = preempting(snapshot, { cpu: '2', priority: 9 });
  assert.ok('node' in preemption);
  assert.deepEqual(
    preemption.displaced.map(({ name }) => name),
    ['middle'],
  );
});

test('of nodes where it hurts alike the one with the younger victims is taken', () => {
  const snapshot = aSnapshot();
  const victim = (name: string, started: string) => infoOf(snapshot, name, { started });
  const old = { node: 'n1', violations: 0, victims: [victim('old', '2026-01-01T00:00:00Z')] };
  const young = { node: 'n2', violations: 0, victims: [victim('young', '2026-01-02T00:00:00Z')] };
  assert.equal(leastHarm([old, young])?.node, 'n2');
  assert.equal(leastHarm([]), undefined);
});
