// Attaching starts from nothing: what the API and the node say is all that is known of the time before.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { silent } from '../../../api/log.ts';
import { systemClock, systemRandom } from '../../../api/system.ts';
import { events, nodes, pods } from '../../../api/types/core/resources.ts';
import { persistentVolumeClaims, persistentVolumes } from '../../../api/types/core/storage-resources.ts';
import { volumeAttachments } from '../../../api/types/storage/resources.ts';
import { attachDetachController } from '../../../apiserver/controllers/attach-detach.ts';
import { attachmentName, MANAGED, uniqueName } from '../../../apiserver/controllers/attach-detach-decide.ts';
import { runControllers } from '../../../apiserver/controllers/manager.ts';
import { waitFor } from '../../cluster/harness/wait.ts';
import { TestRegistry } from '../registry/fixture.ts';
import { reserved } from './example.ts';

const DRIVER = 'disks.example.com';
const unique = (name: string) => uniqueName(DRIVER, `h-${name}`);

test('what nobody wants any more is struck and detached, what is used stays, and old news is not told again', async () => {
  await using registry = await TestRegistry.open();
  const { client } = registry;
  const status = { subresource: 'status' };
  await client.create(nodes, { metadata: { name: 'n1', annotations: { [MANAGED]: 'true' } }, spec: {} } as never);
  const listed = {
    volumesInUse: [unique('used')],
    volumesAttached: ['used', 'left'].map((name) => ({ name: unique(name), devicePath: '' })),
  };
  await client.patch(nodes, { name: 'n1' }, { type: 'merge', body: { status: listed } }, status);
  for (const name of ['used', 'left']) {
    const claim = { namespace: 'ns', name };
    const { metadata } = await client.create(persistentVolumeClaims, {
      metadata: claim,
      spec: { accessModes: ['ReadWriteOnce'], volumeName: name, resources: { requests: { storage: '1Gi' } } },
    } as never);
    await client.patch(persistentVolumeClaims, claim, { type: 'merge', body: { status: { phase: 'Bound' } } }, status);
    await client.create(persistentVolumes, {
      metadata: { name },
      spec: {
        ...{ accessModes: ['ReadWriteOnce'], capacity: { storage: '1Gi' }, claimRef: { ...claim, uid: metadata.uid } },
        csi: { driver: DRIVER, volumeHandle: `h-${name}` },
      },
    } as never);
    const id = attachmentName(DRIVER, `h-${name}`, 'n1');
    const source = { persistentVolumeName: name };
    await client.create(volumeAttachments, {
      metadata: { name: id },
      spec: { attacher: DRIVER, nodeName: 'n1', source },
    });
    await client.patch(
      volumeAttachments,
      { name: id },
      { type: 'merge', body: { status: { attached: true } } },
      status,
    );
  }
  await client.create(pods, {
    metadata: { name: 'p', namespace: 'ns' },
    spec: {
      ...{ nodeName: 'n1', containers: [{ name: 'app', image: 'app' }] },
      volumes: [{ name: 'v', persistentVolumeClaim: { claimName: 'used' } }],
    },
  } as never);
  const stop = new AbortController();
  const settings = { rootCa: '', clusterCidrs: [], reserved, signToken: () => '' };
  const around = { clock: systemClock, random: systemRandom, log: silent };
  const running = runControllers({ reader: client, clientFor: () => client, settings, ...around }, stop.signal, {
    'attachdetach-controller': attachDetachController,
  });
  await waitFor('the one that is left to be detached', async () => {
    const { items } = await client.list(volumeAttachments);
    return items.length === 1 && items[0]!.spec.source.persistentVolumeName === 'used';
  });
  const node = await client.get(nodes, { name: 'n1' });
  assert.deepEqual(
    node.status.volumesAttached?.map(({ name }) => name),
    [unique('used')],
  );
  stop.abort();
  await running;
  assert.deepEqual((await client.list(events)).items, []);
});
