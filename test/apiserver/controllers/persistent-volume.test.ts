// Which volume serves which claim, and what becomes of both.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { LOCAL_DIR, PROVISIONED_BY } from '../../../api/local-dir.ts';
import type { PersistentVolume } from '../../../api/types/core/persistent-volume.ts';
import type { PersistentVolumeClaim } from '../../../api/types/core/persistent-volume-claim.ts';
import type { StorageClass } from '../../../api/types/storage/storage-class.ts';
import {
  BIND_COMPLETED,
  BOUND_BY_CONTROLLER,
  decideClaim,
  decideVolume,
  localDirectory,
  SELECTED_NODE,
} from '../../../apiserver/controllers/persistent-volume-decide.ts';

type Annotations = Record<string, string>;
const OURS = { namespace: 'shop', name: 'data', uid: 'c1' };

function aClaim(
  spec: Partial<PersistentVolumeClaim['spec']> = {},
  annotations: Annotations = {},
): PersistentVolumeClaim {
  return {
    metadata: { ...OURS, annotations },
    spec: {
      accessModes: ['ReadWriteOnce'],
      resources: { requests: { storage: '1Gi' } },
      volumeMode: 'Filesystem',
      ...spec,
    },
    status: { phase: 'Pending' },
  } as PersistentVolumeClaim;
}
function aVolume(
  name: string,
  spec: Partial<PersistentVolume['spec']> & { size?: string } = {},
  more: { annotations?: Annotations; phase?: PersistentVolume['status']['phase']; labels?: Annotations } = {},
): PersistentVolume {
  const { size = '1Gi', ...rest } = spec;
  return {
    metadata: { name, uid: name, annotations: more.annotations, labels: more.labels },
    spec: {
      ...{ capacity: { storage: size }, accessModes: ['ReadWriteOnce'], volumeMode: 'Filesystem' },
      ...{ persistentVolumeReclaimPolicy: 'Retain', ...rest },
    },
    status: { phase: more.phase ?? 'Available' },
  } as PersistentVolume;
}
const aClass = (volumeBindingMode: string, provisioner = 'example.com/disks') =>
  ({ metadata: { name: 'fast' }, provisioner, volumeBindingMode }) as StorageClass;
const aDefault = (name: string, creationTimestamp: string) =>
  ({
    metadata: { name, creationTimestamp, annotations: { 'storageclass.kubernetes.io/is-default-class': 'true' } },
    provisioner: 'example.com/disks',
  }) as unknown as StorageClass;
const done = { [BIND_COMPLETED]: 'yes' };

