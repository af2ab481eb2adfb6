// Storage that outlives its pod: a claim finds its volume, the pod writes, the next pod reads.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { useCluster } from '../harness/cluster.ts';
import { NONCE } from '../harness/images.ts';
import { waitFor } from '../harness/wait.ts';
import { FOREVER, Pods, shell } from './pods.ts';

const cluster = useCluster();
const pods = new Pods(cluster);
type Phased = { status: { phase: string }; spec: { volumeName?: string } };
const CLAIM = '/api/v1/namespaces/default/persistentvolumeclaims/data';
const VOLUME = '/api/v1/persistentvolumes/disk-1';
/** Of the kubelet, through the API. */
const page = async (path: string) =>
  (await cluster().kubectl(['get', '--raw', `/api/v1/nodes/node-1/proxy/${path}`])).stdout;
const phase = (path: string, wants: string) =>
  waitFor(`${path} to be ${wants}`, async () => {
    const { status } = await cluster().api.get<Phased>(path);
    if (status.phase !== wants) throw new Error(JSON.stringify(status));
    return true;
  });

test('what one pod wrote into its claim the next one reads, and the data stays when both are gone', async () => {
  const { node } = cluster().node;
  await node.exec('mkdir', ['-p', '/srv/disk-1']);
  const onNode = { matchExpressions: [{ key: 'kubernetes.io/hostname', operator: 'In', values: ['node-1'] }] };
  const common = { accessModes: ['ReadWriteOnce'], storageClassName: '' };
  await pods.call('POST', CLAIM.replace('/data', ''), {
    metadata: { name: 'data' },
    spec: { ...common, resources: { requests: { storage: '1Gi' } } },
  });
  await pods.call('POST', '/api/v1/persistentvolumes', {
    metadata: { name: 'disk-1' },
    spec: {
      ...common,
      capacity: { storage: '2Gi' },
      local: { path: '/srv/disk-1' },
      nodeAffinity: { required: { nodeSelectorTerms: [onNode] } },
    },
  });
  await Promise.all([phase(CLAIM, 'Bound'), phase(VOLUME, 'Bound')]);
  const spec = (script: string) => ({
    securityContext: { fsGroup: 3000 },
    volumes: [{ name: 'v', persistentVolumeClaim: { claimName: 'data' } }],
    containers: [shell('main', `${script}; ${FOREVER}`, { volumeMounts: [{ name: 'v', mountPath: '/v' }] })],
  });
  await pods.create('writes', spec('cat /nonce > /v/nonce; ls -ld /v; echo written'));
  assert.match(await pods.untilLogged('writes', 'main', 'written'), /root\s+3000/);
  await pods.remove('writes');
  await pods.create('reads', spec('cat /v/nonce; echo; echo read'));
  assert.ok((await pods.untilLogged('reads', 'main', 'read')).includes(NONCE));
  const gauges = await page('metrics');
  const labels = '{namespace="default",persistentvolumeclaim="data"}';
  assert.match(gauges, new RegExp(`^kubelet_volume_stats_capacity_bytes${labels} [1-9]`, 'm'));
  assert.match(gauges, new RegExp(`^kubelet_volume_stats_used_bytes${labels} [1-9]`, 'm'));

  // In use: it stays until its pod is gone.
  await pods.call('DELETE', CLAIM);
  assert.equal((await cluster().api.call('GET', CLAIM)).status, 200);
  await pods.remove('reads');
  await waitFor('the claim to be gone', async () => (await cluster().api.call('GET', CLAIM)).status === 404);
  await phase(VOLUME, 'Released');
  assert.ok((await node.exec('cat', ['/srv/disk-1/nonce'])).stdout.includes(NONCE));
  const { stdout: mounts } = await node.exec('cat', ['/proc/mounts']);
  assert.ok(!mounts.includes('kubernetes.io~local-volume'));
  await pods.call('DELETE', VOLUME);
  await waitFor('the volume to be gone', async () => (await cluster().api.call('GET', VOLUME)).status === 404);
});

test('the summary tells how full volumes and logs are', async () => {
  await pods.create('full', {
    volumes: [{ name: 'own', emptyDir: {} }],
    containers: [
      shell('main', `head -c 5000000 /dev/urandom > /v/f; sync; echo filled; ${FOREVER}`, {
        volumeMounts: [{ name: 'own', mountPath: '/v' }],
      }),
    ],
  });
  await pods.untilLogged('full', 'main', 'filled');
  const found = await waitFor('the pod in the summary', async () => {
    const { pods: all } = JSON.parse(await page('stats/summary'));
    return all.find(({ podRef }: { podRef: { name: string } }) => podRef.name === 'full');
  });
  const own = found.volume.find(({ name }: { name: string }) => name === 'own');
  assert.ok(own.usedBytes >= 5_000_000 && own.usedBytes < 6_000_000, JSON.stringify(own));
  assert.ok(own.capacityBytes > own.usedBytes);
  // Its blocks are given out when the kernel writes them, some time later.
  assert.equal(typeof found.containers[0].logs.usedBytes, 'number');
  assert.ok(found['ephemeral-storage'].usedBytes >= own.usedBytes + found.containers[0].logs.usedBytes);
  await pods.remove('full');
});

test('a claim of the built-in class gets a directory where its pod is placed, which goes with it', async () => {
  const { node } = cluster().node;
  await pods.call('POST', '/apis/storage.k8s.io/v1/storageclasses', {
    metadata: { name: 'dirs' },
    provisioner: 'skiff.local/dir',
    volumeBindingMode: 'WaitForFirstConsumer',
  });
  await pods.call('POST', CLAIM.replace('/data', ''), {
    metadata: { name: 'made' },
    spec: { accessModes: ['ReadWriteOnce'], storageClassName: 'dirs', resources: { requests: { storage: '1Mi' } } },
  });
  await pods.create('user', {
    nodeName: '',
    securityContext: { runAsUser: 1000 },
    volumes: [{ name: 'v', persistentVolumeClaim: { claimName: 'made' } }],
    containers: [
      shell('main', `echo kept > /v/f && echo done; ${FOREVER}`, { volumeMounts: [{ name: 'v', mountPath: '/v' }] }),
    ],
  });
  await pods.ready('user');
  await pods.untilLogged('user', 'main', 'done');
  const made = CLAIM.replace('/data', '/made');
  const { spec } = await cluster().api.get<Phased>(made);
  const dir = `/var/lib/skiff/volumes/${spec.volumeName}`;
  assert.equal((await node.exec('cat', [`${dir}/f`])).stdout, 'kept\n');
  await pods.remove('user');
  await pods.call('DELETE', made);
  await phase(`/api/v1/persistentvolumes/${spec.volumeName}`, 'Released');
  // A new agent looks at once.
  await cluster().kill('agent', 'SIGKILL');
  await cluster().restart('agent');
  await waitFor('the directory to be gone', async () => (await node.exec('ls', [dir], { mayFail: true })).code !== 0);
});
