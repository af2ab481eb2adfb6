// A driver's volume through a whole cluster of two nodes: made where its pod goes, attached, mounted, grown under a
// running pod, refused to a second node, moved there when the first has let it go, and at the end nothing is left.
import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { quantityValue } from '../../api/quantity.ts';
import type { PersistentVolumeClaim } from '../../api/types/core/persistent-volume-claim.ts';
import type { VolumeAttachment } from '../../api/types/storage/volume-attachment.ts';
import { FOREVER, Pods, shell } from './agent/pods.ts';
import { Driver } from './csi-driver/driver.ts';
import { Sidecars } from './csi-driver/sidecars.ts';
import { useCluster } from './harness/cluster.ts';
import { NONCE } from './harness/images.ts';
import { waitFor } from './harness/wait.ts';

const cluster = useCluster({ nodes: 2 });
const pods = new Pods(cluster);
const STORAGE = '/apis/storage.k8s.io/v1';
const CLAIMS = '/api/v1/namespaces/default/persistentvolumeclaims';
const VOLUMES = '/api/v1/persistentvolumes';
const listed = async <T>(path: string) => (await cluster().api.get<{ items: T[] }>(path)).items;
const attachedTo = async () =>
  (await listed<VolumeAttachment>(`${STORAGE}/volumeattachments`)).map(
    ({ spec, status }) => `${spec.nodeName} ${status.attached}`,
  );
const logOf = async (name: string) =>
  String((await cluster().api.call('GET', `/api/v1/namespaces/default/pods/${name}/log`)).body);
const claim = () => cluster().api.get<PersistentVolumeClaim>(`${CLAIMS}/data`);

/** The same storage on both nodes, as machines see a storage network, with all that a driver brings along. */
async function startDriver(stack: AsyncDisposableStack): Promise<{ drivers: Driver[]; sidecars: Sidecars }> {
  const root = await mkdtemp(join(tmpdir(), 'disks-'));
  stack.defer(() => rm(root, { recursive: true, force: true }));
  const drivers: Driver[] = [];
  for (const { node } of cluster().nodes) {
    const driver = await Driver.start(node, { root });
    stack.defer(() => driver.stop());
    stack.defer(() => driver.detachLoops());
    drivers.push(driver);
  }
  const sidecars = stack.use(new Sidecars({ api: cluster().api, driver: drivers[0]! }));
  const { name } = drivers[0]!;
  await pods.call('POST', `${STORAGE}/csidrivers`, { metadata: { name }, spec: { attachRequired: true } });
  await pods.call('POST', `${STORAGE}/storageclasses`, {
    metadata: { name: 'disks' },
    provisioner: name,
    volumeBindingMode: 'WaitForFirstConsumer',
    allowVolumeExpansion: true,
  });
  for (const node of ['node-1', 'node-2']) {
    await waitFor(`the driver to be known on ${node}`, async () => {
      const { spec } = await cluster().api.get<{ spec: { drivers?: { name: string }[] } }>(
        `${STORAGE}/csinodes/${node}`,
      );
      return spec.drivers?.some((driver) => driver.name === name);
    });
  }
  return { drivers, sidecars };
}

async function pod(name: string, node: string, script: string): Promise<void> {
  await pods.create(name, {
    nodeName: '',
    nodeSelector: { 'kubernetes.io/hostname': node },
    volumes: [{ name: 'v', persistentVolumeClaim: { claimName: 'data' } }],
    containers: [shell('main', `${script}; ${FOREVER}`, { volumeMounts: [{ name: 'v', mountPath: '/v' }] })],
  });
}

test('a volume is made, attached, written, grown, refused elsewhere, moved, read and given back', async () => {
  await using stack = new AsyncDisposableStack();
  const { drivers, sidecars } = await startDriver(stack);
  /** Shows what the sidecars last stumbled over when it waits in vain. */
  const until = <T>(what: string, look: () => Promise<T>) =>
    waitFor(what, look).catch((cause) => {
      throw new Error(`${what}; sidecars: ${String(sidecars.problem)}`, { cause });
    });
  await pods.call('POST', CLAIMS, {
    metadata: { name: 'data' },
    spec: { accessModes: ['ReadWriteOnce'], storageClassName: 'disks', resources: { requests: { storage: '32Mi' } } },
  });
  await pod('writes', 'node-1', 'cat /nonce > /v/nonce; sync; echo written');
  await until('the volume to be bound', async () => (await claim()).status.phase === 'Bound');
  await until('the pod to have written', async () => (await logOf('writes')).includes('written'));
  assert.deepEqual(await attachedTo(), ['node-1 true']);

  const body = { spec: { resources: { requests: { storage: '64Mi' } } } };
  const { status } = await cluster().api.call('PATCH', `${CLAIMS}/data`, body, 'application/merge-patch+json');
  assert.equal(status, 200);
  await until('the volume to have grown on its node', async () => {
    const { capacity, allocatedResourceStatuses } = (await claim()).status;
    return quantityValue(capacity?.['storage'] ?? '0') === 64 * 1024 ** 2 && allocatedResourceStatuses === undefined;
  });
  assert.ok(drivers[0]!.calls('NodeExpandVolume').length > 0);

  await pod('reads', 'node-2', 'cat /v/nonce; echo');
  await until('the second node to be refused', async () => {
    const events = await listed<{ involvedObject: { name: string }; reason: string; message: string }>(
      '/api/v1/namespaces/default/events',
    );
    const told = events.filter(({ involvedObject }) => involvedObject.name === 'reads');
    return told.some(
      ({ reason, message }) => reason === 'FailedAttachVolume' && message.startsWith('Multi-Attach error'),
    );
  });
  assert.deepEqual(await attachedTo(), ['node-1 true']);
  await pods.remove('writes');
  await until('the pod to read what was written', async () => (await logOf('reads')).includes(NONCE));
  assert.deepEqual(await attachedTo(), ['node-2 true']);

  await pods.call('DELETE', `${CLAIMS}/data`);
  await pods.remove('reads');
  await until('claim, volume and attachments to be gone', async () => {
    const left = await Promise.all([CLAIMS, VOLUMES, `${STORAGE}/volumeattachments`].map((path) => listed(path)));
    return left.flat().length === 0;
  });
  for (const driver of drivers) assert.deepEqual(await driver.mounts(), []);
  assert.ok(drivers[0]!.calls('DeleteVolume').length > 0);
});
