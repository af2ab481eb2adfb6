// What is decided about volumes of drivers, as tables.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { CriError } from '../../../agent/cri/call.ts';
import { isUncertain, rpcSaid } from '../../../agent/csi/csi-client.ts';
import { driverEntry, nodePatch, saysTheSame } from '../../../agent/csi/csi-node.ts';
import type { NodeCapability } from '../../../agent/csi/csi-types.ts';
import { grown, growthOf, inState } from '../../../agent/csi/expansion-decide.ts';
import { delayAfter } from '../../../agent/csi/operations.ts';
import {
  accessMode,
  capability,
  givesToGroup,
  lifecycleProblem,
  podInfo,
  rulesOf,
  type Shape,
} from '../../../agent/csi/requests.ts';
import type { Node } from '../../../api/types/core/node.ts';
import type { PersistentVolume } from '../../../api/types/core/persistent-volume.ts';
import type { PersistentVolumeClaim } from '../../../api/types/core/persistent-volume-claim.ts';
import type { CSIDriver, CSIDriverSpec } from '../../../api/types/storage/csi.ts';
import { aPod } from '../pods/make.ts';

const has = (...names: NodeCapability[]) => new Set(names);
const driver = (spec: Partial<CSIDriverSpec>) => ({ metadata: { name: 'd' }, spec }) as unknown as CSIDriver;
const shape = (more: Partial<Shape> = {}): Shape => ({
  mode: 'Filesystem',
  fsType: 'ext4',
  mountOptions: ['noatime'],
  accessModes: ['ReadWriteOnce'],
  ...more,
});

const modes: [string[] | undefined, NodeCapability[], string][] = [
  [['ReadWriteOnce'], [], 'SINGLE_NODE_WRITER'],
  [['ReadWriteOnce'], ['SINGLE_NODE_MULTI_WRITER'], 'SINGLE_NODE_MULTI_WRITER'],
  [['ReadWriteOncePod'], [], 'SINGLE_NODE_WRITER'],
  [['ReadWriteOncePod'], ['SINGLE_NODE_MULTI_WRITER'], 'SINGLE_NODE_SINGLE_WRITER'],
  [['ReadOnlyMany'], [], 'MULTI_NODE_READER_ONLY'],
  [['ReadWriteMany', 'ReadWriteOnce'], [], 'MULTI_NODE_MULTI_WRITER'],
  [undefined, [], 'SINGLE_NODE_WRITER'],
];
for (const [modesOf, able, wants] of modes) {
  test(`access modes ${modesOf?.join() ?? 'unsaid'} of a driver with ${able.join() || 'nothing more'} are ${wants}`, () => {
    assert.equal(accessMode(modesOf, has(...able)), wants);
  });
}

test('a driver that mounts for a group is told the group and nobody changes owners afterwards', () => {
  const pod = aPod({ spec: { securityContext: { fsGroup: 7 } } });
  const able = has('VOLUME_MOUNT_GROUP');
  assert.equal(capability(shape(), able, 7).mount?.volumeMountGroup, '7');
  assert.equal(capability(shape(), has(), 7).mount?.volumeMountGroup, '');
  assert.equal(givesToGroup(shape(), pod, false, 'File', able), false);
  assert.deepEqual(capability(shape({ mode: 'Block' }), able, 7).block, {});
});

const groups: {
  it: string;
  shape?: Partial<Shape>;
  readOnly?: boolean;
  policy: 'None' | 'File' | 'ReadWriteOnceWithFSType';
  wants: boolean;
}[] = [
  {
    it: 'is given to the group whatever it is, if the policy is File',
    shape: { fsType: '' },
    policy: 'File',
    wants: true,
  },
  { it: 'is never given to the group if the policy is None', policy: 'None', wants: false },
  { it: 'with a file system for one writer is given to the group', policy: 'ReadWriteOnceWithFSType', wants: true },
  { it: 'without a file system is not', shape: { fsType: '' }, policy: 'ReadWriteOnceWithFSType', wants: false },
  {
    it: 'of many writers is not',
    shape: { accessModes: ['ReadWriteMany'] },
    policy: 'ReadWriteOnceWithFSType',
    wants: false,
  },
  { it: 'that is read only is not', readOnly: true, policy: 'File', wants: false },
  { it: 'that is a device is not', shape: { mode: 'Block' }, policy: 'File', wants: false },
];
for (const { it, shape: more, readOnly = false, policy, wants } of groups) {
  test(`a volume ${it}`, () => {
    const pod = aPod({ spec: { securityContext: { fsGroup: 7 } } });
    assert.equal(givesToGroup(shape(more), pod, readOnly, policy, has()), wants);
  });
}

