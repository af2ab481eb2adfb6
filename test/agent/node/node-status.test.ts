import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type MachineFacts, meminfoOf, type Usage } from '../../../agent/node/facts.ts';
import {
  type NodeInput,
  nodeStatus,
  type RuntimeView,
  saysTheSame,
  transitions,
} from '../../../agent/node/node-status.ts';
import { driverInConfig } from '../../../agent/node/runtime-facts.ts';
import { DEFAULT_HARD, parseThreshold } from '../../../agent/pods/eviction/thresholds.ts';

const GiB = 2 ** 30;
const facts: MachineFacts = {
  machineId: 'm',
  systemUuid: 's',
  bootId: 'b',
  kernelVersion: '6.18.0',
  osImage: 'Debian',
  architecture: 'amd64',
  cpus: 4,
  memoryBytes: 8 * GiB,
  swapBytes: 0,
  hugepages: { '2Mi': 0 },
};
const usage: Usage = {
  diskBytes: 100 * GiB,
  diskFreeBytes: 50 * GiB,
  inodes: 1_000,
  inodesFree: 900,
  pids: 100,
  pidsMax: 30_000,
};
const condition = (type: string, status: boolean, message = '') => ({ type, status, reason: 'R', message });
const up: RuntimeView = {
  state: 'up',
  version: 'containerd://1.6.20',
  conditions: [condition('RuntimeReady', true), condition('NetworkReady', true)],
};
const input = (more: Partial<NodeInput> = {}): NodeInput => ({
  name: 'node-1',
  nodeIps: ['192.0.2.7', '2001:db8::7'],
  kubeletPort: 10250,
  maxPods: 110,
  reserved: {},
  thresholds: DEFAULT_HARD.map((text) => parseThreshold(text)!),
  pressures: [],
  facts,
  usage,
  volumesInUse: [],
  devices: { capacity: {}, allocatable: {} },
  runtime: up,
  images: [],
  before: undefined,
  ...more,
});

test('a node keeps some of its memory and disk to itself', () => {
  const { capacity, allocatable } = nodeStatus(input(), 0);
  assert.deepEqual(capacity, {
    cpu: '4',
    'ephemeral-storage': '104857600Ki',
    'hugepages-2Mi': '0',
    memory: '8388608Ki',
    pods: '110',
  });
  assert.equal(allocatable?.['memory'], `${8388608 - 102400}Ki`);
  assert.equal(allocatable?.['ephemeral-storage'], String(Math.floor(100 * GiB * 0.9)));
});

test('what is reserved is offered to nobody', () => {
  const reserved = { cpu: '500m', memory: '1Gi', 'ephemeral-storage': '10Gi' };
  const { capacity, allocatable } = nodeStatus(input({ reserved, thresholds: [] }), 0);
  assert.equal(capacity?.['cpu'], '4');
  assert.equal(allocatable?.['cpu'], '3500m');
  assert.equal(allocatable?.['memory'], `${7 * 1024 * 1024}Ki`);
  assert.equal(allocatable?.['ephemeral-storage'], String(90 * GiB));
});

test('a node says how it is reached', () => {
  const { addresses, daemonEndpoints } = nodeStatus(input(), 0);
  assert.deepEqual(addresses, [
    { type: 'InternalIP', address: '192.0.2.7' },
    { type: 'InternalIP', address: '2001:db8::7' },
    { type: 'Hostname', address: 'node-1' },
  ]);
  assert.equal(daemonEndpoints?.kubeletEndpoint?.Port, 10250);
});

const states: { it: string; more: Partial<NodeInput>; wants: Record<string, string> }[] = [
  {
    it: 'is ready when all is well',
    more: {},
    wants: { MemoryPressure: 'False', DiskPressure: 'False', PIDPressure: 'False', Ready: 'True' },
  },
  { it: 'is not ready without a runtime', more: { runtime: { state: 'down', why: 'x' } }, wants: { Ready: 'False' } },
  {
    it: 'is not ready without a network',
    more: { runtime: { ...up, conditions: [condition('NetworkReady', false, 'no config')] } },
    wants: { Ready: 'False' },
  },
  {
    it: 'says what it is short of and stays ready',
    more: { pressures: ['DiskPressure', 'MemoryPressure', 'PIDPressure'] },
    wants: { MemoryPressure: 'True', DiskPressure: 'True', PIDPressure: 'True', Ready: 'True' },
  },
];
for (const { it, more, wants } of states) {
  test(`a node ${it}`, () => {
    const { conditions } = nodeStatus(input(more), 0);
    const found = Object.fromEntries((conditions ?? []).map(({ type, status }) => [type, status]));
    for (const [type, status] of Object.entries(wants)) assert.equal(found[type], status, type);
  });
}

