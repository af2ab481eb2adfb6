import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { PersistentVolume } from '../../../api/types/core/persistent-volume.ts';
import type { PersistentVolumeClaim } from '../../../api/types/core/persistent-volume-claim.ts';
import { namespaces, nodes, pods } from '../../../api/types/core/resources.ts';
import { persistentVolumeClaims, persistentVolumes } from '../../../api/types/core/storage-resources.ts';
import type { CSINode, CSIStorageCapacity } from '../../../api/types/storage/csi.ts';
import { storageClasses } from '../../../api/types/storage/resources.ts';
import type { StorageClass } from '../../../api/types/storage/storage-class.ts';
import type { VolumeAttachment } from '../../../api/types/storage/volume-attachment.ts';
import { decide } from '../../../apiserver/scheduler/decide.ts';
import { sentence } from '../../../apiserver/scheduler/diagnosis.ts';
import type { StorageKind } from '../../../apiserver/scheduler/plugin.ts';
import { defaultPlugins } from '../../../apiserver/scheduler/plugins/index.ts';
import type { Snapshot } from '../../../apiserver/scheduler/snapshot.ts';
import { TestCluster } from './cluster.ts';
import { aNode, aPod, aSnapshot, infoOf, type PodParts } from './example.ts';

const GI = 'Gi';

interface ClaimParts {
  volume?: string;
  bound?: boolean;
  class?: string;
  size?: number;
  mode?: string;
  selectedNode?: string;
  deleting?: boolean;
}

function aClaim(name: string, parts: ClaimParts = {}): PersistentVolumeClaim {
  const { volume, bound = volume !== undefined, size = 1, mode = 'ReadWriteOnce', selectedNode, deleting } = parts;
  return {
    apiVersion: 'v1',
    kind: 'PersistentVolumeClaim',
    metadata: {
      ...{ name, namespace: 'default', uid: `uid-${name}` },
      annotations: {
        ...(bound && { 'pv.kubernetes.io/bind-completed': 'yes' }),
        ...(selectedNode && { 'volume.kubernetes.io/selected-node': selectedNode }),
      },
      ...(deleting && { deletionTimestamp: '2026-01-01T00:00:00Z' }),
    },
    spec: {
      accessModes: [mode],
      resources: { requests: { storage: `${size}${GI}` } },
      ...(volume && { volumeName: volume }),
      storageClassName: parts.class ?? '',
    },
    status: { phase: bound ? 'Bound' : 'Pending' },
  } as unknown as PersistentVolumeClaim;
}

interface VolumeParts {
  node?: string;
  class?: string;
  size?: number;
  claim?: string;
  driver?: string;
  zone?: string;
}

function aVolume(name: string, parts: VolumeParts = {}): PersistentVolume {
  const { node, size = 1, claim, driver, zone } = parts;
  const here = { key: 'kubernetes.io/hostname', operator: 'In', values: [node] };
  return {
    apiVersion: 'v1',
    kind: 'PersistentVolume',
    metadata: { name, uid: `uid-${name}`, ...(zone && { labels: { 'topology.kubernetes.io/zone': zone } }) },
    spec: {
      accessModes: ['ReadWriteOnce'],
      capacity: { storage: `${size}${GI}` },
      storageClassName: parts.class ?? '',
      ...(driver ? { csi: { driver, volumeHandle: name } } : { hostPath: { path: `/tmp/${name}` } }),
      ...(claim && { claimRef: { namespace: 'default', name: claim, uid: `uid-${claim}` } }),
      ...(node && { nodeAffinity: { required: { nodeSelectorTerms: [{ matchExpressions: [here] }] } } }),
    },
    status: { phase: claim ? 'Bound' : 'Available' },
  } as unknown as PersistentVolume;
}

function aClass(name: string, provisioner: string, waits = true): StorageClass {
  const volumeBindingMode = waits ? 'WaitForFirstConsumer' : 'Immediate';
  return { metadata: { name }, provisioner, volumeBindingMode } as unknown as StorageClass;
}

function anAttachment(nodeName: string, persistentVolumeName: string): VolumeAttachment {
  const name = `csi-${nodeName}-${persistentVolumeName}`;
  return {
    metadata: { name },
    spec: { attacher: 'd', nodeName, source: { persistentVolumeName } },
  } as VolumeAttachment;
}

const using = (...claims: string[]): PodParts => ({
  spec: {
    volumes: claims.map((claimName) => ({ name: claimName, persistentVolumeClaim: { claimName } })),
  },
});

