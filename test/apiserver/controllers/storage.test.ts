// The way of a CSI volume through a whole control plane: claimed, provisioned, attached, moved, grown, given back.
// Stand-ins play the node and the driver's sidecars, one look at a time; controllers and scheduler are the real ones.
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { after, before, test } from 'node:test';
import type { Client } from '../../../api/client/client.ts';
import { HttpsClient } from '../../../api/client/https-client.ts';
import { Transport } from '../../../api/client/transport.ts';
import { isNotFound } from '../../../api/status.ts';
import { systemClock } from '../../../api/system.ts';
import type { PersistentVolumeClaim } from '../../../api/types/core/persistent-volume-claim.ts';
import { events, nodes, pods } from '../../../api/types/core/resources.ts';
import { persistentVolumeClaims, persistentVolumes } from '../../../api/types/core/storage-resources.ts';
import {
  csiNodes,
  storageClasses,
  volumeAttachments,
  volumeAttributesClasses,
} from '../../../api/types/storage/resources.ts';
import { attachmentName, MANAGED, uniqueName } from '../../../apiserver/controllers/attach-detach-decide.ts';
import { waitFor } from '../../cluster/harness/wait.ts';
import { startTestServer } from '../test-server.ts';

const namespace = 'default';
const DRIVER = 'disks.example.com';
const FINALIZER = 'external-attacher/disks-example-com';
const stack = new AsyncDisposableStack();
let client: Client;

before(async () => {
  const server = stack.use(await startTestServer({ run: ['api', 'scheduler', 'controllers'] }));
  const { ca, cert, key } = server.files;
  const [caPem, certPem, keyPem] = await Promise.all([ca, cert, key].map((file) => readFile(file)));
  const credentials = () => ({ ca: caPem!, cert: certPem!, key: keyPem! });
  const transport = new Transport({ server: server.url, credentials, userAgent: 'test', clock: systemClock });
  client = new HttpsClient(stack.use(transport), systemClock);
  for (const name of ['n1', 'n2']) {
    const taints: never[] = [];
    const status = {
      conditions: [{ type: 'Ready', status: 'True', reason: 'KubeletReady', message: '' }],
      allocatable: { cpu: '4', memory: '8Gi', pods: '110' },
      capacity: { cpu: '4', memory: '8Gi', pods: '110' },
    };
    const metadata = { name, annotations: { [MANAGED]: 'true' }, labels: { 'kubernetes.io/hostname': name } };
    await client.create(nodes, { metadata, spec: { taints }, status } as never);
    await client.patch(nodes, { name }, { type: 'merge', body: { status } }, { subresource: 'status' });
    const drivers = [{ name: DRIVER, nodeID: `id-${name}`, topologyKeys: [], allocatable: { count: 2 } }];
    await client.create(csiNodes, { metadata: { name }, spec: { drivers } } as never);
  }
  await client.create(storageClasses, {
    metadata: { name: 'disks' },
    provisioner: DRIVER,
    volumeBindingMode: 'WaitForFirstConsumer',
    allowVolumeExpansion: true,
  } as never);
  const stop = new AbortController();
  const playing = play(stop.signal);
  stack.defer(async () => {
    stop.abort();
    await playing;
  });
});
after(() => stack.disposeAsync());

/** What attachers shall not answer yet, by node. */
const silent = new Set<string>();

/** The sidecars of the driver and a kubelet that obeys deletion. */
async function play(signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    for (const role of [provision, reclaim, attach, letGo]) {
      await role().catch((err) => {
        if (!signal.aborted && err?.code !== 409 && !isNotFound(err)) throw err; // somebody was faster: the next look
      });
    }
    await new Promise((next) => setTimeout(next, 20));
  }
}

async function provision(): Promise<void> {
  for (const { metadata, spec } of (await client.list(persistentVolumeClaims)).items) {
    const { annotations = {}, name, uid } = metadata;
    const isAsked = annotations['volume.kubernetes.io/storage-provisioner'] === DRIVER;
    if (spec.volumeName || !isAsked || !annotations['volume.kubernetes.io/selected-node']) continue;
    const volume = {
      metadata: {
        name: `pvc-${uid}`,
        annotations: { 'pv.kubernetes.io/provisioned-by': DRIVER },
        finalizers: ['external-provisioner.volume.kubernetes.io/finalizer'],
      },
      spec: {
        ...{ accessModes: spec.accessModes, capacity: { storage: spec.resources!.requests!['storage']! } },
        ...{ storageClassName: 'disks', persistentVolumeReclaimPolicy: 'Delete' },
        claimRef: { kind: 'PersistentVolumeClaim', apiVersion: 'v1', namespace: metadata.namespace, name, uid },
        csi: { driver: DRIVER, volumeHandle: `h-${name}` },
      },
    };
    await client.create(persistentVolumes, volume as never).catch((err) => {
      if (err.code !== 409) throw err;
    });
  }
}