test('a driver nobody said anything of attaches, takes no inline volumes and hears nothing of pods', () => {
  const rules = rulesOf(undefined);
  assert.equal(rules.attachRequired, true);
  assert.deepEqual(podInfo(aPod(), 'Persistent', rules), {});
  assert.equal(
    lifecycleProblem('d', 'Ephemeral', rules),
    'volume mode "Ephemeral" not supported by driver d (no CSIDriver object)',
  );
  assert.equal(
    lifecycleProblem('d', 'Ephemeral', rulesOf(driver({ volumeLifecycleModes: ['Persistent'] }))),
    'volume mode "Ephemeral" not supported by driver d (only supports ["Persistent"])',
  );
  assert.equal(lifecycleProblem('d', 'Ephemeral', rulesOf(driver({ volumeLifecycleModes: ['Ephemeral'] }))), undefined);
});

test('a driver that wants to know of pods is told', () => {
  const told = podInfo(
    aPod({ spec: { serviceAccountName: 'sa' } }),
    'Ephemeral',
    rulesOf(driver({ podInfoOnMount: true })),
  );
  assert.deepEqual(told, {
    'csi.storage.k8s.io/pod.name': 'web-1',
    'csi.storage.k8s.io/pod.namespace': 'shop',
    'csi.storage.k8s.io/pod.uid': 'uid-1',
    'csi.storage.k8s.io/serviceAccount.name': 'sa',
    'csi.storage.k8s.io/ephemeral': 'true',
  });
});

const info = { nodeId: 'n', maxVolumes: 0, topology: { zone: 'a' } };
const node = (labels = {}, annotations = {}) => ({ metadata: { name: 'n', labels, annotations } }) as unknown as Node;
const IDS = 'csi.volume.kubernetes.io/nodeid';

test('a node learns the id and the topology of a driver, once, and forgets the id', () => {
  assert.deepEqual(nodePatch(node(), 'd', info), { annotations: { [IDS]: '{"d":"n"}' }, labels: { zone: 'a' } });
  assert.equal(nodePatch(node({ zone: 'a' }, { [IDS]: '{"d":"n"}' }), 'd', info), undefined);
  assert.deepEqual(nodePatch(node({}, { [IDS]: '{"d":"n","e":"m"}' }), 'd', undefined), {
    annotations: { [IDS]: '{"e":"m"}' },
  });
  assert.deepEqual(nodePatch(node({}, { [IDS]: '{"d":"n"}' }), 'd', undefined), { annotations: { [IDS]: null } });
  assert.throws(() => nodePatch(node({ zone: 'b' }), 'd', info), /topology value collision/);
});

test('a driver without a limit has none in CSINode', () => {
  assert.deepEqual(driverEntry('d', info), { name: 'd', nodeID: 'n', topologyKeys: ['zone'] });
  assert.deepEqual(driverEntry('d', { ...info, maxVolumes: 3 }).allocatable, { count: 3 });
  assert.equal(saysTheSame(driverEntry('d', info), driverEntry('d', { ...info, maxVolumes: 3 })), false);
});

const claim = (has: string, state?: string) =>
  ({
    metadata: { name: 'c' },
    status: {
      capacity: { storage: has },
      conditions: [
        { type: 'FileSystemResizePending', status: 'True' },
        { type: 'Other', status: 'True' },
      ],
      ...(state !== undefined && { allocatedResourceStatuses: { storage: state } }),
    },
  }) as unknown as PersistentVolumeClaim;
const volume = (capacity: string) => ({ spec: { capacity: { storage: capacity } } }) as unknown as PersistentVolume;

test('a claim grows to what its volume has, unless that was in vain or the controller is not through', () => {
  assert.deepEqual(growthOf(claim('1Gi', 'NodeResizePending'), volume('2Gi')), { capacity: '2Gi', bytes: 2 ** 31 });
  assert.equal(growthOf(claim('2Gi'), volume('2Gi')), undefined);
  assert.equal(growthOf(claim('1Gi', 'NodeResizeInfeasible'), volume('2Gi')), undefined);
  assert.equal(growthOf(claim('1Gi', 'ControllerResizeInProgress'), volume('2Gi')), undefined);
});

test('a claim that has grown says so and waits for nothing', () => {
  assert.deepEqual(grown(claim('1Gi', 'NodeResizeInProgress'), { capacity: '2Gi', bytes: 2 ** 31 }), {
    capacity: { storage: '2Gi' },
    conditions: [{ type: 'Other', status: 'True' }],
    allocatedResourceStatuses: { storage: null },
  });
  assert.equal(inState(claim('1Gi'), 'NodeResizeInProgress'), undefined);
});

test('what fails is tried again after half a second, then twice as long, at most two minutes', () => {
  assert.deepEqual([0, 1, 2, 3, 20].map(delayAfter), [0, 500, 1_000, 2_000, 122_000]);
});

test('what a driver says is told in the words operators know', () => {
  const err = new CriError('NodeStageVolume', 'DEADLINE_EXCEEDED', 'no answer');
  assert.equal(rpcSaid(err), 'rpc error: code = DeadlineExceeded desc = no answer');
  assert.equal(isUncertain(err), true);
  assert.equal(isUncertain(new CriError('NodeStageVolume', 'INVALID_ARGUMENT', 'no')), false);
});
