// Services in a real kernel: a node, its pods and the world in network namespaces, the real nft.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { after, before, test } from 'node:test';
import { hostExec } from '../../../agent/network/exec.ts';
import { ServiceProxy } from '../../../agent/network/service-proxy.ts';
import type { Logger } from '../../../api/log.ts';
import { systemClock } from '../../../api/system.ts';
import { makeNode, type TestNode, until } from './netns.ts';
import { TestWorld } from './world.ts';

let node: TestNode;
let world: TestWorld;
let proxy: ServiceProxy;

const never = new AbortController().signal;
const POD_IPS = ['10.42.0.2', '10.42.0.3', '10.42.0.4'];

const show = (level: string) => (fields: Record<string, unknown>, message: string) =>
  process.env.SKIFF_TEST_LOG && console.error(level, message, fields);
const visible: Logger = {
  child: () => visible,
  debug: show('debug'),
  info: show('info'),
  warn: show('warn'),
  error: show('error'),
};

function startProxy(): ServiceProxy {
  return new ServiceProxy({
    nodeName: 'node',
    rulesets: [
      { family: 'ip', clusterCidrs: ['10.42.0.0/16'], serviceCidrs: ['10.43.0.0/16'], podCidr: '10.42.0.0/24' },
    ],
    input: world,
    exec: hostExec(systemClock, node.prefix),
    execPrefix: node.prefix,
    clock: systemClock,
    log: visible,
  });
}

async function adopt(to: ServiceProxy): Promise<void> {
  await Promise.all(POD_IPS.map((ip) => to.podUp(ip, { ips: [ip], hostPorts: [] }, never)));
  await to.podsAdopted(never);
}

before(async () => {
  node = await makeNode(4);
  world = new TestWorld();
  proxy = startProxy();
  await adopt(proxy);
  for (const [i, pod] of node.pods.entries()) {
    await pod.serve(`pod${i}`, 8080);
    await pod.serve(`pod${i}`, 8080, 'udp');
  }
});
after(async () => {
  await proxy?.[Symbol.asyncDispose]();
  await node?.[Symbol.asyncDispose]();
});

const names = (answers: readonly string[]) => [...new Set(answers.map((a) => a.split(' ')[0]))].sort();
const sources = (answers: readonly string[]) => [...new Set(answers.map((a) => a.split(' ')[1]))].sort();
const elements = (map: string) => node.sh(`nft list map ip skiff ${map}`);

test('a ClusterIP reaches every endpoint from a pod and from the node, for TCP and UDP', async () => {
  world.put({ name: 'web', ip: '10.43.0.7', endpoints: POD_IPS });
  world.put({ name: 'dns', ip: '10.43.0.8', endpoints: POD_IPS, protocol: 'UDP' });
  await until('web in the kernel', () => elements('services').includes('10.43.0.8'));
  const [pod] = node.pods;
  assert.deepEqual(names(await pod!.ask('10.43.0.7', 80, { times: 30 })), ['pod0', 'pod1', 'pod2']);
  assert.deepEqual(names(await node.node.ask('10.43.0.7', 80, { times: 30 })), ['pod0', 'pod1', 'pod2']);
  assert.deepEqual(names(await pod!.ask('10.43.0.8', 80, { times: 30, protocol: 'udp' })), ['pod0', 'pod1', 'pod2']);
  assert.deepEqual(names(await node.node.ask('10.43.0.8', 80, { times: 30, protocol: 'udp' })), [
    'pod0',
    'pod1',
    'pod2',
  ]);
});

test('a pod keeps its address towards other pods, and reaches itself through the Service', async () => {
  const answers = await node.pods[1]!.ask('10.43.0.7', 80, { times: 30 });
  const seen = new Set(answers);
  assert.ok(seen.has('pod0 10.42.0.3') && seen.has('pod2 10.42.0.3'), [...seen].join());
  assert.ok(seen.has('pod1 10.42.0.1'), `hairpin comes from the node: ${[...seen].join()}`);
});

test('the world that comes to a ClusterIP is masqueraded, so that answers come back this way', async () => {
  assert.deepEqual(sources(await node.world.ask('10.43.0.7', 80, { times: 3 })), ['10.42.0.1']);
});

test('a Service without endpoints refuses at once, TCP and UDP, from pod and node', async () => {
  world.put({ name: 'empty', ip: '10.43.0.9' });
  world.put({ name: 'empty-udp', ip: '10.43.0.10', protocol: 'UDP' });
  await until('it is in the kernel', () => elements('services').includes('10.43.0.10 . udp'));
  for (const peer of [node.pods[0]!, node.node]) {
    assert.deepEqual(await peer.ask('10.43.0.9', 80), ['ECONNREFUSED']);
    assert.deepEqual(await peer.ask('10.43.0.10', 80, { protocol: 'udp' }), ['ECONNREFUSED']);
  }
});

