import assert from 'node:assert/strict';
import { test } from 'node:test';
import { decide } from '../../../apiserver/scheduler/decide.ts';
import { sentence } from '../../../apiserver/scheduler/diagnosis.ts';
import { defaultPlugins } from '../../../apiserver/scheduler/plugins/index.ts';
import { nodeName } from '../../../apiserver/scheduler/plugins/node-name.ts';
import type { Snapshot } from '../../../apiserver/scheduler/snapshot.ts';
import { aSnapshot, infoOf, type PodParts, type Scene } from './example.ts';

interface Case extends Scene {
  it: string;
  pod?: PodParts;
  /** The nodes that fit ... */
  fits?: string[];
  /** ... or why none does. */
  says?: string;
}

/** Which nodes take the pod: each is asked alone, for the whole cluster stays in view. */
function fitting(snapshot: Snapshot, parts: PodParts = {}): string[] {
  const pod = infoOf(snapshot, 'new', parts);
  return snapshot.nodes
    .map(({ name }) => name)
    .filter((name) => {
      const promised = { ...pod, nominatedNodeName: name };
      const verdict = decide(promised, snapshot, defaultPlugins, { dice: () => 0, from: 0 });
      return verdict.fits && verdict.node.name === name && verdict.looked === 0;
    });
}

function saying(snapshot: Snapshot, parts: PodParts = {}): string {
  const verdict = decide(infoOf(snapshot, 'new', parts), snapshot, defaultPlugins, { dice: () => 0, from: 0 });
  return verdict.fits ? `fits ${verdict.node.name}` : sentence(verdict.diagnosis);
}

const zones = { a1: { labels: { zone: 'a' } }, a2: { labels: { zone: 'a' } }, b1: { labels: { zone: 'b' } } };
const app = { app: 'x' };
const selector = { matchLabels: app };
const apart = (topologyKey: string, extra: object = {}): PodParts => ({
  labels: app,
  spec: {
    affinity: {
      podAntiAffinity: {
        requiredDuringSchedulingIgnoredDuringExecution: [{ topologyKey, labelSelector: selector, ...extra }],
      },
    },
  },
});
const near = (topologyKey: string, extra: object = {}): PodParts => ({
  labels: app,
  spec: {
    affinity: {
      podAffinity: {
        requiredDuringSchedulingIgnoredDuringExecution: [{ topologyKey, labelSelector: selector, ...extra }],
      },
    },
  },
});
const spread = (extra: object = {}, labels: Record<string, string> = app): PodParts => ({
  labels,
  spec: {
    topologySpreadConstraints: [
      { maxSkew: 1, topologyKey: 'zone', whenUnsatisfiable: 'DoNotSchedule', labelSelector: selector, ...extra },
    ],
  },
});
const nodesWhere = (matchExpressions: object[], matchFields: object[] = []): PodParts => ({
  spec: {
    affinity: {
      nodeAffinity: {
        requiredDuringSchedulingIgnoredDuringExecution: { nodeSelectorTerms: [{ matchExpressions, matchFields }] },
      },
    },
  } as PodParts['spec'],
});

