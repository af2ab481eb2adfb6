// Storage kinds through the whole registry: who may change what of them, and in which words it is refused.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import type { Client } from '../../../api/client/client.ts';
import { ApiError } from '../../../api/status.ts';
import { leases } from '../../../api/types/coordination/resources.ts';
import { namespaces, pods, secrets } from '../../../api/types/core/resources.ts';
import { persistentVolumeClaims, persistentVolumes } from '../../../api/types/core/storage-resources.ts';
import { csiNodes, storageClasses, volumeAttachments } from '../../../api/types/storage/resources.ts';
import { TestRegistry } from './fixture.ts';

const namespace = 'ns';
let registry: TestRegistry;
let admin: Client;
before(async () => {
  registry = await TestRegistry.open();
  admin = registry.client;
  for (const [name, allowVolumeExpansion] of [
    ['grows', true],
    ['fixed', false],
  ] as const) {
    await admin.create(storageClasses, { metadata: { name }, provisioner: 'disks.example.com', allowVolumeExpansion });
  }
});
after(() => registry[Symbol.asyncDispose]());

async function refused(work: Promise<unknown>): Promise<string> {
  try {
    await work;
  } catch (err) {
    if (err instanceof ApiError) return err.message;
    throw err;
  }
  return 'allowed';
}

async function aClaim(name: string, more: object = {}, status: object = {}): Promise<void> {
  const resources = { requests: { storage: '1Gi' } };
  await admin.create(persistentVolumeClaims, {
    metadata: { name, namespace },
    spec: { accessModes: ['ReadWriteOnce'], storageClassName: 'grows', resources, ...more },
  } as never);
  const body = { status: { phase: 'Bound', capacity: { storage: '1Gi' }, ...status } };
  await admin.patch(persistentVolumeClaims, { namespace, name }, { type: 'merge', body }, { subresource: 'status' });
}

const patch = (name: string, body: object, subresource?: string, client = admin) =>
  refused(
    client.patch(
      persistentVolumeClaims,
      { namespace, name },
      { type: 'merge', body },
      subresource ? { subresource } : {},
    ),
  );
const asks = (storage: string) => ({ spec: { resources: { requests: { storage } } } });

test('a bound claim of a class that allows it may ask for more, and take back what it never got', async () => {
  await aClaim('a');
  assert.equal(await patch('a', asks('3Gi')), 'allowed');
  assert.equal(await patch('a', asks('2Gi')), 'allowed');
  const message = await patch('a', asks('1Gi'));
  assert.match(message, /spec.resources.requests.storage: Forbidden: field can not be less than status.capacity$/);
});

test('claims that are not bound, or whose class does not grow volumes, are not expanded', async () => {
  await aClaim('pending', {}, { phase: 'Pending' });
  assert.match(await patch('pending', asks('2Gi')), /spec is immutable after creation except resources.requests/);
  for (const [name, storageClassName] of [
    ['b', 'fixed'],
    ['c', ''],
    ['d', 'unknown'],
  ] as const) {
    await aClaim(name, { storageClassName });
    assert.match(
      await patch(name, asks('2Gi')),
      /only dynamically provisioned pvc can be resized and the storageclass that provisions the pvc must support resize$/,
    );
  }
});

test('the progress of a resizer is checked', async () => {
  await aClaim('e');
  const progress = (allocatedResourceStatuses: object, allocatedResources: object = {}) =>
    patch('e', { status: { allocatedResourceStatuses, allocatedResources } }, 'status');
  assert.equal(await progress({ storage: 'NodeResizePending' }, { storage: '2Gi' }), 'allowed');
  assert.match(await progress({ storage: 'Odd' }), /status.allocatedResourceStatuses: Unsupported value/);
  assert.match(await progress({}, { cpu: '1' }), /status.allocatedResources: Unsupported value: "cpu"/);
  assert.match(await progress({}, { storage: '-1' }), /must be a valid resource quantity/);
});

