// /stats/summary: usage in the shape that upstream's kubelet gives it. Pure. Numbers that do not fit a double are
// written as they are.
import { timestamp } from '../../api/clock.ts';
import type { DiskUse } from '../pods/eviction/disk-usage.ts';
import type { PodStorage, VolumeUse } from '../volumes/usage.ts';
import type { InterfaceCounters } from './proc.ts';
import type { ContainerUsage, Cpu, Filesystem, PodUsage, Usage } from './stats.ts';

type Storage = ReadonlyMap<string, PodStorage>;

export function summaryOf({ atMs, node, pods }: Usage, storage: Storage): string {
  const { memory } = node;
  const now = timestamp(atMs);
  return write({
    node: {
      nodeName: node.name,
      startTime: timestamp(node.bootMs),
      cpu: cpuOf(node.cpu),
      memory: {
        time: now,
        availableBytes: memory.availableBytes,
        usageBytes: memory.usageBytes,
        workingSetBytes: memory.workingSetBytes,
        rssBytes: memory.rssBytes,
      },
      swap: { time: now, swapAvailableBytes: memory.swapFreeBytes, swapUsageBytes: memory.swapUsedBytes },
      network: networkOf(now, node.interfaces, node.defaultInterface),
      fs: fsOf(node.fs),
      ...(node.imageFs && { runtime: { imageFs: fsOf(node.imageFs), containerFs: fsOf(node.imageFs) } }),
      rlimit: { time: now, maxpid: node.pidsMax, curproc: node.pids },
    },
    pods: pods.map((pod) => podOf(pod, storage.get(pod.uid), now, node)),
  });
}

function podOf(pod: PodUsage, storage: PodStorage | undefined, now: string, node: Usage['node']) {
  const { volumes = [], logs = new Map<string, DiskUse>() } = storage ?? {};
  const local = volumes.filter(({ isLocal }) => isLocal);
  const sum = (values: readonly number[]) => values.reduce((whole, each) => whole + each, 0);
  const used = sum([
    ...pod.containers.map(({ rootfs }) => rootfs?.usedBytes ?? 0),
    ...Array.from(logs.values(), ({ disk }) => disk),
    ...local.map(({ bytes }) => bytes.used),
  ]);
  const inodesUsed = sum([
    ...pod.containers.map(({ rootfs }) => rootfs?.inodesUsed ?? 0),
    ...Array.from(logs.values(), ({ inodes }) => inodes),
    ...local.map(({ inodes }) => inodes?.used ?? 0),
  ]);
  return {
    podRef: { name: pod.name, namespace: pod.namespace, uid: pod.uid },
    startTime: timestamp(pod.startedMs),
    containers: pod.containers.map((container) => containerOf(container, logs.get(container.name), node)),
    ...(pod.cpu && { cpu: cpuOf(pod.cpu) }),
    ...(pod.workingSetBytes !== undefined && { memory: { time: now, workingSetBytes: pod.workingSetBytes } }),
    ...(pod.interfaces.length > 0 && { network: networkOf(now, pod.interfaces, 'eth0') }),
    ...(volumes.length > 0 && { volume: volumes.map((volume) => volumeOf(volume, pod.namespace, now)) }),
    'ephemeral-storage': { ...fsOf(node.fs), usedBytes: used, inodesUsed },
  };
}

function volumeOf({ name, claim, bytes, inodes, isAbnormal }: VolumeUse, namespace: string, time: string) {
  return {
    time,
    availableBytes: bytes.available,
    capacityBytes: bytes.total,
    usedBytes: bytes.used,
    ...(inodes && { inodesFree: inodes.available, inodes: inodes.total, inodesUsed: inodes.used }),
    name,
    ...(claim !== undefined && { pvcRef: { name: claim, namespace } }),
    ...(isAbnormal !== undefined && { volumeHealthStats: { abnormal: isAbnormal } }),
  };
}

function containerOf(usage: ContainerUsage, logs: DiskUse | undefined, node: Usage['node']) {
  const { name, startedMs, cpu, memory, rootfs } = usage;
  return {
    name,
    startTime: timestamp(startedMs),
    ...(cpu && { cpu: cpuOf(cpu) }),
    ...(memory && {
      memory: {
        time: timestamp(memory.atMs),
        availableBytes: memory.availableBytes,
        usageBytes: memory.usageBytes,
        workingSetBytes: memory.workingSetBytes,
        rssBytes: memory.rssBytes,
        pageFaults: memory.pageFaults,
        majorPageFaults: memory.majorPageFaults,
      },
    }),
    ...(rootfs && {
      rootfs: {
        ...fsOf(node.imageFs ?? node.fs),
        time: timestamp(rootfs.atMs),
        usedBytes: rootfs.usedBytes,
        inodesUsed: rootfs.inodesUsed,
      },
    }),
    ...(logs && { logs: { ...fsOf(node.fs), usedBytes: logs.disk, inodesUsed: logs.inodes } }),
  };
}

function cpuOf({ atMs, usageNs, nanoCores }: Cpu) {
  return { time: timestamp(atMs), usageNanoCores: nanoCores, usageCoreNanoSeconds: usageNs };
}

function fsOf({ atMs, availableBytes, capacityBytes, usedBytes, inodes, inodesFree, inodesUsed }: Filesystem) {
  return { time: timestamp(atMs), availableBytes, capacityBytes, usedBytes, inodesFree, inodes, inodesUsed };
}

function networkOf(time: string, interfaces: readonly InterfaceCounters[], preferred: string | undefined) {
  const all = interfaces.map(({ name, rxBytes, rxErrors, txBytes, txErrors }) => ({
    name,
    rxBytes,
    rxErrors,
    txBytes,
    txErrors,
  }));
  return { time, ...all.find(({ name }) => name === preferred), interfaces: all };
}

/** JSON in which a BigInt is a number with all its digits. */
function write(value: unknown): string {
  const raw = (JSON as unknown as { rawJSON(text: string): unknown }).rawJSON;
  return JSON.stringify(value, (_key, each) => (typeof each === 'bigint' ? raw(String(each)) : each));
}
