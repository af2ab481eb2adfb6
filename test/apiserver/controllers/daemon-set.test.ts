import assert from 'node:assert/strict';
import { test } from 'node:test';
import { wantsNode } from '../../../api/node-selector.ts';
import type { ControllerRevision } from '../../../api/types/apps/controller-revision.ts';
import type { DaemonSet } from '../../../api/types/apps/daemon-set.ts';
import type { Node } from '../../../api/types/core/node.ts';
import type { Pod, PodTemplateSpec } from '../../../api/types/core/pod.ts';
import { fitOf, REVISION_HASH, shapeForNode } from '../../../apiserver/controllers/daemon-pods.ts';
import { daemonStatus, decideDaemons } from '../../../apiserver/controllers/daemon-set-decide.ts';
import { FailureBackoff } from '../../../apiserver/controllers/failure-backoff.ts';
import { decideRevision, surplusRevisions, templateData } from '../../../apiserver/controllers/revisions.ts';
import { targetNode } from '../../../apiserver/controllers/target-node.ts';
import { aPod, type PodParts } from './example.ts';

const NOW_MS = Date.parse('2026-01-01T01:00:00Z');
type PodSpec = Pod['spec'];

function aNode(
  name: string,
  labels: Record<string, string> = {},
  taints: { key: string; effect: string }[] = [],
): Node {
  return { metadata: { name, labels }, spec: { taints } } as unknown as Node;
}
function aDaemonSet(
  podSpec: object = {},
  rollingUpdate: object = { maxUnavailable: 1, maxSurge: 0 },
  spec: object = {},
): DaemonSet {
  return {
    metadata: { name: 'd', namespace: 'ns', uid: 'uid-d', generation: 1 },
    spec: {
      template: { spec: { containers: [], ...podSpec } },
      updateStrategy: { type: 'RollingUpdate', rollingUpdate },
      ...spec,
    },
    status: {},
  } as unknown as DaemonSet;
}
function aDaemon(node: string, name: string, { hash = 'new', ...parts }: PodParts & { hash?: string } = {}): Pod {
  return aPod(name, { node, labels: { [REVISION_HASH]: hash }, ...parts });
}
const old = (node: string, name: string, parts: PodParts = {}) => aDaemon(node, name, { hash: 'old', ...parts });
const view = (set: DaemonSet, nodes: Node[], pods: Pod[]) => ({ set, nodes, pods, hash: 'new', nowMs: NOW_MS });

