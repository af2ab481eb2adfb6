// Pressure on the node: when it is said, what is done, to whom, and in which words.
import assert from 'node:assert/strict';
import { link, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { bytesToFree, type ImageRecord, removable, tooOld } from '../../../agent/images/gc-decide.ts';
import { assess, NO_EVICTION_MEMORY, type Observations } from '../../../agent/pods/eviction/assess.ts';
import { diskUse } from '../../../agent/pods/eviction/disk-usage.ts';
import { Eviction } from '../../../agent/pods/eviction/eviction.ts';
import { exceededLocally, hasLocalLimits } from '../../../agent/pods/eviction/local-storage.ts';
import { memoryPauseMs } from '../../../agent/pods/eviction/memory-watch.ts';
import { type Candidate, evictionMessage, inOrder, type PodUse } from '../../../agent/pods/eviction/rank.ts';
import { type EvictionSettings, parseThreshold, type Signal } from '../../../agent/pods/eviction/thresholds.ts';
import type { Ending } from '../../../agent/pods/world.ts';
import { systemClock } from '../../../api/system.ts';
import type { Container } from '../../../api/types/core/container.ts';
import type { Pod } from '../../../api/types/core/pod.ts';
import { VirtualClock } from '../../sim/virtual-clock.ts';
import { aContainer, aPod } from './make.ts';

const MiB = 2 ** 20;
const hard = parseThreshold('memory.available<100Mi')!;
const disk = parseThreshold('nodefs.available<10%')!;
const settings = (more: Partial<EvictionSettings> = {}): EvictionSettings => ({
  thresholds: [hard, disk],
  maxPodGraceSeconds: 0,
  transitionMs: 300_000,
  ...more,
});
const seen = (free: Partial<Record<Signal, number>>): Observations =>
  new Map(Object.entries(free).map(([signal, available]) => [signal as Signal, { available, capacity: 1_000 * MiB }]));
const nobody = () => {};
const log = { debug: nobody, info: nobody, warn: nobody, error: nobody, child: () => log };

test('thresholds are parts or amounts, and nothing else', () => {
  assert.deepEqual(parseThreshold('nodefs.available<12.5%')?.amount, { percent: 12.5 });
  assert.deepEqual(parseThreshold('memory.available<1Gi')?.amount, { value: 2 ** 30 });
  for (const bad of ['memory.available', 'memory.free<1Gi', 'memory.available<x', 'memory.available<101%', 'a<b<c']) {
    assert.equal(parseThreshold(bad), undefined, bad);
  }
});

test('pressure comes at the threshold, is acted upon, and stays for a while after', () => {
  const low = seen({ 'memory.available': 99 * MiB, 'nodefs.available': 500 * MiB });
  const fine = seen({ 'memory.available': 100 * MiB, 'nodefs.available': 500 * MiB });
  const first = assess(settings(), low, NO_EVICTION_MEMORY, 1_000);
  assert.deepEqual([first.pressures, first.act], [['MemoryPressure'], [hard]]);
  const second = assess(settings(), fine, first.memory, 2_000);
  assert.deepEqual([second.pressures, second.act], [['MemoryPressure'], []]);
  assert.deepEqual(assess(settings(), fine, second.memory, 301_000).pressures, []);
});

test('memory comes before disk', () => {
  const low = seen({ 'nodefs.available': 10 * MiB, 'memory.available': 1 });
  assert.deepEqual(
    assess(settings({ thresholds: [disk, hard] }), low, NO_EVICTION_MEMORY, 0).act.map(({ signal }) => signal),
    ['memory.available', 'nodefs.available'],
  );
});

test('a soft threshold is met only when it lasts', () => {
  const soft = settings({ thresholds: [{ ...hard, graceMs: 90_000 }] });
  const low = seen({ 'memory.available': 1 });
  const first = assess(soft, low, NO_EVICTION_MEMORY, 0);
  assert.deepEqual([first.pressures, first.act], [[], []]);
  assert.deepEqual(assess(soft, low, first.memory, 89_000).act, []);
  const fine = assess(soft, seen({ 'memory.available': 200 * MiB }), first.memory, 50_000);
  assert.deepEqual(assess(soft, low, fine.memory, 91_000).act, [], 'it starts over');
  assert.equal(assess(soft, low, first.memory, 90_000).act.length, 1);
});

test('a minimum reclaim makes the way out longer than the way in', () => {
  const with50 = settings({ thresholds: [{ ...hard, reclaim: { value: 50 * MiB } }], transitionMs: 0 });
  const at = (free: number) => seen({ 'memory.available': free * MiB });
  assert.deepEqual(assess(with50, at(120), NO_EVICTION_MEMORY, 0).act.length, 0);
  const met = assess(with50, at(90), NO_EVICTION_MEMORY, 0);
  assert.equal(assess(with50, at(149), met.memory, 1).act.length, 1);
  assert.equal(assess(with50, at(150), met.memory, 1).act.length, 0);
});

test('file systems without inodes are never short of them', () => {
  const inodes = settings({ thresholds: [parseThreshold('nodefs.inodesFree<5%')!] });
  const none: Observations = new Map([['nodefs.inodesFree', { available: 0, capacity: 0 }]]);
  assert.deepEqual(assess(inodes, none, NO_EVICTION_MEMORY, 0).pressures, []);
});

const use = (memory: number, diskBytes = 0): PodUse => ({
  containers: [{ name: 'web', memory, disk: diskBytes, inodes: 1 }],
  volumes: new Map(),
  pids: 1,
});
function candidate(name: string, memory: number, request?: string, priority = 0): Candidate {
  const resources = request === undefined ? {} : { resources: { requests: { memory: request } } };
  const container: Container = aContainer('web', resources);
  return {
    pod: aPod({ containers: [container], metadata: { name, uid: name }, spec: { priority } }),
    use: use(memory),
  };
}

test('who uses more than it asked for goes first, then the lesser priority, then the larger excess', () => {
  const order = inOrder('memory.available', [
    candidate('modest', 50 * MiB, '100Mi'),
    candidate('important', 300 * MiB, '100Mi', 10),
    candidate('greedy', 200 * MiB, '100Mi'),
    candidate('greediest', 300 * MiB, '100Mi'),
    candidate('critical', 900 * MiB, undefined, 2_000_000_000),
  ]);
  assert.deepEqual(
    order.map(({ pod }) => pod.metadata.name),
    ['greediest', 'greedy', 'important', 'modest'],
  );
});

test('short of disk, layers, logs and volumes on disk count together against what was asked for', () => {
  const onDisk = (name: string, layer: number, volume: number, request?: string): Candidate => {
    const resources = request === undefined ? {} : { resources: { requests: { 'ephemeral-storage': request } } };
    return {
      pod: aPod({ containers: [aContainer('web', resources)], metadata: { name, uid: name } }),
      use: { ...use(900 * MiB, layer), volumes: new Map([['v', { disk: volume, inodes: 1 }]]) },
    };
  };
  const order = inOrder('nodefs.available', [
    onDisk('asked', 10 * MiB, 80 * MiB, '100Mi'),
    onDisk('layer', 40 * MiB, 0),
    onDisk('volume', 10 * MiB, 50 * MiB),
    onDisk('above', 60 * MiB, 90 * MiB, '100Mi'),
  ]);
  assert.deepEqual(
    order.map(({ pod }) => pod.metadata.name),
    ['volume', 'above', 'layer', 'asked'],
  );
});

test('the message names threshold, what is left and who used more than asked', () => {
  const observation = { available: 50 * MiB, capacity: 1_000 * MiB };
  assert.equal(
    evictionMessage(hard, observation, candidate('a', 20 * MiB, '10Mi')),
    'The node was low on resource: memory. Threshold quantity: 100Mi, available: 50Mi. Container web was using 20Mi, request is 10Mi, has larger consumption of memory. ',
  );
});

test('limits on local storage: of a volume, of a container, of the whole pod', () => {
  const limited = (limit?: string, sizeLimit?: string): Pod =>
    aPod({
      containers: [
        aContainer('web', limit === undefined ? {} : { resources: { limits: { 'ephemeral-storage': limit } } }),
      ],
      spec: { volumes: [{ name: 'v', emptyDir: sizeLimit === undefined ? {} : { sizeLimit } }] },
    });
  const uses = (container: number, volume: number): PodUse => ({
    ...use(0, container),
    volumes: new Map([['v', { disk: volume, inodes: 1 }]]),
  });
  assert.equal(hasLocalLimits(limited()), false);
  assert.equal(hasLocalLimits(limited(undefined, '1Mi')), true);
  assert.equal(exceededLocally(limited('1Mi', '1Mi'), uses(0, MiB)), undefined);
  assert.equal(
    exceededLocally(limited(undefined, '1Mi'), uses(0, MiB + 1)),
    'Usage of EmptyDir volume "v" exceeds the limit "1Mi". ',
  );
  assert.equal(
    exceededLocally(limited('1Mi'), uses(MiB + 1, 0)),
    'Container web exceeded its local ephemeral storage limit "1Mi". ',
  );
  assert.equal(
    exceededLocally(limited('2Mi'), uses(MiB, MiB + 1)),
    'Pod ephemeral local storage usage exceeds the total limit of containers 2Mi. ',
  );
});

test('the loop frees disk before it ends anybody, and ends one pod at a time', async () => {
  let free = 50 * MiB;
  const ended: [string, Ending][] = [];
  const freed: number[] = [];
  const living = ['a', 'b'].map((name) => ({
    ...candidate(name, 0).pod,
    status: { startTime: '2026-01-01T00:00:00Z' },
  }));
  const observe = async () => seen({ 'memory.available': 900 * MiB, 'nodefs.available': free });
  await using eviction = new Eviction({
    ...{ settings: settings(), observe, log, nodeEvent: nobody, changed: nobody },
    memoryNow: () => ({ available: 900 * MiB, capacity: 1_000 * MiB }),
    usage: { of: async (pods) => pods.map((pod) => ({ pod, use: use(0, MiB) })) },
    pods: () => living.map((pod) => (ended.some(([uid]) => uid === pod.metadata.uid) ? finished(pod) : pod)),
    end: (...said) => ended.push(said) > 0,
    freeDisk: async () => {
      freed.push(free);
      if (freed.length === 1) free = 500 * MiB;
    },
    // Its own rounds never come: the test makes them.
    clock: { ...systemClock, sleep: (_ms, signal) => new Promise((_r, no) => signal?.addEventListener('abort', no)) },
  });
  const { signal } = new AbortController();
  await eviction.look(signal);
  assert.deepEqual([ended.length, eviction.pressures], [0, ['DiskPressure']]);
  free = 50 * MiB;
  assert.equal((await eviction.look(signal)).length, 1);
  assert.equal(ended.length, 1);
  const [, ending] = ended[0]!;
  assert.equal(ending.reason, 'Evicted');
  assert.equal(ending.graceSeconds, 1);
  assert.match(ending.message!, /^The node was low on resource: ephemeral-storage\. Threshold quantity: 100Mi, /);
});
function finished(pod: Pod): Pod {
  return { ...pod, status: { ...pod.status, phase: 'Failed' } };
}

test('memory that runs out is noticed within a second, and looking costs little while there is plenty', async () => {
  const clock = new VirtualClock();
  const capacity = 16_384 * MiB;
  let available = 8_192 * MiB;
  let looks = 0;
  const noticedMs: number[] = [];
  const memory = () => ({ available, capacity });
  await using _eviction = new Eviction({
    ...{ settings: settings(), log, nodeEvent: nobody, clock, pods: () => [], end: () => false },
    observe: async () => new Map([['memory.available', memory()]]),
    usage: { of: async () => [] },
    freeDisk: async () => {},
    changed: (pressures) => pressures.length > 0 && noticedMs.push(clock.monotonic()),
    memoryNow: () => {
      looks++;
      return memory();
    },
  });
  await clock.advance(60_000);
  assert.ok(looks <= 70, `${looks} looks in a minute`);
  assert.deepEqual(noticedMs, []);
  const sinceMs = clock.monotonic();
  available = 50 * MiB;
  await clock.advance(1_100);
  assert.equal(noticedMs.length, 1);
  assert.ok(noticedMs[0]! - sinceMs <= 1_000, `${noticedMs[0]! - sinceMs} ms`);
});

const pauses: [availableMiB: number, wants: number][] = [
  [8_192, 1_000],
  [2_100, 500],
  [200, 100],
  [50, 100],
];
for (const [availableMiB, wants] of pauses) {
  test(`with ${availableMiB} MiB left memory is looked at again after ${wants} ms`, () => {
    const memory = { available: availableMiB * MiB, capacity: 16_384 * MiB };
    assert.equal(memoryPauseMs(memory, settings().thresholds.slice(0, 1)), wants);
  });
}

test('a folder is measured in blocks, and what has several names counts once', async () => {
  const dir = await mkdtemp(join(tmpdir(), 'eviction-'));
  try {
    await mkdir(join(dir, 'sub'));
    await writeFile(join(dir, 'sub', 'one'), Buffer.alloc(64 * 1_024, 1));
    await link(join(dir, 'sub', 'one'), join(dir, 'two'));
    const found = await diskUse(dir, new AbortController().signal);
    assert.equal(found.inodes, 3);
    assert.ok(found.disk >= 64 * 1_024 && found.disk < 100 * 1_024, String(found.disk));
    assert.deepEqual(await diskUse(join(dir, 'none'), new AbortController().signal), { disk: 0, inodes: 0 });
  } finally {
    await rm(dir, { recursive: true });
  }
});

const gc = { highPercent: 85, lowPercent: 80, minAgeMs: 120_000, maxAgeMs: 0 };
const record = (id: string, more: Partial<ImageRecord> = {}): ImageRecord => ({
  ...{ id, bytes: 10, pinned: false, inUse: false, firstSeenMs: 0, lastUsedMs: 0 },
  ...more,
});

test('images go only when the disk is too full, and then until it is not', () => {
  assert.equal(bytesToFree({ capacityBytes: 1_000, availableBytes: 160 }, gc), 0);
  assert.equal(bytesToFree({ capacityBytes: 1_000, availableBytes: 150 }, gc), 50);
  assert.equal(bytesToFree({ capacityBytes: 0, availableBytes: 0 }, gc), 0);
});

test('images in use, pinned or just come stay; the longest unused go first', () => {
  const records = [
    record('used', { inUse: true }),
    record('pause', { pinned: true }),
    record('new', { firstSeenMs: 900_000 }),
    record('lately', { lastUsedMs: 500_000 }),
    record('never'),
    record('long ago', { lastUsedMs: 100 }),
  ];
  const ids = (list: readonly ImageRecord[]) => list.map(({ id }) => id);
  assert.deepEqual(ids(removable(records, gc.minAgeMs, 1_000_000)), ['never', 'long ago', 'lately']);
  assert.deepEqual(ids(tooOld(records, gc, 1_000_000)), []);
  assert.deepEqual(ids(tooOld(records, { ...gc, maxAgeMs: 600_000 }, 1_000_000)), ['never', 'long ago']);
});
