// Who may start on a node, who makes room, and who must go when the node runs short: with the real agent.
import assert from 'node:assert/strict';
import { mkdir, rm, writeFile } from 'node:fs/promises';
import { test } from 'node:test';
import { useCluster } from '../harness/cluster.ts';
import { waitFor } from '../harness/wait.ts';
import { conditionOf, FOREVER, Pods, shell } from './pods.ts';

const cluster = useCluster();
const pods = new Pods(cluster);
type Node = { status: { conditions: { type: string; status: string }[]; allocatable: Record<string, string> } };
const node = () => cluster().api.get<Node>('/api/v1/nodes/node-1');
const failed = (name: string) => pods.until(name, 'failed', ({ status }) => status.phase === 'Failed');
const asking = (cpu: string) => ({ resources: { requests: { cpu } } });

test('a pod that does not fit is refused, and one that is not meant for this node', async () => {
  await pods.create('huge', { containers: [shell('main', FOREVER, asking('900'))] });
  await pods.create('elsewhere', { nodeSelector: { disk: 'none' }, containers: [shell('main', FOREVER)] });
  const huge = (await failed('huge')).status;
  assert.equal(huge.reason, 'OutOfcpu');
  assert.match(
    huge.message!,
    /^Pod was rejected: Node didn't have enough resource: cpu, requested: 900000, used: \d+, /,
  );
  const elsewhere = (await failed('elsewhere')).status;
  assert.equal(elsewhere.reason, 'NodeAffinity');
  assert.match(elsewhere.message!, /Predicate NodeAffinity failed: node\(s\) didn't match Pod's node affinity/);
  await Promise.all(['huge', 'elsewhere'].map((name) => pods.remove(name)));
});

test('a critical pod takes the place of a lesser one', async () => {
  const cpus = Number((await node()).status.allocatable['cpu']);
  await pods.create('lesser', { containers: [shell('main', FOREVER, asking(String(cpus)))] });
  await pods.ready('lesser');
  const critical = { priorityClassName: 'system-node-critical' };
  await pods.create('critical', { ...critical, containers: [shell('main', FOREVER, asking('500m'))] });
  const { status } = await failed('lesser');
  assert.deepEqual([status.reason, status.message], ['Preempting', 'Preempted in order to admit critical pod']);
  assert.equal(conditionOf(status, 'DisruptionTarget'), 'True');
  await pods.ready('critical');
  await Promise.all(['lesser', 'critical'].map((name) => pods.remove(name)));
});

test('who writes more than it may is evicted', async () => {
  const fill = (path: string) => `dd if=/dev/zero of=${path} bs=1M count=3 2>/dev/null; ${FOREVER}`;
  await pods.create('volume', {
    volumes: [{ name: 'v', emptyDir: { sizeLimit: '1Mi' } }],
    containers: [shell('main', fill('/v/f'), { volumeMounts: [{ name: 'v', mountPath: '/v' }] })],
  });
  await pods.create('layer', {
    containers: [shell('main', fill('/f'), { resources: { limits: { 'ephemeral-storage': '1Mi' } } })],
  });
  const [volume, layer] = await Promise.all([failed('volume'), failed('layer')]);
  assert.deepEqual([volume.status.reason, layer.status.reason], ['Evicted', 'Evicted']);
  assert.equal(volume.status.message, 'Usage of EmptyDir volume "v" exceeds the limit "1Mi". ');
  assert.equal(layer.status.message, 'Container main exceeded its local ephemeral storage limit "1Mi". ');
  await Promise.all(['volume', 'layer'].map((name) => pods.remove(name)));
});

test('a node short of memory says so, evicts, and takes nobody who asks for nothing', async () => {
  await pods.create('greedy', { containers: [shell('main', FOREVER)] });
  await pods.ready('greedy');
  const file = cluster().node.node.path('/etc/skiff/config.yaml');
  await mkdir(cluster().node.node.path('/etc/skiff'), { recursive: true });
  // A machine always has less free than it has: the threshold is met from now on.
  const settings = { 'eviction-hard': ['memory.available<100%'], 'eviction-pressure-transition-period': '1s' };
  await writeFile(file, JSON.stringify(settings));
  await cluster().kill('agent', 'SIGKILL');
  await cluster().restart('agent');
  const pressure = (wants: string) =>
    waitFor(`MemoryPressure to be ${wants}`, async () => {
      const { status } = await node();
      return status.conditions.find(({ type }) => type === 'MemoryPressure')?.status === wants;
    });
  await pressure('True');
  const { status } = await failed('greedy');
  assert.equal(status.reason, 'Evicted');
  assert.match(
    status.message!,
    /^The node was low on resource: memory\. Threshold quantity: \S+, available: \S+\. Container/,
  );
  await pods.create('late', { containers: [shell('main', FOREVER)] });
  const late = (await failed('late')).status;
  assert.deepEqual(
    [late.reason, late.message],
    ['Evicted', 'Pod was rejected: The node had condition: [MemoryPressure]. '],
  );
  await rm(file);
  await cluster().kill('agent', 'SIGKILL');
  await cluster().restart('agent');
  await pressure('False');
  await pods.create('later', { containers: [shell('main', FOREVER)] });
  await pods.ready('later');
  await Promise.all(['greedy', 'late', 'later'].map((name) => pods.remove(name)));
});
