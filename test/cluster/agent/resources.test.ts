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
  // One in memory cannot become larger than it may: its writer is told, and nobody is evicted.
  const inMemory = `dd if=/dev/zero of=/v/f bs=1M count=3 2>&1; wc -c < /v/f; ${FOREVER}`;
  await pods.create('memory', {
    volumes: [{ name: 'v', emptyDir: { medium: 'Memory', sizeLimit: '1Mi' } }],
    containers: [shell('main', inMemory, { volumeMounts: [{ name: 'v', mountPath: '/v' }] })],
  });
  // What a container logs counts as its own; the runtime measures layers only once a minute.
  const talk = `head -c 3000000 /dev/zero | tr '\\0' x | fold -w 1000; ${FOREVER}`;
  await pods.create('chatty', {
    containers: [shell('main', talk, { resources: { limits: { 'ephemeral-storage': '1Mi' } } })],
  });
  const [volume, chatty] = await Promise.all([failed('volume'), failed('chatty')]);
  assert.deepEqual([volume.status.reason, chatty.status.reason], ['Evicted', 'Evicted']);
  assert.equal(volume.status.message, 'Usage of EmptyDir volume "v" exceeds the limit "1Mi". ');
  assert.equal(chatty.status.message, 'Container main exceeded its local ephemeral storage limit "1Mi". ');
  assert.match(await pods.log('memory', 'main'), /No space left on device\n(.*\n)*1048576\n/);
  assert.equal((await pods.ready('memory')).status.phase, 'Running');
  await Promise.all(['volume', 'chatty', 'memory'].map((name) => pods.remove(name)));
});

test('resources that do not fit wait, and what the kernel kills for want of memory is told', async () => {
  const memory = (limit: string) => ({ resources: { requests: { memory: '16Mi' }, limits: { memory: limit } } });
  const hog = 'tail -c 200000000 /dev/zero | tail -c 100000000 >/dev/null; echo killed';
  await pods.create('hungry', { containers: [shell('main', `${hog}; ${FOREVER}`, memory('32Mi'))] });
  await waitFor('the event of the kill', async () => {
    type Events = { items: { reason: string; message: string }[] };
    const { items } = await cluster().api.get<Events>('/api/v1/namespaces/default/events');
    const found = items.find(({ reason }) => reason === 'OOMKilled');
    return found?.message === 'A process of container main was killed: its memory limit is 32Mi';
  });
  await pods.create('grows', { containers: [shell('main', FOREVER, asking('50m'))] });
  const pod = await pods.ready('grows');
  const resize = async (cpu: string) => {
    const now = await pods.get('grows');
    const containers = [{ ...now.spec.containers[0]!, ...asking(cpu) }];
    const path = '/api/v1/namespaces/default/pods/grows/resize';
    await pods.call('PUT', path, { ...now, spec: { ...now.spec, containers } });
  };
  const pending = ({ status }: typeof pod) => status.conditions?.find(({ type }) => type === 'PodResizePending');
  await resize('900');
  const held = await pods.until('grows', 'held', (each) => pending(each) !== undefined);
  assert.equal(pending(held)?.reason, 'Infeasible');
  assert.match(pending(held)!.message!, /^Node didn't have enough capacity: cpu, requested: 900000, capacity: \d+$/);
  assert.equal(held.status.containerStatuses?.[0]?.allocatedResources?.['cpu'], '50m');
  await resize('60m');
  const given = await pods.until('grows', 'given', (each) => pending(each) === undefined);
  assert.equal(given.status.containerStatuses?.[0]?.allocatedResources?.['cpu'], '60m');
  await Promise.all(['hungry', 'grows'].map((name) => pods.remove(name)));
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

test('resources of the whole pod limit its containers together', async () => {
  const resources = { requests: { memory: '16Mi' }, limits: { memory: '48Mi' } };
  await pods.create('whole', { resources, containers: [shell('main', FOREVER), shell('side', FOREVER)] });
  const { metadata } = await pods.ready('whole');
  const find = `find /sys/fs/cgroup -path '*kubepods/burstable/pod${metadata.uid}/memory.*' '(' -name memory.max -o -name memory.limit_in_bytes ')'`;
  const { stdout } = await cluster().node.node.exec('sh', ['-c', `cat $(${find})`]);
  assert.equal(stdout.trim(), String(48 * 2 ** 20));
  await pods.remove('whole');
});

test('a runtime class says which handler runs a pod, and what that costs', async () => {
  const classes = '/apis/node.k8s.io/v1/runtimeclasses';
  await pods.call('POST', classes, {
    metadata: { name: 'usual' },
    handler: 'runc',
    overhead: { podFixed: { memory: '8Mi' } },
  });
  await pods.call('POST', classes, { metadata: { name: 'unknown' }, handler: 'none' });
  const memory = { resources: { requests: { memory: '16Mi' }, limits: { memory: '32Mi' } } };
  await pods.create('usual', { runtimeClassName: 'usual', containers: [shell('main', FOREVER, memory)] });
  await pods.create('unknown', { runtimeClassName: 'unknown', containers: [shell('main', FOREVER)] });
  const { metadata } = await pods.ready('usual');
  const group = `/sys/fs/cgroup/memory/kubepods/burstable/pod${metadata.uid}/memory.limit_in_bytes`;
  const v2 = `/sys/fs/cgroup/kubepods/burstable/pod${metadata.uid}/memory.max`;
  const { stdout } = await cluster().node.node.exec('sh', ['-c', `cat ${group} 2>/dev/null || cat ${v2}`]);
  assert.equal(stdout.trim(), String(40 * 2 ** 20));
  await waitFor('the event of the unknown handler', async () => {
    type Events = { items: { reason: string; message: string }[] };
    const { items } = await cluster().api.get<Events>('/api/v1/namespaces/default/events');
    return items.some(({ reason, message }) => reason === 'FailedCreatePodSandBox' && message.includes('none'));
  });
  await Promise.all(['usual', 'unknown'].map((name) => pods.remove(name)));
});

test('images nobody uses go when the disk is too full for them, and none that somebody needs', async () => {
  type Images = { status: { images: { names: string[] }[] } };
  const names = async () =>
    (await cluster().api.get<Images>('/api/v1/nodes/node-1')).status.images.flatMap((image) => image.names);
  await pods.create('holds', { containers: [shell('main', FOREVER)] });
  await pods.ready('holds');
  assert.ok((await names()).some((name) => name.includes('test/web')));
  // Any disk is fuller than this.
  const settings = { 'image-gc-high-threshold': 0, 'image-gc-low-threshold': 0, 'image-minimum-gc-age': '0s' };
  const file = cluster().node.node.path('/etc/skiff/config.yaml');
  await writeFile(file, JSON.stringify(settings));
  await cluster().kill('agent', 'SIGKILL');
  await cluster().restart('agent');
  await waitFor('the unused images to be gone', async () => {
    const left = await names();
    if (left.some((name) => name.includes('test/web'))) throw new Error(left.join(' '));
    return left.some((name) => name.includes('test/busybox'));
  });
  // The pause image is in no container of ours, and every pod needs it.
  await pods.create('next', { containers: [shell('main', FOREVER)] });
  await pods.ready('next');
  await Promise.all(['holds', 'next'].map((name) => pods.remove(name)));
});
