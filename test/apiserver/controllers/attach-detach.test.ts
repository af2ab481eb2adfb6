// What a node gets attached, what is taken away from it, and what people are told.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Node } from '../../../api/types/core/node.ts';
import type { PersistentVolume } from '../../../api/types/core/persistent-volume.ts';
import type { VolumeAttachment } from '../../../api/types/storage/volume-attachment.ts';
import {
  attachmentName,
  decideNode,
  MANAGED,
  multiAttachMessage,
  UNMOUNTED_WITHIN_MS,
  uniqueName,
  type WantedVolume,
} from '../../../apiserver/controllers/attach-detach-decide.ts';
import { uses } from '../../../apiserver/controllers/attach-index.ts';
import { aPod } from './example.ts';

const DRIVER = 'disks.example.com';

function aVolume(name: string, mode = 'ReadWriteOnce'): PersistentVolume {
  return {
    metadata: { name, uid: name },
    spec: { accessModes: [mode], csi: { driver: DRIVER, volumeHandle: `h-${name}` } },
    status: { phase: 'Bound' },
  } as unknown as PersistentVolume;
}

interface NodeParts {
  inUse?: string[];
  attached?: string[];
  ready?: boolean;
  taint?: boolean;
  managed?: boolean;
}

function aNode({ inUse = [], attached = [], ready = true, taint, managed = true }: NodeParts = {}): Node {
  return {
    metadata: { name: 'n1', annotations: managed ? { [MANAGED]: 'true' } : {} },
    spec: { ...(taint && { taints: [{ key: 'node.kubernetes.io/out-of-service', effect: 'NoExecute' }] }) },
    status: {
      conditions: [{ type: 'Ready', status: ready ? 'True' : 'Unknown' }],
      volumesInUse: inUse.map((name) => uniqueName(DRIVER, `h-${name}`)),
      volumesAttached: attached.map((name) => ({ name: uniqueName(DRIVER, `h-${name}`), devicePath: '' })),
    },
  } as unknown as Node;
}

interface AttachmentParts {
  node?: string;
  attached?: boolean;
  deleting?: boolean;
  error?: string;
}

function anAttachment(volume: string, parts: AttachmentParts = {}): VolumeAttachment {
  const { node = 'n1', attached = true, deleting, error } = parts;
  return {
    metadata: {
      name: attachmentName(DRIVER, `h-${volume}`, node),
      ...(deleting && { deletionTimestamp: '2026-01-01T00:00:00Z' }),
    },
    spec: { attacher: DRIVER, nodeName: node, source: { persistentVolumeName: volume } },
    status: { attached, ...(error && { attachError: { message: error } }) },
  } as unknown as VolumeAttachment;
}

function wants(volume: PersistentVolume, elsewhere: VolumeAttachment[] = []): WantedVolume {
  return { volume, pods: [aPod('p', { node: 'n1' })], elsewhere, othersPods: [] };
}