interface Case {
  it: string;
  claims?: PersistentVolumeClaim[];
  volumes?: PersistentVolume[];
  classes?: StorageClass[];
  more?: (snapshot: Snapshot) => void;
  pod?: PodParts;
  says: string;
}

const cases: Case[] = [
  {
    it: 'goes where its volume can be reached',
    claims: [aClaim('data', { volume: 'v' })],
    volumes: [aVolume('v', { node: 'n2', claim: 'data' })],
    says: 'fits n2',
  },
  {
    it: 'waits when its volume is out of reach',
    claims: [aClaim('data', { volume: 'v' })],
    volumes: [aVolume('v', { node: 'n9', claim: 'data' })],
    says: "0/2 nodes are available: 2 node(s) didn't match PersistentVolume's node affinity.",
  },
  {
    it: 'waits for a claim that is not there',
    says: '0/2 nodes are available: persistentvolumeclaim "data" not found.',
  },
  {
    it: 'waits when its claim is on its way out',
    claims: [aClaim('data', { volume: 'v', deleting: true })],
    says: '0/2 nodes are available: persistentvolumeclaim "data" is being deleted.',
  },
  {
    it: 'waits for a claim that binds by itself',
    claims: [aClaim('data', { class: 'now' })],
    classes: [aClass('now', 'example.com/disks', false)],
    says: '0/2 nodes are available: pod has unbound immediate PersistentVolumeClaims.',
  },
  {
    it: 'waits for a volume that is gone',
    claims: [aClaim('data', { volume: 'v' })],
    says: '0/2 nodes are available: 2 node(s) unavailable due to one or more pvc(s) bound to non-existent pv(s).',
  },
  {
    it: 'goes where a volume is free',
    claims: [aClaim('data', { class: 'local', size: 2 })],
    classes: [aClass('local', 'kubernetes.io/no-provisioner')],
    volumes: [
      aVolume('small', { node: 'n1', class: 'local', size: 1 }),
      aVolume('big', { node: 'n2', class: 'local', size: 3 }),
    ],
    says: 'fits n2',
  },
  {
    it: 'does not take a volume that was chosen for another',
    claims: [aClaim('data', { class: 'local' })],
    classes: [aClass('local', 'kubernetes.io/no-provisioner')],
    volumes: [aVolume('v', { node: 'n2', class: 'local' })],
    more: ({ volumes }) => volumes.choose('v', 'default/other'),
    says: "0/2 nodes are available: 2 node(s) didn't find available persistent volumes to bind.",
  },
  {
    it: 'goes where its volume is being made',
    claims: [aClaim('data', { class: 'made', selectedNode: 'n2' })],
    classes: [aClass('made', 'example.com/disks')],
    says: 'fits n2',
  },
  {
    it: 'goes where the driver has room',
    claims: [aClaim('data', { class: 'made', size: 5 })],
    classes: [aClass('made', 'example.com/disks')],
    more({ volumes }) {
      volumes.tellingCapacity.add('example.com/disks');
      volumes.setCapacity({
        metadata: { name: 'c', namespace: 'default' },
        storageClassName: 'made',
        capacity: '10Gi',
        nodeTopology: { matchLabels: { 'kubernetes.io/hostname': 'n2' } },
      } as unknown as CSIStorageCapacity);
    },
    says: 'fits n2',
  },
  {
    it: 'waits when the driver has no room',
    claims: [aClaim('data', { class: 'made', size: 5 })],
    classes: [aClass('made', 'example.com/disks')],
    more: ({ volumes }) => volumes.tellingCapacity.add('example.com/disks'),
    says: '0/2 nodes are available: 2 node(s) did not have enough free storage.',
  },
  {
    it: 'does not share a claim for one pod only',
    claims: [aClaim('data', { volume: 'v', mode: 'ReadWriteOncePod' })],
    volumes: [aVolume('v', { claim: 'data' })],
    more: (snapshot) => snapshot.setPod(infoOf(snapshot, 'other', { ...using('data'), node: 'n1' })),
    says: '0/2 nodes are available: 2 node has pod using PersistentVolumeClaim with the same name and ReadWriteOncePod access mode.',
  },
  {
    it: 'heeds how many volumes a node can hold',
    claims: [aClaim('data', { volume: 'v' }), aClaim('else', { volume: 'w' })],
    volumes: [aVolume('v', { claim: 'data', driver: 'd' }), aVolume('w', { claim: 'else', driver: 'd' })],
    more(snapshot) {
      for (const name of ['n1', 'n2']) {
        const drivers = [{ name: 'd', nodeID: name, allocatable: { count: 1 } }];
        snapshot.volumes.setCsiNode({ metadata: { name }, spec: { drivers } } as unknown as CSINode);
      }
      for (const [i, name] of ['n1', 'n2'].entries())
        snapshot.setPod(infoOf(snapshot, `other${i}`, { ...using('else'), node: name }));
    },
    says: '0/2 nodes are available: 2 node(s) exceed max volume count.',
  },
  {
    it: 'counts what is still attached of pods that are gone',
    claims: [aClaim('data', { volume: 'v' })],
    volumes: [aVolume('v', { claim: 'data', driver: 'd' }), aVolume('w', { claim: 'else', driver: 'd' })],
    more({ volumes }) {
      for (const name of ['n1', 'n2']) {
        const drivers = [{ name: 'd', nodeID: name, allocatable: { count: 1 } }];
        volumes.setCsiNode({ metadata: { name }, spec: { drivers } } as unknown as CSINode);
      }
      volumes.setAttachment(anAttachment('n1', 'w'));
      // Its own volume is there already and takes no second place.
      volumes.setAttachment(anAttachment('n2', 'v'));
    },
    says: 'fits n2',
  },
  {
    it: 'does not go where a driver says nothing of whom its room is for',
    claims: [aClaim('data', { class: 'made', size: 5 })],
    classes: [aClass('made', 'example.com/disks')],
    more({ volumes }) {
      volumes.tellingCapacity.add('example.com/disks');
      const room = { metadata: { name: 'c', namespace: 'default' }, storageClassName: 'made', capacity: '10Gi' };
      volumes.setCapacity(room as unknown as CSIStorageCapacity);
    },
    says: '0/2 nodes are available: 2 node(s) did not have enough free storage.',
  },
  {
    it: 'goes only where its class may make volumes',
    claims: [aClaim('data', { class: 'made' })],
    classes: [
      {
        ...aClass('made', 'example.com/disks'),
        allowedTopologies: [{ matchLabelExpressions: [{ key: 'kubernetes.io/hostname', values: ['n2'] }] }],
      } as StorageClass,
    ],
    says: 'fits n2',
  },
  {
    it: 'does not share a disk of an old sort on one node',
    pod: { spec: { volumes: [{ name: 'd', awsElasticBlockStore: { volumeID: 'vol-1' } }] } },
    more: (snapshot) =>
      snapshot.setPod(
        infoOf(snapshot, 'other', {
          node: 'n1',
          spec: { volumes: [{ name: 'd', awsElasticBlockStore: { volumeID: 'vol-1' } }] },
        }),
      ),
    says: 'fits n2',
  },
];