test('attributes once had are changed to others and never to none', async () => {
  await aClaim('f', { volumeAttributesClassName: 'gold' });
  const set = (name: string | null) => patch('f', { spec: { volumeAttributesClassName: name } });
  assert.equal(await set(null), 'allowed');
  assert.equal(await set('silver'), 'allowed');
  await patch('f', { status: { currentVolumeAttributesClassName: 'silver' } }, 'status');
  assert.match(await set(null), /update to nil is forbidden when status.currentVolumeAttributesClassName is not nil$/);
  assert.equal(await set('gold'), 'allowed');
});

async function aDisk(name: string, claim: string): Promise<void> {
  await admin.create(persistentVolumes, {
    metadata: { name },
    spec: {
      ...{ accessModes: ['ReadWriteOnce'], capacity: { storage: '1Gi' }, storageClassName: 'grows' },
      claimRef: { namespace, name: claim },
      csi: {
        ...{ driver: 'disks.example.com', volumeHandle: name },
        nodeStageSecretRef: { name: 'stage', namespace },
        controllerExpandSecretRef: { name: 'expand', namespace },
      },
    },
  } as never);
}

test('a node reads volumes, secrets and attachments of the claims its pods use, and no others', async () => {
  const node = registry.as('system:node:n1', 'system:nodes');
  await aClaim('mine', { volumeName: 'disk-mine' });
  await aDisk('disk-mine', 'mine');
  await aDisk('disk-other', 'other');
  for (const name of ['stage', 'expand']) await admin.create(secrets, { metadata: { name, namespace } } as never);
  for (const [name, nodeName] of [
    ['va1', 'n1'],
    ['va2', 'n2'],
  ] as const) {
    const source = { persistentVolumeName: 'disk-mine' };
    await admin.create(volumeAttachments, {
      metadata: { name },
      spec: { attacher: 'disks.example.com', nodeName, source },
    });
  }
  await admin.create(pods, {
    metadata: { name: 'p', namespace },
    spec: {
      ...{ nodeName: 'n1', containers: [{ name: 'app', image: 'app' }] },
      volumes: [{ name: 'v', persistentVolumeClaim: { claimName: 'mine' } }],
    },
  } as never);
  const unrelated = /no relationship found between node 'n1' and this object/;
  assert.equal(await refused(node.get(persistentVolumes, { name: 'disk-mine' })), 'allowed');
  assert.match(await refused(node.get(persistentVolumes, { name: 'disk-other' })), unrelated);
  assert.equal(await refused(node.get(secrets, { namespace, name: 'stage' })), 'allowed');
  assert.match(await refused(node.get(secrets, { namespace, name: 'expand' })), unrelated);
  assert.equal(await refused(node.get(volumeAttachments, { name: 'va1' })), 'allowed');
  assert.match(await refused(node.get(volumeAttachments, { name: 'va2' })), unrelated);
  assert.equal(await patch('mine', { status: { capacity: { storage: '2Gi' } } }, 'status', node), 'allowed');
  assert.match(
    await patch('mine', { metadata: { labels: { a: 'b' } } }, 'status', node),
    /node "n1" is not allowed to update fields other than status.quantity and status.conditions/,
  );
});

test('a node writes its own CSINode and lease only, and drivers there keep their identity', async () => {
  const node = registry.as('system:node:n1', 'system:nodes');
  const drivers = (count: number, nodeID = 'id') => [{ name: 'disks.example.com', nodeID, allocatable: { count } }];
  const put = (name: string) =>
    refused(node.create(csiNodes, { metadata: { name }, spec: { drivers: drivers(1) } } as never));
  assert.match(await put('n2'), /can only access CSINode with the same name as the requesting node$/);
  assert.equal(await put('n1'), 'allowed');
  const change = (list: object) =>
    refused(node.patch(csiNodes, { name: 'n1' }, { type: 'merge', body: { spec: { drivers: list } } }));
  assert.equal(await change(drivers(5)), 'allowed');
  assert.match(await change(drivers(5, 'another')), /spec.drivers: Invalid value: .*: field is immutable$/);
  await admin.create(namespaces, { metadata: { name: 'kube-node-lease' } } as never);
  const lease = { metadata: { name: 'n2', namespace: 'kube-node-lease' }, spec: {} };
  assert.match(
    await refused(node.create(leases, lease as never)),
    /can only access node lease with the same name as the requesting node/,
  );
});