async function reclaim(): Promise<void> {
  for (const { metadata, status } of (await client.list(persistentVolumes)).items) {
    if (status.phase !== 'Released') continue;
    const { name } = metadata;
    if (metadata.deletionTimestamp === undefined) await client.delete(persistentVolumes, { name });
    else await client.patch(persistentVolumes, { name }, { type: 'merge', body: { metadata: { finalizers: null } } });
  }
}

async function attach(): Promise<void> {
  for (const { metadata, spec, status } of (await client.list(volumeAttachments)).items) {
    const { name } = metadata;
    if (silent.has(spec.nodeName)) continue;
    const patch = (body: object, options = {}) =>
      client.patch(volumeAttachments, { name }, { type: 'merge', body }, options);
    if (metadata.deletionTimestamp !== undefined) await patch({ metadata: { finalizers: null } });
    else if (!status.attached) {
      await patch({ metadata: { finalizers: [FINALIZER] } });
      await patch({ status: { attached: true } }, { subresource: 'status' });
    }
  }
}

async function letGo(): Promise<void> {
  for (const { metadata } of (await client.list(pods, { namespace })).items) {
    if (metadata.deletionTimestamp !== undefined) await client.delete(pods, metadata, { gracePeriodSeconds: 0 });
  }
}

async function aClaim(name: string, more: object = {}): Promise<void> {
  const resources = { requests: { storage: '1Gi' } };
  await client.create(persistentVolumeClaims, {
    metadata: { name, namespace },
    spec: { accessModes: ['ReadWriteOnce'], storageClassName: 'disks', resources, ...more },
  } as never);
}

async function aPod(name: string, claim: string, node: string): Promise<void> {
  await client.create(pods, {
    metadata: { name, namespace },
    spec: {
      ...{ containers: [{ name: 'app', image: 'app' }], terminationGracePeriodSeconds: 0 },
      nodeSelector: { 'kubernetes.io/hostname': node },
      volumes: [{ name: 'data', persistentVolumeClaim: { claimName: claim } }],
    },
  } as never);
}

const claimNow = (name: string): Promise<PersistentVolumeClaim> =>
  client.get(persistentVolumeClaims, { namespace, name });
const bound = (name: string) =>
  waitFor(`claim ${name} to be bound`, async () => {
    const claim = await claimNow(name);
    return claim.status.phase === 'Bound' && claim;
  });
const attachedTo = (node: string, claim: string) =>
  waitFor(`${claim} to be attached to ${node}`, async () => {
    const { status } = await client.get(nodes, { name: node });
    return status.volumesAttached?.some(({ name }) => name === uniqueName(DRIVER, `h-${claim}`));
  });
const attachments = async () => (await client.list(volumeAttachments)).items.map(({ metadata }) => metadata.name);
const uses = (node: string, ...claims: string[]) => {
  const volumesInUse = claims.map((claim) => uniqueName(DRIVER, `h-${claim}`));
  return client.patch(
    nodes,
    { name: node },
    { type: 'merge', body: { status: { volumesInUse } } },
    { subresource: 'status' },
  );
};
const told = (about: string, reason: string) =>
  waitFor(`${about} to be told ${reason}`, async () => {
    const all = (await client.list(events, { namespace })).items;
    return all.find((event) => event.involvedObject.name === about && event.reason === reason)?.message;
  });
const gone = (what: string, look: () => Promise<unknown>) =>
  waitFor(`${what} to be gone`, async () => {
    try {
      await look();
      return false;
    } catch (err) {
      if (isNotFound(err)) return true;
      throw err;
    }
  });

test('a volume is made for the node of its pod, attached, moved when the node has let it go, and given back', async () => {
  await aClaim('a');
  assert.equal(await told('a', 'WaitForFirstConsumer'), 'waiting for first consumer to be created before binding');
  await aPod('one', 'a', 'n1');
  await bound('a');
  await attachedTo('n1', 'a');
  assert.match(await told('one', 'SuccessfulAttachVolume'), /^AttachVolume.Attach succeeded for volume "pvc-[^"]+" $/);
  assert.deepEqual(await attachments(), [attachmentName(DRIVER, 'h-a', 'n1')]);
  await uses('n1', 'a');
  await aPod('two', 'a', 'n2');
  assert.match(
    await told('two', 'FailedAttachVolume'),
    /^Multi-Attach error for volume "pvc-[^"]+" Volume is already used by pod\(s\) one$/,
  );
  await client.delete(pods, { namespace, name: 'one' });
  await gone('pod one', () => client.get(pods, { namespace, name: 'one' }));
  // The node still has it mounted.
  assert.deepEqual(await attachments(), [attachmentName(DRIVER, 'h-a', 'n1')]);
  await uses('n1');
  await attachedTo('n2', 'a');
  assert.deepEqual(await attachments(), [attachmentName(DRIVER, 'h-a', 'n2')]);
  await client.delete(persistentVolumeClaims, { namespace, name: 'a' });
  // A pod uses it: it stays until that is gone.
  assert.ok((await claimNow('a')).metadata.deletionTimestamp);
  await client.delete(pods, { namespace, name: 'two' });
  await gone('the claim', () => claimNow('a'));
  await waitFor('volumes and attachments to be gone', async () => {
    const volumes = await client.list(persistentVolumes);
    return volumes.items.length === 0 && (await attachments()).length === 0;
  });
  const { status } = await client.get(nodes, { name: 'n2' });
  assert.equal(status.volumesAttached, undefined);
});

