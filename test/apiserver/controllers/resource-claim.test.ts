// Claims of devices in a whole control plane: made for pods, used, given back, removed. The test plays the scheduler.
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { after, before, test } from 'node:test';
import type { Client } from '../../../api/client/client.ts';
import { HttpsClient } from '../../../api/client/https-client.ts';
import { Transport } from '../../../api/client/transport.ts';
import { isNotFound } from '../../../api/status.ts';
import { systemClock } from '../../../api/system.ts';
import type { Pod } from '../../../api/types/core/pod.ts';
import { events, pods } from '../../../api/types/core/resources.ts';
import type { ResourceClaim } from '../../../api/types/resource/resource-claim.ts';
import { resourceClaims, resourceClaimTemplates } from '../../../api/types/resource/resources.ts';
import {
  decideClaim,
  FINALIZER,
  POD_CLAIM,
  reservation,
} from '../../../apiserver/controllers/resource-claim-decide.ts';
import { waitFor } from '../../cluster/harness/wait.ts';
import { startTestServer } from '../test-server.ts';
import { aPod } from './example.ts';

const aClaim = (name: string, metadata: object, status: object): ResourceClaim =>
  ({
    metadata: { name, namespace: 'ns', uid: `uid-${name}`, ...metadata },
    spec: {},
    status,
  }) as unknown as ResourceClaim;
const user = (name: string) => ({ resource: 'pods', name, uid: `uid-${name}` });
const held = { finalizers: [FINALIZER] };
const allocation = { devices: {} };
const owned = {
  annotations: { [POD_CLAIM]: 'x' },
  ownerReferences: [{ apiVersion: 'v1', kind: 'Pod', name: 'p', uid: 'uid-p', controller: true }],
};
const running = aPod('p', { node: 'n' });
const ended = aPod('p', { node: 'n', phase: 'Succeeded' });
const nothing = { removeFinalizer: false, remove: false };
const cases: { it: string; claim: ResourceClaim; pod?: Pod; wants: object }[] = [
  {
    it: 'leaves what is used',
    claim: aClaim('c', held, { allocation, reservedFor: [user('p')] }),
    pod: running,
    wants: nothing,
  },
  {
    it: 'takes off who has ended, and gives back',
    claim: aClaim('c', held, { allocation, reservedFor: [user('p')] }),
    pod: ended,
    wants: { status: {}, removeFinalizer: true, remove: false },
  },
  {
    it: 'takes off who is gone and leaves what others use',
    claim: aClaim('c', held, { allocation, reservedFor: [user('p'), user('gone')] }),
    pod: running,
    wants: { status: { allocation, reservedFor: [user('p')] }, ...nothing },
  },
  {
    it: 'takes off another pod of that name',
    claim: aClaim('c', held, { allocation, reservedFor: [{ ...user('p'), uid: 'old' }] }),
    pod: running,
    wants: { status: {}, removeFinalizer: true, remove: false },
  },
  { it: 'keeps what was allocated and nobody has used yet', claim: aClaim('c', held, { allocation }), wants: nothing },
  {
    it: 'gives back what is being deleted',
    claim: aClaim('c', { ...held, deletionTimestamp: '2026-01-01T00:00:00Z' }, { allocation }),
    wants: { status: {}, removeFinalizer: true, remove: false },
  },
  {
    it: 'does not judge users of other kinds',
    claim: aClaim('c', held, {
      allocation,
      reservedFor: [{ resource: 'jobs', apiGroup: 'batch', name: 'j', uid: 'u' }],
    }),
    wants: nothing,
  },
  {
    it: 'removes what was made for a pod that is gone',
    claim: aClaim('c', owned, {}),
    wants: { ...nothing, remove: true },
  },
  { it: 'keeps what was made for a pod that runs', claim: aClaim('c', owned, {}), pod: running, wants: nothing },
];
for (const { it, claim, pod, wants } of cases) {
  test(`decideClaim ${it}`, () => {
    assert.deepEqual(
      decideClaim(claim, (name) => (name === pod?.metadata.name ? pod : undefined)),
      wants,
    );
  });
}

