import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type CdiEdits, editsOf } from '../../../agent/devices/cdi.ts';
import { claimProblem, devicesFor, type PreparedDevice, podClaims } from '../../../agent/dra/claims.ts';
import { DraPlugins, versionOf } from '../../../agent/dra/plugins.ts';
import type { Client } from '../../../api/client/client.ts';
import { silent } from '../../../api/log.ts';
import type { Pod } from '../../../api/types/core/pod.ts';
import type { ResourceClaim } from '../../../api/types/resource/resource-claim.ts';
import { VirtualClock } from '../../sim/virtual-clock.ts';

const aPod = (resourceClaims: object[], statuses: object[] = []): Pod =>
  ({
    metadata: { name: 'p', namespace: 'ns', uid: 'u' },
    spec: { containers: [], resourceClaims },
    status: { resourceClaimStatuses: statuses },
  }) as unknown as Pod;

test('claims of a pod are named by it, or by its status when they are made for it', () => {
  const pod = aPod(
    [
      { name: 'a', resourceClaimName: 'shared' },
      { name: 'b', resourceClaimTemplateName: 't' },
      { name: 'c', resourceClaimTemplateName: 't' },
    ],
    [{ name: 'b', resourceClaimName: 'p-b-x' }, { name: 'c' }],
  );
  assert.deepEqual(podClaims(pod), [
    { name: 'a', claim: 'shared', generated: false },
    { name: 'b', claim: 'p-b-x', generated: true },
  ]);
  const early = aPod([{ name: 'b', resourceClaimTemplateName: 't' }]);
  assert.throws(() => podClaims(early), { message: 'pod "ns/p": ResourceClaim not created yet' });
});

const owner = { ownerReferences: [{ controller: true, uid: 'u' }] };
const reserved = { reservedFor: [{ uid: 'u' }] };
for (const [it, generated, metadata, status, wants] of [
  ['is allocated and reserved', false, {}, { ...reserved, allocation: {} }, undefined],
  ['is made for the pod', true, owner, { ...reserved, allocation: {} }, undefined],
  [
    'is made for another',
    true,
    {},
    { ...reserved, allocation: {} },
    /was not created for pod ns\/p \(pod is not owner\)/,
  ],
  [
    'is reserved for another',
    false,
    {},
    { reservedFor: [{ uid: 'x' }] },
    /^pod p\(u\) is not allowed to use ResourceClaim c\(cu\)$/,
  ],
  ['is not allocated', false, {}, reserved, /not allocated/],
] as const) {
  test(`a claim that ${it} ${wants === undefined ? 'may' : 'may not'} be used`, () => {
    const claim = {
      metadata: { name: 'c', namespace: 'ns', uid: 'cu', ...metadata },
      status,
    } as unknown as ResourceClaim;
    const problem = claimProblem(aPod([]), { name: 'a', claim: 'c', generated }, claim);
    if (wants === undefined) assert.equal(problem, undefined);
    else assert.match(problem!, wants);
  });
}

test('a container sees the devices of the request it names, subrequests included', () => {
  const device = (name: string, ...requests: string[]): PreparedDevice => ({
    ...{ driver: 'd', pool: 'p', device: name, cdiIds: [], requests },
  });
  const all = [device('one', 'gpu/large'), device('two', 'nic'), device('any')];
  const names = (request?: string) => devicesFor(all, request).map((each) => each.device);
  assert.deepEqual(
    [names(), names('gpu'), names('nic'), names('x')],
    [['one', 'two', 'any'], ['one', 'any'], ['two', 'any'], ['any']],
  );
});

const spec = (edits: CdiEdits, more: CdiEdits = {}) => [
  { kind: 'a.b/c', containerEdits: more, devices: [{ name: 'one', containerEdits: edits }] },
];
const cdi: { it: string; edits: CdiEdits; name?: string; wants: object | RegExp }[] = [
  { it: 'variables', edits: { env: ['A=1=2'] }, wants: { envs: { COMMON: 'x', A: '1=2' } } },
  {
    it: 'device nodes',
    edits: { deviceNodes: [{ path: '/dev/x' }] },
    wants: { devices: [{ containerPath: '/dev/x', hostPath: '/dev/x', permissions: 'rwm' }] },
  },
  {
    it: 'mounts',
    edits: { mounts: [{ hostPath: '/h', containerPath: '/c', options: ['ro', 'rslave'] }] },
    wants: {
      mounts: [{ hostPath: '/h', containerPath: '/c', readonly: true, propagation: 'PROPAGATION_HOST_TO_CONTAINER' }],
    },
  },
  { it: 'groups', edits: { additionalGids: [7] }, wants: { groups: [7] } },
  {
    it: 'no hooks',
    edits: { hooks: [{}] },
    wants: /^CDI device a\.b\/c=one needs hooks: this runtime does not support CDI$/,
  },
  {
    it: 'no other mounts',
    edits: { mounts: [{ hostPath: '', containerPath: '/c', type: 'tmpfs' }] },
    wants: /a mount of type tmpfs/,
  },
  { it: 'nothing unknown', edits: {}, name: 'a.b/c=two', wants: /^unresolvable CDI devices a\.b\/c=two$/ },
];
for (const { it, edits, name = 'a.b/c=one', wants } of cdi) {
  test(`descriptions of devices bring ${it}`, () => {
    const apply = () => editsOf([name], spec(edits, { env: ['COMMON=x'] }));
    if (wants instanceof RegExp) assert.throws(apply, { message: wants });
    else for (const [key, value] of Object.entries(wants)) assert.deepEqual(apply()[key as keyof typeof wants], value);
  });
}

test('the newest version of the protocol that both know is spoken', () => {
  assert.equal(versionOf(['v1beta1.DRAPlugin', 'v1.DRAPlugin']), 'v1');
  assert.equal(versionOf(['v1beta1.DRAPlugin']), 'v1beta1');
  assert.equal(versionOf(['v1alpha4.Node']), undefined);
});

test('slices go 30 s after the last instance of a driver, and at the start those of drivers that did not come', async () => {
  const clock = new VirtualClock();
  const wiped: (string | undefined)[] = [];
  const deleteCollection: Client['deleteCollection'] = async (_of, { fieldSelector }) => void wiped.push(fieldSelector);
  const client = { deleteCollection } as unknown as Client;
  await using plugins = new DraPlugins({ nodeName: 'n', client, clock, log: silent });
  const plugin = (name: string, socket: string) => {
    return { type: 'DRAPlugin', name, endpoint: '/nowhere', versions: ['v1.DRAPlugin'], socket };
  };
  plugins.start();
  await plugins.register(plugin('a', '1'));
  await clock.advance(30_000);
  assert.deepEqual(wiped, ['spec.nodeName=n,spec.driver!=a']);
  await plugins.register(plugin('a', '2'));
  await plugins.deregister(plugin('a', '1'));
  await clock.advance(60_000);
  assert.equal(wiped.length, 1, 'one instance is left');
  await plugins.deregister(plugin('a', '2'));
  await clock.advance(20_000);
  await plugins.register(plugin('a', '3'));
  await clock.advance(60_000);
  assert.equal(wiped.length, 1, 'it came back');
  await plugins.deregister(plugin('a', '3'));
  await clock.advance(30_000);
  assert.deepEqual(wiped.slice(1), ['spec.nodeName=n,spec.driver=a']);
});
