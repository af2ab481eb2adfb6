// Pods and files that mean no good: manifests that are none, probes that never answer, output that is one long line or
// no text at all, processes without end. What is refused is said, and everybody else is served as before.
import assert from 'node:assert/strict';
import { mkdir, rm, writeFile } from 'node:fs/promises';
import { test } from 'node:test';
import { useCluster } from '../harness/cluster.ts';
import { waitFor } from '../harness/wait.ts';
import { conditionOf, FOREVER, Pods, shell, statusOf } from './pods.ts';

const cluster = useCluster({ agentArgs: ['--pod-max-pids=200'] });
const pods = new Pods(cluster);

test('files that hold no pod are named in the log and hold up no other', async () => {
  const dir = cluster().node.node.path('/etc/skiff/manifests');
  await mkdir(dir, { recursive: true });
  const spec = { terminationGracePeriodSeconds: 1, containers: [shell('main', FOREVER)] };
  const good = JSON.stringify({ apiVersion: 'v1', kind: 'Pod', metadata: { name: 'good' }, spec });
  const files: Record<string, string | Buffer> = {
    'binary.yaml': Buffer.from(Array.from({ length: 4_096 }, (_, at) => (at * 7) % 256)),
    'deep.json': `${'['.repeat(50_000)}${']'.repeat(50_000)}`,
    'empty.yaml': '',
    'huge.yaml': `a: "${'x'.repeat(8 * 2 ** 20)}"`,
    'list.json': '[1, 2]',
    'no-name.json': JSON.stringify({ apiVersion: 'v1', kind: 'Pod', spec }),
  };
  for (const [name, text] of Object.entries(files)) await writeFile(`${dir}/${name}`, text);
  await writeFile(`${dir}/good.json`, good);
  await pods.until('good-node-1', 'ready', ({ status }) => conditionOf(status, 'Ready') === 'True', 60_000);
  const log = cluster().node.log('agent');
  for (const name of Object.keys(files)) assert.ok(log.includes(`/etc/skiff/manifests/${name}`), `${name} is named`);
  await rm(dir, { recursive: true });
  await mkdir(dir);
  await pods.gone('good-node-1');
});

test('a pod that forks without end is stopped by its limit, and others start beside it', async () => {
  const forks = 'i=0; while [ $i -lt 10000 ]; do sleep 600 & i=$((i+1)); done; echo all; wait';
  await pods.create('forks', { containers: [shell('main', forks)] });
  const { uid } = await pods
    .until('forks', 'started', ({ status }) => status.podIP !== undefined)
    .then((pod) => pod.metadata);
  const most = async () => {
    const script = `cat /sys/fs/cgroup/pids/kubepods/besteffort/pod${uid}/pids.current /sys/fs/cgroup/kubepods/besteffort/pod${uid}/pids.current 2>/dev/null; true`;
    return Number((await cluster().node.node.exec('sh', ['-c', script])).stdout.trim() || 0);
  };
  await waitFor(
    'it to have met its limit',
    async () => (await most()) > 150 || statusOf(await pods.get('forks'), 'main').restartCount > 0,
  );
  assert.ok((await most()) <= 200, 'more processes than allowed');
  await pods.create('beside', { containers: [shell('main', FOREVER)] });
  await pods.ready('beside');
  await Promise.all(['forks', 'beside'].map((name) => pods.remove(name)));
});

test('probes that never answer count as failed after their timeout', async () => {
  const times = { periodSeconds: 1, timeoutSeconds: 1, failureThreshold: 1 };
  const nobody = cluster().node.node.address.replace(/\d+$/, '250');
  // Takes connections and says nothing.
  const mute = `nc -lk -p 9000 -e sleep 600 & ${FOREVER}`;
  await pods.create('hangs', {
    containers: [
      shell('exec', FOREVER, { readinessProbe: { exec: { command: ['sleep', '600'] }, ...times } }),
      shell('http', mute, { readinessProbe: { httpGet: { path: '/', port: 9000 }, ...times } }),
      shell('grpc', FOREVER, { readinessProbe: { grpc: { port: 9000 }, ...times } }),
      // A neighbour that is not there: who asks for it waits.
      shell('tcp', FOREVER, { readinessProbe: { tcpSocket: { host: nobody, port: 9000 }, ...times } }),
    ],
  });
  const path = '/api/v1/namespaces/default/events?fieldSelector=involvedObject.name%3Dhangs';
  await waitFor('each to be told', async () => {
    const { items } = await cluster().api.get<{ items: { reason: string; involvedObject: { fieldPath?: string } }[] }>(
      path,
    );
    const told = items.filter(({ reason }) => reason === 'Unhealthy').map((event) => event.involvedObject.fieldPath);
    return ['exec', 'http', 'grpc', 'tcp'].every((name) => told.includes(`spec.containers{${name}}`));
  });
  assert.notEqual(conditionOf((await pods.get('hangs')).status, 'Ready'), 'True');
  await pods.remove('hangs');
});

test('a line of a megabyte and bytes that are no text come out of kubectl logs as they went in', async () => {
  const main = shell('main', 'head -c 1048576 /dev/zero | tr "\\0" x; echo; printf "\\377\\376\\001\\n"; echo end');
  await pods.create('loud', { restartPolicy: 'Never', containers: [main] });
  await pods.until('loud', 'over', ({ status }) => status.phase === 'Succeeded');
  const script =
    'kubectl --kubeconfig /etc/skiff/admin.kubeconfig logs loud | md5sum; kubectl --kubeconfig /etc/skiff/admin.kubeconfig logs loud --tail=1';
  const { stdout } = await cluster().node.node.exec('sh', ['-c', script]);
  const same = 'head -c 1048576 /dev/zero | tr "\\0" x; echo; printf "\\377\\376\\001\\n"; echo end';
  const wanted = await cluster().node.node.exec('sh', ['-c', `(${same}) | md5sum; echo end`]);
  assert.equal(stdout, wanted.stdout);
  await pods.remove('loud');
});
