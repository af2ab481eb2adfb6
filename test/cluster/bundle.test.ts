// The bundled form of both processes, as nodes without a checkout run it: from a folder that holds nothing else, a
// cluster comes up and a pod runs.
import assert from 'node:assert/strict';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { bundle } from '../../cli/bundle.ts';
import { withCluster } from './harness/cluster.ts';
import { NONCE } from './harness/images.ts';
import { ownDir } from './harness/names.ts';
import { BUSYBOX, output, untilGone, untilPodReady, untilReady, WEB } from './proof.ts';

test('a cluster of bundled processes runs pods and services', async (t) => {
  const dir = await ownDir();
  try {
    await bundle(join(dir, 'dist'));
    await withCluster(t, { program: join(dir, 'dist/skiff.mjs') }, async (cluster) => {
      const { node } = cluster.node;
      const { stdout: running } = await node.exec('ps', ['-e', '-o', 'args']);
      assert.match(running, /dist\/skiff\.mjs server/);
      assert.match(running, /dist\/skiff\.mjs agent/);
      assert.match(await output(cluster, 'get', 'nodes', '--no-headers'), /^node-1\s+Ready/);
      await output(cluster, 'run', 'speaker', `--image=${BUSYBOX}`);
      await untilPodReady(cluster, 'speaker');
      assert.equal(await output(cluster, 'logs', 'speaker'), `nonce ${NONCE}\n`);
      assert.equal(await output(cluster, 'exec', 'speaker', '--', 'cat', '/nonce'), NONCE);
      await output(cluster, 'create', 'deployment', 'web', `--image=${WEB}`, '--replicas=2');
      await output(cluster, 'expose', 'deployment', 'web', '--port=80', '--target-port=8080');
      await untilReady(cluster, 'app=web', 2);
      const ask = ['exec', 'speaker', '--', 'timeout', '2', 'wget', '-qO-', 'http://web/'];
      assert.match(await output(cluster, ...ask), new RegExp(`^web-\\S+ ${NONCE}\\n$`));
      await output(cluster, 'delete', 'pod', 'speaker', '--now');
      await untilGone(cluster, '/api/v1/namespaces/default/pods/speaker');
    });
  } finally {
    await rm(dir, { recursive: true, force: true });
  }
});
