import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readConfig } from '../../cli/config.ts';
import { agentOptions, serverOptions } from '../../cli/options.ts';
import { agentConfig, serverConfig } from '../../cli/resolve.ts';

const machine = { hostname: 'Node-1', addresses: ['192.0.2.1', '2001:db8::1'] };
const from = (argv: string[]) => ({ argv, env: {}, readFile: () => undefined });
const server = async (...argv: string[]) => serverConfig(await readConfig(serverOptions, from(argv)), machine);
const agent = async (...argv: string[]) => agentConfig(await readConfig(agentOptions, from(argv)), machine);

test('the server takes the rest from the machine and from its folders', async () => {
  const config = await server('--data-dir=/d');
  assert.equal(config.advertiseAddress, '192.0.2.1');
  assert.deepEqual(config.store, { kind: 'embedded', path: '/d/server/store.db' });
  assert.equal(config.pki.certFile, '/d/pki/apiserver.crt');
  assert.equal(config.serviceAccountIssuer, 'https://kubernetes.default.svc.cluster.local');
});

test('the agent takes the rest from the machine and from its folders', async () => {
  const config = await agent('--data-dir=/d', '--run-dir=/r', '--config-dir=/c', '--port=7443', '--node-label=a=b,c=');
  assert.equal(config.nodeName, 'node-1');
  assert.deepEqual(config.nodeIps, ['192.0.2.1', '2001:db8::1']);
  assert.deepEqual(config.nodeLabels, { a: 'b', c: '' });
  assert.equal(config.api.url, 'https://127.0.0.1:7443');
  assert.equal(config.runtime.socket, '/r/containerd/containerd.sock');
  assert.equal(config.staticPodsDir, '/c/manifests');
  assert.equal(config.cni.confDir, '/d/cni/net.d');
});

test('what was said wins over what the machine says', async () => {
  assert.deepEqual((await agent('--node-ip=10.0.0.9')).nodeIps, ['10.0.0.9']);
  assert.equal((await server('--node-ip=10.0.0.9')).advertiseAddress, '10.0.0.9');
  assert.equal((await server('--node-ip=10.0.0.9', '--advertise-address=10.0.0.8')).advertiseAddress, '10.0.0.8');
});

test('settings that contradict one another are refused', async () => {
  await assert.rejects(server('--store=etcd'), /needs --etcd-endpoints/);
  await assert.rejects(server('--etcd-endpoints=https://e:2379'), /needs --store=etcd/);
  await assert.rejects(server('--cluster-cidr=10.0.0.0/8,11.0.0.0/8'), /one range per address family/);
  await assert.rejects(agent('--cluster-cidr=fd00::/48'), /same address families/);
  const values = await readConfig(agentOptions, from([]));
  assert.throws(() => agentConfig(values, { ...machine, addresses: [] }), /--node-ip/);
});

test('what is kept back for system and agent adds up, and thresholds get their graces', async () => {
  const config = await agent(
    '--system-reserved=cpu=100m,memory=256Mi',
    '--kube-reserved=cpu=150m',
    '--eviction-hard=memory.available<5%',
    '--eviction-soft=memory.available<10%',
    '--eviction-soft-grace-period=memory.available=1m30s',
    '--eviction-minimum-reclaim=memory.available=50Mi',
  );
  assert.deepEqual(config.reserved, { cpu: '250m', memory: '256Mi' });
  const reclaim = { value: 50 * 2 ** 20 };
  assert.deepEqual(config.eviction.thresholds, [
    { signal: 'memory.available', amount: { percent: 5 }, graceMs: 0, reclaim },
    { signal: 'memory.available', amount: { percent: 10 }, graceMs: 90_000, reclaim },
  ]);
  await assert.rejects(agent('--eviction-soft=memory.available<10%'), /memory.available has none/);
  await assert.rejects(agent('--eviction-hard=memory<10%'), /eviction-hard/);
  await assert.rejects(agent('--system-reserved=cpu=x'), /not a quantity/);
});
