// Two whole nodes: the network room runs in each, pods are made by the distribution's CNI plugins from the
// configuration it wrote, exactly in the order a runtime calls them.
import assert from 'node:assert/strict';
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { after, before, test } from 'node:test';
import type { AgentCommand, AgentOptions } from './agent-in-ns.ts';
import { Peer, until } from './netns.ts';

const BIN = '/usr/lib/cni';
const sh = (command: string) => execFileSync('sh', ['-ec', command], { stdio: ['ignore', 'pipe', 'pipe'] }).toString();

class AgentNode {
  readonly ns: string;
  readonly name: string;
  readonly ip: string;
  readonly folder: string;
  #child: ChildProcess | undefined;
  #answers: AsyncIterator<string> | undefined;
  #podCount = 0;
  readonly pods: { ns: string; peer: Peer; ip: string }[] = [];

  constructor(ns: string, name: string, ip: string) {
    this.ns = ns;
    this.name = name;
    this.ip = ip;
    this.folder = mkdtempSync('/tmp/network-node-');
  }

  async start(): Promise<void> {
    const options: AgentOptions = {
      nodeName: this.name,
      nodeIps: [this.ip],
      dataDir: this.folder,
      cni: { confDir: join(this.folder, 'net.d'), stateDir: join(this.folder, 'ipam') },
      proxyHealth: { bindAddress: '0.0.0.0', port: 10_256 },
    };
    const script = join(import.meta.dirname, 'agent-in-ns.ts');
    const words = ['netns', 'exec', this.ns, process.execPath, script, JSON.stringify(options)];
    this.#child = spawn('ip', words, { stdio: ['pipe', 'pipe', 'inherit'] });
    this.#answers = createInterface({ input: this.#child.stdout! })[Symbol.asyncIterator]();
    await this.#answers.next();
  }

  async tell(command: AgentCommand): Promise<unknown> {
    this.#child!.stdin!.write(`${JSON.stringify(command)}\n`);
    const { value } = await this.#answers!.next();
    return JSON.parse(value as string);
  }

