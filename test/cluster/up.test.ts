// `skiff up` and `skiff down --purge` as a person uses them, in a node of their own: Ctrl-C leaves pods running, the
// next start finds them, and removal leaves nothing.
import assert from 'node:assert/strict';
import { rm } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { after, before, test } from 'node:test';
import { writeImageArchive } from '../../cli/oci-image.ts';
import { NONCE, testImages } from './harness/images.ts';
import { kubectl } from './harness/kubectl.ts';
import { beginLeakCheck, type LeakCheck } from './harness/leaks.ts';
import { ownDir } from './harness/names.ts';
import { NodeNamespace, type NodeProcess } from './harness/node-namespace.ts';
import { Segment } from './harness/segment.ts';
import { InVain, waitFor } from './harness/wait.ts';

const MAIN = resolve(import.meta.dirname, '../../cli/main.ts');
const SOCKET = '/run/skiff/containerd/containerd.sock';
const READY_MS = 90_000;

const opened = new AsyncDisposableStack();
let leaks: LeakCheck;
let node: NodeNamespace;
let archive: string;

before(async () => {
  leaks = await beginLeakCheck();
  const dir = await ownDir();
  opened.defer(() => rm(dir, { recursive: true, force: true }));
  archive = join(dir, 'images.tar');
  const { busybox } = await testImages();
  await writeImageArchive([busybox], archive);
  const segment = opened.use(await Segment.create());
  node = opened.use(await NodeNamespace.create({ name: 'node-1', segment }));
});

after(async () => {
  await opened.disposeAsync();
  await leaks.verify();
});

interface Up {
  process: NodeProcess;
  said: () => string;
}

function spawnUp(): Up {
  const process = node.spawn('node', [MAIN, 'up'], { stdio: ['ignore', 'pipe', 'pipe'] });
  let said = '';
  for (const stream of [process.child.stdout!, process.child.stderr!]) {
    stream.on('data', (chunk) => {
      said += chunk;
    });
  }
  return { process, said: () => said };
}

async function up(): Promise<Up> {
  const started = spawnUp();
  const isReady = () => {
    if (!started.process.running) throw new InVain('it ended');
    return started.said().includes('Ctrl-C here ends the processes');
  };
  try {
    await waitFor('skiff up to be ready', isReady, { timeoutMs: READY_MS });
  } catch (err) {
    const logs = await node.exec('sh', ['-c', 'tail -n 20 /var/lib/skiff/log/*.log'], { mayFail: true });
    throw new Error(`${started.said()}\n${logs.stdout}`, { cause: err });
  }
  return started;
}

const ask = async (...args: string[]) =>
  (await kubectl(node, args, { kubeconfig: '/etc/skiff/admin.kubeconfig' })).stdout;
const mark = async () => {
  const { containerStatuses } = JSON.parse(await ask('get', 'pod', 'one', '-o', 'json')).status;
  const [{ containerID, restartCount, state }] = containerStatuses;
  return { containerID, restartCount, startedAt: state.running?.startedAt };
};

let first: Up;

test('skiff up makes a cluster whose node is Ready, and says what to type', async () => {
  first = await up();
  assert.match(first.said(), /^skiff: the cluster is up after [\d.]+ s: node node-1 is Ready$/m);
  assert.match(first.said(), /export KUBECONFIG=\/etc\/skiff\/admin\.kubeconfig/);
  const { stdout: mode } = await node.exec('stat', ['-c', '%a', '/etc/skiff/admin.kubeconfig']);
  assert.equal(mode.trim(), '600');
  assert.match(await ask('get', 'nodes'), /node-1\s+Ready/);
});

test('a second one is refused in one line while the first runs', async () => {
  const second = spawnUp();
  assert.deepEqual(await second.process.exited, { code: 2, signal: null });
  assert.match(second.said(), /^skiff up: skiff runs already \(pid \d+\): [^\n]*\n$/);
});

let before1: Awaited<ReturnType<typeof mark>>;

test('Ctrl-C ends the processes and not the pods, and the next start finds them', async () => {
  await node.exec('ctr', ['--address', SOCKET, '-n', 'k8s.io', 'images', 'import', archive]);
  await ask('run', 'one', '--image=skiff.local/test/busybox:1', '--image-pull-policy=Never');
  await ask('wait', '--for=condition=Ready', '--timeout=60s', 'pod/one');
  before1 = await mark();
  await first.process.kill('SIGINT');
  assert.deepEqual(await first.process.exited, { code: 0, signal: null });
  assert.match(first.said(), /skiff: ended\. Pods run on/);
  const { stdout: left } = await node.exec('ps', ['-e', '-o', 'args']);
  assert.doesNotMatch(left, /cli\/main\.ts|containerd --config/);
  assert.match(left, /sleep 3600/);
  first = await up();
  await waitFor('the pod to be adopted', async () => (await ask('get', 'pod', 'one')).includes('Running'));
  assert.deepEqual(await mark(), before1);
  assert.match(await ask('logs', 'one'), new RegExp(NONCE));
});

test('a killed skiff up leaves no process of ours, and the next start finds containerd and pods', async () => {
  await first.process.kill('SIGKILL');
  await waitFor('server and agent to end', async () => {
    const { stdout } = await node.exec('ps', ['-e', '-o', 'args']);
    return !/main\.ts (server|agent)/.test(stdout);
  });
  first = await up();
  assert.match(first.said(), /was running and is adopted/);
  assert.deepEqual(await mark(), before1);
});

test('skiff down --purge ends it and leaves nothing, also when called again', async () => {
  const down = await node.exec('node', [MAIN, 'down', '--purge']);
  assert.match(down.stdout, /removed 1 pod\n/);
  assert.match(down.stdout, /nothing of skiff is left but the host packages\n$/);
  assert.deepEqual(await first.process.exited, { code: 0, signal: null });
  const look = [
    'find /var/lib/skiff /run/skiff /etc/skiff /var/lib/kubelet/pods /var/log/pods -mindepth 1 2>/dev/null',
    'mount | grep -E "/(var/lib|run)/(skiff|kubelet)/"',
    'nft list tables; ip -o address | grep -F 10.43; ip -o link | grep -E "veth|skiff"; ls /run/netns 2>/dev/null | grep cni',
    'ps -e -o args | grep -E "[m]ain.ts|[c]ontainerd|sleep [3]600"',
  ];
  const { stdout: left } = await node.exec('sh', ['-c', look.join('; ')], { mayFail: true });
  assert.equal(left, '');
  assert.equal((await node.exec('node', [MAIN, 'down', '--purge'])).code, 0);
});
