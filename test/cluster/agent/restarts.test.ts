// kill -9 of the agent, of the server and of both, and a runtime that goes away: no container that runs is disturbed.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { useCluster } from '../harness/cluster.ts';
import { waitFor } from '../harness/wait.ts';
import { conditionOf, FOREVER, Pods, shell, statusOf } from './pods.ts';

const cluster = useCluster();
const pods = new Pods(cluster);
type Node = { status?: { conditions?: { type: string; status: string }[] } };
const nodeReady = async (wants: string) =>
  waitFor(`the node to be Ready=${wants}`, async () => {
    const { status } = await cluster().api.get<Node>('/api/v1/nodes/node-1');
    return status?.conditions?.find(({ type }) => type === 'Ready')?.status === wants;
  });
const inNode = async (script: string) =>
  (await cluster().node.node.exec('sh', ['-c', script], { mayFail: true })).stdout;

test('containers outlive the agent and are adopted by the next one', async () => {
  await pods.create('stays', { containers: [shell('main', FOREVER)] });
  await pods.create('crashes', { containers: [shell('main', 'until [ -e /tmp/now ]; do sleep 0.1; done; exit 1')] });
  const before = statusOf(await pods.ready('stays'), 'main');
  await pods.ready('crashes');
  await cluster().kill('agent', 'SIGKILL');
  // One container ends while nobody looks.
  await inNode('for p in /proc/[0-9]*; do grep -qs "now ]" $p/cmdline && touch $p/root/tmp/now; done');
  await cluster().restart('agent');
  const crashed = await pods.until('crashes', 'restarted', (pod) => statusOf(pod, 'main').restartCount === 1);
  assert.equal(statusOf(crashed, 'main').lastState?.terminated?.exitCode, 1);
  const after = statusOf(await pods.ready('stays'), 'main');
  assert.deepEqual([after.containerID, after.restartCount], [before.containerID, 0]);
  await Promise.all(['stays', 'crashes'].map((name) => pods.remove(name)));
});

test('pods deleted while the agent is down are gone soon after it is back', async () => {
  await pods.create('unwanted', { containers: [shell('main', FOREVER)] });
  const { uid } = (await pods.ready('unwanted')).metadata;
  await cluster().kill('agent', 'SIGKILL');
  await pods.call('DELETE', '/api/v1/namespaces/default/pods/unwanted?gracePeriodSeconds=0');
  await cluster().restart('agent');
  await waitFor('no trace of it', async () => {
    const left = await inNode(
      `ls /var/lib/kubelet/pods /var/log/pods /var/lib/skiff/agent/pods; grep ${uid} /proc/mounts`,
    );
    return !left.includes(uid);
  });
});

test('folders, mounts, logs and views of images of pods that nobody knows are swept when the agent starts', async () => {
  const left = '11111111-2222-3333-4444-555555555555';
  const ctr = 'ctr -a /run/skiff/containerd/containerd.sock -n k8s.io snapshots';
  const [dir, logs] = [`/var/lib/kubelet/pods/${left}`, `/var/log/pods/default_gone_${left}/main`];
  await cluster().kill('agent', 'SIGKILL');
  await inNode(`set -e; d=${dir}/volumes/kubernetes.io~empty-dir/v; mkdir -p $d ${logs} ${dir}/volumes/kubernetes.io~image/i
    mount -t tmpfs tmpfs $d; echo words > $d/file; echo last > ${logs}/0.log
    ln -s ${logs}/0.log /var/log/containers/gone_default_main-0.log
    ${ctr} view skiff-volume-${left}-i`);
  const found = `ls -d ${dir} ${logs} /var/log/containers/gone_default_main-0.log; grep ${left} /proc/mounts; ${ctr} list | grep ${left}; true`;
  assert.equal((await inNode(found)).match(/[^\n]*\n/g)?.length, 5);
  await cluster().restart('agent');
  await waitFor('nothing of it to be left', async () => {
    const still = await inNode(found);
    if (still !== '') throw new Error(still);
    return true;
  });
});

test('agent and server gone: what crashes is started again by an agent that has only its own memory on disk', async () => {
  await pods.create('alone', { containers: [shell('main', 'until [ -e /tmp/now ]; do sleep 0.1; done; exit 1')] });
  const before = await pods.ready('alone');
  await cluster().kill('server', 'SIGKILL');
  await inNode('for p in /proc/[0-9]*; do grep -qs "now ]" $p/cmdline && touch $p/root/tmp/now; done');
  const logs = `/var/log/pods/default_alone_${before.metadata.uid}/main`;
  await waitFor('a second start without the server', async () => (await inNode(`ls ${logs}`)).includes('1.log'));
  await cluster().kill('agent', 'SIGKILL');
  await cluster().restart('agent');
  await cluster().restart('server');
  const after = await pods.until('alone', 'restarted', (pod) => statusOf(pod, 'main').restartCount >= 1);
  assert.equal(after.metadata.uid, before.metadata.uid);
  await pods.remove('alone');
});

test('without its runtime a node is not ready and no new pod becomes so, until it is back', async () => {
  await pods.create('before', { containers: [shell('main', FOREVER)] });
  const first = statusOf(await pods.ready('before'), 'main');
  await cluster().kill('containerd', 'SIGKILL');
  await nodeReady('False');
  await pods.create('meanwhile', { containers: [shell('main', FOREVER)] });
  const waiting = await pods.get('meanwhile');
  assert.notEqual(conditionOf(waiting.status, 'Ready'), 'True');
  await cluster().restart('containerd');
  await nodeReady('True');
  await pods.ready('meanwhile');
  const again = statusOf(await pods.ready('before'), 'main');
  assert.deepEqual([again.containerID, again.restartCount], [first.containerID, 0]);
  await Promise.all(['before', 'meanwhile'].map((name) => pods.remove(name)));
});
