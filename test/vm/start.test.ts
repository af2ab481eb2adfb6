// The two commands on a bare Debian 12 machine, as a person types them: a fresh clone, `npm start` in a terminal, pods in
// slices of systemd with the limits they asked for, a clock that jumps, an orderly shutdown, a power failure, and
// `npm run down`. One machine goes through all of it: a boot and the first start are what takes the time.
import assert from 'node:assert/strict';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { after, afterEach, before, type TestContext, test } from 'node:test';
import type { Event } from '../../api/types/core/event.ts';
import type { Node } from '../../api/types/core/node.ts';
import type { Pod } from '../../api/types/core/pod.ts';
import type { Service } from '../../api/types/core/service.ts';
import { writeImageArchive } from '../../cli/oci-image.ts';
import { NONCE, testImages } from '../cluster/harness/images.ts';
import { ownDir } from '../cluster/harness/names.ts';
import { waitFor } from '../cluster/harness/wait.ts';
import { livesOn, nodeNeverLost, setClock, WATCHED } from './clock.ts';
import { bundleCheckout } from './harness/checkout.ts';
import { vmImage } from './harness/image.ts';
import { Machine } from './harness/machine.ts';
import { checkVmRequirements } from './harness/requirements.ts';
import { aPod, mainOf, Skiff, WEB } from './harness/skiff.ts';
import { LEAVER_NAMES, LEAVERS, leftInOrder, SHUTDOWN_FLAGS } from './leaving.ts';
import { CLASSES, CTR, limitsHold } from './limits.ts';

const FIRST_START_MS = 180_000;
const START_MS = 30_000;
const READY_MS = 30_000;
const HOUR_SECONDS = 3_600;

const opened = new AsyncDisposableStack();
let machine: Machine;
let skiff: Skiff;

before(async () => {
  checkVmRequirements();
  const dir = await ownDir();
  opened.defer(() => rm(dir, { recursive: true, force: true }));
  const archive = join(dir, 'images.tar');
  const { busybox, web } = await testImages();
  await writeImageArchive([busybox, web], archive);
  machine = opened.use(await Machine.create(await vmImage()));
  skiff = new Skiff(machine);
  await machine.boot();
  await machine.put(archive, '/root/images.tar');
  await machine.put(await bundleCheckout(dir), '/root/skiff.bundle');
  await machine.sh('git clone --quiet /root/skiff.bundle /root/skiff', { timeoutMs: machine.ms(10_000) });
  await machine.sh(
    `fallocate -l 256M /swap && chmod 600 /swap && mkswap /swap && swapon /swap
     echo '/swap none swap defaults 0 0' >> /etc/fstab`,
  );
});

after(() => opened.disposeAsync());

afterEach(async (t) => {
  if (!('passed' in t) || (t as TestContext).passed) return;
  const look = [
    'date; uptime; free -m; KUBECONFIG=/etc/skiff/admin.kubeconfig kubectl get nodes,pods,leases -A -o wide',
    'KUBECONFIG=/etc/skiff/admin.kubeconfig kubectl get events -A --sort-by=.metadata.creationTimestamp | tail -n 40',
    'tail -n 40 /var/lib/skiff/log/*.log; journalctl --no-pager -n 40; systemctl --failed --no-pager',
  ];
  const said = await machine
    .sh(look.join('; '), { mayFail: true })
    .catch((err: Error) => ({ stdout: '', stderr: err.message }));
  const all = `${said.stdout}\n${said.stderr}\n##### npm start said:\n${skiff.said}\n##### console:\n${await machine.console()}`;
  // A power failure leaves zeros in the logs.
  process.stderr.write(`\n##### after the failure of: ${t.name}\n${all.replaceAll('\0', '')}#####\n`);
});

test('npm start on a bare machine brings up a Ready node', async () => {
  const { stdout: bare } = await machine.sh('which containerd runc nft kubectl ip; ls skiff', { mayFail: true });
  assert.doesNotMatch(bare, /bin\/|node_modules/);
  await skiff.start(FIRST_START_MS);
  assert.match(skiff.said, /^skiff: the cluster is up after [\d.]+ s: node bare is Ready$/m);
  const { status } = await skiff.json<Node>('get node bare');
  const { stdout: kernel } = await machine.sh('uname -r');
  assert.equal(status!.nodeInfo!.kernelVersion, kernel.trim());
  assert.match(status!.nodeInfo!.osImage, /^Debian GNU\/Linux 12/);
  assert.match(status!.nodeInfo!.containerRuntimeVersion, /^containerd:\/\/1\.6/);
});

