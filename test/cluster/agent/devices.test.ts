// Device plugins as their authors know them: a real plugin, its devices in real containers, and what restarts leave.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Container } from '../../../api/types/core/container.ts';
import { useCluster } from '../harness/cluster.ts';
import { NONCE } from '../harness/images.ts';
import { waitFor } from '../harness/wait.ts';
import { askPodResources, TestPlugin, untilOffered } from './devices.ts';
import { FOREVER, Pods, shell, statusOf } from './pods.ts';

const cluster = useCluster();
const pods = new Pods(cluster);
const LAMP = 'skiff.test/lamp';
const lamps = (count: number): Partial<Container> => ({ resources: { limits: { [LAMP]: String(count) } } });
const SAY =
  'echo "has $DEVICES $DEVICE_NONCE $(cat /device-nonce)"; for d in /dev/lamp-*; do echo "$d $(head -c 2 $d | wc -c)"; done';
const failed = (name: string) => pods.until(name, 'failed', ({ status }) => status.phase === 'Failed');
const had = (log: string) => /has (\S+)/.exec(log)![1]!.split(',').sort();
let plugin: TestPlugin;

test('a plugin registers, and the node offers its healthy devices', async () => {
  plugin = await TestPlugin.start(cluster(), LAMP, 4, { preStart: true, prefer: true });
  await plugin.untilRegistered();
  await untilOffered(cluster(), LAMP, '4', '4');
  await plugin.breaks('lamp-0');
  await untilOffered(cluster(), LAMP, '4', '3');
});

test('a container gets the devices that the plugin prefers, and everything the plugin wants done for them', async () => {
  await pods.create('one', { containers: [shell('main', `${SAY}; ${FOREVER}`, lamps(2))] });
  await pods.ready('one');
  const log = await pods.untilLogged('one', 'main', '/dev/lamp-3');
  assert.match(log, new RegExp(`has lamp-\\d,lamp-\\d ${NONCE} ${NONCE}`));
  assert.deepEqual(had(log), ['lamp-2', 'lamp-3']);
  assert.match(log, /\/dev\/lamp-2 2\n\/dev\/lamp-3 2/);
  const asked = await plugin.asked();
  const order = asked.flatMap((each) => Object.keys(each)).filter((what) => what !== 'registered');
  assert.deepEqual(order, ['prefer', 'allocate', 'preStart']);
});

test('the socket for monitoring tells who has which devices', async () => {
  type Answer = {
    podResources: {
      name: string;
      containers: {
        name: string;
        devices: { resourceName: string; deviceIds: string[]; topology: { nodes: unknown[] } }[];
      }[];
    };
  };
  const { podResources: one } = await askPodResources<Answer>(cluster(), 'Get', {
    podName: 'one',
    podNamespace: 'default',
  });
  const [devices] = one.containers[0]!.devices;
  assert.deepEqual([devices!.resourceName, [...devices!.deviceIds].sort()], [LAMP, ['lamp-2', 'lamp-3']]);
  assert.deepEqual(devices!.topology.nodes, [{ id: '0' }]);
  type All = { devices: { deviceIds: string[] }[] };
  const all = await askPodResources<All>(cluster(), 'GetAllocatableResources', {});
  assert.deepEqual(all.devices.flatMap(({ deviceIds }) => deviceIds).sort(), ['lamp-1', 'lamp-2', 'lamp-3']);
  await assert.rejects(askPodResources(cluster(), 'Get', { podName: 'none', podNamespace: 'default' }), /not found/);
});

test('a resource that an operator puts on the node stays there, and pods may use it up', async () => {
  const patch = { status: { capacity: { 'skiff.test/dongle': '1' }, allocatable: { 'skiff.test/dongle': '1' } } };
  const answer = await cluster().api.call(
    'PATCH',
    '/api/v1/nodes/node-1/status',
    patch,
    'application/strategic-merge-patch+json',
  );
  assert.equal(answer.status, 200);
  const dongle = { resources: { limits: { 'skiff.test/dongle': '1' } } };
  await pods.create('dongle', { containers: [shell('main', FOREVER, dongle)] });
  await pods.ready('dongle');
  await pods.create('another', { containers: [shell('main', FOREVER, dongle)] });
  assert.equal((await failed('another')).status.reason, 'OutOfskiff.test/dongle');
  await Promise.all(['dongle', 'another'].map((name) => pods.remove(name)));
});

