// Claims of devices on a node: a real driver prepares them, containers see what it describes, and what was prepared
// is given back, also across kill -9 of the agent.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Container } from '../../../api/types/core/container.ts';
import type { Pod } from '../../../api/types/core/pod.ts';
import { useCluster } from '../harness/cluster.ts';
import { NONCE } from '../harness/images.ts';
import { waitFor } from '../harness/wait.ts';
import { CLAIMS, type Claim, TestDriver } from './claims-of-devices.ts';
import { askPodResources } from './devices.ts';
import { FOREVER, Pods, shell, statusOf } from './pods.ts';

const cluster = useCluster();
const pods = new Pods(cluster);
const DRIVER = 'lamps.skiff.test';
const SAY =
  'echo "sees $CLAIM_NONCE $(cat /claim-nonce) $CLAIM_LAMP_0 $CLAIM_LAMP_1"; ls -d /dev/lamp-*; head -c 2 /dev/lamp-0 | wc -c';
const uses = (...claims: { name: string; request?: string }[]): Partial<Container> => ({ resources: { claims } });
const claimsOf = (claim: string) => [{ name: 'light', resourceClaimName: claim }];
/** Upstream's 30 s; in milliseconds on virtual time in test/agent/dra. */
const LONG = process.env['SKIFF_LONG'] === '1' ? false : 'takes 30 s: SKIFF_LONG=1';
let driver: TestDriver;

async function makeClaim(name: string, devices: string[]): Promise<Claim> {
  const requests = devices.map((_device, at) => ({ name: `r${at}`, exactly: { deviceClassName: 'lamps' } }));
  const body = {
    apiVersion: 'resource.k8s.io/v1',
    kind: 'ResourceClaim',
    metadata: { name },
    spec: { devices: { requests } },
  };
  return (await pods.call('POST', CLAIMS, body)) as Claim;
}

/** What the scheduler does. */
async function allocate(claim: Claim, devices: string[], users: Pod[]): Promise<void> {
  const results = devices.map((device, at) => ({ request: `r${at}`, driver: DRIVER, pool: 'node-1', device }));
  const reservedFor = users.map(({ metadata: { name, uid } }) => ({ resource: 'pods', name, uid }));
  await driver.tell({ [claim.metadata.uid]: results });
  // The controller writes to it too, for pods that have a node already.
  await waitFor('the allocation to be written', async () => {
    const now = await cluster().api.get<Claim>(`${CLAIMS}/${claim.metadata.name}`);
    const status = { allocation: { devices: { results } }, reservedFor };
    await pods.call('PUT', `${CLAIMS}/${claim.metadata.name}/status`, { ...now, status });
    return true;
  });
}
const event = (reason: string, text: RegExp) =>
  waitFor(`an event ${reason}`, async () => {
    type Events = { items: { reason: string; message: string }[] };
    const { items } = await cluster().api.get<Events>('/api/v1/namespaces/default/events');
    return items.some((each) => each.reason === reason && text.test(each.message));
  });

test('a pod waits until its claim is allocated and reserved for it, and an event says so', async () => {
  driver = await TestDriver.start(cluster(), DRIVER, 'v1');
  await driver.until('registered', 1);
  await makeClaim('both', ['lamp-0', 'lamp-1']);
  const resourceClaims = claimsOf('both');
  await pods.create('one', {
    resourceClaims,
    containers: [
      shell('main', `${SAY}; ${FOREVER}`, uses({ name: 'light' })),
      shell('half', `${SAY}; ${FOREVER}`, uses({ name: 'light', request: 'r0' })),
      shell('none', `${SAY}; ${FOREVER}`),
    ],
  });
  await event('FailedPrepareDynamicResources', /pod one\(.*\) is not allowed to use ResourceClaim both\(.*\)/);
  assert.equal(await driver.count('prepare'), 0);
});

test('its containers see what the driver describes of the requests they name', async () => {
  const claim = await cluster().api.get<Claim>(`${CLAIMS}/both`);
  await driver.fails(true);
  await allocate(claim, ['lamp-0', 'lamp-1'], [await pods.get('one')]);
  await event('FailedPrepareDynamicResources', /NodePrepareResources failed for claim both: no light/);
  await driver.fails(false);
  await pods.ready('one');
  const main = await pods.untilLogged('one', 'main', '/dev/lamp-1');
  assert.match(main, new RegExp(`sees ${NONCE} ${NONCE} lamp-0 lamp-1\n/dev/lamp-0\n/dev/lamp-1\n2`));
  const half = await pods.untilLogged('one', 'half', '/dev/lamp-0');
  assert.match(half, new RegExp(`sees ${NONCE} ${NONCE} lamp-0 \n/dev/lamp-0\n2`));
  assert.match(await pods.untilLogged('one', 'none', 'sees'), /^sees {4}$/m);
  type Answer = {
    podResources: {
      containers: {
        name: string;
        dynamicResources: { claimName: string; claimResources: { deviceName: string }[] }[];
      }[];
    };
  };
  const { podResources } = await askPodResources<Answer>(cluster(), 'Get', { podName: 'one', podNamespace: 'default' });
  const [claimed] = podResources.containers.find(({ name }) => name === 'half')!.dynamicResources;
  assert.deepEqual(
    [claimed!.claimName, claimed!.claimResources.map(({ deviceName }) => deviceName)],
    ['both', ['lamp-0']],
  );
});

