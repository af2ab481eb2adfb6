// Devices for claims: the search as a table, and the way of a pod through scheduler and controllers.
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { after, before, test } from 'node:test';
import type { Client } from '../../../api/client/client.ts';
import { HttpsClient } from '../../../api/client/https-client.ts';
import { Transport } from '../../../api/client/transport.ts';
import { systemClock } from '../../../api/system.ts';
import { nodes, pods } from '../../../api/types/core/resources.ts';
import type { DeviceClass } from '../../../api/types/resource/device-class.ts';
import type { ResourceClaim } from '../../../api/types/resource/resource-claim.ts';
import type { ResourceSlice } from '../../../api/types/resource/resource-slice.ts';
import {
  deviceClasses,
  resourceClaims,
  resourceClaimTemplates,
  resourceSlices,
} from '../../../api/types/resource/resources.ts';
import { planDevices } from '../../../apiserver/scheduler/device-plan.ts';
import { poolsFor, poolsOf } from '../../../apiserver/scheduler/device-pools.ts';
import { waitFor } from '../../cluster/harness/wait.ts';
import { startTestServer } from '../test-server.ts';

const DRIVER = 'd.example.com';
const aSlice = (name: string, spec: object, pool: object = {}): ResourceSlice =>
  ({
    metadata: { name },
    spec: {
      driver: DRIVER,
      nodeName: 'n1',
      pool: { name: 'p', generation: 1, resourceSliceCount: 1, ...pool },
      ...spec,
    },
  }) as unknown as ResourceSlice;
const device = (name: string, numa: number, more: object = {}) => ({
  name,
  attributes: { numa: { int: numa } },
  ...more,
});
const four = [device('a', 0), device('b', 1), device('c', 1), device('d', 0)];
const exactly = (count: number, more: object = {}) => ({
  deviceClassName: 'any',
  allocationMode: 'ExactCount',
  count,
  ...more,
});
const request = (name: string, more: object) => ({ name, ...more });
const aClaim = (devices: object): ResourceClaim => ({ metadata: { name: 'c', uid: 'u' }, spec: { devices } }) as never;
const any = {
  metadata: { name: 'any' },
  spec: { config: [{ opaque: { driver: DRIVER, parameters: {} } }] },
} as unknown as DeviceClass;
const numa = { matchAttribute: `${DRIVER}/numa` };
const taint = { taints: [{ key: 'broken', effect: 'NoSchedule' }] };

const cases: {
  it: string;
  devices: object;
  slices?: ResourceSlice[];
  taken?: string[];
  wants: string[] | undefined;
}[] = [
  { it: 'takes the first', devices: { requests: [request('r', { exactly: exactly(1) })] }, wants: ['r=a'] },
  {
    it: 'leaves what is taken',
    devices: { requests: [request('r', { exactly: exactly(1) })] },
    taken: ['a', 'b'],
    wants: ['r=c'],
  },
  { it: 'finds none', devices: { requests: [request('r', { exactly: exactly(5) })] }, wants: undefined },
  {
    it: 'takes different ones for different requests',
    devices: { requests: [request('r', { exactly: exactly(1) }), request('s', { exactly: exactly(2) })] },
    wants: ['r=a', 's=b', 's=c'],
  },
  {
    it: 'goes back when a constraint wants it',
    devices: { requests: [request('r', { exactly: exactly(2) })], constraints: [numa] },
    taken: ['d'],
    wants: ['r=b', 'r=c'],
  },
  {
    it: 'keeps constraints across requests',
    devices: {
      requests: [request('r', { exactly: exactly(1) }), request('s', { exactly: exactly(1) })],
      constraints: [{ ...numa, requests: ['r', 's'] }],
    },
    wants: ['r=a', 's=d'],
  },
  {
    it: 'takes distinct ones',
    devices: {
      requests: [request('r', { exactly: exactly(2) })],
      constraints: [{ distinctAttribute: `${DRIVER}/numa` }],
    },
    wants: ['r=a', 'r=b'],
  },
  {
    it: 'takes all',
    devices: { requests: [request('r', { exactly: exactly(0, { allocationMode: 'All' }) })] },
    wants: ['r=a', 'r=b', 'r=c', 'r=d'],
  },
  {
    it: 'takes all or nothing',
    devices: { requests: [request('r', { exactly: exactly(0, { allocationMode: 'All' }) })] },
    taken: ['c'],
    wants: undefined,
  },
  {
    it: 'takes the first alternative that can be had',
    devices: {
      requests: [
        request('r', {
          firstAvailable: [
            { name: 'many', ...exactly(9) },
            { name: 'two', ...exactly(2) },
          ],
        }),
      ],
    },
    wants: ['r/two=a', 'r/two=b'],
  },
  {
    it: 'shares with administrators',
    devices: { requests: [request('r', { exactly: exactly(1, { adminAccess: true }) })] },
    taken: ['a'],
    wants: ['r=a'],
  },
  {
    it: 'takes no tainted ones',
    devices: { requests: [request('r', { exactly: exactly(1) })] },
    slices: [aSlice('s', { devices: [device('a', 0, taint)] })],
    wants: undefined,
  },
  {
    it: 'unless the taint is tolerated',
    devices: { requests: [request('r', { exactly: exactly(1, { tolerations: [{ operator: 'Exists' }] }) })] },
    slices: [aSlice('s', { devices: [device('a', 0, taint)] })],
    wants: ['r=a'],
  },
  {
    it: 'does not know what half a pool has',
    devices: { requests: [request('r', { exactly: exactly(1) })] },
    slices: [aSlice('s', { devices: four }, { resourceSliceCount: 2 })],
    wants: undefined,
  },
  {
    it: 'looks at the newest generation',
    devices: { requests: [request('r', { exactly: exactly(1) })] },
    slices: [aSlice('s', { devices: four }), aSlice('t', { devices: [device('z', 0)] }, { generation: 2 })],
    wants: ['r=z'],
  },
  {
    it: 'takes nothing of other nodes',
    devices: { requests: [request('r', { exactly: exactly(1) })] },
    slices: [aSlice('s', { nodeName: 'n2', devices: four })],
    wants: undefined,
  },
  {
    it: 'takes what lies there by label',
    devices: { requests: [request('r', { exactly: exactly(1) })] },
    slices: [
      aSlice('s', {
        nodeName: undefined,
        nodeSelector: { nodeSelectorTerms: [{ matchExpressions: [{ key: 'rack', operator: 'In', values: ['1'] }] }] },
        devices: four,
      }),
    ],
    wants: ['r=a'],
  },
];
const node = { name: 'n1', labels: { rack: '1' } };
for (const { it, devices, slices = [aSlice('s', { devices: four })], taken = [], wants } of cases) {
  test(`planDevices ${it}`, () => {
    const selects = () => assert.fail('nobody selects here');
    const world = {
      pools: poolsFor(poolsOf(slices), node),
      taken: new Set(taken.map((name) => `${DRIVER}/p/${name}`)),
      classes: new Map([['any', any]]),
      selects,
    };
    const plan = planDevices([aClaim(devices)], world);
    const results = plan?.[0]?.allocation.devices?.results?.map((each) => `${each.request}=${each.device}`);
    assert.deepEqual(results, wants);
  });
}

