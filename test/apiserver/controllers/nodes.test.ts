import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Node } from '../../../api/types/core/node.ts';
import type { Pod } from '../../../api/types/core/pod.ts';
import { silentConditions } from '../../../apiserver/controllers/node-lifecycle.ts';
import { wantedTaints } from '../../../apiserver/controllers/node-taints.ts';
import { decidePodGarbage } from '../../../apiserver/controllers/pod-gc.ts';
import { freeSubnet } from '../../../apiserver/controllers/subnets.ts';
import { evictedInMs } from '../../../apiserver/controllers/taint-eviction.ts';
import { aPod } from './example.ts';

const NOW = '2026-01-01T00:00:00Z';
const NOW_MS = Date.parse(NOW);

function aNode(conditions: Record<string, string>, spec: Partial<Node['spec']> = {}): Node {
  return {
    metadata: { name: 'n', creationTimestamp: NOW },
    spec,
    status: {
      conditions: Object.entries(conditions).map(([type, status]) => ({ type, status, lastHeartbeatTime: NOW })),
    },
  } as unknown as Node;
}

const taintCases: { it: string; node: Node; wants: string[] }[] = [
  { it: 'none when it is ready', node: aNode({ Ready: 'True' }), wants: [] },
  { it: 'not-ready before it ever reported', node: aNode({}), wants: ['node.kubernetes.io/not-ready:NoSchedule'] },
  {
    it: 'not-ready of both effects when it says so',
    node: aNode({ Ready: 'False' }),
    wants: ['node.kubernetes.io/not-ready:NoSchedule', 'node.kubernetes.io/not-ready:NoExecute'],
  },
  {
    it: 'unreachable when nobody has heard of it',
    node: aNode({ Ready: 'Unknown' }),
    wants: ['node.kubernetes.io/unreachable:NoSchedule', 'node.kubernetes.io/unreachable:NoExecute'],
  },
  {
    it: 'one for each pressure',
    node: aNode({ Ready: 'True', MemoryPressure: 'True', DiskPressure: 'False' }),
    wants: ['node.kubernetes.io/memory-pressure:NoSchedule'],
  },
  {
    it: 'its own, and not those that no longer hold',
    node: aNode(
      { Ready: 'True' },
      {
        taints: [
          { key: 'mine', effect: 'NoSchedule' },
          { key: 'node.kubernetes.io/not-ready', effect: 'NoExecute' },
        ],
      },
    ),
    wants: ['mine:NoSchedule'],
  },
  {
    it: 'one when it is cordoned',
    node: aNode({ Ready: 'True' }, { unschedulable: true }),
    wants: ['node.kubernetes.io/unschedulable:NoSchedule'],
  },
];
for (const { it, node, wants } of taintCases) {
  test(`a node has ${it} as taints`, () => {
    assert.deepEqual(
      wantedTaints(node, NOW).map(({ key, effect }) => `${key}:${effect}`),
      wants,
    );
  });
}

test('conditions of a silent node become Unknown and others stay', () => {
  const conditions = silentConditions(aNode({ Ready: 'True', Custom: 'True' }), NOW);
  const texts = conditions.map(({ type, status, reason }) => `${type} ${status} ${reason ?? ''}`.trim());
  assert.ok(texts.includes('Ready Unknown NodeStatusUnknown'));
  assert.ok(texts.includes('PIDPressure Unknown NodeStatusNeverUpdated'));
  assert.ok(texts.includes('Custom True'));
});

const NO_EXECUTE = { key: 'k', effect: 'NoExecute', timeAdded: NOW } as const;
const evictions: { it: string; tolerations: NonNullable<Pod['spec']['tolerations']>; wants: number | undefined }[] = [
  { it: 'leaves at once when it does not tolerate the taint', tolerations: [], wants: 0 },
  { it: 'stays when it tolerates without a time', tolerations: [{ key: 'k', operator: 'Exists' }], wants: undefined },
  {
    it: 'leaves after the shortest time',
    tolerations: [
      { operator: 'Exists', tolerationSeconds: 300 },
      { key: 'k', operator: 'Exists', tolerationSeconds: 60 },
    ],
    wants: 50_000,
  },
  {
    it: 'leaves at once when only another taint is tolerated',
    tolerations: [{ key: 'other', operator: 'Exists' }],
    wants: 0,
  },
];
for (const { it, tolerations, wants } of evictions) {
  test(`a pod ${it}`, () => {
    const pod = aPod('p', { node: 'n' });
    const node = aNode({}, { taints: [NO_EXECUTE] });
    assert.equal(evictedInMs({ ...pod, spec: { ...pod.spec, tolerations } }, node, NOW_MS + 10_000), wants);
  });
}

test('pods of a node that is gone are collected only after it had time to come back', () => {
  const pod = aPod('p', { node: 'gone' });
  const missing = new Map([['gone', 0]]);
  assert.deepEqual(decidePodGarbage([pod], missing, 39_000).orphaned, []);
  assert.deepEqual(decidePodGarbage([pod], missing, 40_000).orphaned, [pod]);
});

test('pods deleted before they had a node, and the oldest finished ones beyond the limit, are collected', () => {
  const never = aPod('never', { deleting: true });
  const old = aPod('old', { phase: 'Succeeded', node: 'n', created: '2026-01-01T00:00:00Z' });
  const young = aPod('young', { phase: 'Failed', node: 'n', created: '2026-01-02T00:00:00Z' });
  const { orphaned, surplus } = decidePodGarbage([never, young, old], new Map(), 0, 1);
  assert.deepEqual([orphaned, surplus], [[never], [old]]);
});

const subnets: [string, string[], string | undefined][] = [
  ['10.42.0.0/16', [], '10.42.0.0/24'],
  ['10.42.0.0/16', ['10.42.0.0/24', '10.42.1.0/24'], '10.42.2.0/24'],
  ['10.42.0.0/25', [], '10.42.0.0/25'],
  ['10.42.0.0/25', ['10.42.0.0/25'], undefined],
  ['fd00:42::/56', ['fd00:42::/64'], 'fd00:42:0:1::/64'],
];
for (const [cidr, taken, wants] of subnets) {
  test(`of ${cidr} with ${taken.length} parts taken a node gets ${wants}`, () => {
    assert.equal(freeSubnet(cidr, new Set(taken)), wants);
  });
}