test('a pod that has a node already uses what is allocated', () => {
  assert.deepEqual(reservation(running, aClaim('c', {}, { allocation })), [user('p')]);
  assert.equal(reservation(running, aClaim('c', {}, {})), undefined);
  assert.equal(reservation(aPod('p'), aClaim('c', {}, { allocation })), undefined);
  assert.equal(reservation(running, aClaim('c', {}, { allocation, reservedFor: [user('p')] })), undefined);
});

const namespace = 'default';
const stack = new AsyncDisposableStack();
let client: Client;

before(async () => {
  const server = stack.use(await startTestServer({ run: ['api', 'controllers'] }));
  const { ca, cert, key } = server.files;
  const [caPem, certPem, keyPem] = await Promise.all([ca, cert, key].map((file) => readFile(file)));
  const credentials = () => ({ ca: caPem!, cert: certPem!, key: keyPem! });
  const transport = new Transport({ server: server.url, credentials, userAgent: 'test', clock: systemClock });
  client = new HttpsClient(stack.use(transport), systemClock);
});
after(() => stack.disposeAsync());

const makePod = (name: string, spec: object) =>
  client.create(pods, {
    metadata: { name, namespace },
    spec: { containers: [{ name: 'c', image: 'i' }], ...spec },
  } as never);
const podIs = (name: string) => client.get(pods, { namespace, name });
const claimIs = (name: string) => client.get(resourceClaims, { namespace, name });

test('a claim is made from its template once the template is there, and goes with its pod', async () => {
  await makePod('early', { resourceClaims: [{ name: 'gpu', resourceClaimTemplateName: 'one' }] });
  await waitFor('the event', async () => {
    const { items } = await client.list(events, { namespace });
    const found = items.find(({ reason }) => reason === 'FailedResourceClaimCreation');
    return found?.message?.startsWith('PodResourceClaim gpu: resource claim template "one": ');
  });
  const request = { name: 'r', exactly: { deviceClassName: 'gpus' } };
  await client.create(resourceClaimTemplates, {
    metadata: { name: 'one', namespace },
    spec: { metadata: { labels: { a: 'b' } }, spec: { devices: { requests: [request] } } },
  } as never);
  const name = await waitFor('its name in the status', async () => {
    const [status] = (await podIs('early')).status.resourceClaimStatuses ?? [];
    return status?.name === 'gpu' ? status.resourceClaimName : undefined;
  });
  assert.match(name, /^early-gpu-/);
  const claim = await claimIs(name);
  assert.deepEqual(claim.metadata.labels, { a: 'b' });
  assert.equal(claim.metadata.annotations?.[POD_CLAIM], 'gpu');
  assert.equal(claim.metadata.ownerReferences?.[0]?.name, 'early');
  assert.equal(claim.spec.devices?.requests?.[0]?.exactly?.count, 1);
  assert.equal((await client.list(resourceClaims, { namespace })).items.length, 1);
  await client.delete(pods, { namespace, name: 'early' }, { gracePeriodSeconds: 0 });
  await waitFor('the claim to be gone', () =>
    claimIs(name).then(
      () => false,
      (err) => isNotFound(err),
    ),
  );
});

test('a shared claim is reserved for who has a node, and given back after the last of them', async () => {
  await client.create(resourceClaims, {
    metadata: { name: 'shared', namespace, finalizers: [FINALIZER] },
    spec: { devices: { requests: [{ name: 'r', exactly: { deviceClassName: 'gpus' } }] } },
  } as never);
  await makePod('user', { nodeName: 'n1', resourceClaims: [{ name: 'gpu', resourceClaimName: 'shared' }] });
  const results = [{ request: 'r', driver: 'd.example.com', pool: 'p', device: 'one' }];
  const claim = await claimIs('shared');
  await client.update(
    resourceClaims,
    { ...claim, status: { allocation: { devices: { results } } } },
    { subresource: 'status' },
  );
  await waitFor('the reservation', async () => (await claimIs('shared')).status?.reservedFor?.[0]?.name === 'user');
  await client.delete(pods, { namespace, name: 'user' }, { gracePeriodSeconds: 0 });
  const after = await waitFor('the end of the allocation', async () => {
    const now = await claimIs('shared');
    if (now.status?.allocation !== undefined || now.metadata.finalizers?.length) throw new Error(JSON.stringify(now));
    return now;
  });
  assert.deepEqual(after.status, {});
});
