// The driver of the tests by itself, asked by the agent's own client: what the other tests rely on.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { CsiClient, rpcSaid } from '../../../agent/csi/csi-client.ts';
import { systemClock } from '../../../api/system.ts';
import { Driver } from '../csi-driver/driver.ts';
import { NodeNamespace } from '../harness/node-namespace.ts';
import { Segment } from '../harness/segment.ts';

const MODE = { accessMode: { mode: 'SINGLE_NODE_WRITER' as const } };
const MiB = 1024 * 1024;

test('the driver of the tests mounts file systems, directories and devices, grows them and leaves nothing', async () => {
  await using segment = await Segment.create();
  await using node = await NodeNamespace.create({ name: 'node-1', segment });
  const driver = await Driver.start(node, { args: ['--max-volumes', '7', '--topology', 'zone=a'] });
  const { signal } = new AbortController();
  using client = new CsiClient(driver.socket, systemClock);
  assert.deepEqual(await client.info(signal), { nodeId: 'node-1', maxVolumes: 7, topology: { zone: 'a' } });
  assert.ok((await client.capabilities(signal)).has('STAGE_UNSTAGE_VOLUME'));
  const none = { publishContext: {}, secrets: {}, volumeContext: {} };
  const shapes = {
    fs: { mount: { fsType: 'ext4', mountFlags: ['noatime'], volumeMountGroup: '' }, ...MODE },
    dir: { mount: { fsType: '', mountFlags: [], volumeMountGroup: '' }, ...MODE },
    ram: { mount: { fsType: 'tmpfs', mountFlags: [], volumeMountGroup: '' }, ...MODE },
    dev: { block: {}, ...MODE },
  };
  for (const [volumeId, volumeCapability] of Object.entries(shapes)) {
    const staging = `/var/lib/kubelet/plugins/kubernetes.io/csi/x/${volumeId}/globalmount`;
    const target = `/var/lib/kubelet/pods/p/volumes/kubernetes.io~csi/${volumeId}/mount`;
    await node.exec('mkdir', ['-p', staging, target.replace(/\/mount$/, '')]);
    const request = { ...none, volumeId, volumeCapability, stagingTargetPath: staging };
    for (let again = 0; again < 2; again++) {
      await client.stage(request, signal);
      await client.publish({ ...request, targetPath: target, readonly: false }, signal);
    }
    const grow = () =>
      client.expand(
        {
          volumeId,
          volumePath: target,
          stagingTargetPath: staging,
          capacityRange: { requiredBytes: 64 * MiB },
          volumeCapability,
          secrets: {},
        },
        signal,
      );
    if (volumeId !== 'fs') assert.equal(await grow(), 64 * MiB);
    const { bytes } = await client.stats(volumeId, target, staging, signal);
    if (volumeId === 'ram' || volumeId === 'dev') assert.equal(bytes!.total, 64 * MiB);
    // Killed in between, the next instance goes on.
    await driver.stop();
    await driver.start();
    for (let again = 0; again < 2; again++) {
      await client.unpublish(volumeId, target, signal);
      await client.unstage(volumeId, staging, signal);
    }
    assert.deepEqual(await driver.mounts(), []);
  }
  driver.faults({ method: 'NodeGetInfo', code: 13, message: 'not today', times: 1 });
  await assert.rejects(client.info(signal), (err) => rpcSaid(err) === 'rpc error: code = Internal desc = not today');
  await client.info(signal);
  assert.ok(driver.calls('NodeStageVolume').length >= 6);
  const { stdout } = await node.exec('losetup', ['--list', '--noheadings']);
  assert.ok(!stdout.includes(driver.root), stdout);
  await driver.stop();
});
