// Volumes that are images: their files are there and cannot be written, parts of them too; they are pulled like the
// images of containers, and nothing of them is left when the pod goes.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Container } from '../../../api/types/core/container.ts';
import type { Volume } from '../../../api/types/core/volume.ts';
import { useCluster } from '../harness/cluster.ts';
import { NONCE } from '../harness/images.ts';
import { waitFor } from '../harness/wait.ts';
import { BUSYBOX, FOREVER, Pods, shell, statusOf, waitsFor } from './pods.ts';

const cluster = useCluster();
const pods = new Pods(cluster);
/** More layers than one. */
const WEB = 'skiff.local/test/web:1';
const inNode = async (script: string) => (await cluster().node.node.exec('sh', ['-c', script])).stdout.trim();
const CTR = 'ctr -a /run/skiff/containerd/containerd.sock -n k8s.io';

const imageVolume = (name: string, reference: string): Volume => ({ name, image: { reference } });
const mounting = (script: string, ...volumeMounts: NonNullable<Container['volumeMounts']>) =>
  shell('main', script, { volumeMounts });

test('a container reads images that are its volumes, whole and in part, and writes to none of them', async () => {
  const script = `cat /one/nonce /many/nonce /page/healthz; echo; ls /many/www; for d in /one /many /page; do touch $d/x 2>&1; done; /one/bin/busybox true 2>&1 || echo not run; ${FOREVER}`;
  await pods.create('reads', {
    volumes: [imageVolume('one', BUSYBOX), imageVolume('many', WEB)],
    containers: [
      mounting(
        script,
        { name: 'one', mountPath: '/one' },
        { name: 'many', mountPath: '/many', readOnly: true },
        { name: 'many', mountPath: '/page', subPath: 'www' },
      ),
    ],
  });
  await pods.ready('reads');
  const log = await pods.untilLogged('reads', 'main', '/page/x');
  assert.match(log, new RegExp(`^${NONCE}${NONCE}ok\n\ncgi-bin\nhealthz\n`));
  assert.equal(log.match(/Read-only file system/g)?.length, 3, log);
  await pods.untilLogged('reads', 'main', 'not run');
});

test('an agent that is killed leaves the volumes alone, and a container that starts again has them', async () => {
  const before = statusOf(await pods.ready('reads'), 'main');
  await cluster().kill('agent', 'SIGKILL');
  await cluster().restart('agent');
  assert.equal(statusOf(await pods.ready('reads'), 'main').containerID, before.containerID);
  const { uid } = (await pods.get('reads')).metadata;
  await inNode(`for p in /proc/[0-9]*; do grep -qs 'touch [$]d/x' $p/cmdline && kill -9 \${p#/proc/}; done; true`);
  await pods.until('reads', 'started again', (pod) => statusOf(pod, 'main').restartCount === 1);
  await pods.ready('reads');
  assert.match(await pods.log('reads', 'main', 1), new RegExp(NONCE));
  assert.equal(await inNode(`${CTR} snapshots list | grep -c ${uid}`), '2');
  await pods.remove('reads');
  await waitFor(
    'the views to be gone',
    async () => (await inNode(`${CTR} snapshots list | grep -c ${uid} || true`)) === '0',
  );
});

test('an image that cannot be had keeps the pod waiting and says why; a part that is not there too', async () => {
  const absent = { name: 'v', image: { reference: 'localhost:5999/none:1', pullPolicy: 'Never' as const } };
  await pods.create('absent', { volumes: [absent], containers: [mounting(FOREVER, { name: 'v', mountPath: '/v' })] });
  const pod = await pods.until('absent', 'waiting', (each) => waitsFor(each, 'main') === 'ErrImageNeverPull');
  assert.equal(pod.status.phase, 'Pending');
  await pods.create('part', {
    volumes: [imageVolume('v', BUSYBOX)],
    containers: [mounting(FOREVER, { name: 'v', mountPath: '/v', subPath: 'nowhere' })],
  });
  const part = await pods.until('part', 'waiting', (each) => waitsFor(each, 'main') === 'CreateContainerConfigError');
  assert.match(statusOf(part, 'main').state?.waiting?.message ?? '', /nowhere|read-only/i);
  await Promise.all([pods.remove('absent'), pods.remove('part')]);
});