test('an agent that is killed prepares nothing twice, and its restarted containers keep their devices', async () => {
  const before = await driver.count('prepare');
  await cluster().kill('agent', 'SIGKILL');
  await cluster().restart('agent');
  await driver.until('registered', 2);
  await cluster().node.node.exec(
    'sh',
    ['-c', 'cd /proc; for p in [0-9]*; do grep -qs CLAIM_LAMP_1= $p/environ && kill $p; done'],
    { mayFail: true },
  );
  await pods.until('one', 'restarted', (pod) => statusOf(pod, 'main').restartCount === 1);
  await waitFor('the second start to speak', async () => (await pods.log('one', 'main', 1)).includes(`sees ${NONCE}`));
  assert.equal(await driver.count('prepare'), before);
});

test('a claim that two pods share is given back after the last of them, also when nobody looked', async () => {
  const claim = await cluster().api.get<Claim>(`${CLAIMS}/both`);
  await pods.create('two', {
    resourceClaims: claimsOf('both'),
    containers: [shell('main', `${SAY}; ${FOREVER}`, uses({ name: 'light' }))],
  });
  await allocate(claim, ['lamp-0', 'lamp-1'], [await pods.get('one'), await pods.get('two')]);
  await pods.ready('two');
  await pods.remove('one');
  assert.equal(await driver.count('unprepare'), 0);
  await cluster().kill('agent', 'SIGKILL');
  await pods.call('DELETE', '/api/v1/namespaces/default/pods/two?gracePeriodSeconds=0');
  await cluster().restart('agent');
  await driver.until('unprepare', 1);
  const left = await cluster().node.node.exec('sh', ['-c', 'ls /var/run/cdi; cat /var/lib/skiff/agent/claims.json']);
  assert.doesNotMatch(left.stdout, new RegExp(claim.metadata.uid));
});

test('from a template to a running pod: controller, scheduler and driver each do their part', async () => {
  const group = '/apis/resource.k8s.io/v1';
  const of = (kind: string, metadata: object, spec: object) => ({
    apiVersion: 'resource.k8s.io/v1',
    kind,
    metadata,
    spec,
  });
  // It was allocated by hand, so nobody gives its devices back.
  await pods.call('DELETE', `${CLAIMS}/both`);
  const pool = { name: 'node-1', generation: 1, resourceSliceCount: 1 };
  const slice = { driver: DRIVER, nodeName: 'node-1', pool, devices: [{ name: 'lamp-0' }, { name: 'lamp-1' }] };
  await pods.call('POST', `${group}/deviceclasses`, of('DeviceClass', { name: 'lamps' }, {}));
  await pods.call('POST', `${group}/resourceslices`, of('ResourceSlice', { name: 'lamps' }, slice));
  const requests = [{ name: 'r', exactly: { deviceClassName: 'lamps', count: 2 } }];
  const template = of('ResourceClaimTemplate', { name: 'two' }, { spec: { devices: { requests } } });
  await pods.call('POST', `${group}/namespaces/default/resourceclaimtemplates`, template);
  await driver.fails(true);
  await pods.create('chosen', {
    nodeName: undefined,
    resourceClaims: [{ name: 'light', resourceClaimTemplateName: 'two' }],
    containers: [shell('main', `${SAY}; ${FOREVER}`, uses({ name: 'light' }))],
  });
  // The driver of this test does not read claims: it is told.
  const claim = await waitFor('the allocation', async () => {
    const { items } = await cluster().api.get<{ items: Claim[] }>(CLAIMS);
    return items.find(({ metadata, status }) => metadata.name.startsWith('chosen-light-') && status?.allocation);
  });
  const { devices } = claim.status!.allocation as { devices: { results: Parameters<typeof driver.tell>[0][string] } };
  assert.deepEqual(
    devices.results.map(({ device }) => device),
    ['lamp-0', 'lamp-1'],
  );
  await driver.tell({ [claim.metadata.uid]: devices.results });
  await driver.fails(false);
  await pods.ready('chosen');
  assert.match(
    await pods.untilLogged('chosen', 'main', '/dev/lamp-1'),
    new RegExp(`sees ${NONCE} ${NONCE} lamp-0 lamp-1`),
  );
  await pods.remove('chosen');
  const path = `${CLAIMS}/${claim.metadata.name}`;
  await waitFor('the claim to be gone', async () => (await cluster().api.call('GET', path)).status === 404);
});

test('slices of a driver that is gone for good are removed, those of other nodes stay', { skip: LONG }, async () => {
  const slice = (name: string, nodeName: string) => ({
    apiVersion: 'resource.k8s.io/v1',
    kind: 'ResourceSlice',
    metadata: { name },
    spec: {
      driver: DRIVER,
      nodeName,
      pool: { name: nodeName, generation: 1, resourceSliceCount: 1 },
      devices: [{ name: 'lamp-0' }],
    },
  });
  const path = '/apis/resource.k8s.io/v1/resourceslices';
  await pods.call('POST', path, slice('here', 'node-1'));
  await pods.call('POST', path, slice('there', 'node-2'));
  await driver.stop('SIGTERM');
  await waitFor(
    'the slice of this node to be gone',
    async () => (await cluster().api.call('GET', `${path}/here`)).status === 404,
    { timeoutMs: 45_000 },
  );
  assert.equal((await cluster().api.call('GET', `${path}/there`)).status, 200);
});