test('an allocation says where it can be used and carries what class and claim configure', () => {
  const world = {
    pools: poolsFor(poolsOf([aSlice('s', { devices: four })]), node),
    taken: new Set<string>(),
    classes: new Map([['any', any]]),
    selects: () => true,
  };
  const devices = {
    requests: [request('r', { exactly: exactly(1) })],
    config: [{ opaque: { driver: DRIVER, parameters: { a: 1 } } }],
  };
  const [plan] = planDevices([aClaim(devices)], world)!;
  assert.deepEqual(plan!.allocation.nodeSelector, {
    nodeSelectorTerms: [{ matchFields: [{ key: 'metadata.name', operator: 'In', values: ['n1'] }] }],
  });
  assert.deepEqual(
    plan!.allocation.devices?.config?.map(({ source }) => source),
    ['FromClass', 'FromClaim'],
  );
});

const namespace = 'default';
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
    const status = {
      conditions: [{ type: 'Ready', status: 'True', reason: 'KubeletReady', message: '' }],
      allocatable: { cpu: '4', memory: '8Gi', pods: '110' },
    };
    await client.create(nodes, { metadata: { name }, spec: {}, status } as never);
    await client.patch(nodes, { name }, { type: 'merge', body: { status } }, { subresource: 'status' });
  }
});
after(() => stack.disposeAsync());

const makePod = (name: string) =>
  client.create(pods, {
    metadata: { name, namespace },
    spec: {
      containers: [{ name: 'c', image: 'i' }],
      tolerations: [{ operator: 'Exists' }],
      resourceClaims: [{ name: 'gpu', resourceClaimTemplateName: 'one' }],
    },
  } as never);
const podIs = (name: string) => client.get(pods, { namespace, name });
const waits = (name: string, why: RegExp) =>
  waitFor(`${name} to wait: ${why}`, async () => {
    const message = (await podIs(name)).status.conditions?.find(({ type }) => type === 'PodScheduled')?.message;
    if (message === undefined || !why.test(message)) throw new Error(message);
    return true;
  });

test('a pod goes where its devices are, and waits for those that others have', async () => {
  const spec = { devices: { requests: [{ name: 'r', exactly: { deviceClassName: 'any' } }] } };
  await client.create(resourceClaimTemplates, { metadata: { name: 'one', namespace }, spec: { spec } } as never);
  await makePod('first');
  await waits('first', /request r: device class any does not exist/);
  await client.create(deviceClasses, { metadata: { name: 'any' }, spec: {} } as never);
  await waits('first', /2 cannot allocate all claims/);
  const pool = { name: 'p', generation: 1, resourceSliceCount: 1 };
  const slice = { driver: DRIVER, nodeName: 'n2', pool, devices: [{ name: 'only' }] };
  await client.create(resourceSlices, { metadata: { name: 's' }, spec: slice } as never);
  const first = await waitFor('its node', async () => {
    const pod = await podIs('first');
    return pod.spec.nodeName ? pod : undefined;
  });
  assert.equal(first.spec.nodeName, 'n2');
  const [claim] = (await client.list(resourceClaims, { namespace })).items;
  assert.equal(claim!.status?.allocation?.devices?.results?.[0]?.device, 'only');
  assert.equal(claim!.status?.reservedFor?.[0]?.uid, first.metadata.uid);
  assert.deepEqual(claim!.metadata.finalizers, ['resource.kubernetes.io/delete-protection']);
  await makePod('second');
  await waits('second', /2 cannot allocate all claims/);
  await client.delete(pods, { namespace, name: 'first' }, { gracePeriodSeconds: 0 });
  await waitFor('the device to come free', async () => (await podIs('second')).spec.nodeName === 'n2');
});