for (const { it, claims = [], volumes = [], classes = [], more, pod = using('data'), says } of cases) {
  test(`a pod with storage ${it}`, () => {
    const snapshot = aSnapshot({ nodes: { n1: {}, n2: {} } });
    for (const claim of claims) snapshot.volumes.setClaim(claim);
    for (const volume of volumes) snapshot.volumes.setVolume(volume);
    for (const one of classes) snapshot.volumes.setClass(one);
    more?.(snapshot);
    const verdict = decide(infoOf(snapshot, 'new', pod), snapshot, defaultPlugins, { dice: () => 0, from: 0 });
    assert.equal(verdict.fits ? `fits ${verdict.node.name}` : sentence(verdict.diagnosis), says);
  });
}

test('a claim that waits for its pod gets a free volume, and the pod is bound when the claim is', async () => {
  await using cluster = await TestCluster.start();
  await cluster.create(namespaces, { metadata: { name: 'default' } });
  await cluster.create(storageClasses, {
    metadata: { name: 'local' },
    provisioner: 'kubernetes.io/no-provisioner',
    volumeBindingMode: 'WaitForFirstConsumer',
  });
  const volume = aVolume('v', { node: 'n1', class: 'local' });
  await cluster.create(persistentVolumes, volume);
  await cluster.client.patch(
    persistentVolumes,
    { name: 'v' },
    { type: 'merge', body: { status: { phase: 'Available' } } },
    { subresource: 'status' },
  );
  await cluster.create(persistentVolumeClaims, aClaim('data', { class: 'local' }));
  await cluster.create(nodes, aNode('n1'));
  await cluster.create(pods, aPod('web', using('data')));
  const given = await cluster.eventually('the volume is given', async () => {
    const { spec } = await cluster.client.get(persistentVolumes, { name: 'v' });
    return spec.claimRef;
  });
  assert.equal(given.name, 'data');
  const waiting = await cluster.podThat('web', () => true);
  assert.equal(waiting.spec.nodeName ?? '', '');
  await cluster.client.patch(
    persistentVolumeClaims,
    { namespace: 'default', name: 'data' },
    {
      type: 'merge',
      body: { metadata: { annotations: { 'pv.kubernetes.io/bind-completed': 'yes' } }, spec: { volumeName: 'v' } },
    },
  );
  await cluster.podThat('web', ({ spec }) => spec.nodeName === 'n1');
});

