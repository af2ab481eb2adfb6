// What `skiff check node` calls a difference, and what it would do about it.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { compareNode, type FoundSandbox, lasting, type NodePicture } from '../../cli/check-node-compare.ts';

const web = { uid: 'u1', name: 'shop/web', hostNetwork: false, over: false };
const box: FoundSandbox = {
  ...{ id: 'box-1', uid: 'u1', name: 'shop/web', ready: true, hostNetwork: false, network: '/ns/1' },
  ips: ['10.42.0.2'],
};
const whole: NodePicture = {
  wanted: [web],
  sandboxes: [box],
  containers: [{ id: 'c1', name: 'main', sandboxId: 'box-1' }],
  cgroups: [{ path: '/cg/podu1', uid: 'u1' }],
  mounts: [{ path: '/k/pods/u1/v', uid: 'u1' }],
  storage: { staged: [{ name: 'pv', driver: 'd', path: '/k/g', used: true }], unnoted: [] },
  folders: [{ path: '/k/pods/u1', uid: 'u1' }],
  addresses: [{ file: '/ipam/10.42.0.2', ip: '10.42.0.2', sandboxId: 'box-1' }],
  letIn: new Set(['10.42.0.2']),
  files: [{ path: '/agent/pods/u1.json', uid: 'u1' }],
  innerCgroups: [{ path: '/cg/podu1/c1', id: 'c1' }],
  runtimeIds: new Set(['box-1', 'c1']),
  runtime: {
    containers: ['box-1', 'c1'],
    tasks: ['box-1', 'c1'],
    snapshots: ['box-1', 'c1'],
    views: [{ key: 'skiff-volume-u1-v', uid: 'u1' }],
    shims: [{ id: 'box-1', pids: [7, 8] }],
    mounts: [{ path: '/run/c1/rootfs', id: 'c1' }],
    networks: ['/ns/1'],
    notes: [{ path: '/cni/skiff-box-1-eth0', id: 'box-1' }],
  },
  tables: [],
};

const cases: { it: string; more: Partial<NodePicture>; wants: string[] }[] = [
  { it: 'finds nothing on a node that is as it should be', more: {}, wants: [] },
  {
    it: 'finds every leftover of a pod nobody wants, in the order to mend',
    more: { wanted: [] },
    wants: ['removeSandbox', 'unmount', 'removeSnapshot', 'removeCgroup', 'removeFolder', 'removeFile'],
  },
  {
    it: 'finds volumes of drivers that no pod uses, and leaves them to their drivers',
    more: {
      mounts: [{ path: '/k/pods/gone/volumes/kubernetes.io~csi/pv/mount', uid: 'gone' }],
      storage: { staged: [{ name: 'pv', driver: 'd', path: '/k/g', used: false }], unnoted: ['/k/plugins/x'] },
    },
    wants: [
      'mount /k/pods/gone/volumes/kubernetes.io~csi/pv/mount of a pod nobody wants (the agent lets its driver take it down)',
      'volume pv of driver d is at /k/g and no pod uses it (the agent lets its driver take it down)',
      "mount /k/plugins/x is in a driver's folder and noted nowhere",
    ],
  },
  {
    it: 'finds what a lost sandbox leaves',
    more: { sandboxes: [], wanted: [{ ...web, over: true }], mounts: [], cgroups: [] },
    wants: ['removeContainer', 'removeNetwork', 'removeFile', 'shutOut'],
  },
  {
    it: 'finds what CRI has forgotten, processes before what they hold',
    more: { runtimeIds: new Set(['box-1']) },
    wants: ['endTask', 'removeRecord', 'unmount', 'removeSnapshot', 'removeCgroup'],
  },
  {
    it: 'finds what is left of a sandbox that CRI has forgotten',
    more: {
      runtimeIds: new Set(['c1']),
      sandboxes: [],
      containers: [],
      wanted: [{ ...web, leaving: true }],
      letIn: new Set(),
    },
    wants: ['endTask', 'killShim', 'removeRecord', 'removeSnapshot', 'removeNetwork', 'removeFile', 'removeFile'],
  },
  {
    it: 'finds what a pod that is over still holds',
    more: { wanted: [{ ...web, over: true }] },
    wants: [
      'sandbox box-1 runs although pod shop/web is over',
      '/k/pods/u1/v is there although pod shop/web is over',
      '/cg/podu1 is there although pod shop/web is over',
    ],
  },
  {
    it: 'gives back the address of a sandbox that died',
    more: {
      sandboxes: [{ ...box, ready: false, network: '/ns/1' }],
      letIn: new Set(),
      wanted: [{ ...web, leaving: true }],
    },
    wants: ['stopSandbox', 'stopSandbox'],
  },
  {
    it: 'mends the tables in the end',
    more: { tables: [{ says: 'table ip skiff lacks x', family: 'ip', ops: [] }] },
    wants: ['changeTable'],
  },
  {
    it: 'says what is missing and leaves it to the agent',
    more: {
      sandboxes: [{ ...box, ready: false }],
      ...{ letIn: new Set<string>(), addresses: [], runtime: { ...whole.runtime, networks: [] } },
    },
    wants: ['pod shop/web (u1) is wanted here and has no sandbox that runs'],
  },
  {
    it: 'says when an address could be given twice or is silent',
    more: { addresses: [], letIn: new Set() },
    wants: [
      'address 10.42.0.2 is in use and not reserved: another pod may get it',
      'address 10.42.0.2 of a running pod is not let in by the tables',
    ],
  },
  { it: 'does not miss tables that are not ours to make', more: { letIn: undefined }, wants: [] },
];
for (const { it, more, wants } of cases) {
  test(`compareNode ${it}`, () => {
    const found = compareNode({ ...whole, ...more }).map(({ says, mend }) => mend?.do ?? says);
    assert.deepEqual(found, wants);
  });
}

test('only what two looks saw counts', () => {
  const [a, b, c] = ['a', 'b', 'c'].map((says) => ({ says }));
  assert.deepEqual(lasting([a!, b!], [b!, c!]), [b]);
});
