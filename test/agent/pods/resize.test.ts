// Other resources for a running pod: given when there is room, held back otherwise, and said so.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { amountsOf } from '../../../agent/pods/pod-requests.ts';
import { allocationOf, asAllocated, decideResize } from '../../../agent/pods/resize-decide.ts';
import { podStatus } from '../../../agent/pods/status.ts';
import { statusPatch } from '../../../agent/pods/status-patch.ts';
import type { Pod } from '../../../api/types/core/pod.ts';
import { aContainer, aPod, aSandbox, aWorld, running } from './make.ts';

const node = { name: 'n', taints: [], pressures: [], allocatable: amountsOf({ cpu: '2', memory: '1Gi', pods: '10' }) };
const asking = (cpu: string): Pod => aPod({ containers: [aContainer('web', { resources: { requests: { cpu } } })] });
const had = allocationOf(asking('500m'));
const others = (cpu: string) => () => [asking(cpu)];

test('nothing is done for what is the same', () => {
  assert.deepEqual(decideResize(asking('500m'), had, node, others('2')), { do: 'nothing' });
});

test('what fits is given, and less is always given', () => {
  assert.deepEqual(decideResize(asking('1'), had, node, others('1')), { do: 'allocate' });
  assert.deepEqual(decideResize(asking('100m'), had, node, others('2')), { do: 'allocate' });
});

test('what fits once others are gone is deferred', () => {
  assert.deepEqual(decideResize(asking('1500m'), had, node, others('1')), {
    do: 'hold',
    reason: 'Deferred',
    message: "Node didn't have enough resource: cpu, requested: 1500, used: 1000, capacity: 2000",
  });
});

test('what never fits is infeasible, and pods from files stay as they are', () => {
  assert.deepEqual(decideResize(asking('3'), had, node, others('0')), {
    do: 'hold',
    reason: 'Infeasible',
    message: "Node didn't have enough capacity: cpu, requested: 3000, capacity: 2000",
  });
  const fixed = aPod({
    containers: asking('1').spec.containers,
    metadata: { annotations: { 'kubernetes.io/config.source': 'file' } },
  });
  const answer = decideResize(fixed, had, node, others('0'));
  assert.equal(answer.do === 'hold' && answer.message, 'In-place resize of static-pods is not supported');
});

test('a pod runs as it was promised until it is promised otherwise', () => {
  const promised = asAllocated(asking('3'), had);
  assert.deepEqual(promised.spec.containers[0]?.resources, { requests: { cpu: '500m' } });
});

test('a held resize is a condition, which goes when it is over', () => {
  const host = { hostIps: ['192.0.2.1'], runtimeName: 'containerd' };
  const resize = { do: 'hold', reason: 'Deferred', message: 'later' } as const;
  const pod = asking('1');
  const held = podStatus(pod, aWorld([aSandbox()], [running('web')], { resize }), host, 0);
  const condition = held.conditions?.find(({ type }) => type === 'PodResizePending');
  assert.deepEqual([condition?.status, condition?.reason, condition?.message], ['True', 'Deferred', 'later']);
  const after = { ...pod, status: held };
  const now = podStatus(after, aWorld([aSandbox()], [running('web')]), host, 0);
  assert.deepEqual(statusPatch(after, now), {
    metadata: { uid: 'uid-1' },
    status: { conditions: [{ $patch: 'delete', type: 'PodResizePending' }] },
  });
});