test('the reason for not being ready is named', () => {
  const runtime: RuntimeView = { ...up, conditions: [condition('NetworkReady', false, 'cni plugin not initialized')] };
  const ready = nodeStatus(input({ runtime }), 0).conditions?.find(({ type }) => type === 'Ready');
  assert.equal(ready?.reason, 'KubeletNotReady');
  assert.equal(
    ready?.message,
    'container runtime network not ready: NetworkReady=false reason:R message:cni plugin not initialized',
  );
});

test('a heartbeat alone is no news; a change is, and keeps the time of what did not change', () => {
  const first = nodeStatus(input(), 0);
  const later = nodeStatus(input({ before: first }), 60_000);
  assert.equal(saysTheSame(first, later), true);
  const worse = nodeStatus(input({ before: first, pressures: ['MemoryPressure'] }), 60_000);
  assert.equal(saysTheSame(first, worse), false);
  assert.deepEqual(
    worse.conditions?.map(({ lastTransitionTime }) => lastTransitionTime),
    ['1970-01-01T00:01:00Z', '1970-01-01T00:00:00Z', '1970-01-01T00:00:00Z', '1970-01-01T00:00:00Z'],
  );
});

test('an operator reads what changed', () => {
  const first = nodeStatus(input({ runtime: { state: 'down', why: 'x' } }), 0);
  assert.deepEqual(
    transitions('n', undefined, first).map(([reason]) => reason),
    ['NodeHasSufficientMemory', 'NodeHasNoDiskPressure', 'NodeHasSufficientPID', 'NodeNotReady'],
  );
  const then = nodeStatus(input({ before: first }), 0);
  assert.deepEqual(transitions('n', first, then), [['NodeReady', 'Node n status is now: NodeReady']]);
});

test('the largest images are listed first, those without a name not at all', () => {
  const image = (size: string, repoTags: string[]) => ({
    ...{ id: size, repoTags, repoDigests: [], size, uid: null, username: '', spec: null, pinned: false },
  });
  const { images } = nodeStatus(input({ images: [image('5', ['small']), image('9', ['big']), image('7', [])] }), 0);
  assert.deepEqual(images, [
    { names: ['big'], sizeBytes: 9 },
    { names: ['small'], sizeBytes: 5 },
  ]);
});

test('the memory of a machine is read in bytes, counts stay counts', () => {
  assert.deepEqual(meminfoOf('MemTotal:       16 kB\nHugePages_Total:       3\n'), {
    MemTotal: 16_384,
    HugePages_Total: 3,
  });
});

test('the runtime tells in its configuration who makes control groups', () => {
  const info = (SystemdCgroup: boolean) => ({
    info: { config: JSON.stringify({ containerd: { runtimes: { runc: { options: { SystemdCgroup } } } } }) },
  });
  assert.equal(driverInConfig(info(true)), 'systemd');
  assert.equal(driverInConfig(info(false)), 'cgroupfs');
  assert.equal(driverInConfig({ info: {} }), 'cgroupfs');
});

test('what the runtime tells of its handlers and itself is told on, also while it is down; older ones tell nothing', () => {
  const can = { recursiveReadOnlyMounts: true, userNamespaces: false };
  const runtimeHandlers = [
    { name: '', features: can },
    { name: 'runc', features: null },
  ];
  const told = nodeStatus(
    input({ runtime: { ...up, runtimeHandlers, features: { supplementalGroupsPolicy: true } } }),
    0,
  );
  assert.deepEqual(told.runtimeHandlers, [{ name: '', features: can }, { name: 'runc' }]);
  assert.deepEqual(told.features, { supplementalGroupsPolicy: true });
  const down = nodeStatus(input({ runtime: { state: 'down', why: 'x' }, before: told }), 0);
  assert.deepEqual([down.runtimeHandlers, down.features], [told.runtimeHandlers, told.features]);
  const old = nodeStatus(input({ runtime: { ...up, runtimeHandlers: [], features: null } }), 0);
  assert.deepEqual([old.runtimeHandlers, old.features], [undefined, undefined]);
  assert.equal(saysTheSame(old, told), false);
});
