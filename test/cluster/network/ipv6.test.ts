// The same table for IPv6: a dual-stack node, its pods and the world, the real nft.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { hostExec } from '../../../agent/network/exec.ts';
import { ServiceProxy } from '../../../agent/network/service-proxy.ts';
import { silent } from '../../../api/log.ts';
import { systemClock } from '../../../api/system.ts';
import { makeNode, Peer, type TestNode, until } from './netns.ts';
import { TestWorld } from './world.ts';

let node: TestNode;
let world: TestWorld;
let proxy: ServiceProxy;
/** The namespaces again, at their IPv6 addresses: the node, the world, two pods. */
const peers: Peer[] = [];
const PODS = ['fd42::2', 'fd42::3'];
const never = new AbortController().signal;

before(async () => {
  node = await makeNode(2);
  const addresses: [Peer, string][] = [
    [node.node, 'fd77::2'],
    [node.world, 'fd77::1'],
    ...node.pods.map((pod, i): [Peer, string] => [pod, PODS[i]!]),
  ];
  const inNode = (command: string) => node.sh(command);
  inNode('ip addr add fd77::2/64 dev eth0 nodad; ip -6 route add default via fd77::1');
  node.world.sh('ip addr add fd77::1/64 dev eth0 nodad; ip -6 route add fd43::/112 via fd77::2');
  for (const [i, pod] of node.pods.entries()) {
    inNode(`ip addr add fd42::1/128 dev veth${i} nodad; ip -6 route add ${PODS[i]} dev veth${i}`);
    pod.sh(
      `ip addr add ${PODS[i]}/128 dev eth0 nodad; ip -6 route add fd42::1 dev eth0; ip -6 route add default via fd42::1 dev eth0`,
    );
  }
  for (const [{ ns }, ip] of addresses) peers.push(await new Peer(ns, ip).ready());
  world = new TestWorld();
  proxy = new ServiceProxy({
    nodeName: 'node',
    rulesets: [
      { family: 'ip', clusterCidrs: ['10.42.0.0/16'], serviceCidrs: ['10.43.0.0/16'], podCidr: '10.42.0.0/24' },
      { family: 'ip6', clusterCidrs: ['fd42::/48'], serviceCidrs: ['fd43::/112'], podCidr: 'fd42::/64' },
    ],
    input: world,
    exec: hostExec(systemClock, node.prefix),
    execPrefix: node.prefix,
    clock: systemClock,
    log: silent,
  });
  for (const [i, pod] of node.pods.entries()) {
    await proxy.podUp(
      pod.ns,
      { ips: [pod.ip, PODS[i]!], hostPorts: [{ hostPort: 8088, protocol: 'TCP', port: 8080 }] },
      never,
    );
    await peers[i + 2]!.serve(`pod${i}`, 8080);
  }
  await proxy.podsAdopted(never);
});
after(async () => {
  await proxy?.[Symbol.asyncDispose]();
  await Promise.all(peers.map((peer) => peer.end()));
  await node?.[Symbol.asyncDispose]();
});

const names = (answers: readonly string[]) => [...new Set(answers.map((a) => a.split(' ')[0]))].sort();
const inKernel = (ip: string) => () => node.sh('nft list map ip6 skiff services').includes(ip);

test('an IPv6 Service answers pods, the node and the world, keeps pods apart from themselves, and refuses', async () => {
  const [host, outside, pod] = peers as [Peer, Peer, Peer, Peer];
  world.put({ name: 'web', ip: 'fd43::7', endpoints: PODS, nodePort: 30080 });
  world.put({ name: 'empty', ip: 'fd43::8' });
  await until('it is in the kernel', inKernel('fd43::8'));
  for (const client of [host, outside, pod]) {
    assert.deepEqual(names(await client.ask('fd43::7', 80, { times: 20 })), ['pod0', 'pod1']);
    assert.deepEqual(names(await client.ask('fd77::2', 30080, { times: 20 })), ['pod0', 'pod1']);
  }
  assert.deepEqual(await pod.ask('fd43::8', 80), ['ECONNREFUSED']);
  assert.deepEqual(await host.ask('fd43::7', 81), ['ECONNREFUSED']);
  assert.match((await outside.ask('fd77::2', 8088))[0]!, /^pod\d fd77::1$/, 'a host port keeps the source');
});

test('IPv6 affinity keeps a client with its endpoint', async () => {
  world.put({ name: 'sticky', ip: 'fd43::9', endpoints: PODS, spec: { sessionAffinity: 'ClientIP' } });
  await until('it is in the kernel', inKernel('fd43::9'));
  const [chosen] = names(await peers[2]!.ask('fd43::9', 80, { times: 10 }));
  assert.deepEqual(names(await peers[2]!.ask('fd43::9', 80, { times: 10 })), [chosen]);
  const rest = PODS.filter((_, i) => `pod${i}` !== chosen);
  world.put({ name: 'sticky', ip: 'fd43::9', endpoints: rest, spec: { sessionAffinity: 'ClientIP' } });
  await until('its endpoint is gone', async () => names(await peers[2]!.ask('fd43::9', 80))[0] !== chosen);
});

test('IPv6 elements come back after somebody deleted them', async () => {
  node.sh('nft delete element ip6 skiff services "{ fd43::7 . tcp . 80 }"; nft flush chain ip6 skiff pick-2');
  await until('it is back', async () => (await peers[2]!.ask('fd43::7', 80))[0]!.startsWith('pod'));
});

test('an IPv6 pod that is not known is silent', async () => {
  await proxy.podDown(node.pods[1]!.ns, [], never);
  assert.deepEqual(await peers[3]!.ask('fd77::2', 30080), ['timeout']);
});