const cases: Case[] = [
  { it: 'takes a pod without wishes', fits: ['n1'] },
  // resources
  {
    it: 'counts what the pods there ask for',
    nodes: { n1: { cpu: '1' }, n2: { cpu: '1' } },
    pods: { one: { node: 'n1', cpu: '600m' } },
    pod: { cpu: '500m' },
    fits: ['n2'],
  },
  {
    it: 'says each shortage',
    nodes: { n1: { cpu: '1', memory: '1Gi' }, n2: { cpu: '1', memory: '4Gi' } },
    pod: { cpu: '2', memory: '2Gi' },
    says: '0/2 nodes are available: 1 Insufficient memory, 2 Insufficient cpu.',
  },
  {
    it: 'counts pods',
    nodes: { n1: { pods: '1' } },
    pods: { one: { node: 'n1' } },
    says: '0/1 nodes are available: 1 Too many pods.',
  },
  {
    it: 'knows devices of plugins',
    nodes: { n1: { allocatable: { 'example.com/gpu': '2' } }, n2: {} },
    pods: { one: { node: 'n1', requests: { 'example.com/gpu': '1' } } },
    pod: { requests: { 'example.com/gpu': '1' } },
    fits: ['n1'],
  },
  {
    it: 'says which device is short',
    pod: { requests: { 'example.com/gpu': '1' } },
    says: '0/1 nodes are available: 1 Insufficient example.com/gpu.',
  },
  {
    it: 'needs room for the greatest init container beside the sidecars before it',
    nodes: { n1: { cpu: '3' } },
    pod: {
      cpu: '1',
      spec: {
        initContainers: [
          { name: 'side', restartPolicy: 'Always', resources: { requests: { cpu: '1' } } },
          { name: 'init', resources: { requests: { cpu: '2500m' } } },
        ],
      },
    },
    says: '0/1 nodes are available: 1 Insufficient cpu.',
  },
  {
    it: 'takes what the pod states as a whole for its containers together',
    nodes: { n1: { cpu: '1' } },
    pod: { cpu: '3', spec: { resources: { requests: { cpu: '1' } } } },
    fits: ['n1'],
  },
  {
    it: 'adds the overhead of the sandbox',
    nodes: { n1: { cpu: '1' } },
    pod: { cpu: '1', spec: { overhead: { cpu: '10m' } } },
    says: '0/1 nodes are available: 1 Insufficient cpu.',
  },
  // taints
  {
    it: 'keeps off tainted and cordoned nodes',
    nodes: { n1: { taints: [{ key: 'a', value: 'b', effect: 'NoSchedule' }] }, n2: { unschedulable: true } },
    says: '0/2 nodes are available: 1 node(s) had untolerated taint(s), 1 node(s) were unschedulable.',
  },
  {
    it: 'lets on who tolerates',
    nodes: {
      n1: { taints: [{ key: 'a', value: 'b', effect: 'NoExecute' }] },
      n2: { unschedulable: true, taints: [{ key: 'node.kubernetes.io/unschedulable', effect: 'NoSchedule' }] },
      n3: { taints: [{ key: 'a', value: 'c', effect: 'NoSchedule' }] },
    },
    pod: {
      spec: {
        tolerations: [
          { key: 'a', operator: 'Equal', value: 'b' },
          { key: 'node.kubernetes.io/unschedulable', operator: 'Exists' },
        ],
      },
    },
    fits: ['n1', 'n2'],
  },
  {
    it: 'does not mind a taint that only prefers',
    nodes: { n1: { taints: [{ key: 'a', effect: 'PreferNoSchedule' }] } },
    fits: ['n1'],
  },
  // labels of nodes
  { it: 'follows the node selector', nodes: zones, pod: { spec: { nodeSelector: { zone: 'b' } } }, fits: ['b1'] },
  {
    it: 'follows node affinity with its operators',
    nodes: { n1: { labels: { size: '3' } }, n2: { labels: { size: '9' } }, n3: {} },
    pod: nodesWhere([{ key: 'size', operator: 'Gt', values: ['5'] }]),
    fits: ['n2'],
  },
  {
    it: 'says that labels do not match',
    nodes: zones,
    pod: { spec: { nodeSelector: { zone: 'c' } } },
    says: "0/3 nodes are available: 3 node(s) didn't match Pod's node affinity/selector.",
  },
  { it: 'matches nothing by an empty term', pod: nodesWhere([]), fits: [] },
  {
    it: 'looks only at nodes that are named, and says so of the others',
    nodes: { n1: { cpu: '1' }, n2: {}, n3: {} },
    pod: { ...nodesWhere([], [{ key: 'metadata.name', operator: 'In', values: ['n1'] }]), cpu: '2' },
    says: "0/3 nodes are available: 1 Insufficient cpu, 2 node(s) didn't satisfy plugin(s) [NodeAffinity].",
  },
  // ports
  {
    it: 'does not give a port twice',
    nodes: { n1: {}, n2: {} },
    pods: { one: { node: 'n1', hostPort: 80 } },
    pod: { hostPort: 80 },
    fits: ['n2'],
  },
  {
    it: 'gives a port again on another address',
    pods: { one: { node: 'n1', hostPort: 80, hostIP: '10.0.0.1' } },
    pod: { hostPort: 80, hostIP: '10.0.0.2' },
    fits: ['n1'],
  },
  {
    it: 'knows that all addresses are among all addresses',
    pods: { one: { node: 'n1', hostPort: 80, hostIP: '10.0.0.1' } },
    pod: { hostPort: 80 },
    fits: [],
  },
  // spreading
  {
    it: 'keeps the skew',
    nodes: zones,
    pods: { one: { node: 'a1', labels: app } },
    pod: spread(),
    fits: ['b1'],
  },
  {
    it: 'counts cordoned nodes as domains unless told to heed taints',
    nodes: { a1: zones.a1, b1: { ...zones.b1, unschedulable: true } },
    pods: { one: { node: 'a1', labels: app } },
    pod: spread(),
    says: "0/2 nodes are available: 1 node(s) didn't match pod topology spread constraints, 1 node(s) were unschedulable.",
  },
  {
    it: 'leaves tainted nodes out when told to heed taints',
    nodes: { a1: zones.a1, b1: { ...zones.b1, taints: [{ key: 'k', effect: 'NoSchedule' }] } },
    pods: { one: { node: 'a1', labels: app } },
    pod: spread({ nodeTaintsPolicy: 'Honor' }),
    fits: ['a1'],
  },
  {
    it: 'leaves nodes out that the pod does not select',
    nodes: zones,
    pods: { one: { node: 'a1', labels: app } },
    pod: { ...spread(), spec: { ...spread().spec, nodeSelector: { zone: 'a' } } },
    fits: ['a1', 'a2'],
  },
  {
    it: 'takes missing domains as empty',
    nodes: { a1: zones.a1 },
    pods: { one: { node: 'a1', labels: app } },
    pod: spread({ minDomains: 2 }),
    fits: [],
  },
  {
    it: 'needs the label of the topology',
    nodes: { n1: {} },
    pod: spread(),
    says: "0/1 nodes are available: 1 node(s) didn't match pod topology spread constraints (missing required label).",
  },
  {
    it: 'counts only pods of the same revision when told so',
    nodes: zones,
    pods: { one: { node: 'a1', labels: { ...app, rev: '1' } } },
    pod: spread({ matchLabelKeys: ['rev'] }, { ...app, rev: '2' }),
    fits: ['a1', 'a2', 'b1'],
  },
  {
    it: 'does not count pods of other namespaces',
    nodes: zones,
    pods: { one: { node: 'a1', labels: app, namespace: 'other' } },
    pod: spread(),
    fits: ['a1', 'a2', 'b1'],
  },
  // between pods
  {
    it: 'keeps pods apart',
    nodes: zones,
    pods: { one: { node: 'a1', labels: app } },
    pod: apart('zone'),
    fits: ['b1'],
  },
  {
    it: 'keeps away whom those there do not want',
    nodes: zones,
    pods: { one: { node: 'a1', ...apart('zone') } },
    pod: { labels: app },
    fits: ['b1'],
  },
  {
    it: 'says who is not wanted',
    nodes: { a1: zones.a1 },
    pods: { one: { node: 'a1', ...apart('zone') } },
    pod: { labels: app },
    says: "0/1 nodes are available: 1 node(s) didn't satisfy existing pods anti-affinity rules.",
  },
  {
    it: 'brings pods together',
    nodes: zones,
    pods: { one: { node: 'a1', labels: app } },
    pod: near('zone'),
    fits: ['a1', 'a2'],
  },
  { it: 'lets the first of a group go anywhere', nodes: zones, pod: near('zone'), fits: ['a1', 'a2', 'b1'] },
  {
    it: 'does not let others wait for nobody',
    nodes: { a1: zones.a1 },
    pod: { ...near('zone'), labels: { app: 'y' } },
    says: "0/1 nodes are available: 1 node(s) didn't match pod affinity rules.",
  },
  {
    it: 'looks in the namespaces that are named',
    nodes: zones,
    pods: { one: { node: 'a1', labels: app, namespace: 'other' } },
    pod: near('zone', { namespaces: ['other'] }),
    fits: ['a1', 'a2'],
  },
  {
    it: 'looks in namespaces by their labels',
    nodes: zones,
    pods: { one: { node: 'a1', labels: app, namespace: 'other' } },
    pod: near('zone', { namespaceSelector: {} }),
    fits: ['a1', 'a2'],
  },
  {
    it: 'keeps pods apart of the same revision only',
    nodes: zones,
    pods: { one: { node: 'a1', labels: { ...app, rev: '1' } } },
    pod: { ...apart('zone', { matchLabelKeys: ['rev'] }), labels: { ...app, rev: '2' } },
    fits: ['a1', 'a2', 'b1'],
  },
  {
    it: 'waits for claims of devices that are not there',
    pod: { spec: { resourceClaims: [{ name: 'gpu', resourceClaimName: 'mine' }] } },
    says: '0/1 nodes are available: resourceclaim "mine" not found.',
  },
];

