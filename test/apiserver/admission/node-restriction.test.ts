// A node that was stolen: what it may still not do, through the whole registry.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import type { Client } from '../../../api/client/client.ts';
import { ApiError } from '../../../api/status.ts';
import type { Pod } from '../../../api/types/core/pod.ts';
import { nodes, pods, secrets, serviceAccounts } from '../../../api/types/core/resources.ts';
import { resourceSlices } from '../../../api/types/resource/resources.ts';
import { namedBy, referencesOf } from '../../../apiserver/authz/node-references.ts';
import { TestRegistry } from '../registry/fixture.ts';

const namespace = 'ns';
const MIRROR = 'kubernetes.io/config.mirror';
let registry: TestRegistry;
let admin: Client;
let node: Client;
let nodeUid: string;
before(async () => {
  registry = await TestRegistry.open();
  admin = registry.client;
  node = registry.as('system:node:n1', 'system:nodes');
  nodeUid = (await admin.create(nodes, { metadata: { name: 'n1' }, spec: {} } as never)).metadata.uid;
  for (const [name, nodeName] of [
    ['here', 'n1'],
    ['elsewhere', 'n2'],
  ] as const) {
    const containers = [{ name: 'app', image: 'app' }];
    await admin.create(pods, { metadata: { name, namespace }, spec: { nodeName, containers } } as never);
  }
  await admin.create(secrets, { metadata: { name: 'crown', namespace } } as never);
  await admin.create(serviceAccounts, { metadata: { name: 'other', namespace } } as never);
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

const container = { name: 'app', image: 'app' };
const volume = (source: object) => ({ volumes: [{ name: 'v', ...source }] });
const mirrors: { it: string; spec?: object; owner?: object; wants: RegExp }[] = [
  { it: 'a plain one', wants: /^allowed$/ },
  {
    it: 'one with a secret as a volume',
    spec: volume({ secret: { secretName: 'crown' } }),
    wants: /node "n1" can not create pods that reference secrets$/,
  },
  {
    it: 'one with a secret in its environment',
    spec: { containers: [{ ...container, envFrom: [{ secretRef: { name: 'crown' } }] }] },
    wants: /can not create pods that reference secrets$/,
  },
  {
    it: 'one with a secret to pull by',
    spec: { imagePullSecrets: [{ name: 'crown' }] },
    wants: /can not create pods that reference secrets$/,
  },
  {
    it: 'one with a config map',
    spec: volume({ configMap: { name: 'c' } }),
    wants: /can not create pods that reference configmaps$/,
  },
  {
    it: 'one with a claim',
    spec: volume({ persistentVolumeClaim: { claimName: 'c' } }),
    wants: /can not create pods that reference persistentvolumeclaims$/,
  },
  {
    it: 'one with a claim of devices',
    spec: { resourceClaims: [{ name: 'r', resourceClaimName: 'c' }] },
    wants: /can not create pods that reference resourceclaims$/,
  },
  {
    it: 'one with an account',
    spec: { serviceAccountName: 'default' },
    wants: /can not create pods that reference a service account$/,
  },
  { it: 'one on another node', spec: { nodeName: 'n2' }, wants: /with spec.nodeName set to itself$/ },
  { it: 'one of another owner', owner: { name: 'n2' }, wants: /with an owner reference set to itself$/ },
  { it: 'one of an owner of that name', owner: { uid: 'u' }, wants: /UID mismatch: expected u got / },
  { it: 'one that is not controlled', owner: { controller: false }, wants: /with a controller owner reference/ },
];
for (const [at, { it, spec, owner, wants }] of mirrors.entries()) {
  test(`mirrors that a node makes: ${it}`, async () => {
    const reference = { apiVersion: 'v1', kind: 'Node', name: 'n1', uid: nodeUid, controller: true, ...owner };
    const metadata = {
      ...{ name: `mirror-${at}`, namespace, annotations: { [MIRROR]: 'm' } },
      ownerReferences: [reference],
    };
    const wanted = { metadata, spec: { nodeName: 'n1', containers: [container], ...spec } };
    assert.match(await refused(node.create(pods, wanted as never)), wants);
  });
}

test('a mirror that names something, however it came to be, lets its node read nothing but itself', () => {
  const metadata = { name: 'old', namespace, annotations: { [MIRROR]: 'm' } };
  const spec = { nodeName: 'n1', containers: [container], ...volume({ configMap: { name: 'c' } }) };
  const pod = { metadata, spec, status: {} } as unknown as Pod;
  assert.deepEqual([...namedBy(pod)], ['configmaps ns/c']);
  assert.deepEqual([...referencesOf(pod)], ['pods ns/old']);
});

test('a node reads its own pods, one by one or by its name, and not those of others', async () => {
  assert.equal(await refused(node.get(pods, { namespace, name: 'here' })), 'allowed');
  assert.match(await refused(node.get(pods, { namespace, name: 'elsewhere' })), /no relationship found/);
  assert.equal(await refused(node.list(pods, { fieldSelector: 'spec.nodeName=n1' })), 'allowed');
  for (const fieldSelector of ['', 'spec.nodeName=n2', 'spec.nodeName!=n2']) {
    assert.match(
      await refused(node.list(pods, { fieldSelector })),
      /can only list pods with spec.nodeName field selector/,
    );
  }
});

const uidOf = async (name: string) => (await admin.get(pods, { namespace, name })).metadata.uid;
const bound = async (name: string, more: object = {}) => ({
  boundObjectRef: { apiVersion: 'v1', kind: 'Pod', name, uid: await uidOf(name), ...more },
});
const tokens: { it: string; account?: string; spec: () => Promise<object>; wants: RegExp }[] = [
  { it: 'for its pod', spec: () => bound('here'), wants: /^allowed$/ },
  { it: 'for nothing', spec: async () => ({}), wants: /node requested token not bound to a pod$/ },
  {
    it: 'for itself',
    spec: async () => ({ boundObjectRef: { apiVersion: 'v1', kind: 'Node', name: 'n1', uid: nodeUid } }),
    wants: /not bound to a pod$/,
  },
  { it: 'without a UID', spec: () => bound('here', { uid: '' }), wants: /with a pod binding without a uid$/ },
  { it: 'for a pod that was', spec: () => bound('here', { uid: 'past' }), wants: /does not match the UID in record/ },
  {
    it: 'for a pod elsewhere',
    spec: () => bound('elsewhere'),
    wants: /bound to a pod scheduled on a different node$|no relationship found/,
  },
  {
    it: 'of another account',
    account: 'other',
    spec: () => bound('here'),
    wants: /no relationship found|of an account that the pod does not use$/,
  },
];
for (const { it, account = 'default', spec, wants } of tokens) {
  test(`tokens that a node asks for: ${it}`, async () => {
    const request = { apiVersion: 'authentication.k8s.io/v1', kind: 'TokenRequest', spec: await spec() };
    assert.match(await refused(node.post(serviceAccounts, { namespace, name: account }, 'token', request)), wants);
  });
}

test('a node does not say which claims of devices its pods have, nor who owns the node', async () => {
  const patch = (body: object) => ({ type: 'merge', body }) as const;
  const statuses = { status: { resourceClaimStatuses: [{ name: 'r', resourceClaimName: 'c' }] } };
  assert.match(
    await refused(node.patch(pods, { namespace, name: 'here' }, patch(statuses), { subresource: 'status' })),
    /node "n1" cannot update resource claim statuses$/,
  );
  const ownerReferences = [{ apiVersion: 'v1', kind: 'ConfigMap', name: 'gone', uid: 'gone' }];
  assert.match(
    await refused(node.patch(nodes, { name: 'n1' }, patch({ metadata: { ownerReferences } }))),
    /node "n1" is not allowed to modify ownerReferences$/,
  );
});

test('slices of a node are removed by it alone', async () => {
  for (const nodeName of ['n1', 'n2']) {
    const pool = { name: nodeName, generation: 1, resourceSliceCount: 1 };
    const spec = { driver: 'd.example.com', nodeName, pool, devices: [{ name: 'a' }] };
    await admin.create(resourceSlices, { metadata: { name: nodeName }, spec } as never);
  }
  const remove = (name: string) =>
    refused(node.deleteCollection(resourceSlices, { fieldSelector: `spec.nodeName=${name}` }));
  assert.match(await remove('n2'), /can only deletecollection resourceslices with spec.nodeName field selector/);
  assert.equal(await remove('n1'), 'allowed');
  const left = await admin.list(resourceSlices);
  assert.deepEqual(
    left.items.map(({ metadata }) => metadata.name),
    ['n2'],
  );
});
