import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Client } from '../../../api/client/client.ts';
import { ApiError } from '../../../api/status.ts';
import { namespaces, nodes, pods } from '../../../api/types/core/resources.ts';
import { TestCluster } from './cluster.ts';
import { aNode, aPod, type NodeParts, type PodParts } from './example.ts';

async function clusterOf(...parts: NodeParts[]): Promise<TestCluster> {
  const cluster = await TestCluster.start();
  await cluster.create(namespaces, { metadata: { name: 'default' } });
  for (const [i, part] of parts.entries()) await cluster.create(nodes, aNode(`n${i + 1}`, part));
  return cluster;
}

const create = (cluster: TestCluster, name: string, parts: PodParts = {}) => cluster.create(pods, aPod(name, parts));

test('a pod gets a node, its condition, and an event', async () => {
  await using cluster = await clusterOf({});
  await create(cluster, 'web');
  const pod = await cluster.podThat('web', ({ spec }) => spec.nodeName === 'n1');
  assert.equal(pod.status.conditions?.find(({ type }) => type === 'PodScheduled')?.status, 'True');
  const event = await cluster.eventThat('Scheduled', 'web');
  assert.equal(event.message, 'Successfully assigned default/web to n1');
  assert.deepEqual([event.action, event.reportingComponent, event.count], ['Binding', 'default-scheduler', undefined]);
});

test('a pod that fits nowhere is told why, and is placed as soon as a node comes', async () => {
  await using cluster = await clusterOf();
  await create(cluster, 'web');
  const waiting = await cluster.podThat('web', ({ status }) => status.conditions !== undefined);
  const { lastTransitionTime: _, ...condition } = waiting.status.conditions![0]!;
  assert.deepEqual(
    { ...condition, lastProbeTime: null },
    {
      type: 'PodScheduled',
      status: 'False',
      reason: 'Unschedulable',
      message: 'no nodes available to schedule pods',
      observedGeneration: 1,
      lastProbeTime: null,
    },
  );
  assert.equal((await cluster.eventThat('FailedScheduling', 'web')).action, 'Scheduling');
  await cluster.create(nodes, aNode('n1'));
  await cluster.podThat('web', ({ spec }) => spec.nodeName === 'n1');
});

test('a pod waits for a port and gets it when the one that has it goes', async () => {
  await using cluster = await clusterOf({});
  await create(cluster, 'one', { hostPort: 8080 });
  await cluster.podThat('one', ({ spec }) => spec.nodeName === 'n1');
  await create(cluster, 'two', { hostPort: 8080 });
  const waiting = await cluster.podThat('two', ({ status }) => status.conditions !== undefined);
  assert.equal(
    waiting.status.conditions![0]!.message,
    "0/1 nodes are available: 1 node(s) didn't have free ports for the requested pod ports. no new claims to deallocate, preemption: 0/1 nodes are available: 1 No preemption victims found for incoming pod.",
  );
  await cluster.client.delete(pods, { namespace: 'default', name: 'one' }, { gracePeriodSeconds: 0 });
  await cluster.podThat('two', ({ spec }) => spec.nodeName === 'n1');
});

test('a more important pod pushes a lesser one out and waits for its place', async () => {
  await using cluster = await clusterOf({ cpu: '2' });
  await create(cluster, 'low', { cpu: '2' });
  await cluster.podThat('low', ({ spec }) => spec.nodeName === 'n1');
  const high = await create(cluster, 'high', { cpu: '2', priority: 1000 });
  const waiting = await cluster.podThat('high', ({ status }) => status.nominatedNodeName === 'n1');
  assert.equal(waiting.status.conditions![0]!.message, '0/1 nodes are available: 1 Insufficient cpu.');
  const victim = await cluster.podThat('low', ({ metadata }) => metadata.deletionTimestamp !== undefined);
  const target = victim.status.conditions?.find(({ type }) => type === 'DisruptionTarget');
  assert.equal(target?.message, 'default-scheduler: preempting to accommodate a higher priority pod');
  const event = await cluster.eventThat('Preempted', 'low');
  assert.equal(event.message, `Preempted by pod ${high.metadata.uid} on node n1`);
  await cluster.client.delete(pods, { namespace: 'default', name: 'low' }, { gracePeriodSeconds: 0 });
  await cluster.podThat('high', ({ spec }) => spec.nodeName === 'n1');
});

test('pods of other schedulers and pods behind a gate are left alone', async () => {
  await using cluster = await clusterOf({});
  await create(cluster, 'other', { schedulerName: 'mine' });
  await create(cluster, 'gated', { gates: ['wait'] });
  await create(cluster, 'web');
  await cluster.podThat('web', ({ spec }) => spec.nodeName === 'n1');
  const { items } = await cluster.client.list(pods, { namespace: 'default' });
  assert.deepEqual(
    items
      .filter(({ spec }) => !spec.nodeName)
      .map(({ metadata }) => metadata.name)
      .sort(),
    ['gated', 'other'],
  );
  await cluster.client.patch(
    pods,
    { namespace: 'default', name: 'gated' },
    { type: 'json', body: [{ op: 'remove', path: '/spec/schedulingGates' }] },
  );
  await cluster.podThat('gated', ({ spec }) => spec.nodeName === 'n1');
});

test('a binding that fails is tried again, and the failure is said', async () => {
  let failures = 0;
  const failing = (client: Client): Client =>
    new Proxy(client, {
      get(target, name) {
        const value: unknown = Reflect.get(target, name);
        if (typeof value !== 'function') return value;
        if (name !== 'post') return value.bind(target);
        return (...parts: unknown[]) =>
          failures++ === 0
            ? Promise.reject(new ApiError(500, 'InternalError', 'out of order'))
            : value.apply(target, parts);
      },
    });
  await using cluster = await TestCluster.start({ wrap: failing });
  await cluster.create(namespaces, { metadata: { name: 'default' } });
  await cluster.create(nodes, aNode('n1', { cpu: '1' }));
  await create(cluster, 'web', { cpu: '1' });
  const waiting = await cluster.podThat('web', ({ status }) => status.conditions !== undefined);
  assert.deepEqual(
    [waiting.status.conditions![0]!.reason, waiting.status.conditions![0]!.message],
    ['SchedulerError', 'out of order'],
  );
  const pod = await cluster.podThat('web', ({ spec }) => spec.nodeName === 'n1');
  assert.equal(pod.status.conditions?.find(({ type }) => type === 'PodScheduled')?.status, 'True');
});

test('a burst of pods fills the nodes exactly, and the rest waits', async () => {
  await using cluster = await clusterOf({ cpu: '10', pods: '100' }, { cpu: '10', pods: '100' });
  const names = Array.from({ length: 60 }, (_, i) => `p${i}`);
  await Promise.all(names.map((name) => create(cluster, name, { cpu: '500m' })));
  const settled = await cluster.eventually('all decided', async () => {
    const { items } = await cluster.client.list(pods, { namespace: 'default' });
    return items.every(({ status }) => status.conditions !== undefined) ? items : undefined;
  });
  const byNode = Map.groupBy(settled, ({ spec }) => spec.nodeName ?? '');
  assert.deepEqual(
    ['n1', 'n2', ''].map((node) => byNode.get(node)?.length),
    [20, 20, 20],
  );
});

test('pods that others have placed count', async () => {
  await using cluster = await clusterOf({ cpu: '1' }, { cpu: '1' });
  await create(cluster, 'there', { cpu: '1', node: 'n1' });
  await create(cluster, 'web', { cpu: '1' });
  await cluster.podThat('web', ({ spec }) => spec.nodeName === 'n2');
});