test('a port the Service does not have is refused', async () => {
  assert.deepEqual(await node.pods[0]!.ask('10.43.0.7', 81), ['ECONNREFUSED']);
  assert.deepEqual(await node.node.ask('10.43.0.7', 81), ['ECONNREFUSED']);
});

test('elements, rules and the whole table come back after somebody deleted them', async () => {
  const [pod] = node.pods;
  for (const damage of [
    'nft delete element ip skiff services "{ 10.43.0.7 . tcp . 80 }"',
    'nft flush chain ip skiff pick-3',
    'nft delete table ip skiff',
  ]) {
    node.sh(damage);
    await until(`the Service answers again after ${damage}`, async () => {
      const [answer] = await pod!.ask('10.43.0.7', 80);
      return answer!.startsWith('pod');
    });
    assert.deepEqual(names(await pod!.ask('10.43.0.7', 80, { times: 30 })), ['pod0', 'pod1', 'pod2']);
  }
});

test('what is deleted while nobody watches comes back when the watch does', async () => {
  const children = readFileSync(`/proc/${process.pid}/task/${process.pid}/children`, 'utf8').trim().split(' ');
  const monitor = children.find((pid) => /^nft.*monitor/.test(readFileSync(`/proc/${pid}/cmdline`, 'utf8')));
  process.kill(Number(monitor), 'SIGKILL');
  node.sh('nft delete element ip skiff services "{ 10.43.0.7 . tcp . 80 }"');
  await until('the Service answers again', async () =>
    (await node.pods[0]!.ask('10.43.0.7', 80))[0]!.startsWith('pod'),
  );
});

test('a node port answers the world, pods, the node and its loopback', async () => {
  world.put({ name: 'np', ip: '10.43.0.11', endpoints: POD_IPS, nodePort: 30080 });
  await until('it is in the kernel', () => elements('node-ports').includes('30080'));
  const everyone = ['pod0', 'pod1', 'pod2'];
  const fromWorld = await node.world.ask('192.168.77.2', 30080, { times: 30 });
  assert.deepEqual(names(fromWorld), everyone);
  assert.deepEqual(sources(fromWorld), ['10.42.0.1']);
  assert.deepEqual(names(await node.pods[0]!.ask('192.168.77.2', 30080, { times: 30 })), everyone);
  assert.deepEqual(names(await node.node.ask('192.168.77.2', 30080, { times: 30 })), everyone);
  assert.deepEqual(names(await node.node.ask('127.0.0.1', 30080, { times: 30 })), everyone);
});

test('externalTrafficPolicy Local keeps the source, uses local endpoints, and drops where there is none', async () => {
  world.put({
    name: 'local',
    ip: '10.43.0.12',
    endpoints: POD_IPS,
    nodePort: 30081,
    spec: { externalTrafficPolicy: 'Local' },
  });
  await until('it is in the kernel', () => elements('outside-node-ports').includes('30081'));
  const fromWorld = await node.world.ask('192.168.77.2', 30081, { times: 10 });
  assert.deepEqual(sources(fromWorld), ['192.168.77.1']);
  world.put({
    name: 'local',
    ip: '10.43.0.12',
    endpoints: POD_IPS,
    node: 'other',
    nodePort: 30081,
    spec: { externalTrafficPolicy: 'Local' },
  });
  await until('it drops', () => elements('outside-node-ports').includes('30081 : drop'));
  assert.deepEqual(await node.world.ask('192.168.77.2', 30081), ['timeout']);
  assert.match((await node.pods[0]!.ask('192.168.77.2', 30081))[0]!, /^pod/);
});

test('session affinity keeps a client with its endpoint, while others come and go, and gives it another when it is gone', async () => {
  const spec = { sessionAffinity: 'ClientIP' as const };
  world.put({ name: 'sticky', ip: '10.43.0.13', endpoints: POD_IPS, spec });
  await until('it is in the kernel', () => elements('services').includes('10.43.0.13'));
  const [pod] = node.pods;
  const first = names(await pod!.ask('10.43.0.13', 80, { times: 12 }));
  assert.equal(first.length, 1);
  const chosen = Number(first[0]!.slice(3));
  const other = POD_IPS.find((_, i) => i !== chosen)!;
  world.put({ name: 'sticky', ip: '10.43.0.13', endpoints: POD_IPS.filter((ip) => ip !== other), spec });
  await until('one is gone', () => elements('services').includes('10.43.0.13 . tcp . 80 : goto stick-2-'));
  assert.deepEqual(names(await pod!.ask('10.43.0.13', 80, { times: 12 })), first);
  world.put({ name: 'sticky', ip: '10.43.0.13', endpoints: POD_IPS.filter((_, i) => i !== chosen), spec });
  await until('the chosen is gone', () => !elements('by-slot').includes(POD_IPS[chosen]!));
  const second = names(await pod!.ask('10.43.0.13', 80, { times: 12 }));
  assert.equal(second.length, 1);
  assert.notDeepEqual(second, first);
});