test("containerd is skiff's own, drives systemd, and the distribution's is neither running nor enabled", async () => {
  const { stdout } = await machine.sh(
    'grep SystemdCgroup /var/lib/skiff/containerd.toml; systemctl is-active containerd; systemctl is-enabled containerd',
    { mayFail: true },
  );
  assert.deepEqual(stdout.trim().split('\n'), ['SystemdCgroup = true', 'inactive', 'disabled']);
});

test('a pod of each class runs in its slice, under the limits it asked for, and does not swap', async () => {
  await machine.sh(`${CTR} images import images.tar`);
  await skiff.apply(...CLASSES);
  await skiff.untilReady('pod --all');
  await limitsHold(skiff, machine);
});

test('what systemd reloads does not undo the limits', async () => {
  await machine.sh('systemctl daemon-reload');
  await limitsHold(skiff, machine, { reloaded: true });
});

test('a container that grows beyond its memory is killed as a whole, and an event says so', async () => {
  const command = ['sh', '-c', 'tail /dev/zero; echo "lived on"; sleep 3600'];
  await skiff.apply(aPod('hungry', { command, resources: { limits: { memory: '32Mi' } } }, { restartPolicy: 'Never' }));
  const pod = await skiff.until('hungry', 'killed', ({ status }) => status.phase === 'Failed');
  const { reason, exitCode } = mainOf(pod).state!.terminated!;
  assert.deepEqual([reason, exitCode], ['OOMKilled', 137]);
  assert.equal(await skiff.kubectl('logs hungry'), '');
  await waitFor('the event of the kill', async () => {
    const about = '--field-selector=reason=OOMKilled,involvedObject.name=hungry';
    const { items } = await skiff.json<{ items: Event[] }>(`get events ${about}`);
    return items.some(({ message }) => message === 'A process of container main was killed: its memory limit is 32Mi');
  });
  await skiff.kubectl('delete pod hungry');
});

test('a log line carries the nonce of this run, and so does what exec reads', async () => {
  assert.equal(await skiff.kubectl('logs guaranteed'), `nonce ${NONCE}\n`);
  assert.equal(await skiff.kubectl('exec guaranteed -- cat /nonce'), NONCE);
});

test('a service answers the node and a pod, by address and by name', async () => {
  await skiff.kubectl(`create deployment web --image=${WEB} --replicas=2`);
  await skiff.kubectl('expose deployment web --port=80 --target-port=8080');
  await skiff.untilRolledOut('deployment/web');
  await serviceAnswers();
});

async function serviceAnswers(): Promise<void> {
  const { spec } = await skiff.json<Service>('get service web');
  const expected = new RegExp(`^web-\\S+ ${NONCE}\\n$`);
  const fetch = `fetch('http://${spec!.clusterIP}').then((r) => r.text()).then((text) => process.stdout.write(text))`;
  const fromNode = async () => (await machine.sh(`node -e "${fetch}"`)).stdout;
  const fromPod = () => skiff.kubectl('exec besteffort -- timeout 5 wget -qO- web');
  for (const [who, ask] of Object.entries({ fromNode, fromPod })) {
    const answer = await waitFor(`the service to answer ${who}`, ask, { timeoutMs: machine.ms(10_000) });
    assert.match(answer, expected);
  }
}

for (const [which, bySeconds, newcomer] of [
  ['forward by', HOUR_SECONDS, 'of-the-future'],
  ['back by', -HOUR_SECONDS, 'of-the-past'],
] as const) {
  test(`a clock that is put ${which} an hour disturbs nobody`, async () => {
    const node = await skiff.json<Node>('get node bare');
    await skiff.apply(...WATCHED);
    await skiff.untilReady('pod/probed');
    // Twice: now a back-off is waited out.
    await skiff.until('crashing', 'crashed twice', (pod) => mainOf(pod).restartCount >= 1);
    await setClock(machine, bySeconds);
    await livesOn(skiff, machine, newcomer);
    await serviceAnswers();
    await nodeNeverLost(skiff, node);
    await skiff.kubectl('delete pod crashing');
  });
}

/** What makes the cluster and its pods the same ones. */
async function identities(): Promise<Record<string, string>> {
  type Named = { kind: string; metadata: { name: string; uid: string } };
  const { items } = await skiff.json<{ items: Named[] }>('get nodes,pods,services,namespaces');
  return Object.fromEntries(items.map(({ kind, metadata }) => [`${kind} ${metadata.name}`, metadata.uid]));
}

const containers = async (): Promise<Record<string, { id: string; restarts: number }>> =>
  Object.fromEntries(
    (await skiff.pods()).map((pod) => {
      const { containerID, restartCount } = mainOf(pod);
      return [pod.metadata.name, { id: containerID!, restarts: restartCount }];
    }),
  );

