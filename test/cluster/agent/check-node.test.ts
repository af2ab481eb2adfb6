// `skiff check node` on a node that is well, and on one where things were left behind on purpose.
import assert from 'node:assert/strict';
import { resolve } from 'node:path';
import { test } from 'node:test';
import { useCluster } from '../harness/cluster.ts';
import { NONCE } from '../harness/images.ts';
import { waitFor } from '../harness/wait.ts';
import { FOREVER, Pods, shell } from './pods.ts';

const cluster = useCluster();
const pods = new Pods(cluster);
const MAIN = resolve(import.meta.dirname, '../../../cli/main.ts');
const skiff = (...args: string[]) => cluster().node.node.exec('node', [MAIN, ...args], { mayFail: true });
const LEFT = '11111111-2222-3333-4444-555555555555';

test('a node that is well has no differences; what is left behind is found and mended, what runs is left alone', async () => {
  const { node } = cluster().node;
  await pods.create('stays', { containers: [shell('main', FOREVER)] });
  await pods.ready('stays');
  const well = await skiff('check', 'node');
  assert.deepEqual([well.code, well.stdout], [0, 'node node-1: no differences\n'], well.stderr);

  // Without an agent nobody tidies up meanwhile.
  await cluster().kill('agent', 'SIGKILL');
  const script = `set -e; d=/var/lib/kubelet/pods/${LEFT}/volumes/v; mkdir -p $d; mount -t tmpfs tmpfs $d
    nft add element ip skiff known-pods '{ 10.42.0.250 }'
    echo gone > /var/lib/skiff/cni/state/skiff/10.42.0.250
    for m in memory pids; do [ ! -d /sys/fs/cgroup/$m/kubepods ] || mkdir /sys/fs/cgroup/$m/kubepods/pod${LEFT}; done`;
  await node.exec('sh', ['-c', script]);
  const found = await skiff('check', 'node');
  assert.equal(found.code, 1, found.stdout + found.stderr);
  for (const part of [
    `mount /var/lib/kubelet/pods/${LEFT}`,
    `folder /var/lib`,
    'address 10.42.0.250 is let in',
    'address 10.42.0.250 is given',
  ]) {
    assert.ok(found.stdout.includes(part), `${part} in\n${found.stdout}`);
  }
  const fixed = await skiff('check', 'node', '--fix');
  assert.equal(fixed.code, 0, fixed.stdout + fixed.stderr);
  const after = await skiff('check', 'node');
  assert.equal(after.stdout, 'node node-1: no differences\n');
  await cluster().restart('agent');
  await pods.ready('stays');
  await pods.remove('stays');
});

test('the last words of a container outlive it', async () => {
  await pods.create('talks', { restartPolicy: 'Never', containers: [shell('main', 'cat /nonce; echo; echo bye')] });
  await pods.until('talks', 'over', ({ status }) => status.phase === 'Succeeded');
  await pods.remove('talks');
  // The API lets go of a pod before its containers are removed.
  await waitFor('its log to be kept', async () => {
    const { stdout, stderr } = await skiff('logs', '--deleted', 'talks');
    if (stdout !== `${NONCE}\nbye\n`) throw new Error(stdout + stderr);
    return true;
  });
  const list = await skiff('logs', '--deleted');
  assert.match(list.stdout, /default\/talks {2}main {2}start 0/);
});
