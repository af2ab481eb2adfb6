// The two commands on a bare Debian 12 machine, as a person types them: a fresh clone, `npm start` in a terminal, pods in
// slices of systemd with the limits they asked for, a reboot, a power failure, and `npm run down`.
import assert from 'node:assert/strict';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { after, afterEach, before, type TestContext, test } from 'node:test';
import { writeImageArchive } from '../../cli/oci-image.ts';
import { NONCE, testImages } from '../cluster/harness/images.ts';
import { ownDir } from '../cluster/harness/names.ts';
import { InVain, waitFor } from '../cluster/harness/wait.ts';
import { bundleCheckout } from './harness/checkout.ts';
import { vmImage } from './harness/image.ts';
import { Machine } from './harness/machine.ts';
import { checkVmRequirements } from './harness/requirements.ts';

const FIRST_START_MS = 180_000;
const START_MS = 30_000;
const READY_MS = 30_000;
const BUSYBOX = 'skiff.local/test/busybox:1';
const WEB = 'skiff.local/test/web:1';

const opened = new AsyncDisposableStack();
let machine: Machine;

before(async () => {
  checkVmRequirements();
  const dir = await ownDir();
  opened.defer(() => rm(dir, { recursive: true, force: true }));
  const archive = join(dir, 'images.tar');
  const { busybox, web } = await testImages();
  await writeImageArchive([busybox, web], archive);
  machine = opened.use(await Machine.create(await vmImage()));
  await machine.boot();
  await machine.put(archive, '/root/images.tar');
  await machine.put(await bundleCheckout(dir), '/root/skiff.bundle');
  await machine.sh('git clone --quiet /root/skiff.bundle /root/skiff', { timeoutMs: machine.ms(10_000) });
});

after(() => opened.disposeAsync());

afterEach(async (t) => {
  if (!('passed' in t) || (t as TestContext).passed) return;
  const look = 'tail -n 40 /var/lib/skiff/log/*.log; journalctl --no-pager -n 40; systemctl --failed --no-pager';
  const said = await machine.sh(look, { mayFail: true }).catch((err: Error) => ({ stdout: '', stderr: err.message }));
  const all = `${said.stdout}\n${said.stderr}\n${await machine.console()}`;
  // A power failure leaves zeros in the logs.
  process.stderr.write(`\n##### after the failure of: ${t.name}\n${all.replaceAll('\0', '')}#####\n`);
});

interface Start {
  readonly terminal: ChildProcess;
  said: () => string;
}

/** `npm start` in a terminal, until it says what to type next. */
async function npmStart(timeoutMs: number): Promise<Start> {
  const terminal = machine.spawn('cd skiff && exec npm start', { tty: true, stdio: ['pipe', 'pipe', 'pipe'] });
  let said = '';
  let closed = false;
  terminal.once('close', () => {
    closed = true;
  });
  terminal.stdout!.on('data', (chunk: Buffer) => {
    said = `${said}${chunk}`.slice(-64 * 1024).replaceAll('\r', '');
  });
  const isUp = () => {
    if (closed) throw new InVain('it ended');
    return said.includes('Ctrl-C here ends the processes');
  };
  await waitFor('npm start to be ready', isUp, { timeoutMs: machine.ms(timeoutMs), intervalMs: 250 }).catch((err) => {
    throw new Error(`${err.message}\n${said}`, { cause: err });
  });
  return { terminal, said: () => said };
}

async function ctrlC({ terminal, said }: Start): Promise<void> {
  const closed = once(terminal, 'close');
  terminal.stdin!.write('\x03');
  const signal = AbortSignal.timeout(machine.ms(30_000));
  await Promise.race([closed, once(signal, 'abort')]);
  // Not the exit code: npm itself ends by the signal.
  assert.equal(signal.aborted, false, `Ctrl-C does not end it:\n${said()}`);
  assert.match(said(), /skiff: ended\. Pods run on/);
}

const kubectl = async (args: string) =>
  (await machine.sh(`KUBECONFIG=/etc/skiff/admin.kubeconfig kubectl ${args}`)).stdout;
const json = async (args: string) => JSON.parse(await kubectl(`${args} -o json`));
const untilReady = (pods: string) =>
  waitFor(
    `${pods} to be Ready`,
    async () => kubectl(`wait --for=condition=Ready --timeout=${machine.ms(1)}s ${pods}`),
    { timeoutMs: machine.ms(READY_MS), intervalMs: 1_000 },
  );

interface Fields {
  readonly [name: string]: string;
}

