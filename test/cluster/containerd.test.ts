// skiff's own containerd in a node of its own: real images, sandboxes and containers over CRI, and what happens to them
// when containerd goes and comes back. Nothing of it may be seen on the host, during or after.
import assert from 'node:assert/strict';
import { existsSync, readFileSync, readlinkSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { ImageClient } from '../../agent/cri/images.ts';
import { RuntimeClient } from '../../agent/cri/runtime.ts';
import type { AuthConfig, ContainerConfig, PodSandboxConfig } from '../../agent/cri/types.ts';
import { systemClock } from '../../api/system.ts';
import type { ContainerdOptions } from '../../cli/containerd.ts';
import { writeImageArchive } from '../../cli/oci-image.ts';
import { TestContainerd } from './harness/containerd.ts';
import { NONCE, testImages } from './harness/images.ts';
import { beginLeakCheck, type LeakCheck } from './harness/leaks.ts';
import { ownDir } from './harness/names.ts';
import { NodeNamespace } from './harness/node-namespace.ts';
import { Registry } from './harness/registry.ts';
import { Segment } from './harness/segment.ts';
import { waitFor } from './harness/wait.ts';

const never = new AbortController().signal;
const opened = new AsyncDisposableStack();
let leaks: LeakCheck;
let node: NodeNamespace;
let archive: string;
let containerd: TestContainerd;
let runtime: RuntimeClient;

before(async () => {
  leaks = await beginLeakCheck();
  const dir = await ownDir();
  opened.defer(() => rm(dir, { recursive: true, force: true }));
  archive = join(dir, 'images.tar');
  await writeImageArchive(Object.values(await testImages()), archive);
  const segment = opened.use(await Segment.create());
  node = opened.use(await NodeNamespace.create({ name: 'node-1', segment }));
  await node.exec('mkdir', ['-p', '/var/lib/skiff/cni/net.d']);
  await node.exec('tee', ['/var/lib/skiff/cni/net.d/10-test.conflist'], { input: JSON.stringify(podNetwork) });
  containerd = await TestContainerd.start(node, [archive]);
  runtime = opened.use(new RuntimeClient(containerd.socket, systemClock));
});

after(async () => {
  await containerd[Symbol.asyncDispose]();
  await opened.disposeAsync();
  await leaks.verify();
});

test('the configuration fits a machine without CAP_SYS_RESOURCE, and one with it', () => {
  const config = readFileSync(node.path('/var/lib/skiff/containerd.toml'), 'utf8');
  const effective = /^CapEff:\s*(\w+)/m.exec(readFileSync('/proc/self/status', 'utf8'))![1]!;
  const restricted = ((BigInt(`0x${effective}`) >> 24n) & 1n) === 0n;
  assert.match(config, new RegExp(`^restrict_oom_score_adj = ${restricted}$`, 'm'));
  assert.equal(containerd.facts.snapshotter, 'overlayfs');
  assert.equal(containerd.facts.adopted, false);
});

test('a container runs in the network namespace of its sandbox and its log carries the nonce of this run', async () => {
  await using pod = await startPod('hello', 'busybox');
  await waitFor('the nonce in the log', () => pod.log().includes(`nonce ${NONCE}`));
  const { pid } = JSON.parse((await runtime.containerInfo(pod.container, never))['info']!) as { pid: number };
  const container = node.path(`/proc/${pid}/ns/net`);
  assert.notEqual(readlinkSync(container), readlinkSync(`/proc/${node.pid}/ns/net`), 'not the node`s');
  assert.notEqual(readlinkSync(container), readlinkSync('/proc/self/ns/net'), 'not the host`s');
  const { network } = await runtime.sandboxStatus(pod.sandbox, never);
  assert.match(network!.ip, /^10\.42\.0\./);
  const { stdout } = await runtime.execSync(pod.container, ['cat', '/nonce'], 5, never);
  assert.equal(stdout.toString(), NONCE);
});

test('the web image answers the node with its host name and the nonce', async () => {
  await using pod = await startPod('web', 'web');
  const { network } = await runtime.sandboxStatus(pod.sandbox, never);
  const answer = await waitFor('an answer', async () => {
    return (await node.exec('busybox', ['wget', '-q', '-O', '-', `http://${network!.ip}:8080/`])).stdout;
  });
  assert.equal(answer, `web ${NONCE}\n`);
});

test('images are pulled from a registry, with credentials where it wants them', async () => {
  const auth = { user: 'puller', password: NONCE };
  await using open = await Registry.start(node);
  await using closed = await Registry.start(node, { port: 5001, auth });
  for (const registry of [open, closed]) {
    await registry.trustOn(node);
    await registry.push((await testImages(registry.host)).web);
  }
  using images = new ImageClient(containerd.socket, systemClock);
  const pull = (ref: string, credentials?: AuthConfig) => images.pull(ref, credentials, undefined, never);
  assert.match(await pull(`${open.host}/test/web:1`), /^sha256:/);
  await assert.rejects(pull(`${open.host}/test/none:1`), /not found/);
  await assert.rejects(pull(`${closed.host}/test/web:1`), /authorization failed|401|no basic auth/);
  const { user: username, password } = auth;
  await assert.rejects(pull(`${closed.host}/test/web:1`, { username, password: 'wrong' }), /401|authorization/);
  assert.match(await pull(`${closed.host}/test/web:1`, { username, password }), /^sha256:/);
});

test('containers run on while containerd is away, and a new containerd finds them', async () => {
  await using pod = await startPod('survivor', 'busybox');
  const before = await runtime.containerStatus(pod.container, never);
  await containerd[Symbol.asyncDispose]();
  await assert.rejects(runtime.version(AbortSignal.timeout(300)));
  containerd = await TestContainerd.start(node);
  const found = await waitFor('the container', () => runtime.containerStatus(pod.container, never));
  assert.equal(found.state, 'CONTAINER_RUNNING');
  assert.equal(found.startedAt, before.startedAt);
});

test('a containerd whose owner was killed is adopted, and replaced when its configuration changed', async () => {
  const { pid } = containerd.facts;
  await containerd.abandon();
  containerd = await TestContainerd.start(node);
  assert.deepEqual([containerd.facts.pid, containerd.facts.adopted], [pid, true]);
  await containerd.abandon();
  await node.exec('sh', ['-c', 'echo "# another" >> /var/lib/skiff/containerd.toml']);
  containerd = await TestContainerd.start(node);
  assert.notEqual(containerd.facts.pid, pid);
  assert.equal(containerd.facts.adopted, false);
});

/** A second instance in the same node, in folders of its own. */
const elsewhere = (root = '/var/lib/skiff/second'): Partial<ContainerdOptions> => ({
  root,
  state: '/run/second',
  socket: '/run/second/containerd.sock',
  configFile: '/var/lib/skiff/second.toml',
  logFile: '/var/lib/skiff/log/second.log',
});

test('where overlayfs cannot work, layers are copied instead', async () => {
  // The node's /etc is an overlay already, and one cannot lie on another.
  await using second = await TestContainerd.start(node, [], elsewhere('/etc/second'));
  assert.equal(second.facts.snapshotter, 'native');
});

const refusals: { it: string; options: Partial<ContainerdOptions>; says: RegExp }[] = [
  {
    it: 'a missing containerd',
    options: { containerdBinary: 'containerd-that-is-not-there' },
    says: /containerd-that-is-not-there is not installed: the package is called containerd$/,
  },
  {
    it: 'a missing runc',
    options: { runcBinary: '/none/runc' },
    says: /runc is not installed: the package is called runc$/,
  },
  {
    it: 'missing network plugins',
    options: { cniBinDirs: ['/none'] },
    says: /no CNI plugins in \/none: the package is called containernetworking-plugins$/,
  },
  {
    it: 'a configuration that containerd refuses',
    options: { logLevel: 'loud' as 'info' },
    says: /containerd ended while starting: .*loud.* \(configuration \/var\/lib\/skiff\/second\.toml, log .*\)$/,
  },
  {
    it: 'a socket that another process holds',
    options: { socket: '/run/skiff/containerd/containerd.sock' },
    says: /another process answers on \/run\/skiff\/containerd\/containerd\.sock/,
  },
];
for (const { it, options, says } of refusals) {
  test(`${it} is one line that says what to do`, async () => {
    await assert.rejects(TestContainerd.start(node, [], { ...elsewhere(), ...options }), { message: says });
  });
}

test('the log of containerd is bounded: one older file is kept beside it', async () => {
  const options = { ...elsewhere(), logMaxBytes: 100 };
  for (let starts = 0; starts < 2; starts++) {
    await using _ = await TestContainerd.start(node, [], options);
  }
  assert.ok(existsSync(node.path(`${options.logFile}.1`)));
});

test('the runtime`s files stay inside the node', async () => {
  assert.equal((await node.exec('ls', ['/run/containerd/runc'], { mayFail: true })).code === 0, false);
  const pids = await node.pids();
  assert.ok(pids.length > 2, 'the node`s processes are in its cgroup');
});

interface TestPod extends AsyncDisposable {
  sandbox: string;
  container: string;
  log(): string;
}

async function startPod(name: string, image: string): Promise<TestPod> {
  const logDirectory = `/var/log/pods/${name}`;
  const config: PodSandboxConfig = {
    metadata: { name, uid: name, namespace: 'default', attempt: 0 },
    hostname: name,
    logDirectory,
    linux: { cgroupParent: '/kubepods/besteffort', securityContext: {} },
  };
  const spec: ContainerConfig = {
    metadata: { name: 'main', attempt: 0 },
    image: { image: `skiff.local/test/${image}:1` },
    logPath: 'main.log',
    linux: { resources: { cpuShares: 2 }, securityContext: {} },
  };
  await node.exec('mkdir', ['-p', logDirectory]);
  const sandbox = await runtime.runSandbox(config, '', never);
  const container = await runtime.createContainer(sandbox, spec, config, never);
  await runtime.startContainer(container, never);
  return {
    sandbox,
    container,
    log: () => readFileSync(node.path(`${logDirectory}/main.log`), 'utf8'),
    async [Symbol.asyncDispose]() {
      await runtime.stopContainer(container, 2, never);
      await runtime.stopSandbox(sandbox, never);
      await runtime.removeSandbox(sandbox, never);
    },
  };
}

const podNetwork = {
  cniVersion: '0.4.0',
  name: 'test',
  plugins: [
    {
      type: 'ptp',
      ipam: { type: 'host-local', ranges: [[{ subnet: '10.42.0.0/24' }]], routes: [{ dst: '0.0.0.0/0' }] },
    },
  ],
};