const cases: {
  it: string;
  node?: Node | null;
  wanted?: WantedVolume[];
  attachments?: VolumeAttachment[];
  nowMs?: number;
  does: string[];
}[] = [
  { it: 'asks for what a pod wants', wanted: [wants(aVolume('v'))], does: ['attach v'] },
  {
    it: 'waits for the attacher',
    wanted: [wants(aVolume('v'))],
    attachments: [anAttachment('v', { attached: false })],
    does: [],
  },
  {
    it: 'tells the node what is attached',
    wanted: [wants(aVolume('v'))],
    attachments: [anAttachment('v')],
    does: ['report v'],
  },
  {
    it: 'has nothing to do when all is told',
    node: aNode({ attached: ['v'], inUse: ['v'] }),
    wanted: [wants(aVolume('v'))],
    attachments: [anAttachment('v')],
    does: [],
  },
  {
    it: 'refuses what is attached to another node',
    wanted: [wants(aVolume('v'), [anAttachment('v', { node: 'n2' })])],
    does: ['refuse v'],
  },
  {
    it: 'waits while it is on its way to or from another node',
    wanted: [
      wants(aVolume('v'), [anAttachment('v', { node: 'n2', attached: false })]),
      wants(aVolume('w'), [anAttachment('w', { node: 'n2', deleting: true })]),
    ],
    does: [],
  },
  {
    it: 'asks for what failed elsewhere, and for what may be on many nodes',
    wanted: [
      wants(aVolume('v'), [anAttachment('v', { node: 'n2', attached: false, error: 'no' })]),
      wants(aVolume('w', 'ReadWriteMany'), [anAttachment('w', { node: 'n2' })]),
    ],
    does: ['attach v', 'attach w'],
  },
  {
    it: 'leaves what the node still uses',
    node: aNode({ attached: ['v'], inUse: ['v'] }),
    attachments: [anAttachment('v')],
    nowMs: UNMOUNTED_WITHIN_MS * 2,
    does: [],
  },
  {
    it: 'strikes from the list first what the node has let go, then detaches',
    node: aNode({ attached: ['v', 'w'], inUse: ['w'] }),
    wanted: [wants(aVolume('w'))],
    attachments: [anAttachment('v'), anAttachment('w')],
    does: ['report w', 'detach v'],
  },
  {
    it: 'gives a node that is down its time',
    node: aNode({ attached: ['v'], inUse: ['v'], ready: false }),
    attachments: [anAttachment('v')],
    nowMs: UNMOUNTED_WITHIN_MS - 1000,
    does: ['wait 1000'],
  },
  {
    it: 'takes it from a node that is down for too long',
    node: aNode({ attached: ['v'], inUse: ['v'], ready: false }),
    attachments: [anAttachment('v')],
    nowMs: UNMOUNTED_WITHIN_MS,
    does: ['report ', 'detach v unsafe'],
  },
  {
    it: 'takes it at once from a node that is out of service',
    node: aNode({ inUse: ['v'], taint: true }),
    attachments: [anAttachment('v')],
    does: ['detach v unsafe'],
  },
  { it: 'takes it from a node that is gone', node: null, attachments: [anAttachment('v')], does: ['detach v'] },
  { it: 'attaches nothing to a node that is gone', node: null, wanted: [wants(aVolume('v'))], does: [] },
  {
    it: 'waits for what is being detached, also when a pod wants it again',
    node: aNode(),
    wanted: [wants(aVolume('v'))],
    attachments: [anAttachment('v', { deleting: true }), anAttachment('w', { deleting: true })],
    does: [],
  },
  {
    it: 'leaves a node alone that attaches by itself',
    node: aNode({ managed: false }),
    wanted: [wants(aVolume('v'))],
    attachments: [anAttachment('w')],
    does: [],
  },
  {
    it: 'leaves attachments that others made under other names',
    attachments: [{ ...anAttachment('v'), metadata: { name: 'by-hand' } } as VolumeAttachment],
    does: [],
  },
  {
    it: 'knows by its name what is in use although its volume is gone',
    node: aNode({ inUse: ['gone'], attached: ['gone'] }),
    attachments: [anAttachment('gone')],
    does: [],
  },
];
for (const { it, node = aNode(), wanted = [], attachments = [], nowMs = 0, does } of cases) {
  test(`attaching ${it}`, () => {
    const since = new Map(attachments.map(({ metadata }) => [metadata.name, 0]));
    const volume = (name: string) => (name === 'gone' ? undefined : aVolume(name));
    const world = { name: 'n1', node: node ?? undefined, wanted, attachments, unwantedSince: since, volume };
    const said = decideNode(world, nowMs).map((action) => {
      switch (action.do) {
        case 'attach':
        case 'refuse':
          return `${action.do} ${action.wanted.volume.metadata.name}`;
        case 'detach': {
          const name = action.attachment.spec.source.persistentVolumeName;
          return `detach ${name}${action.unsafe ? ' unsafe' : ''}`;
        }
        case 'report':
          return `report ${action.volumes.map((name) => name.replace(/.*\^h-/, '')).join(' ')}`;
        case 'wait':
          return `wait ${action.ms}`;
        default:
          return action satisfies never;
      }
    });
    assert.deepEqual(said, does);
  });
}

test('attachments are named as every attacher and kubelet expects', () => {
  const name = 'csi-fdef298eb16db6fa42906ef1ff09a93a7f3028f8290cc9d71628ff91c237bfa7';
  assert.equal(attachmentName('driver', 'handle', 'node'), name);
});

test('a multi-attach error names pods of the own namespace and only counts others', () => {
  const mine = aPod('mine', { node: 'n1' });
  const near = aPod('near', { node: 'n2' });
  const far = { ...aPod('far', { node: 'n2' }), metadata: { ...aPod('far').metadata, namespace: 'other' } };
  const wanted = (others: ReturnType<typeof aPod>[]): WantedVolume => ({ ...wants(aVolume('v')), othersPods: others });
  const start = 'Multi-Attach error for volume "v" Volume is already';
  assert.equal(
    multiAttachMessage(wanted([]), mine),
    `${start} exclusively attached to one node and can't be attached to another`,
  );
  assert.equal(multiAttachMessage(wanted([near]), mine), `${start} used by pod(s) near`);
  assert.equal(
    multiAttachMessage(wanted([near, far]), mine),
    `${start} used by pod(s) near and 1 pod(s) in different namespaces`,
  );
  assert.equal(multiAttachMessage(wanted([far]), mine), `${start} used by 1 pod(s) in different namespaces`);
});

test('a pod on its way out uses its volumes until nothing of it runs', () => {
  assert.equal(uses(aPod('p', { phase: 'Succeeded' })), false);
  const leaving = aPod('p', { deleting: true });
  const running = { ...leaving.status, containerStatuses: [{ name: 'app', state: { running: {} } }] };
  const ended = { ...leaving.status, containerStatuses: [{ name: 'app', state: { terminated: {} } }] };
  assert.equal(uses({ ...leaving, status: running } as typeof leaving), true);
  assert.equal(uses({ ...leaving, status: ended } as unknown as typeof leaving), false);
});