test('a node takes as many volumes as its driver can attach there', async () => {
  for (const name of ['l1', 'l2', 'l3']) {
    await aClaim(name);
    await aPod(`pod-${name}`, name, 'n1');
    if (name !== 'l3') await attachedTo('n1', name);
  }
  assert.match(await told('pod-l3', 'FailedScheduling'), /1 node\(s\) exceed max volume count/);
  await client.delete(pods, { namespace, name: 'pod-l1' });
  await attachedTo('n1', 'l3');
  for (const name of ['l2', 'l3']) await client.delete(pods, { namespace, name: `pod-${name}` });
  for (const name of ['l1', 'l2', 'l3']) await client.delete(persistentVolumeClaims, { namespace, name });
  await waitFor('attachments to be gone', async () => (await attachments()).length === 0);
});

test('a node out of service loses its volumes although it says that it uses them', async () => {
  await aClaim('o');
  await aPod('pod-o', 'o', 'n1');
  await attachedTo('n1', 'o');
  await uses('n1', 'o');
  await client.delete(pods, { namespace, name: 'pod-o' });
  const taints = [{ key: 'node.kubernetes.io/out-of-service', value: 'nodeshutdown', effect: 'NoExecute' }];
  await client.patch(nodes, { name: 'n1' }, { type: 'merge', body: { spec: { taints } } });
  await waitFor('the attachment to be gone', async () => (await attachments()).length === 0);
  await client.patch(nodes, { name: 'n1' }, { type: 'merge', body: { spec: { taints: null } } });
  await uses('n1');
  await client.delete(persistentVolumeClaims, { namespace, name: 'o' });
});

test('what an attacher reports is told to the pods', async () => {
  silent.add('n2');
  await aClaim('f');
  await aPod('pod-f', 'f', 'n2');
  const name = attachmentName(DRIVER, 'h-f', 'n2');
  await waitFor('the attachment', async () => (await attachments()).includes(name));
  const body = {
    status: { attached: false, attachError: { message: 'no room in the rack', time: '2026-01-01T00:00:00Z' } },
  };
  await client.patch(volumeAttachments, { name }, { type: 'merge', body }, { subresource: 'status' });
  assert.match(
    await told('pod-f', 'FailedAttachVolume'),
    /^AttachVolume.Attach failed for volume "[^"]+" : no room in the rack$/,
  );
  silent.delete('n2');
  await attachedTo('n2', 'f');
  await client.delete(pods, { namespace, name: 'pod-f' });
  await client.delete(persistentVolumeClaims, { namespace, name: 'f' });
});

test('a claim that asks for more waits for a resizer, which says when it is larger', async () => {
  await aClaim('g');
  await aPod('pod-g', 'g', 'n1');
  await bound('g');
  const key = { namespace, name: 'g' };
  const more = { spec: { resources: { requests: { storage: '2Gi' } } } };
  await client.patch(persistentVolumeClaims, key, { type: 'merge', body: more });
  assert.equal(await told('g', 'ExternalExpanding'), 'waiting for an external controller to expand this PVC');
  const body = { status: { capacity: { storage: '2Gi' }, allocatedResources: { storage: '2Gi' } } };
  await client.patch(persistentVolumeClaims, key, { type: 'merge', body }, { subresource: 'status' });
  // The binder does not take it back.
  await client.patch(persistentVolumeClaims, key, { type: 'merge', body: { metadata: { labels: { a: 'b' } } } });
  const { status } = await bound('g');
  assert.equal(status.capacity?.['storage'], '2Gi');
  await client.delete(pods, { namespace, name: 'pod-g' });
  await client.delete(persistentVolumeClaims, key);
});

test('a claim without a class gets the default one that comes later; classes of attributes go after their claims', async () => {
  await client.create(volumeAttributesClasses, {
    metadata: { name: 'gold' },
    driverName: DRIVER,
    parameters: { iops: '9' },
  } as never);
  await aClaim('late', { storageClassName: undefined, volumeAttributesClassName: 'gold' });
  await client.delete(volumeAttributesClasses, { name: 'gold' });
  assert.ok((await client.get(volumeAttributesClasses, { name: 'gold' })).metadata.deletionTimestamp);
  const annotations = { 'storageclass.kubernetes.io/is-default-class': 'true' };
  await client.patch(storageClasses, { name: 'disks' }, { type: 'merge', body: { metadata: { annotations } } });
  await waitFor('the class', async () => (await claimNow('late')).spec.storageClassName === 'disks');
  await client.delete(persistentVolumeClaims, { namespace, name: 'late' });
  await gone('the class of attributes', () => client.get(volumeAttributesClasses, { name: 'gold' }));
});