test('a UDP client that keeps its port is sent on when its endpoint is gone', async () => {
  world.put({ name: 'udp', ip: '10.43.0.14', endpoints: [POD_IPS[1]!], protocol: 'UDP' });
  await until('it is in the kernel', () => elements('services').includes('10.43.0.14'));
  const ask = () => node.pods[0]!.ask('10.43.0.14', 80, { protocol: 'udp', localPort: 40_000 });
  assert.match((await ask())[0]!, /^pod1/);
  world.put({ name: 'udp', ip: '10.43.0.14', endpoints: [POD_IPS[2]!], protocol: 'UDP' });
  await until('the new endpoint answers', async () => (await ask())[0]!.startsWith('pod2'));
});

test('a pod is silent until it is known, and again when it is gone; a known one reaches the world as the node', async () => {
  const stranger = node.pods[3]!;
  await node.world.serve('world', 9090);
  assert.deepEqual(await stranger.ask('10.43.0.7', 80), ['timeout']);
  assert.deepEqual(await stranger.ask('192.168.77.2', 30080), ['timeout']);
  await proxy.podUp(
    'stranger',
    { ips: [stranger.ip], hostPorts: [{ hostPort: 8088, protocol: 'TCP', port: 8080 }] },
    never,
  );
  assert.match((await stranger.ask('10.43.0.7', 80))[0]!, /^pod/);
  assert.deepEqual(await stranger.ask('192.168.77.1', 9090), ['world 192.168.77.2']);
  assert.deepEqual(await node.world.ask('192.168.77.2', 8088), ['pod3 192.168.77.1'], 'a host port keeps the source');
  assert.match((await node.node.ask('127.0.0.1', 8088))[0]!, /^pod3/);
  assert.match((await node.pods[0]!.ask('192.168.77.2', 8088))[0]!, /^pod3/);
  await proxy.podDown('stranger', [stranger.ip], never);
  assert.deepEqual(await stranger.ask('10.43.0.7', 80), ['timeout']);
  assert.deepEqual(await node.world.ask('192.168.77.2', 8088), ['ECONNREFUSED']);
});

test('a load balancer address on this node answers only the source ranges', async () => {
  const lb = (loadBalancerSourceRanges: string[]) => {
    const spec = { type: 'LoadBalancer' as const, loadBalancerSourceRanges };
    world.put({ name: 'lb', ip: '10.43.0.15', port: 8443, endpoints: POD_IPS, spec, ingress: '192.168.77.2' });
  };
  const ask = async () => (await node.world.ask('192.168.77.2', 8443))[0]!;
  lb(['192.168.77.1/32', '192.168.77.0/28']);
  await until('the world is let in', async () => (await ask()).startsWith('pod'));
  lb(['192.168.78.0/24', '192.168.77.7/32']);
  await until('the world is kept out', async () => (await ask()) === 'timeout', 10_000);
  lb([]);
  await until('everybody is let in', async () => (await ask()).startsWith('pod'));
});

test('what a restarted agent has not heard of yet stays, and leftovers go when all is known', async () => {
  await proxy[Symbol.asyncDispose]();
  world.delete('empty');
  world.isSynced = false;
  proxy = startProxy();
  await proxy.podUp(POD_IPS[0]!, { ips: [POD_IPS[0]!], hostPorts: [] }, never);
  assert.ok(elements('services').includes('10.43.0.9'), 'the server has not answered: everything stays');
  assert.match((await node.pods[0]!.ask('10.43.0.7', 80))[0]!, /^pod/);
  world.isSynced = true;
  world.changed();
  await adopt(proxy);
  await until('the leftover is gone', () => !elements('services').includes('10.43.0.9'));
  assert.deepEqual(names(await node.pods[0]!.ask('10.43.0.7', 80, { times: 30 })), ['pod0', 'pod1', 'pod2']);
});

test('2,000 Services are loaded at once, and one more costs one small transaction', async () => {
  const many = Array.from({ length: 2_000 }, (_, i) => `10.43.${8 + (i >> 8)}.${i & 255}`);
  const from = performance.now();
  for (const ip of many) world.put({ name: `s-${ip}`, ip, endpoints: POD_IPS.slice(0, 2) });
  // Looked up in the kernel: a packet sent too early is dropped, and sent again only a second later.
  const known = (ip: string) => node.sh(`nft get element ip skiff services "{ ${ip} . tcp . 80 }" || true`) !== '';
  await until('the last is in the kernel', () => known(many.at(-1)!), 20_000);
  const loaded = performance.now() - from;
  const before = performance.now();
  world.put({ name: 'one-more', ip: '10.43.99.1', endpoints: POD_IPS });
  await until('one more is in the kernel', () => known('10.43.99.1'));
  const one = performance.now() - before;
  console.log(`2,000 Services in ${loaded.toFixed(0)} ms, one more in ${one.toFixed(0)} ms`);
  assert.ok(loaded < 5_000, `${loaded} ms`);
  assert.ok(one < 1_000, `${one} ms`);
  assert.ok(Number(node.sh('nft -t list table ip skiff | grep -c "chain "')) < 40, 'no chain per Service');
});
