import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { CpuManager, type CpuSettings, reservedCpus } from '../../../agent/cgroups/cpu-manager.ts';
import { formatCpus, parseCpus } from '../../../agent/cgroups/cpu-set.ts';
import { takeCpus } from '../../../agent/cgroups/cpu-take.ts';
import type { CpuTopology } from '../../../agent/cgroups/cpu-topology.ts';
import { silent } from '../../../api/log.ts';
import type { Pod } from '../../../api/types/core/pod.ts';

/** Sockets of cores of two threads, numbered as Linux does: first threads first. */
function machine(sockets: number, cores: number): CpuTopology {
  const all = sockets * cores;
  return Array.from({ length: 2 * all }, (_each, cpu) => {
    const core = cpu % all;
    const socket = Math.floor(core / cores);
    return { cpu, core, socket, numa: socket };
  });
}
const everything = (topology: CpuTopology) => new Set(topology.map(({ cpu }) => cpu));

for (const [text, cpus, again] of [
  ['0-3,8', [0, 1, 2, 3, 8], '0-3,8'],
  ['1,0', [0, 1], '0-1'],
  ['', [], ''],
  ['5', [5], '5'],
] as const) {
  test(`a set of CPUs "${text}" is read and written`, () => {
    const set = parseCpus(text)!;
    assert.deepEqual([...set].sort(), cpus);
    assert.equal(formatCpus(set), again);
  });
}
test('what is no set of CPUs is not taken for one', () => {
  for (const text of ['a', '3-1', '-1', '1-', '1;2']) assert.equal(parseCpus(text), undefined, text);
});

// Two sockets with four cores each: 0-3 and 8-11 in the first, 4-7 and 12-15 in the second.
const big = machine(2, 4);
for (const [it, busy, wanted, wants] of [
  ['takes a whole socket for a whole socket', '', 8, '0-3,8-11'],
  ['takes the other socket when the first is broken', '0', 8, '4-7,12-15'],
  ['takes whole cores', '', 4, '0-1,8-9'],
  ['fills the socket where less is free', '4,12', 4, '5-6,13-14'],
  ['takes a single thread of a core that is broken already', '1', 1, '9'],
  ['takes a core and a thread beside it', '', 3, '0-1,8'],
  ['takes all', '', 16, '0-15'],
] as const) {
  test(`takeCpus ${it}`, () => {
    const free = everything(big).difference(parseCpus(busy)!);
    assert.equal(formatCpus(takeCpus(big, free, wanted)), wants);
  });
}
test('takeCpus says when there are too few', () => {
  const message = 'not enough cpus available to satisfy request: requested=3, available=2';
  assert.throws(() => takeCpus(big, new Set([0, 1]), 3), { message });
});

test('what is reserved becomes whole CPUs, both threads of a core before another core', () => {
  assert.equal(formatCpus(reservedCpus(big, { cpu: '1500m' })), '0,8');
  assert.equal(formatCpus(reservedCpus(big, {})), '');
});

const guaranteed = (name: string, cpu: string) => ({
  name,
  image: 'i',
  resources: { requests: { cpu, memory: '1Mi' }, limits: { cpu, memory: '1Mi' } },
});
const aPod = (uid: string, spec: object): Pod =>
  ({ metadata: { name: uid, uid, namespace: 'default' }, spec, status: {} }) as unknown as Pod;

async function withManager(
  settings: Partial<CpuSettings>,
  use: (make: (more?: Partial<CpuSettings>) => Promise<CpuManager>) => Promise<void>,
): Promise<void> {
  const dir = await mkdtemp(join(tmpdir(), 'skiff-cpus-'));
  const all = { policy: 'static' as const, options: [], reserved: new Set([0, 8]), ...settings };
  try {
    await use(async (more) => {
      const checkpoint = join(dir, 'cpus.json');
      const manager = new CpuManager({
        settings: { ...all, ...more },
        ...{ topology: big, checkpoint, changed: () => {}, log: silent },
      });
      await manager.start();
      return manager;
    });
  } finally {
    await rm(dir, { recursive: true, force: true });
  }
}

test('guaranteed containers with whole CPUs have them for themselves, through a restart, until the pod is gone', () =>
  withManager({}, async (make) => {
    const cpus = await make();
    const pod = aPod('p', { containers: [guaranteed('a', '2'), guaranteed('b', '1500m')] });
    for (const container of pod.spec.containers) await cpus.allocate(pod, container, undefined);
    assert.equal(formatCpus(cpus.exclusive('p', 'a')!), '1,9');
    assert.equal(cpus.exclusive('p', 'b'), undefined);
    assert.equal(formatCpus(cpus.shared), '0,2-8,10-15');
    const next = await make();
    assert.equal((await next.grant(pod, pod.spec.containers[0]!)).cpus, '1,9');
    assert.equal((await next.grant(pod, pod.spec.containers[1]!)).cpus, '0,2-8,10-15');
    await next.release('p');
    assert.equal(formatCpus(next.shared), '0-15');
  }));

test('init containers hand their CPUs on, sidecars keep theirs', () =>
  withManager({}, async (make) => {
    const cpus = await make();
    const pod = aPod('p', {
      initContainers: [{ ...guaranteed('side', '2'), restartPolicy: 'Always' }, guaranteed('init', '4')],
      containers: [guaranteed('a', '2')],
    });
    for (const container of [...pod.spec.initContainers!, ...pod.spec.containers]) {
      await cpus.allocate(pod, container, undefined);
    }
    const [side, init, main] = ['side', 'init', 'a'].map((name) => cpus.exclusive('p', name)!);
    assert.equal(side!.intersection(init!).size, 0);
    assert.ok(main!.isSubsetOf(init!));
  }));

test('CPUs come from the NUMA node that was agreed on', () =>
  withManager({}, async (make) => {
    const cpus = await make();
    const pod = aPod('p', { containers: [guaranteed('a', '2')] });
    await cpus.allocate(pod, pod.spec.containers[0]!, 0b10);
    assert.equal(formatCpus(cpus.exclusive('p', 'a')!), '4,12');
    const hints = cpus.hints(aPod('q', { containers: [guaranteed('a', '7')] }), guaranteed('a', '7')).get('cpu')!;
    assert.deepEqual(hints, [{ nodes: 0b11, preferred: false }]);
  }));

test('full-pcpus-only refuses half a core, strict reservation keeps everybody off what is reserved', () =>
  withManager({ options: ['full-pcpus-only', 'strict-cpu-reservation'] }, async (make) => {
    const cpus = await make();
    const pod = aPod('p', { containers: [guaranteed('a', '3')] });
    await assert.rejects(cpus.allocate(pod, pod.spec.containers[0]!, undefined), {
      reason: 'SMTAlignmentError',
      message: 'SMT Alignment Error: requested 3 cpus not multiple cpus per core = 2',
    });
    assert.equal(formatCpus(cpus.shared), '1-7,9-15');
  }));

test('under another policy everybody shares again', () =>
  withManager({}, async (make) => {
    const cpus = await make();
    const pod = aPod('p', { containers: [guaranteed('a', '2')] });
    await cpus.allocate(pod, pod.spec.containers[0]!, undefined);
    const none = await make({ policy: 'none' });
    assert.deepEqual(await none.grant(pod, pod.spec.containers[0]!), {});
    assert.equal(formatCpus(none.shared), '0-15');
  }));
