// Usage: the kernel's files, rates, and the shapes in which it is told. And the plan of log rotation.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { planRotation, type Step } from '../../../agent/server/log-rotation.ts';
import { cadvisorMetrics, claimMetrics, resourceMetrics } from '../../../agent/server/metrics.ts';
import { cpuOf, defaultInterface, interfacesOf, memoryOf } from '../../../agent/server/proc.ts';
import { exposition } from '../../../agent/server/prometheus.ts';
import { Rates } from '../../../agent/server/rates.ts';
import type { Usage } from '../../../agent/server/stats.ts';
import { summaryOf } from '../../../agent/server/summary.ts';
import type { Pod } from '../../../api/types/core/pod.ts';

test('the kernel`s files are read', () => {
  const meminfo =
    'MemTotal: 1000 kB\nMemFree:  400 kB\nInactive(file): 100 kB\nAnonPages: 50 kB\nSwapTotal: 8 kB\nSwapFree: 6 kB\n';
  const { totalBytes, usageBytes, workingSetBytes, availableBytes, swapUsedBytes } = memoryOf(meminfo);
  assert.deepEqual(
    [totalBytes, usageBytes, workingSetBytes, availableBytes, swapUsedBytes].map((bytes) => bytes / 1_024),
    [1_000, 600, 500, 500, 2],
  );
  const stat =
    'cpu  10 20 30 1000 5 1 2 3 4 0\ncpu0 5 10 15 500 0 0 0 0 0 0\ncpu1 5 10 15 500 0 0 0 0 0 0\nbtime 1700000000\n';
  assert.deepEqual(cpuOf(stat), { usageNs: 660_000_000n, processors: 2, bootMs: 1_700_000_000_000 });
  const dev = [
    'Inter-|   Receive                                                |  Transmit',
    ' face |bytes    packets errs drop fifo frame compressed multicast|bytes    packets errs drop fifo colls carrier compressed',
    '    lo:     100       1    0    0    0     0          0         0      100       1    0    0    0     0       0          0',
    '  eth0:12345678      90    1    2    0     0          0         0     4567      80    3    4    0     0       0          0',
    '',
  ].join('\n');
  assert.deepEqual(interfacesOf(dev), [
    {
      name: 'eth0',
      rxBytes: 12_345_678,
      rxPackets: 90,
      rxErrors: 1,
      rxDropped: 2,
      txBytes: 4_567,
      txPackets: 80,
      txErrors: 3,
      txDropped: 4,
    },
  ]);
  const route = 'Iface\tDestination\tGateway\nveth1\t0A2A0001\t00000000\neth0\t00000000\t0100000A\n';
  assert.equal(defaultInterface(route), 'eth0');
  assert.equal(defaultInterface('Iface\tDestination\n'), undefined);
});

test('a rate is told from the second reading on, over at least a second', () => {
  const rates = new Rates();
  const at = (usageNs: bigint, atMs: number) => rates.cpu('a', usageNs, atMs).nanoCores;
  assert.equal(at(1_000n, 0), undefined);
  assert.equal(at(1_500n, 500), undefined);
  assert.equal(at(501_000n, 1_000), 500_000);
  assert.equal(at(502_000n, 1_100), 500_000, 'too soon: the rate from before');
  assert.equal(at(501_000n + 4_000_000n, 3_000), 2_000_000);
  assert.equal(at(10n, 9_000), undefined, 'a counter that went back began anew');
  rates.keep(new Set());
  assert.equal(at(20n, 19_000), undefined);
});

const fs = { atMs: 0, capacityBytes: 10, availableBytes: 5, usedBytes: 4, inodes: 3, inodesFree: 2, inodesUsed: 1 };
const net = {
  name: 'eth0',
  rxBytes: 7,
  rxErrors: 0,
  rxPackets: 0,
  rxDropped: 0,
  txBytes: 8,
  txErrors: 0,
  txPackets: 0,
  txDropped: 0,
};
const usage: Usage = {
  atMs: 1_700_000_000_123,
  node: {
    name: 'n1',
    bootMs: 1_600_000_000_000,
    processors: 2,
    cpu: { atMs: 1_700_000_000_000, usageNs: 12_345_678_901_234_567_890n, nanoCores: 5 },
    memory: memoryOf('MemTotal: 4 kB\n'),
    fs,
    imageFs: fs,
    interfaces: [net],
    defaultInterface: 'eth0',
    pidsMax: 100,
    pids: 9,
  },
  pods: [
    {
      sandboxId: 's',
      name: 'web',
      namespace: 'ns',
      uid: 'u',
      startedMs: 0,
      containers: [
        {
          id: 'c',
          name: 'main',
          image: 'im"age',
          startedMs: 1_500,
          cpu: { atMs: 1_000, usageNs: 1_500_000_000n },
          memory: { atMs: 1_000, workingSetBytes: 42 },
          rootfs: { atMs: 1_000, usedBytes: 5, inodesUsed: 6 },
        },
        { id: 'd', name: 'new', image: '', startedMs: 0 },
      ],
      interfaces: [net],
    },
  ],
};