  /** The agent's end as the kernel brings it: nothing is tidied up. */
  async kill(): Promise<void> {
    const closed = new Promise((resolve) => this.#child!.on('close', resolve));
    this.#child!.kill('SIGKILL');
    await closed;
    this.#child = undefined;
  }

  async stop(): Promise<void> {
    if (this.#child === undefined) return;
    const closed = new Promise((resolve) => this.#child!.on('close', resolve));
    this.#child.stdin!.end();
    await closed;
    this.#child = undefined;
  }

  /** What a runtime does for a sandbox: each plugin of the list in turn, with the result of the one before. */
  async addPod(): Promise<Peer> {
    const ns = `${this.ns}p${this.#podCount++}`;
    sh(`ip netns add ${ns}; ip -n ${ns} link set lo up`);
    const list = JSON.parse(readFileSync(join(this.folder, 'net.d', '10-skiff.conflist'), 'utf8')) as {
      cniVersion: string;
      name: string;
      plugins: { type: string }[];
    };
    let prevResult: unknown;
    for (const plugin of list.plugins) {
      const config = JSON.stringify({
        ...plugin,
        cniVersion: list.cniVersion,
        name: list.name,
        prevResult,
        // The runtime passes it on when the pod's annotations ask for it.
        ...(this.name === 'a' && {
          runtimeConfig: { bandwidth: { ingressRate: 10_000_000_000, ingressBurst: 1_000_000_000 } },
        }),
      });
      const out = execFileSync('ip', ['netns', 'exec', this.ns, join(BIN, plugin.type)], {
        input: config,
        env: {
          PATH: process.env.PATH,
          CNI_COMMAND: 'ADD',
          CNI_CONTAINERID: ns,
          CNI_NETNS: `/run/netns/${ns}`,
          CNI_IFNAME: 'eth0',
          CNI_PATH: BIN,
        },
      });
      prevResult = JSON.parse(out.toString());
    }
    const ip = (prevResult as { ips: { address: string }[] }).ips[0]!.address.split('/')[0]!;
    const peer = new Peer(ns, ip);
    this.pods.push({ ns, peer, ip });
    await this.tell({ do: 'podUp', uid: ns, ips: [ip] });
    return peer.ready();
  }

  async dispose(): Promise<void> {
    await Promise.all(this.pods.map(({ peer }) => peer.end()));
    await this.stop();
    for (const { ns } of this.pods) sh(`ip netns del ${ns}`);
    sh(`ip netns del ${this.ns} 2>/dev/null || true`);
    rmSync(this.folder, { recursive: true, force: true });
  }
}

const id = `skn${process.pid}`;
const nodes: AgentNode[] = [];
/** a and b share a link; c is behind a router. */
const PLACES = [
  { name: 'a', ip: '192.168.81.2', podCidr: '10.42.1.0/24' },
  { name: 'b', ip: '192.168.81.3', podCidr: '10.42.2.0/24' },
  { name: 'c', ip: '192.168.82.2', podCidr: '10.42.3.0/24' },
];
const skip = existsSync(join(BIN, 'ptp')) ? false : 'the CNI plugins are not installed';

before(async () => {
  if (skip) return;
  sh(`
    ip netns add ${id}r; ip -n ${id}r link set lo up
    ip -n ${id}r link add br81 type bridge; ip -n ${id}r link add br82 type bridge
    ip -n ${id}r addr add 192.168.81.1/24 dev br81; ip -n ${id}r addr add 192.168.82.1/24 dev br82
    ip -n ${id}r link set br81 up; ip -n ${id}r link set br82 up
    ip netns exec ${id}r sysctl -qw net.ipv4.ip_forward=1`);
  for (const { name, ip } of PLACES) {
    const ns = `${id}${name}`;
    const subnet = ip.split('.')[2];
    sh(`
      ip netns add ${ns}; ip -n ${ns} link set lo up
      ip -n ${ns} link add eth0 type veth peer name n${name} netns ${id}r
      ip -n ${id}r link set n${name} master br${subnet} up
      ip -n ${ns} addr add ${ip}/24 dev eth0; ip -n ${ns} link set eth0 up
      ip -n ${ns} route add 192.168.0.0/16 via 192.168.${subnet}.1`);
    nodes.push(new AgentNode(ns, name, ip));
  }
  for (const node of nodes) {
    await node.start();
    await node.tell({ do: 'nodes', nodes: PLACES });
    await until(`${node.name} has its range`, () => existsSync(join(node.folder, 'net.d', '10-skiff.conflist')));
  }
  for (const node of nodes) await (await node.addPod()).serve(`pod-${node.name}`, 8080);
});
after(async () => {
  for (const node of nodes) await node.dispose();
  sh(`ip netns del ${id}r 2>/dev/null || true`);
});

test('pods made by the plugins get addresses of their node, and reach one another over links and tunnel with their own', {
  skip,
}, async () => {
  for (const from of nodes) {
    for (const to of nodes) {
      if (from === to) continue;
      const [client, server] = [from.pods[0]!, to.pods[0]!];
      await until(`${from.name} reaches ${to.name}`, async () => {
        const [answer] = await client.peer.ask(server.ip, 8080);
        return answer === `pod-${to.name} ${client.ip}`;
      });
    }
  }
  assert.match(sh(`ip -n ${nodes[0]!.ns} route show 10.42.2.0/24`), /via 192\.168\.81\.3 dev eth0/);
  assert.match(sh(`ip -n ${nodes[0]!.ns} route show 10.42.3.0/24`), /dev skiff-vxlan/);
});

test('a Service with endpoints on every node answers pods and a node that has no default route', { skip }, async () => {
  const endpoints = nodes.map((node) => node.pods[0]!.ip);
  for (const node of nodes)
    await node.tell({ do: 'services', services: [{ name: 'web', ip: '10.43.0.7', endpoints }] });
  const [a] = nodes;
  await until('web is there', async () => (await a!.pods[0]!.peer.ask('10.43.0.7', 80))[0]!.startsWith('pod-'));
  const names = async (peer: Peer) =>
    [...new Set((await peer.ask('10.43.0.7', 80, { times: 40 })).map((text) => text.split(' ')[0]))].sort();
  assert.deepEqual(await names(a!.pods[0]!.peer), ['pod-a', 'pod-b', 'pod-c']);
  const host = await new Peer(a!.ns, a!.ip).ready();
  try {
    assert.deepEqual(await names(host), ['pod-a', 'pod-b', 'pod-c']);
  } finally {
    await host.end();
  }
});

test('busybox in a pod resolves the Service by its short name, and by a search path', { skip }, () => {
  const { ns } = nodes[0]!.pods[0]!;
  const resolv = join(nodes[0]!.folder, 'resolv.conf');
  const conf =
    'nameserver 10.43.0.10\nsearch default.svc.cluster.local svc.cluster.local cluster.local\noptions ndots:5\n';
  execFileSync('sh', ['-c', `cat > ${resolv}`], { input: conf });
  const inPod = (command: string) =>
    sh(`ip netns exec ${ns} unshare -m sh -ec 'mount --bind ${resolv} /etc/resolv.conf; ${command}'`);
  assert.match(inPod('busybox nslookup web.default.svc.cluster.local'), /Address[^\n]*10\.43\.0\.7/);
  assert.match(inPod('getent hosts web'), /10\.43\.0\.7/);
  assert.match(inPod('getent hosts web.default'), /10\.43\.0\.7/);
});

test('the node answers its health check', { skip }, () => {
  const body = sh(`ip netns exec ${nodes[0]!.ns} busybox wget -qO- http://127.0.0.1:10256/healthz`);
  assert.match(body, /"nodeEligible":true/);
});

test('pods go on talking while the agent is away, and after it has come back', { skip }, async () => {
  const [a] = nodes;
  const { peer, ip, ns } = a!.pods[0]!;
  await a!.stop();
  assert.match((await peer.ask('10.43.0.7', 80))[0]!, /^pod-/);
  await a!.start();
  assert.match((await peer.ask('10.43.0.7', 80))[0]!, /^pod-/, 'before the server has answered');
  const asked = sh(`ip netns exec ${ns} busybox nslookup web.default.svc.cluster.local 10.43.0.10`);
  assert.match(asked, /10\.43\.0\.7/, 'names are remembered');
  await a!.tell({ do: 'podUp', uid: ns, ips: [ip] });
  await a!.tell({ do: 'adopted' });
  assert.match((await peer.ask('10.43.0.7', 80))[0]!, /^pod-/, 'adopted, and the server has still not answered');
  await a!.tell({ do: 'services', services: [{ name: 'web', ip: '10.43.0.7', endpoints: [nodes[1]!.pods[0]!.ip] }] });
  await a!.tell({ do: 'nodes', nodes: PLACES });
  await until('only b is left', async () => {
    const answers = await peer.ask('10.43.0.7', 80, { times: 10 });
    return answers.every((text) => text.startsWith('pod-b'));
  });
});

test('a killed agent leaves no process behind, and the next one takes over', { skip }, async () => {
  const [a] = nodes;
  const { peer, ip, ns } = a!.pods[0]!;
  const watchers = () =>
    sh(`for p in $(ip netns pids ${a!.ns}); do cat /proc/$p/comm 2>/dev/null || true; done`).match(/^nft$/gm);
  await until('the watch runs', () => watchers()?.length === 1);
  await a!.kill();
  await until('the watch has ended', () => watchers() === null);
  assert.match((await peer.ask('10.43.0.7', 80))[0]!, /^pod-/);
  await a!.start();
  await a!.tell({ do: 'podUp', uid: ns, ips: [ip] });
  assert.match((await peer.ask('10.43.0.7', 80))[0]!, /^pod-/);
});