/** A pod of one container that sleeps, with what it asks for. */
const manifest = (name: string, resources: { requests?: Fields; limits?: Fields }) => ({
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { name },
  spec: { containers: [{ name: 'main', image: BUSYBOX, imagePullPolicy: 'Never', resources }] },
});

let first: Start;

test('npm start on a bare machine brings up a Ready node', async () => {
  const { stdout: bare } = await machine.sh('which containerd runc nft kubectl ip; ls skiff', { mayFail: true });
  assert.doesNotMatch(bare, /bin\/|node_modules/);
  first = await npmStart(FIRST_START_MS);
  assert.match(first.said(), /^skiff: the cluster is up after [\d.]+ s: node bare is Ready$/m);
  const { status } = (await json('get nodes')).items[0];
  const { stdout: kernel } = await machine.sh('uname -r');
  assert.equal(status.nodeInfo.kernelVersion, kernel.trim());
  assert.match(status.nodeInfo.osImage, /^Debian GNU\/Linux 12/);
  assert.match(status.nodeInfo.containerRuntimeVersion, /^containerd:\/\/1\.6/);
});

test("containerd is skiff's own, drives systemd, and the distribution's is neither running nor enabled", async () => {
  const { stdout } = await machine.sh(
    'grep SystemdCgroup /var/lib/skiff/containerd.toml; systemctl is-active containerd; systemctl is-enabled containerd',
    { mayFail: true },
  );
  assert.deepEqual(stdout.trim().split('\n'), ['SystemdCgroup = true', 'inactive', 'disabled']);
});

test('a pod of each class runs in its slice, under the limits it asked for', async () => {
  await machine.sh('ctr --address /run/skiff/containerd/containerd.sock -n k8s.io images import images.tar');
  const pods = [
    manifest('guaranteed', { limits: { cpu: '200m', memory: '64Mi' } }),
    manifest('burstable', { requests: { cpu: '100m', memory: '32Mi' }, limits: { memory: '96Mi' } }),
    manifest('besteffort', {}),
  ];
  const input = JSON.stringify({ apiVersion: 'v1', kind: 'List', items: pods });
  await machine.sh('KUBECONFIG=/etc/skiff/admin.kubeconfig kubectl apply -f -', { input });
  await untilReady('pod --all');
  await limitsHold();
});

test('what systemd reloads does not undo the limits', async () => {
  await machine.sh('systemctl daemon-reload');
  await limitsHold();
});

/** As the kernel tells them, starting from the process and not from names that the test would guess. */
async function limitsHold(): Promise<void> {
  const MiB = 1024 * 1024;
  const wants: [name: string, slice: string, pod: Fields][] = [
    ['guaranteed', 'kubepods', { 'memory.max': `${64 * MiB}`, 'cpu.max': '20000 100000', 'cpu.weight': '8' }],
    ['burstable', 'kubepods-burstable', { 'memory.max': `${96 * MiB}`, 'cpu.max': 'max 100000', 'cpu.weight': '4' }],
    ['besteffort', 'kubepods-besteffort', { 'memory.max': 'max', 'cpu.max': 'max 100000', 'cpu.weight': '1' }],
  ];
  for (const [name, slice, files] of wants) {
    const { metadata, status } = await json(`get pod ${name}`);
    const [, id] = status.containerStatuses[0].containerID.split('://');
    const podSlice = `${slice}-pod${metadata.uid.replaceAll('-', '_')}.slice`;
    const { stdout } = await machine.sh(
      `pid=$(ctr --address /run/skiff/containerd/containerd.sock -n k8s.io tasks list | awk '$1 == "${id}" { print $2 }')
       path=$(sed -n s/^0:://p /proc/$pid/cgroup); echo "path=$path"
       cd "/sys/fs/cgroup$path"; echo "inner=$(cat memory.max)"
       cd ..; for file in ${Object.keys(files).join(' ')}; do echo "$file=$(cat $file)"; done
       echo "unit=$(systemctl is-active '${podSlice}')"`,
    );
    const parents = slice === 'kubepods' ? '' : `${slice}.slice/`;
    const seen = Object.fromEntries(
      stdout
        .trim()
        .split('\n')
        .map((line) => line.split('=', 2)),
    );
    assert.deepEqual(seen, {
      path: `/kubepods.slice/${parents}${podSlice}/cri-containerd-${id}.scope`,
      inner: files['memory.max'],
      ...files,
      unit: 'active',
    });
  }
}

test('a log line carries the nonce of this run, and so does what exec reads', async () => {
  assert.equal(await kubectl('logs guaranteed'), `nonce ${NONCE}\n`);
  assert.equal(await kubectl('exec guaranteed -- cat /nonce'), NONCE);
});