test('pods outlive Ctrl-C and the end of the session it was typed in, and the next start adopts them', async () => {
  const before = { ids: await identities(), containers: await containers() };
  await skiff.ctrlC();
  const { stdout: left } = await machine.sh('ps -e -o args');
  assert.doesNotMatch(left, /cli\/main\.ts|containerd --config/);
  assert.match(left, /sleep 3600/);
  await skiff.start(START_MS, `${SHUTDOWN_FLAGS} --pod-max-pids=500`);
  await skiff.untilReady('pod --all');
  assert.deepEqual({ ids: await identities(), containers: await containers() }, before);
});

test('poweroff waits for pods: ordinary ones end within their share, critical ones after them', async (t) => {
  await skiff.apply(...LEAVERS);
  await skiff.untilReady(LEAVER_NAMES.map((name) => `pod/${name}`).join(' '));
  await machine.powerOff();
  await machine.boot();
  t.diagnostic(await leftInOrder(machine));
});

test('after it pods that were ended stay so, and what is to run is made anew', async () => {
  const flags = '--pod-max-pids=500';
  await skiff.start(START_MS, flags);
  await skiff.untilRolledOut('deployment/web');
  for (const name of LEAVER_NAMES) {
    const { status } = await skiff.pod(name);
    const said = [status.phase, status.reason, status.message];
    assert.deepEqual(said, ['Failed', 'Terminated', 'Pod was terminated in response to imminent node shutdown.']);
  }
  await skiff.kubectl('delete pods --field-selector=status.phase=Failed');
  await skiff.apply(...CLASSES);
  await skiff.untilReady('pod --all');
  await limitsHold(skiff, machine, { pids: '500' });
  await serviceAnswers();
  await skiff.untilClean();
});

test('after a power failure the same pods come back, the most important first, and nothing stale is left', async () => {
  const ordinary = ['low-1', 'low-2', 'low-3', 'low-4'];
  await skiff.kubectl('create priorityclass high --value=1000');
  await skiff.apply(...ordinary.map((name) => aPod(name)), aPod('high', {}, { priorityClassName: 'high' }));
  await skiff.untilReady('pod --all');
  const before = { ids: await identities(), containers: await containers() };
  // What is acknowledged is there afterwards, however soon the power fails.
  await skiff.apply(aPod('late'));
  await machine.crash();
  await machine.boot();
  await skiff.start(START_MS, '--pod-max-pids=500');
  const { 'Pod late': late, ...others } = await identities();
  assert.notEqual(late, undefined);
  assert.deepEqual(others, before.ids);
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
  await skiff.untilReady('pod --all');
  const pods = await skiff.pods();
  const startedAt = (name: string) =>
    mainOf(pods.find((pod) => pod.metadata.name === name)!).state!.running!.startedAt!;
  // Four begin at a time.
  const sooner = pods.filter(({ metadata }) => startedAt(metadata.name!) < startedAt('high'));
  assert.ok(sooner.length <= 3, sooner.map(({ metadata }) => metadata.name).join());
  await limitsHold(skiff, machine, { pids: '500' });
  await serviceAnswers();
  await skiff.untilClean();
  const lines = async (command: string) => (await machine.sh(command)).stdout.trim().split('\n').sort();
  assert.deepEqual(await lines('ls /var/lib/skiff/cni/state/skiff | grep -E "^[0-9.]+$"'), pods.map(ip).sort());
  assert.deepEqual(await lines('ls /var/lib/kubelet/pods'), pods.map(({ metadata }) => metadata.uid).sort());
});

const ip = ({ status }: Pod) => status.podIP;

test('npm run down leaves nothing of skiff on the machine', async () => {
  assert.match(await skiff.down(), /nothing of skiff is left but the host packages\n$/);
  const look = [
    'find /var/lib/skiff /run/skiff /etc/skiff /var/lib/kubelet /var/log/pods /var/log/containers -mindepth 1',
    'mount | grep -E "/(var/lib|run)/(skiff|kubelet)/"',
    'nft list tables; ip -o address | grep -F 10.43; ip -o link | grep -E "veth|skiff"; ls /run/netns',
    'find /sys/fs/cgroup -name "*kubepods*"; find /run/systemd /etc/systemd -name "*kubepods*" -o -name "*kubelet*"',
    'systemctl list-units --all --plain --no-legend "*kubepods*" "cri-containerd*"',
    'find /var/lib/cni /run/containerd /var/lib/containerd',
  ];
  const { stdout: left } = await machine.sh(`{ ${look.join('; ')}; } 2>/dev/null`, { mayFail: true });
  assert.equal(left, '');
  const { stdout: running } = await machine.sh('ps -e -o args');
  assert.doesNotMatch(running, /main\.ts|containerd|catatonit|sleep 3600/);
});