const claims: {
  it: string;
  claim?: PersistentVolumeClaim;
  volumes?: PersistentVolume[];
  sort?: StorageClass;
  classes?: StorageClass[];
  pods?: string[];
  wants: string;
}[] = [
  {
    it: 'takes the smallest volume that is large enough',
    volumes: [aVolume('big', { size: '5Gi' }), aVolume('fit'), aVolume('tiny', { size: '1Mi' })],
    wants: 'bind fit',
  },
  {
    it: 'takes the volume that names it before a better one',
    volumes: [aVolume('fit'), aVolume('mine', { size: '9Gi', claimRef: { namespace: 'shop', name: 'data' } })],
    wants: 'bind mine',
  },
  {
    it: 'leaves what names another, is not available or cannot be used as asked',
    volumes: [
      aVolume('theirs', { claimRef: { namespace: 'shop', name: 'other' } }),
      aVolume('old', { claimRef: { ...OURS, uid: 'earlier' } }),
      aVolume('released', {}, { phase: 'Released' }),
      aVolume('block', { volumeMode: 'Block' }),
      aVolume('read', { accessModes: ['ReadOnlyMany'] }),
      aVolume('classy', { storageClassName: 'fast' }),
    ],
    wants: 'Pending FailedBinding',
  },
  {
    it: 'keeps to its selector',
    claim: aClaim({ selector: { matchLabels: { disk: 'ssd' } } }),
    volumes: [aVolume('a'), aVolume('b', {}, { labels: { disk: 'ssd' } })],
    wants: 'bind b',
  },
  {
    it: 'says when its class is not there',
    claim: aClaim({ storageClassName: 'fast' }),
    wants: 'Pending ProvisioningFailed',
  },
  {
    it: 'asks the provisioner of its class',
    claim: aClaim({ storageClassName: 'fast' }),
    sort: aClass('Immediate'),
    wants: 'askFor example.com/disks',
  },
  {
    it: 'waits for its first pod, even with a volume at hand',
    claim: aClaim({ storageClassName: 'fast' }),
    volumes: [aVolume('a', { storageClassName: 'fast' })],
    sort: aClass('WaitForFirstConsumer'),
    wants: 'Pending WaitForFirstConsumer',
  },
  {
    it: 'says that its pod waits for a node',
    claim: aClaim({ storageClassName: 'fast' }),
    sort: aClass('WaitForFirstConsumer'),
    pods: ['web'],
    wants: 'Pending WaitForPodScheduled',
  },
  {
    it: 'without a class is given the newest default when nothing fits',
    classes: [aDefault('old', '2026-01-01T00:00:00Z'), aDefault('new', '2026-01-02T00:00:00Z'), aClass('Immediate')],
    wants: 'setClass new',
  },
  {
    it: 'without a class takes what fits before a default class',
    volumes: [aVolume('fit')],
    classes: [aDefault('standard', '2026-01-01T00:00:00Z')],
    wants: 'bind fit',
  },
  {
    it: 'that wants no class is given none',
    claim: aClaim({ storageClassName: '' }),
    classes: [aDefault('standard', '2026-01-01T00:00:00Z')],
    wants: 'Pending FailedBinding',
  },
  {
    it: 'takes only volumes of its attributes',
    claim: aClaim({ volumeAttributesClassName: 'gold' }),
    volumes: [aVolume('plain'), aVolume('gold', { size: '9Gi', volumeAttributesClassName: 'gold' })],
    wants: 'bind gold',
  },
  {
    it: 'says that the volume it names is taken',
    claim: aClaim({ volumeName: 'a' }),
    volumes: [aVolume('a', { claimRef: { namespace: 'x', name: 'y', uid: 'z' } })],
    wants: 'Pending FailedBinding',
  },
  {
    it: 'takes what the scheduler chose for it',
    claim: aClaim({ storageClassName: 'fast' }),
    volumes: [aVolume('a', { storageClassName: 'fast', claimRef: OURS })],
    sort: aClass('WaitForFirstConsumer'),
    wants: 'bind a',
  },
  {
    it: 'asks the provisioner when the scheduler has named a node',
    claim: aClaim({ storageClassName: 'fast' }, { [SELECTED_NODE]: 'n1' }),
    sort: aClass('WaitForFirstConsumer'),
    wants: 'askFor example.com/disks',
  },
  { it: 'takes the volume it names', claim: aClaim({ volumeName: 'a' }), volumes: [aVolume('a')], wants: 'bind a' },
  {
    it: 'does not take a volume it names that is too small',
    claim: aClaim({ volumeName: 'a' }),
    volumes: [aVolume('a', { size: '1Mi' })],
    wants: 'Pending VolumeMismatch',
  },
  { it: 'waits for a volume it names that is not there', claim: aClaim({ volumeName: 'a' }), wants: 'Pending' },
  {
    it: 'stays bound',
    claim: aClaim({ volumeName: 'a' }, done),
    volumes: [aVolume('a', { claimRef: OURS })],
    wants: 'bind a',
  },
  { it: 'is lost with its volume', claim: aClaim({ volumeName: 'a' }, done), wants: 'Lost ClaimLost' },
  {
    it: 'is lost when its volume serves another',
    claim: aClaim({ volumeName: 'a' }, done),
    volumes: [aVolume('a', { claimRef: { namespace: 'x', name: 'y', uid: 'z' } })],
    wants: 'Lost ClaimMisbound',
  },
];
for (const { it, claim = aClaim(), volumes = [], sort, classes = [], pods = [], wants } of claims) {
  test(`a claim ${it}`, () => {
    const volume = (name: string) => volumes.find(({ metadata }) => metadata.name === name);
    const action = decideClaim(claim, { volumes, volume, storageClass: () => sort, classes, waitingPods: () => pods });
    const said =
      action.do === 'bind'
        ? `bind ${action.volume.metadata.name}`
        : action.do === 'askFor'
          ? `askFor ${action.provisioner}`
          : action.do === 'setClass'
            ? `setClass ${action.name}`
            : action.do === 'phase'
              ? `${action.phase} ${action.event?.reason ?? ''}`.trim()
              : action.do;
    assert.equal(said, wants);
  });
}