test('init containers lend their devices to those after them', async () => {
  await pods.create('handed-on', {
    initContainers: [shell('first', SAY, lamps(1))],
    containers: [shell('main', `${SAY}; ${FOREVER}`, lamps(1))],
  });
  await pods.ready('handed-on');
  const [first, main] = await Promise.all([
    pods.log('handed-on', 'first'),
    pods.untilLogged('handed-on', 'main', 'has lamp'),
  ]);
  assert.deepEqual([had(first), had(main)], [['lamp-1'], ['lamp-1']]);
  await pods.remove('handed-on');
});

test('a pod for which there are no devices is refused, and one whose plugin fails', async () => {
  await pods.create('too-many', { containers: [shell('main', FOREVER, lamps(2))] });
  assert.equal((await failed('too-many')).status.reason, `OutOf${LAMP}`);
  await plugin.fails(true);
  await pods.create('on-fire', { containers: [shell('main', FOREVER, lamps(1))] });
  const { status } = await failed('on-fire');
  await plugin.fails(false);
  assert.equal(status.reason, 'UnexpectedAdmissionError');
  const why = 'rpc error: code = Unknown desc = the device is on fire, which is unexpected';
  assert.equal(status.message, `Pod was rejected: Allocate failed due to ${why}`);
  await Promise.all(['too-many', 'on-fire'].map((name) => pods.remove(name)));
});

test('an agent that is killed knows who has what; plugins come back, and restarted containers keep their devices', async () => {
  const before = (await plugin.asked()).filter(({ allocate }) => allocate !== undefined).length;
  await cluster().kill('agent', 'SIGKILL');
  await cluster().restart('agent');
  await plugin.untilRegistered(2);
  await untilOffered(cluster(), LAMP, '4', '3');
  const inNode = (script: string) => cluster().node.node.exec('sh', ['-c', script], { mayFail: true });
  await inNode('cd /proc; for p in [0-9]*; do grep -qs DEVICE_NONCE $p/environ && kill -TERM $p; done');
  const again = await pods.until('one', 'restarted', (pod) => statusOf(pod, 'main').restartCount === 1);
  assert.equal(again.metadata.name, 'one');
  const log = await waitFor('the second start to speak', async () => {
    const said = await pods.log('one', 'main', 1);
    return said.includes('/dev/lamp-3') ? said : undefined;
  });
  assert.deepEqual(had(log), ['lamp-2', 'lamp-3']);
  const after = await plugin.asked();
  assert.equal(after.filter(({ allocate }) => allocate !== undefined).length, before, 'nothing was allocated anew');
  assert.equal(after.filter(({ preStart }) => preStart?.length === 2).length, 2);
  await pods.create('late', { containers: [shell('main', `${SAY}; ${FOREVER}`, lamps(1))] });
  await pods.ready('late');
  assert.deepEqual(had(await pods.untilLogged('late', 'main', 'has lamp')), ['lamp-1']);
  await untilOffered(cluster(), 'skiff.test/dongle', '1', '1');
  await Promise.all(['one', 'late'].map((name) => pods.remove(name)));
});

test('devices of a pod that is gone are free for the next one', async () => {
  await pods.create('all', { containers: [shell('main', `${SAY}; ${FOREVER}`, lamps(3))] });
  await pods.ready('all');
  await pods.remove('all');
  await pods.create('all', { containers: [shell('main', `${SAY}; ${FOREVER}`, lamps(3))] });
  await pods.ready('all');
  await pods.remove('all');
});

test('without its plugin a resource is there and cannot be had', async () => {
  await plugin.kill();
  await untilOffered(cluster(), LAMP, '4', '0');
});

test('a plugin of another version is told why it may not register', async () => {
  const old = await TestPlugin.start(cluster(), 'skiff.test/relic', 1, { version: 'v1alpha' });
  const refused = await waitFor('the refusal', async () => (await old.asked()).find((each) => each.refused)?.refused);
  assert.match(refused, /requested API version "v1alpha" is not supported by kubelet. Supported version is "v1beta1"/);
  await old.kill();
});
