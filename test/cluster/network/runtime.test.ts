// The network room beside a real containerd: its configuration makes sandboxes, which are silent until they are let
// in, and containers resolve and reach a Service.
import assert from 'node:assert/strict';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { after, before, test } from 'node:test';
import { RuntimeClient } from '../../../agent/cri/runtime.ts';
import type { ContainerConfig, PodSandboxConfig } from '../../../agent/cri/types.ts';
import { systemClock } from '../../../api/system.ts';
import { writeImageArchive } from '../../../cli/oci-image.ts';
import { TestContainerd } from '../harness/containerd.ts';
import { NONCE, testImages } from '../harness/images.ts';
import { beginLeakCheck, type LeakCheck } from '../harness/leaks.ts';
import { ownDir } from '../harness/names.ts';
import { NodeNamespace, type NodeProcess } from '../harness/node-namespace.ts';
import { Segment } from '../harness/segment.ts';
import { waitFor } from '../harness/wait.ts';
import type { AgentCommand, AgentOptions } from './agent-in-ns.ts';

const never = new AbortController().signal;
const opened = new AsyncDisposableStack();
let leaks: LeakCheck;
let node: NodeNamespace;
let runtime: RuntimeClient;
let agent: NodeProcess;
let answers: AsyncIterator<string>;

async function tell(command: AgentCommand): Promise<unknown> {
  agent.child.stdin!.write(`${JSON.stringify(command)}\n`);
  return JSON.parse((await answers.next()).value as string);
}

before(async () => {
  leaks = await beginLeakCheck();
  const dir = await ownDir();
  opened.defer(() => rm(dir, { recursive: true, force: true }));
  const archive = join(dir, 'images.tar');
  await writeImageArchive(Object.values(await testImages()), archive);
  const segment = opened.use(await Segment.create());
  node = opened.use(await NodeNamespace.create({ name: 'node-1', segment }));
  const containerd = opened.use(await TestContainerd.start(node, [archive]));
  runtime = opened.use(new RuntimeClient(containerd.socket, systemClock));
  const options: AgentOptions = {
    nodeName: 'node-1',
    nodeIps: [node.address],
    dataDir: '/var/lib/skiff/agent',
    cni: { confDir: '/var/lib/skiff/cni/net.d', stateDir: '/var/lib/skiff/cni/ipam' },
    proxyHealth: { bindAddress: '127.0.0.1', port: 0 },
  };
  const script = join(import.meta.dirname, 'agent-in-ns.ts');
  agent = node.spawn('node', [script, JSON.stringify(options)], {
    stdio: ['pipe', 'pipe', 2],
    env: { SKIFF_TEST_LOG: process.env.SKIFF_TEST_LOG ?? '' },
  });
  opened.defer(async () => {
    agent.child.stdin!.end();
    await agent.exited;
  });
  answers = createInterface({ input: agent.child.stdout! })[Symbol.asyncIterator]();
  await answers.next();
});
after(async () => {
  await opened.disposeAsync();
  await leaks?.verify();
});

async function makeSandbox(name: string): Promise<{ config: PodSandboxConfig; id: string; ip: string }> {
  const config: PodSandboxConfig = {
    metadata: { name, uid: name, namespace: 'default', attempt: 0 },
    hostname: name,
    logDirectory: `/var/log/pods/${name}`,
    dnsConfig: {
      servers: ['10.43.0.10'],
      searches: ['default.svc.cluster.local', 'svc.cluster.local'],
      options: ['ndots:5'],
    },
    linux: { cgroupParent: '/kubepods/besteffort', securityContext: {} },
  };
  await node.exec('mkdir', ['-p', config.logDirectory!]);
  const id = await runtime.runSandbox(config, '', never);
  opened.defer(async () => {
    await runtime.stopSandbox(id, never);
    await runtime.removeSandbox(id, never);
  });
  return { config, id, ip: (await runtime.sandboxStatus(id, never)).network!.ip };
}

async function startContainer(sandbox: { config: PodSandboxConfig; id: string }, image: string): Promise<string> {
  const spec: ContainerConfig = {
    metadata: { name: 'main', attempt: 0 },
    image: { image: `skiff.local/test/${image}:1` },
    logPath: 'main.log',
    linux: { resources: { cpuShares: 2 }, securityContext: {} },
  };
  const id = await runtime.createContainer(sandbox.id, spec, sandbox.config, never);
  await runtime.startContainer(id, never);
  return id;
}

test('the runtime is ready when the node has its range, and not before', async () => {
  const ready = async () => {
    const { status } = await runtime.status(false, never);
    return status?.conditions.find(({ type }) => type === 'NetworkReady')?.status;
  };
  assert.equal(await ready(), false);
  await tell({ do: 'nodes', nodes: [{ name: 'node-1', podCidr: '10.42.5.0/24', ip: node.address }] });
  await waitFor('NetworkReady', ready);
});

test('a container is silent until it is let in, then resolves and reaches a Service, and is silent again when it goes', async () => {
  const web = await makeSandbox('web');
  const client = await makeSandbox('client');
  assert.match(web.ip, /^10\.42\.5\./);
  await startContainer(web, 'web');
  const main = await startContainer(client, 'busybox');
  const inPod = async (...command: string[]) => {
    const { stdout, stderr, exitCode } = await runtime.execSync(main, command, 10, never);
    return { exitCode, text: `${stdout}${stderr}` };
  };
  // busybox's own -T ends in a segmentation fault.
  const get = (url: string) => inPod('timeout', '2', 'wget', '-q', '-O', '-', url);
  await tell({ do: 'services', services: [{ name: 'web', ip: '10.43.0.7', endpoints: [web.ip], node: 'node-1' }] });
  const silent = await get('http://10.43.0.7/');
  assert.notEqual(silent.exitCode, 0, silent.text);
  await tell({ do: 'podUp', uid: 'web', ips: [web.ip] });
  await tell({ do: 'podUp', uid: 'client', ips: [client.ip] });
  const answer = await waitFor('the nonce', async () => {
    const { text } = await get('http://web/');
    return text.includes(NONCE) && text;
  });
  assert.match(String(answer), /^web /);
  assert.match((await inPod('nslookup', 'web.default.svc.cluster.local')).text, /10\.43\.0\.7/);
  await tell({ do: 'podDown', uid: 'client', ips: [client.ip] });
  assert.notEqual((await get('http://10.43.0.7/')).exitCode, 0);
});
