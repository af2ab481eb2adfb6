// Who may start on a node, and who must go for whom.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Door } from '../../../agent/pods/admission.ts';
import { type AdmissionNode, judge, shortageRefusal } from '../../../agent/pods/admission-decide.ts';
import { amountsOf, podRequests } from '../../../agent/pods/pod-requests.ts';
import { victimsFor } from '../../../agent/pods/preemption.ts';
import type { Ending } from '../../../agent/pods/world.ts';
import type { Pod } from '../../../api/types/core/pod.ts';
import { aContainer, aPod, aSidecar } from './make.ts';

const NODE: AdmissionNode = {
  name: 'n1',
  labels: { disk: 'ssd' },
  taints: [],
  allocatable: amountsOf({ cpu: '2', memory: '1Gi', pods: '3', 'ephemeral-storage': '1Gi' }),
  pressures: [],
};

function asking(uid: string, cpu: string, more: Partial<Pod['spec']> = {}, status: Pod['status'] = {}): Pod {
  const container = aContainer('web', { resources: { requests: { cpu } } });
  return aPod({ containers: [container], metadata: { uid, name: uid }, spec: more, status });
}
const withPort = (hostPort: number, hostIP?: string) =>
  aPod({ containers: [aContainer('web', { ports: [{ containerPort: 80, hostPort, ...(hostIP && { hostIP }) }] })] });
const started = { startTime: '2026-01-01T00:00:00Z' };
const critical = { priority: 2_000_001_000 };

const cases: { it: string; pod: Pod; node?: Partial<AdmissionNode>; others?: Pod[]; wants: string[] }[] = [
  { it: 'lets in what fits', pod: asking('a', '2'), wants: [] },
  {
    it: 'counts what others ask for',
    pod: asking('a', '1500m'),
    others: [asking('b', '600m')],
    wants: ["OutOfcpu: Node didn't have enough resource: cpu, requested: 1500, used: 600, capacity: 2000"],
  },
  {
    it: 'counts the pods themselves',
    pod: aPod(),
    others: ['b', 'c', 'd'].map((uid) => asking(uid, '0')),
    wants: ["OutOfpods: Node didn't have enough resource: pods, requested: 1, used: 3, capacity: 3"],
  },
  {
    it: 'counts local storage',
    pod: aPod({ containers: [aContainer('web', { resources: { requests: { 'ephemeral-storage': '2Gi' } } })] }),
    wants: [
      "OutOfephemeral-storage: Node didn't have enough resource: ephemeral-storage, requested: 2147483648, used: 0, capacity: 1073741824",
    ],
  },
  {
    it: 'does not count what this node does not hand out',
    pod: aPod({ containers: [aContainer('web', { resources: { requests: { 'example.com/gpu': '1' } } })] }),
    wants: [],
  },
  {
    it: 'holds to the node selector',
    pod: aPod({ spec: { nodeSelector: { disk: 'hdd' } } }),
    wants: ["NodeAffinity: Predicate NodeAffinity failed: node(s) didn't match Pod's node affinity/selector"],
  },
  {
    it: 'trusts the scheduler about labels that were not heard yet',
    pod: aPod({ spec: { nodeSelector: { disk: 'hdd' } } }),
    node: { labels: undefined },
    wants: [],
  },
  {
    it: 'gives a host port once',
    pod: withPort(8080),
    others: [withPort(8080, '10.0.0.1')],
    wants: ["NodePorts: Predicate NodePorts failed: node(s) didn't have free ports for the requested pod ports"],
  },
  { it: 'gives a host port per address', pod: withPort(80, '10.0.0.2'), others: [withPort(80, '10.0.0.1')], wants: [] },
  {
    it: 'keeps out who does not tolerate a NoExecute taint',
    pod: aPod(),
    node: { taints: [{ key: 'gone', effect: 'NoExecute' }] },
    wants: ["TaintToleration: Predicate TaintToleration failed: node(s) had taints that the pod didn't tolerate"],
  },
  {
    it: 'leaves NoSchedule to the scheduler',
    pod: aPod(),
    node: { taints: [{ key: 'gone', effect: 'NoSchedule' }] },
    wants: [],
  },
  {
    it: 'keeps pods without requests out while memory is short',
    pod: aPod(),
    node: { pressures: ['MemoryPressure'] },
    wants: ['Evicted: The node had condition: [MemoryPressure]. '],
  },
  {
    it: 'lets in who asked for memory while memory is short',
    pod: asking('a', '1'),
    node: { pressures: ['MemoryPressure'] },
    wants: [],
  },
  {
    it: 'keeps everybody out while disk is short, but not what the node needs',
    pod: asking('a', '1'),
    node: { pressures: ['DiskPressure'] },
    wants: ['Evicted: The node had condition: [DiskPressure]. '],
  },
  {
    it: 'lets in critical pods under any pressure',
    pod: asking('a', '1', critical),
    node: { pressures: ['DiskPressure'] },
    wants: [],
  },
];
for (const { it, pod, node, others = [], wants } of cases) {
  test(`judge ${it}`, () => {
    const { refusals, shortages } = judge(pod, { ...NODE, ...node }, others);
    const said = [...refusals, ...shortages.map(shortageRefusal)].map(({ reason, message }) => `${reason}: ${message}`);
    assert.deepEqual(said, wants);
  });
}

