// Disks that are full, one after the other: the agent's own folder, logs, the kubelet's folder, the runtime's. What runs
// runs on, what cannot start says why, and everything heals when there is room again.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { useCluster } from '../harness/cluster.ts';
import { waitFor } from '../harness/wait.ts';
import { BUSYBOX, FOREVER, Pods, shell, statusOf } from './pods.ts';

/** Small file systems of their own, on which nothing else lies. */
const DISKS = {
  agent: { path: '/var/lib/skiff/agent', options: 'size=2m,nr_inodes=300' },
  logs: { path: '/var/log/pods', options: 'size=1m,nr_inodes=300' },
  kubelet: { path: '/var/lib/kubelet', options: 'size=2m,nr_inodes=600' },
  runtime: { path: '/var/lib/skiff/containerd', options: 'size=96m' },
} as const;
type Disk = keyof typeof DISKS;
const BEAT = '/run/beat';
const NO_ROOM = /no space left on device|ENOSPC/;

const cluster = useCluster({
  // A node short of disk would evict its pods, as it should: here we want to see what they do when nobody does.
  agentArgs: ['--eviction-hard=memory.available<1Mi'],
  beside: async (node) => {
    for (const { path, options } of Object.values(DISKS)) {
      await node.exec('sh', ['-c', `mkdir -p ${path} && mount -t tmpfs -o ${options} tmpfs ${path}`]);
    }
    return { [Symbol.asyncDispose]: async () => {} }; // the mounts go with the node's namespace
  },
});
const pods = new Pods(cluster);
const inNode = async (script: string) => (await cluster().node.node.exec('sh', ['-c', script])).stdout.trim();

test('pods run on while each disk of their node is full, and new ones come when there is room', async (t) => {
  await cluster().api.call('POST', '/api/v1/namespaces/default/configmaps', {
    ...{ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'words' }, data: { words: 'x'.repeat(20_000) } },
  });
  const talks = 'trap "exit 0" TERM; while :; do echo still here; n=$((n+1)); echo $n > /beat/at; sleep 0.05; done';
  const volumes = [{ name: 'beat', hostPath: { path: BEAT, type: 'DirectoryOrCreate' as const } }];
  const volumeMounts = [{ name: 'beat', mountPath: '/beat' }];
  await pods.create('stays', { volumes, containers: [shell('main', talks, { volumeMounts })] });
  const before = statusOf(await pods.ready('stays'), 'main');
  await pods.create('leaves', { containers: [shell('main', FOREVER)] });
  await pods.ready('leaves');

  await t.test('the folder of the agent: pods come and go, and an agent starts', async () => {
    await fill('agent');
    await pods.create('unnoted', { containers: [shell('main', FOREVER)] });
    const { uid } = (await pods.ready('unnoted')).metadata;
    await pods.remove('leaves');
    await cluster().kill('agent', 'SIGKILL');
    await cluster().restart('agent');
    await pods.create('after', { containers: [shell('main', FOREVER)] });
    await pods.ready('after');
    await empty('agent');
    // It is written down at the next look at the pod.
    const path = '/api/v1/namespaces/default/pods/unnoted';
    await cluster().api.call('PATCH', path, { metadata: { labels: { seen: 'again' } } });
    await waitFor('the pod to be remembered', () => inNode(`ls ${DISKS.agent.path}/pods | grep ^${uid}.json$ || true`));
    await beats();
  });

  await t.test('logs: what runs is not held up by what nobody can write', async () => {
    await fill('logs');
    await pods.create('silent', { containers: [shell('main', `echo hello; ${FOREVER}`)] });
    await untilEvent('silent', 'FailedCreatePodSandBox', 'Failed');
    await beats();
    await empty('logs');
    await pods.ready('silent');
    await pods.untilLogged('silent', 'main', 'hello');
  });

  await t.test('the folder of the kubelet: what cannot be mounted is told, and nothing half made stays', async () => {
    await fill('kubelet');
    const volumes = [{ name: 'words', configMap: { name: 'words' } }];
    const main = shell('main', FOREVER, { volumeMounts: [{ name: 'words', mountPath: '/words' }] });
    await pods.create('reads', { volumes, containers: [main] });
    await untilEvent('reads', 'FailedMount');
    await beats();
    await empty('kubelet');
    const { uid } = (await pods.ready('reads')).metadata;
    const volume = `${DISKS.kubelet.path}/pods/${uid}/volumes/kubernetes.io~configmap/words`;
    assert.equal(await inNode(`ls -d ${volume}/..2* | wc -l; cat ${volume}/words | wc -c`), '1\n20000');
  });

  await t.test('the runtime: no sandbox is made, nor half of one', async () => {
    await fill('runtime');
    await pods.create('waits', { containers: [shell('main', FOREVER)] });
    await untilEvent('waits', 'FailedCreatePodSandBox', 'Failed');
    await beats();
    await empty('runtime');
    await pods.ready('waits');
  });

  const after = statusOf(await pods.ready('stays'), 'main');
  assert.deepEqual([after.containerID, after.restartCount], [before.containerID, 0]);
  assert.equal(after.image, BUSYBOX);
});

/** Bytes first, then names. */
async function fill(disk: Disk): Promise<void> {
  const { path } = DISKS[disk];
  const names = disk === 'runtime' ? '' : `i=0; while mkdir ${path}/full/$i 2>/dev/null; do i=$((i+1)); done;`;
  await inNode(`mkdir ${path}/full; ${names} dd if=/dev/zero of=${path}/filler bs=4k 2>/dev/null; true`);
}

async function empty(disk: Disk): Promise<void> {
  await inNode(`rm -rf ${DISKS[disk].path}/full ${DISKS[disk].path}/filler`);
}

/** The process that was there before goes on. */
async function beats(): Promise<void> {
  const beat = async () => Number(await inNode(`cat ${BEAT}/at`));
  const from = await beat();
  await waitFor('the pod to go on', async () => (await beat()) > from);
}

async function untilEvent(pod: string, ...reasons: string[]): Promise<void> {
  type Event = { reason: string; message: string; involvedObject: { name: string } };
  await waitFor(`an event of ${pod} that says what is full`, async () => {
    const { items } = await cluster().api.get<{ items: Event[] }>('/api/v1/namespaces/default/events');
    const of = items.filter(({ involvedObject }) => involvedObject.name === pod);
    if (of.some(({ reason, message }) => reasons.includes(reason) && NO_ROOM.test(message))) return true;
    throw new Error(of.map(({ reason, message }) => `${reason}: ${message}`).join('\n'));
  });
}