const bound = { claimRef: OURS };
const volumes: { it: string; volume: PersistentVolume; claim?: PersistentVolumeClaim; wants: string | undefined }[] = [
  { it: 'is available', volume: aVolume('a'), wants: 'Available' },
  {
    it: 'is available while its claim is only a wish',
    volume: aVolume('a', { claimRef: { namespace: 'shop', name: 'data' } }),
    wants: 'Available',
  },
  { it: 'is bound', volume: aVolume('a', bound), claim: aClaim({ volumeName: 'a' }), wants: 'Bound' },
  { it: 'waits for its claim to name it', volume: aVolume('a', bound), claim: aClaim(), wants: undefined },
  {
    it: 'is let go when its claim took another',
    volume: aVolume('a', bound, { annotations: { [BOUND_BY_CONTROLLER]: 'yes' } }),
    claim: aClaim({ volumeName: 'b' }),
    wants: 'unbind',
  },
  { it: 'is released and kept', volume: aVolume('a', bound), wants: 'Released' },
  {
    it: 'is released for whoever made it',
    volume: aVolume(
      'a',
      { ...bound, persistentVolumeReclaimPolicy: 'Delete' },
      { phase: 'Released', annotations: { [PROVISIONED_BY]: 'x' } },
    ),
    wants: 'Released',
  },
  {
    it: 'says that nobody can delete it',
    volume: aVolume('a', { ...bound, persistentVolumeReclaimPolicy: 'Delete' }, { phase: 'Released' }),
    wants: 'Failed',
  },
];
for (const { it, volume, claim, wants } of volumes) {
  test(`a volume ${it}`, () => {
    const action = decideVolume(volume, claim, 0);
    assert.equal(action?.do === 'phase' ? action.phase : action?.do, wants);
  });
}

const dirs = aClass('WaitForFirstConsumer', LOCAL_DIR);
test('the built-in provisioner makes a directory where the pod was placed', () => {
  const claim = aClaim({ storageClassName: 'fast' }, { [SELECTED_NODE]: 'n1' });
  const none = { volumes: [], volume: () => undefined };
  const action = decideClaim(claim, { ...none, storageClass: () => dirs, classes: [], waitingPods: () => [] });
  assert.deepEqual(action, { do: 'provision', storageClass: dirs, node: 'n1' });
  const { metadata, spec } = localDirectory(claim, { ...dirs, parameters: { path: '/srv' } } as StorageClass, 'host-1');
  assert.deepEqual([metadata.name, spec.hostPath.path, spec.claimRef.uid], ['pvc-c1', '/srv/pvc-c1', 'c1']);
  const early = decideClaim(aClaim({ storageClassName: 'fast' }), {
    ...none,
    storageClass: () => aClass('Immediate', LOCAL_DIR),
    ...{ classes: [], waitingPods: () => [] },
  });
  assert.equal(early.do === 'phase' && early.event?.reason, 'ProvisioningFailed');
});

test('a directory is given back: the node has time to remove it, then its volume goes', () => {
  const volume = aVolume(
    'a',
    { ...bound, persistentVolumeReclaimPolicy: 'Delete' },
    { phase: 'Released', annotations: { [PROVISIONED_BY]: LOCAL_DIR } },
  );
  volume.status.lastPhaseTransitionTime = '1970-01-01T00:00:00Z';
  assert.deepEqual(decideVolume(volume, undefined, 60_000), { do: 'deleteAfter', ms: 120_000 });
  assert.deepEqual(decideVolume(volume, undefined, 180_000), { do: 'deleteAfter', ms: 0 });
});