const [a, b, c] = [aNode('a'), aNode('b'), aNode('c')];
const surge = aDaemonSet({}, { maxSurge: 1, maxUnavailable: 0 });
const cases: { it: string; set?: DaemonSet; nodes?: Node[]; pods?: Pod[]; creates?: string[]; removes?: string[] }[] = [
  { it: 'starts one pod on every node', nodes: [a, b], creates: ['a', 'b'] },
  {
    it: 'starts it only where it is wanted',
    set: aDaemonSet({ nodeSelector: { disk: 'ssd' } }),
    nodes: [a, aNode('b', { disk: 'ssd' })],
    creates: ['b'],
  },
  { it: 'does not start on nodes it does not tolerate', nodes: [aNode('a', {}, [{ key: 'x', effect: 'NoSchedule' }])] },
  {
    it: 'stays where it is only not scheduled any more',
    nodes: [aNode('a', {}, [{ key: 'x', effect: 'NoSchedule' }])],
    pods: [aDaemon('a', 'p')],
  },
  {
    it: 'leaves nodes that evict',
    nodes: [aNode('a', {}, [{ key: 'x', effect: 'NoExecute' }])],
    pods: [aDaemon('a', 'p')],
    removes: ['p'],
  },
  {
    it: 'runs on nodes in trouble',
    nodes: [
      aNode('a', {}, [
        { key: 'node.kubernetes.io/not-ready', effect: 'NoExecute' },
        { key: 'node.kubernetes.io/unschedulable', effect: 'NoSchedule' },
      ]),
    ],
    creates: ['a'],
  },
  { it: 'waits for the old pod to be gone', nodes: [a], pods: [aDaemon('a', 'p', { deleting: true })] },
  {
    it: 'keeps the oldest of several',
    nodes: [a],
    pods: [aDaemon('a', 'p', { created: '2026-01-01T00:00:02Z' }), aDaemon('a', 'q')],
    removes: ['p'],
  },
  { it: 'replaces a pod that failed', nodes: [a], pods: [aDaemon('a', 'p', { phase: 'Failed' })], removes: ['p'] },
  {
    it: 'updates as many as may be missing',
    nodes: [a, b, c],
    pods: [old('a', 'p'), old('b', 'q'), old('c', 'r')],
    removes: ['p'],
  },
  {
    it: 'waits for the updated one to serve',
    nodes: [a, b],
    pods: [aDaemon('a', 'p', { ready: false }), old('b', 'q')],
  },
  {
    it: 'replaces old pods that serve nobody first',
    nodes: [a, b],
    pods: [old('a', 'p'), old('b', 'q', { ready: false })],
    removes: ['q', 'p'],
  },
  {
    it: 'takes parts of the nodes, rounded up',
    set: aDaemonSet({}, { maxUnavailable: '50%', maxSurge: 0 }),
    nodes: [a, b, c],
    pods: [old('a', 'p'), old('b', 'q'), old('c', 'r')],
    removes: ['p', 'q'],
  },
  {
    it: 'starts the new pod beside the old one where it surges',
    set: surge,
    nodes: [a, b],
    pods: [old('a', 'p'), old('b', 'q')],
    creates: ['a'],
  },
  {
    it: 'keeps the old pod until the new one serves',
    set: surge,
    nodes: [a],
    pods: [old('a', 'p'), aDaemon('a', 'q', { ready: false })],
  },
  {
    it: 'removes the old pod when the new one serves',
    set: surge,
    nodes: [a],
    pods: [old('a', 'p'), aDaemon('a', 'q')],
    removes: ['p'],
  },
  {
    it: 'leaves updates to its owner where it is told to',
    set: aDaemonSet({}, {}, { updateStrategy: { type: 'OnDelete' } }),
    nodes: [a],
    pods: [old('a', 'p')],
  },
  { it: 'removes pods that wait for a node that is gone', nodes: [], pods: [waitingFor('x')], removes: ['w'] },
];
function waitingFor(node: string): Pod {
  const pod = { metadata: {}, spec: {} } as Pod;
  shapeForNode(pod, aDaemonSet(), node, 'new');
  const base = aPod('w', { phase: 'Pending', ready: false });
  return { ...base, spec: { ...base.spec, affinity: pod.spec.affinity } } as Pod;
}
for (const { it, set = aDaemonSet(), nodes = [], pods = [], creates = [], removes = [] } of cases) {
  test(`a daemon set ${it}`, () => {
    const plan = decideDaemons(view(set, nodes, pods));
    assert.deepEqual([plan.create, plan.remove.map(({ metadata }) => metadata.name)], [creates, removes]);
  });
}

test('a daemon pod is bound to its node by affinity, and keeps what its template tolerates', () => {
  const tolerations = [{ key: 'mine', operator: 'Exists' }];
  const preferred = [{ weight: 1, preference: {} }];
  const nodeAffinity = { preferredDuringSchedulingIgnoredDuringExecution: preferred };
  const set = aDaemonSet({ tolerations, hostNetwork: true, affinity: { nodeAffinity } });
  const pod = { metadata: { name: 'p' }, spec: structuredClone(set.spec.template.spec) } as unknown as Pod;
  shapeForNode(pod, set, 'n', 'h');
  assert.equal(targetNode(pod.spec), 'n');
  assert.deepEqual(pod.spec.affinity!.nodeAffinity!.preferredDuringSchedulingIgnoredDuringExecution, preferred);
  assert.equal(pod.metadata.labels![REVISION_HASH], 'h');
  const keys = pod.spec.tolerations!.map(({ key }) => key!.replace('node.kubernetes.io/', ''));
  assert.deepEqual(keys, [
    'mine',
    'not-ready',
    'unreachable',
    'disk-pressure',
    'memory-pressure',
    'pid-pressure',
    'unschedulable',
    'network-unavailable',
  ]);
});

