// Pods from files: they run, are seen in the API, come back when deleted there, and go with their file.
import assert from 'node:assert/strict';
import { mkdir, rm, writeFile } from 'node:fs/promises';
import { test } from 'node:test';
import { useCluster } from '../harness/cluster.ts';
import { FOREVER, Pods, shell, statusOf } from './pods.ts';

const cluster = useCluster();
const pods = new Pods(cluster);
const NAME = 'fixed-node-1';

test('a pod from a file runs and stands in the API until the file goes', async () => {
  const dir = cluster().node.node.path('/etc/skiff/manifests');
  await mkdir(dir, { recursive: true });
  const spec = { terminationGracePeriodSeconds: 1, containers: [shell('main', FOREVER)] };
  await writeFile(
    `${dir}/fixed.yaml`,
    JSON.stringify({ apiVersion: 'v1', kind: 'Pod', metadata: { name: 'fixed' }, spec }),
  );
  // The folder is new: the relist finds it.
  const pod = await pods.until(NAME, 'there', () => true, 40_000);
  assert.equal(pod.metadata.annotations?.['kubernetes.io/config.source'], 'file');
  const first = statusOf(await pods.ready(NAME), 'main');

  await pods.call('DELETE', `/api/v1/namespaces/default/pods/${NAME}`);
  await pods.until(NAME, 'back', ({ metadata }) => metadata.uid !== pod.metadata.uid);
  assert.equal(statusOf(await pods.ready(NAME), 'main').containerID, first.containerID);

  await cluster().kill('agent', 'SIGKILL');
  await cluster().restart('agent');
  assert.equal(statusOf(await pods.ready(NAME), 'main').containerID, first.containerID);

  await rm(`${dir}/fixed.yaml`);
  await pods.gone(NAME);
});