test('requests: sidecars add up, init containers need the highest of their turns, overhead comes on top', () => {
  const cpu = (amount: string) => ({ resources: { requests: { cpu: amount } } });
  const pod = aPod({
    inits: [{ ...aSidecar('mesh'), ...cpu('100m') }, aContainer('init', cpu('900m'))],
    containers: [aContainer('web', cpu('300m')), aContainer('log', { resources: { limits: { cpu: '200m' } } })],
    spec: { overhead: { cpu: '50m' } },
  });
  assert.equal(podRequests(pod).get('cpu'), 1_050);
});

test('victims are as few as will do, those who asked for nothing first, and never critical ones', () => {
  const short = (requested: number, used: number) => [{ resource: 'cpu', requested, used, capacity: 2_000 }];
  const pods = [
    asking('small', '100m'),
    asking('fitting', '500m'),
    asking('large', '1'),
    asking('own', '400m', critical),
  ];
  const found = victimsFor(asking('boss', '500m', critical), short(500, 2_000), pods);
  assert.deepEqual('victims' in found && found.victims.map(({ metadata }) => metadata.uid), ['fitting']);
  const none = victimsFor(asking('boss', '2', critical), short(2_000, 2_000), [asking('own', '2', critical)]);
  assert.deepEqual(none, {
    message: 'no set of running pods found to reclaim resources: [(res: cpu, q: 2000), ]',
  });
});

test('a critical pod waits at the door until its victims are gone, then comes in', () => {
  const pods = new Map([
    ['low', asking('low', '2', {}, started)],
    ['boss', asking('boss', '1', critical)],
  ]);
  const ended: [string, Ending][] = [];
  const door = new Door({ node: () => NODE, pods: () => pods.values(), end: (...said) => ended.push(said) });
  const boss = pods.get('boss')!;
  assert.equal(door.admit(boss, false).state, 'waiting');
  assert.equal(door.admit(boss, false).state, 'waiting');
  assert.deepEqual(
    ended.map(([uid, { reason, message }]) => [uid, reason, message]),
    [['low', 'Preempting', 'Preempted in order to admit critical pod']],
  );
  pods.set('low', asking('low', '2', {}, { ...started, phase: 'Failed' }));
  assert.equal(door.admit(boss, false).state, 'admitted');
});

test('what ran before is in, what is new waits until the node knows what it has', () => {
  const door = new Door({ node: () => undefined, pods: () => [], end: () => {} });
  assert.equal(door.admit(asking('a', '9', {}, started), false).state, 'admitted');
  assert.equal(door.admit(asking('b', '9'), true).state, 'admitted');
  assert.equal(door.admit(asking('c', '1'), false).state, 'waiting');
});