test('a service answers the node and a pod, by address and by name', async () => {
  await kubectl(`create deployment web --image=${WEB} --replicas=2`);
  await kubectl('expose deployment web --port=80 --target-port=8080');
  await kubectl(`rollout status deployment/web --timeout=${machine.ms(READY_MS) / 1_000}s`);
  await serviceAnswers();
});

async function serviceAnswers(): Promise<void> {
  const { spec } = await json('get service web');
  const expected = new RegExp(`^web-\\S+ ${NONCE}\\n$`);
  const fetch = `fetch('http://${spec.clusterIP}').then((r) => r.text()).then((text) => process.stdout.write(text))`;
  const fromNode = async () => (await machine.sh(`node -e "${fetch}"`)).stdout;
  const fromPod = () => kubectl('exec besteffort -- timeout 5 wget -qO- web');
  for (const [who, ask] of Object.entries({ fromNode, fromPod })) {
    const answer = await waitFor(`the service to answer ${who}`, ask, { timeoutMs: machine.ms(10_000) });
    assert.match(answer, expected);
  }
}

/** What makes the cluster and its pods the same ones. */
async function identities(): Promise<Record<string, string>> {
  const { items } = await json('get nodes,pods,services,namespaces');
  return Object.fromEntries(
    items.map((item: { kind: string; metadata: { name: string; uid: string } }) => [
      `${item.kind} ${item.metadata.name}`,
      item.metadata.uid,
    ]),
  );
}

const containers = async (): Promise<Record<string, { id: string; restarts: number }>> =>
  Object.fromEntries(
    (await json('get pods')).items.map((pod: PodSeen) => {
      const [{ containerID, restartCount }] = pod.status.containerStatuses;
      return [pod.metadata.name, { id: containerID, restarts: restartCount }];
    }),
  );

interface PodSeen {
  metadata: { name: string };
  status: { containerStatuses: [{ containerID: string; restartCount: number }] };
}

test('pods outlive Ctrl-C and the end of the session it was typed in, and the next start adopts them', async () => {
  const before = { ids: await identities(), containers: await containers() };
  await ctrlC(first);
  const { stdout: left } = await machine.sh('ps -e -o args');
  assert.doesNotMatch(left, /cli\/main\.ts|containerd --config/);
  assert.match(left, /sleep 3600/);
  first = await npmStart(START_MS);
  await untilReady('pod --all');
  assert.deepEqual({ ids: await identities(), containers: await containers() }, before);
});

for (const [what, how] of [
  ['a reboot', () => machine.reboot()],
  ['a power failure', () => machine.crash().then(() => machine.boot())],
] as const) {
  test(`after ${what} npm start finds the same cluster, and its pods come back`, async () => {
    const before = { ids: await identities(), containers: await containers() };
    await how();
    first = await npmStart(START_MS);
    assert.deepEqual(await identities(), before.ids);
    await waitFor(
      'every container to run again',
      async () => {
        const now = await containers();
        return (
          Object.entries(before.containers).every(
            ([pod, { id, restarts }]) => now[pod]!.id !== id && now[pod]!.restarts === restarts + 1,
          ) || now
        );
      },
      { timeoutMs: machine.ms(READY_MS), intervalMs: 1_000 },
    );
    await untilReady('pod --all');
    await limitsHold();
    await serviceAnswers();
  });
}

test('npm run down leaves nothing of skiff on the machine', async () => {
  const { stdout } = await machine.sh('cd skiff && npm run down', { timeoutMs: machine.ms(60_000) });
  assert.match(stdout, /nothing of skiff is left but the host packages\n$/);
  const look = [
    'find /var/lib/skiff /run/skiff /etc/skiff /var/lib/kubelet /var/log/pods /var/log/containers -mindepth 1',
    'mount | grep -E "/(var/lib|run)/(skiff|kubelet)/"',
    'nft list tables; ip -o address | grep -F 10.43; ip -o link | grep -E "veth|skiff"; ls /run/netns',
    'find /sys/fs/cgroup -name "*kubepods*"; find /run/systemd /etc/systemd -name "*kubepods*"',
    'systemctl list-units --all --plain --no-legend "*kubepods*" "cri-containerd*"',
    'find /var/lib/cni /run/containerd /var/lib/containerd',
  ];
  const { stdout: left } = await machine.sh(`{ ${look.join('; ')}; } 2>/dev/null`, { mayFail: true });
  assert.equal(left, '');
  const { stdout: running } = await machine.sh('ps -e -o args');
  assert.doesNotMatch(running, /main\.ts|containerd|catatonit|sleep 3600/);
});