test('the summary keeps all digits and leaves out what is not known', () => {
  const text = summaryOf(usage, new Map());
  assert.match(text, /"usageCoreNanoSeconds":12345678901234567890[,}]/);
  const { node, pods } = JSON.parse(text);
  assert.equal(node.nodeName, 'n1');
  assert.deepEqual([node.network.name, node.network.rxBytes], ['eth0', 7]);
  assert.deepEqual(pods[0].podRef, { name: 'web', namespace: 'ns', uid: 'u' });
  assert.deepEqual(pods[0].containers[1], { name: 'new', startTime: '1970-01-01T00:00:00Z' });
  assert.deepEqual([pods[0].containers[0].rootfs.usedBytes, pods[0].containers[0].rootfs.capacityBytes], [5, 10]);
  assert.equal('usageNanoCores' in pods[0].containers[0].cpu, false);
});

test('volumes and logs count among what a pod has on the node', () => {
  const filled = (used: number) => ({ total: 100, used, available: 100 - used });
  const volumes = [
    { name: 'own', isLocal: true, bytes: filled(10), inodes: filled(2) },
    { name: 'data', claim: 'c', isLocal: false, bytes: filled(50), isAbnormal: true },
  ];
  const storage = new Map([['u', { volumes, logs: new Map([['main', { disk: 7, inodes: 1 }]]) }]]);
  const [pod] = JSON.parse(summaryOf(usage, storage)).pods;
  assert.equal(pod['ephemeral-storage'].usedBytes, 5 + 10 + 7);
  assert.equal(pod['ephemeral-storage'].inodesUsed, 6 + 2 + 1);
  assert.deepEqual([pod.containers[0].logs.usedBytes, pod.containers[0].logs.inodesUsed], [7, 1]);
  const [own, data] = pod.volume;
  assert.deepEqual([own.name, own.usedBytes, own.inodesUsed, own.capacityBytes], ['own', 10, 2, 100]);
  assert.deepEqual([data.pvcRef, data.volumeHealthStats], [{ name: 'c', namespace: 'ns' }, { abnormal: true }]);
  const pods = [{ metadata: { name: 'web', namespace: 'ns', uid: 'u' } }] as unknown as Pod[];
  const text = exposition(claimMetrics(pods, storage));
  assert.match(text, /^kubelet_volume_stats_used_bytes\{namespace="ns",persistentvolumeclaim="c"\} 50$/m);
  assert.match(text, /^kubelet_volume_stats_health_status_abnormal\{.*\} 1$/m);
  assert.doesNotMatch(text, /stats_inodes/, 'the driver said nothing of them');
});

test('metrics have the names, labels and times that scrapers know', () => {
  const resource = exposition(resourceMetrics(usage));
  assert.match(resource, /^# TYPE container_cpu_usage_seconds_total counter$/m);
  assert.match(resource, /^container_cpu_usage_seconds_total\{container="main",namespace="ns",pod="web"\} 1\.5 1000$/m);
  assert.match(resource, /^container_memory_working_set_bytes\{container="main",namespace="ns",pod="web"\} 42 1000$/m);
  assert.doesNotMatch(resource, /pod_cpu_usage_seconds_total/, 'nothing measured, no family');
  const cadvisor = exposition(cadvisorMetrics(usage));
  assert.match(cadvisor, /^container_fs_usage_bytes\{.*image="im\\"age".*\} 5 1000$/m);
  assert.match(cadvisor, /^container_network_receive_bytes_total\{.*interface="eth0".*pod="web"\} 7 \d+$/m);
  assert.match(cadvisor, /^machine_cpu_cores 2$/m);
});

const limits = { maxBytes: 100, maxFiles: 4, lookEveryMs: 1 };
const nowMs = Date.UTC(2026, 0, 2, 3, 4, 5);
const to = '/l/0.log.20260102-030405';
const rotations: { it: string; size?: number; rotated: string[]; wants: Step[] }[] = [
  { it: 'leaves a small log alone', size: 99, rotated: [], wants: [] },
  { it: 'puts the first one aside', rotated: [], wants: [{ do: 'rotate', path: '/l/0.log', to }] },
  {
    it: 'compresses the one put aside before',
    rotated: ['/l/0.log.1.gz', '/l/0.log.2'],
    wants: [
      { do: 'compress', path: '/l/0.log.2' },
      { do: 'rotate', path: '/l/0.log', to },
    ],
  },
  {
    it: 'removes the oldest ones',
    rotated: ['/l/0.log.1.gz', '/l/0.log.2.gz', '/l/0.log.3.gz', '/l/0.log.4'],
    wants: [
      { do: 'remove', path: '/l/0.log.1.gz' },
      { do: 'remove', path: '/l/0.log.2.gz' },
      { do: 'compress', path: '/l/0.log.4' },
      { do: 'rotate', path: '/l/0.log', to },
    ],
  },
  {
    it: 'removes what a crash left beside its compressed copy',
    rotated: ['/l/0.log.1', '/l/0.log.1.gz'],
    wants: [
      { do: 'remove', path: '/l/0.log.1' },
      { do: 'rotate', path: '/l/0.log', to },
    ],
  },
  { it: 'waits when it did so within the same second', rotated: [to], wants: [] },
];
for (const { it, size = 100, rotated, wants } of rotations) {
  test(`rotation ${it}`, () => assert.deepEqual(planRotation('/l/0.log', size, rotated, limits, nowMs), wants));
}