for (const { it, pod, fits, says, ...scene } of cases) {
  test(`the scheduler ${it}`, () => {
    const snapshot = aSnapshot(scene);
    if (fits !== undefined) assert.deepEqual(fitting(snapshot, pod), fits);
    if (says !== undefined) assert.equal(saying(snapshot, pod), says);
  });
}

test('a pod that names its node is tested for that name only', () => {
  const snapshot = aSnapshot({ nodes: { n1: {}, n2: {} } });
  const filter = nodeName.filter!(infoOf(snapshot, 'new', { node: 'n2' }), snapshot);
  assert.ok(filter !== undefined && 'test' in filter);
  assert.deepEqual(filter.test(snapshot.node('n1')!), {
    reasons: ["node(s) didn't match the requested node name"],
    resolvable: false,
  });
  assert.equal(filter.test(snapshot.node('n2')!), undefined);
  assert.equal(nodeName.filter!(infoOf(snapshot, 'new'), snapshot), undefined);
});

test('room is kept for a nominated pod that matters as much', () => {
  const snapshot = aSnapshot({ nodes: { n1: { cpu: '1' } } });
  snapshot.nominate(infoOf(snapshot, 'promised', { cpu: '1', priority: 5 }), 'n1');
  assert.deepEqual(fitting(snapshot, { cpu: '1', priority: 5 }), []);
  assert.deepEqual(fitting(snapshot, { cpu: '1', priority: 6 }), ['n1']);
  assert.equal(snapshot.node('n1')!.pods.size, 0);
});
