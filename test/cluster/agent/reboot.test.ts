// The machine goes down without a word and comes up again: everything that ran is gone, everything on disk is as it was.
// Simulated in a node: all of the runtime is killed, and the note of the kernel's boot is another one.
import assert from 'node:assert/strict';
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { test } from 'node:test';
import { useCluster } from '../harness/cluster.ts';
import { waitFor } from '../harness/wait.ts';
import { FOREVER, Pods, shell, statusOf } from './pods.ts';

const cluster = useCluster();
const pods = new Pods(cluster);
const MAIN = resolve(import.meta.dirname, '../../../cli/main.ts');
const ADDRESSES = '/var/lib/skiff/cni/state/skiff';
const LOW = ['low-1', 'low-2', 'low-3', 'low-4', 'low-5', 'low-6'];
const path = (file: string) => cluster().node.node.path(file);

test('after a reboot pods come back in order of priority, and no address, mount or cgroup is lost', async () => {
  await mkdir(path('/etc/skiff/manifests'), { recursive: true });
  const fixed = {
    metadata: { name: 'fixed' },
    spec: { terminationGracePeriodSeconds: 1, containers: [shell('main', FOREVER)] },
  };
  await writeFile(path('/etc/skiff/manifests/fixed.yaml'), JSON.stringify({ apiVersion: 'v1', kind: 'Pod', ...fixed }));
  await pods.call('POST', '/apis/scheduling.k8s.io/v1/priorityclasses', { metadata: { name: 'high' }, value: 1_000 });
  const keeps = { name: 'kept', emptyDir: {} };
  const mounts = { volumeMounts: [{ name: 'kept', mountPath: '/kept' }] };
  for (const name of LOW) {
    await pods.create(name, {
      volumes: [keeps],
      containers: [shell('main', `echo x >> /kept/starts; ${FOREVER}`, mounts)],
    });
  }
  await pods.create('high', { priorityClassName: 'high', containers: [shell('main', FOREVER)] });
  const names = ['high', ...LOW];
  for (const name of names) await pods.ready(name);
  await pods.ready('fixed-node-1');

  await cluster().kill('agent');
  await cluster().kill('containerd');
  const script =
    'for p in /proc/[0-9]*; do grep -qE "kubepods|containerd-shim" $p/cgroup $p/comm && kill -9 $(basename $p); done';
  await cluster().node.node.exec('sh', ['-c', script], { mayFail: true });
  await writeFile(path('/var/lib/skiff/agent/boot-id'), 'another\n');
  await writeFile(path(`${ADDRESSES}/10.42.0.200`), '');
  await writeFile(path(`${ADDRESSES}/10.42.0.201`), `${'d'.repeat(64)}\r\neth0`);
  const downAt = Date.now();
  await cluster().restart('containerd');
  await cluster().restart('agent');

  const startedAt = async (name: string) => {
    const pod = await pods.until(name, 'running anew', (each) => {
      const at = statusOf(each, 'main').state?.running?.startedAt;
      return at !== undefined && Date.parse(at) >= downAt - 1_000 && statusOf(each, 'main').restartCount > 0;
    });
    return { id: statusOf(pod, 'main').containerID!, ip: pod.status.podIP! };
  };
  const back = new Map<string, { id: string; ip: string }>();
  for (const name of ['fixed-node-1', ...names]) back.set(name, await startedAt(name));
  await pods.ready('fixed-node-1');

  // The agent's log tells in which order sandboxes were made.
  const lines = cluster().node.log('agent').split('\n');
  const fresh = lines.slice(lines.findLastIndex((line) => line.includes('what was left of before is cleared up')));
  const order = fresh
    .filter((line) => line.includes('"do":"runSandbox"'))
    .map((line) => JSON.parse(line) as { pod: string });
  const of = (name: string) => order.findIndex(({ pod }) => pod === `default/${name}`);
  assert.ok(of('fixed-node-1') >= 0 && of('high') >= 0, JSON.stringify(order.map(({ pod }) => pod)));
  assert.ok(Math.max(of('fixed-node-1'), of('high')) <= 3, JSON.stringify(order.map(({ pod }) => pod)));

  const given = (await readdir(path(ADDRESSES))).filter((name) => /^\d+\.\d+\.\d+\.\d+$/.test(name)).sort();
  assert.deepEqual(given, [...new Set([...back.values()].map(({ ip }) => ip))].sort());
  const starts = await cluster().kubectl(['exec', 'low-1', '--', 'cat', '/kept/starts']);
  assert.equal(starts.stdout.trim().split('\n').length, 2, 'what was on disk is there');
  assert.match(await readFile(path('/var/lib/skiff/agent/boot-id'), 'utf8'), /^[0-9a-f-]{36}\n$/);
  await waitFor('nothing to be left behind', async () => {
    const { stdout, stderr } = await cluster().node.node.exec('node', [MAIN, 'check', 'node'], { mayFail: true });
    if (stdout !== 'node node-1: no differences\n') throw new Error(stdout + stderr);
    return true;
  });
});