test('a provisioner is told the node, and the pod is bound when its claim is', async () => {
  await using cluster = await TestCluster.start();
  await cluster.create(namespaces, { metadata: { name: 'default' } });
  await cluster.create(storageClasses, {
    metadata: { name: 'made' },
    provisioner: 'example.com/disks',
    volumeBindingMode: 'WaitForFirstConsumer',
  });
  await cluster.create(persistentVolumeClaims, aClaim('data', { class: 'made' }));
  await cluster.create(nodes, aNode('n1'));
  await cluster.create(pods, aPod('web', using('data')));
  const key = { namespace: 'default', name: 'data' };
  const node = await cluster.eventually('the node is told', async () => {
    const { metadata } = await cluster.client.get(persistentVolumeClaims, key);
    return metadata.annotations?.['volume.kubernetes.io/selected-node'];
  });
  assert.equal(node, 'n1');
  await cluster.create(persistentVolumes, aVolume('v', { class: 'made', claim: 'data' }));
  const body = { metadata: { annotations: { 'pv.kubernetes.io/bind-completed': 'yes' } }, spec: { volumeName: 'v' } };
  await cluster.client.patch(persistentVolumeClaims, key, { type: 'merge', body });
  await cluster.podThat('web', ({ spec }) => spec.nodeName === 'n1');
});

test('a pod goes to another node when the provisioner cannot make its volume on the first', async () => {
  await using cluster = await TestCluster.start();
  await cluster.create(namespaces, { metadata: { name: 'default' } });
  await cluster.create(storageClasses, {
    metadata: { name: 'made' },
    provisioner: 'example.com/disks',
    volumeBindingMode: 'WaitForFirstConsumer',
  });
  await cluster.create(persistentVolumeClaims, aClaim('data', { class: 'made' }));
  await cluster.create(nodes, aNode('n1'));
  await cluster.create(pods, aPod('web', using('data')));
  const key = { namespace: 'default', name: 'data' };
  const asksFor = (node: string) =>
    cluster.eventually(`${node} is asked for`, async () => {
      const { metadata } = await cluster.client.get(persistentVolumeClaims, key);
      return metadata.annotations?.['volume.kubernetes.io/selected-node'] === node;
    });
  await asksFor('n1');
  await cluster.client.patch(nodes, { name: 'n1' }, { type: 'merge', body: { spec: { unschedulable: true } } });
  await cluster.create(nodes, aNode('n2'));
  const body = { metadata: { annotations: { 'volume.kubernetes.io/selected-node': null } } };
  await cluster.client.patch(persistentVolumeClaims, key, { type: 'merge', body });
  await asksFor('n2');
});

test('storage wakes the pods that it concerns', () => {
  const snapshot = aSnapshot({ nodes: {} });
  const pod = infoOf(snapshot, 'new', using('data'));
  const cases: [plugin: string, what: StorageKind, key: string, isGone: boolean, wakes: boolean][] = [
    ['VolumeBinding', 'claim', 'default/data', false, true],
    ['VolumeBinding', 'claim', 'default/other', false, false],
    ['VolumeBinding', 'volume', 'v', false, true],
    ['VolumeBinding', 'volume', 'v', true, false],
    ['VolumeBinding', 'attachment', 'a', true, false],
    ['NodeVolumeLimits', 'attachment', 'a', true, true],
    ['NodeVolumeLimits', 'attachment', 'a', false, false],
    ['NodeVolumeLimits', 'limits', 'n1', false, true],
    ['VolumeRestrictions', 'volume', 'v', false, false],
    ['VolumeZone', 'volume', 'v', false, true],
  ];
  for (const [name, what, key, isGone, wakes] of cases) {
    const plugin = defaultPlugins.find((one) => one.name === name)!;
    assert.equal(plugin.wokenBy?.({ on: 'storage', what, key, isGone }, pod), wakes, `${name} ${what} ${key}`);
  }
});