test('required affinity holds by labels and by name, and an empty term by nothing', () => {
  const spec = (terms: object[]) =>
    ({
      affinity: { nodeAffinity: { requiredDuringSchedulingIgnoredDuringExecution: { nodeSelectorTerms: terms } } },
    }) as unknown as PodSpec;
  const node = aNode('n', { zone: 'x', size: '5' });
  assert.equal(
    wantsNode(spec([{ matchExpressions: [{ key: 'zone', operator: 'In', values: ['x', 'y'] }] }]), node.metadata),
    true,
  );
  assert.equal(
    wantsNode(spec([{ matchExpressions: [{ key: 'size', operator: 'Gt', values: ['5'] }] }]), node.metadata),
    false,
  );
  assert.equal(
    wantsNode(spec([{ matchExpressions: [{ key: 'size', operator: 'Gt', values: ['x'] }] }]), node.metadata),
    false,
  );
  assert.equal(
    wantsNode(spec([{}, { matchFields: [{ key: 'metadata.name', operator: 'In', values: ['n'] }] }]), node.metadata),
    true,
  );
  assert.equal(wantsNode(spec([{}]), node.metadata), false);
});

test('a daemon set counts nodes, not pods', () => {
  const nodes = [a, b, c, aNode('d', {}, [{ key: 'x', effect: 'NoSchedule' }])];
  const pods = [aDaemon('a', 'p'), old('b', 'q', { ready: false }), aDaemon('d', 'r')];
  const { status } = daemonStatus(view(aDaemonSet(), nodes, pods), 0);
  assert.deepEqual(
    [
      status.desiredNumberScheduled,
      status.currentNumberScheduled,
      status.numberMisscheduled,
      status.numberReady,
      status.numberAvailable,
      status.numberUnavailable,
      status.updatedNumberScheduled,
    ],
    [3, 2, 1, 1, 1, 2, 1],
  );
  assert.deepEqual(fitOf(aDaemonSet(), nodes[3]!), { run: false, stay: true });
});

function aRevision(name: string, revision: number, image: string): ControllerRevision {
  return { metadata: { name }, revision, data: templateData(aTemplate(image)) } as unknown as ControllerRevision;
}
const aTemplate = (image: string) => ({ spec: { containers: [{ image }] } }) as unknown as PodTemplateSpec;

test('going back renumbers the old revision', () => {
  const revisions = [aRevision('r1', 1, 'v1'), aRevision('r2', 2, 'v2')];
  const decided = (image: string) => {
    const { same, number } = decideRevision(revisions, aTemplate(image));
    return [same?.metadata.name, number];
  };
  assert.deepEqual(
    [decided('v2'), decided('v1'), decided('v3')],
    [
      ['r2', 2],
      ['r1', 3],
      [undefined, 3],
    ],
  );
});

test('the oldest unused revisions go', () => {
  const revisions = [aRevision('r3', 3, 'c'), aRevision('r1', 1, 'a'), aRevision('r2', 2, 'b')];
  const gone = surplusRevisions(revisions, new Set(['r2']), 1);
  assert.deepEqual(
    gone.map(({ metadata }) => metadata.name),
    ['r1'],
  );
});

test('what fails again and again is replaced later and later', () => {
  let nowMs = 0;
  const clock = { monotonic: () => nowMs } as ConstructorParameters<typeof FailureBackoff>[0];
  const backoff = new FailureBackoff(clock);
  const waits = ['p1', 'p2', 'p3', 'p4'].map((pod) => backoff.next('n', pod));
  assert.deepEqual(waits, [0, 2000, 4000, 8000]);
  nowMs = 5000;
  assert.equal(backoff.next('n', 'p4'), 3000);
});
