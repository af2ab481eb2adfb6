import assert from 'node:assert/strict';
import { test } from 'node:test';
import { podAmounts, podLimits, qosLimits, v1Files, v2Files, weightOf } from '../../../agent/cgroups/limits.ts';
import { cgroupParent, cgroupPath, pathOfSlice, podParts } from '../../../agent/cgroups/names.ts';
import { sliceProperties } from '../../../agent/cgroups/slices.ts';
import { hierarchiesOf } from '../../../agent/cgroups/tree.ts';
import { aContainer, aPod, aSidecar } from '../pods/make.ts';

const sized = (name: string, cpu: string, memory: string, more = {}) =>
  aContainer(name, { resources: { requests: { cpu, memory }, limits: { cpu, memory } }, ...more });

test('pods lie in a tree by quality of service', () => {
  assert.equal(cgroupPath('cgroupfs', '/', podParts('Guaranteed', 'u-1')), '/kubepods/podu-1');
  assert.equal(cgroupPath('cgroupfs', '/a/', podParts('Burstable', 'u-1')), '/a/kubepods/burstable/podu-1');
  assert.equal(cgroupParent('cgroupfs', '/', podParts('BestEffort', 'u-1')), '/kubepods/besteffort/podu-1');
});

test('systemd nests slices by their names', () => {
  const parts = podParts('Burstable', 'u-1');
  assert.equal(cgroupParent('systemd', '/', parts), 'kubepods-burstable-podu_1.slice');
  assert.equal(
    cgroupPath('systemd', '/', parts),
    '/kubepods.slice/kubepods-burstable.slice/kubepods-burstable-podu_1.slice',
  );
});

test('the path of a slice follows from its name', () => {
  assert.equal(pathOfSlice('a-b-c.slice'), '/a.slice/a-b.slice/a-b-c.slice');
  assert.equal(pathOfSlice('kubepods.slice'), '/kubepods.slice');
});

test('limits are told to systemd in its own words', () => {
  assert.deepEqual(sliceProperties({ cpuShares: 1_024, cpuQuotaUs: 50_000, memoryBytes: 2 ** 20, pids: 100 }), [
    'CPUWeight=39',
    'CPUQuota=50%',
    'MemoryMax=1048576',
    'TasksMax=100',
  ]);
  // No limit must be said, or the old one stays.
  const open = ['CPUWeight=1', 'CPUQuota=', 'MemoryMax=infinity', 'TasksMax=infinity'];
  assert.deepEqual(sliceProperties({ cpuShares: 2 }), open);
});

test('init containers count where they need more than what runs after them', () => {
  const pod = aPod({
    containers: [sized('web', '100m', '10Mi'), sized('log', '100m', '10Mi')],
    inits: [sized('big', '1', '5Mi')],
  });
  assert.deepEqual(podAmounts(pod, 'requests'), { milliCpu: 1_000, memory: 20 * 2 ** 20 });
});

test('sidecars count beside everything that starts after them', () => {
  const mesh = sized('mesh', '200m', '0', { restartPolicy: 'Always' });
  const pod = aPod({ containers: [sized('web', '100m', '0')], inits: [mesh, sized('big', '1', '0')] });
  assert.equal(podAmounts(pod, 'requests').milliCpu, 1_200);
});

test('a pod is limited only where all its containers are', () => {
  const limited = podLimits(aPod({ containers: [sized('web', '500m', '64Mi')] }), undefined);
  assert.deepEqual(limited, { cpuShares: 512, cpuQuotaUs: 50_000, memoryBytes: 64 * 2 ** 20 });
  const open = podLimits(aPod({ containers: [sized('web', '500m', '64Mi'), aContainer('log')] }), 100);
  assert.deepEqual(open, { cpuShares: 512, pids: 100 });
  const sidecar = podLimits(aPod({ containers: [sized('web', '500m', '64Mi')], inits: [aSidecar('mesh')] }), undefined);
  assert.equal(sidecar.memoryBytes, undefined);
  const resources = { requests: { cpu: '250m' }, limits: { cpu: '1', memory: '128Mi' } };
  const whole = podLimits(aPod({ containers: [sized('web', '500m', '64Mi'), 'log'], spec: { resources } }), undefined);
  assert.deepEqual(whole, { cpuShares: 256, cpuQuotaUs: 100_000, memoryBytes: 128 * 2 ** 20 });
});

test('burstable pods together weigh what they asked for, best effort ones next to nothing', () => {
  const burstable = aPod({ containers: [aContainer('web', { resources: { requests: { cpu: '500m' } } })] });
  const { Burstable, BestEffort } = qosLimits([
    burstable,
    burstable,
    aPod(),
    aPod({ containers: [sized('a', '4', '1Gi')] }),
  ]);
  assert.deepEqual([Burstable.cpuShares, BestEffort.cpuShares], [1_024, 2]);
});

test('limits are written as each generation of the kernel wants them', () => {
  const limits = { cpuShares: 1_024, cpuQuotaUs: 50_000, memoryBytes: 4_096 };
  assert.deepEqual(v2Files(limits), [
    ['cpu.weight', '39'],
    ['cpu.max', '50000 100000'],
    ['memory.max', '4096'],
    ['pids.max', 'max'],
  ]);
  assert.deepEqual(
    v1Files({ cpuShares: 2 }).map((row) => row.slice(1)),
    [
      ['cpu.shares', '2'],
      ['cpu.cfs_period_us', '100000'],
      ['cpu.cfs_quota_us', '-1'],
      ['memory.limit_in_bytes', '-1'],
      ['pids.max', 'max'],
    ],
  );
});

test('shares map onto the whole range of weights', () => {
  assert.deepEqual([weightOf(2), weightOf(262_144)], [1, 10_000]);
});

const line = (point: string, type: string, options: string) =>
  `30 20 0:2 / ${point} rw shared:1 - ${type} x ${options}`;

test('a unified machine is told from a hybrid one', () => {
  const unified = hierarchiesOf(line('/sys/fs/cgroup', 'cgroup2', 'rw'));
  assert.deepEqual([unified.version, unified.mounts.get('')], [2, '/sys/fs/cgroup']);
  const hybrid = hierarchiesOf(
    [
      line('/sys/fs/cgroup/cpu,cpuacct', 'cgroup', 'rw,cpu,cpuacct'),
      line('/sys/fs/cgroup/memory', 'cgroup', 'rw,memory'),
      line('/sys/fs/cgroup/unified', 'cgroup2', 'rw'),
    ].join('\n'),
  );
  assert.equal(hybrid.version, 1);
  assert.equal(hybrid.mounts.get('cpuacct'), '/sys/fs/cgroup/cpu,cpuacct');
  assert.deepEqual(hybrid.all, ['/sys/fs/cgroup/cpu,cpuacct', '/sys/fs/cgroup/memory', '/sys/fs/cgroup/unified']);
});
