// /stats/summary: usage in the shape that upstream's kubelet gives it. Pure. Numbers that do not fit a double are
// written as they are.
import { timestamp } from '../../api/clock.ts';
import type { InterfaceCounters } from './proc.ts';
import type { ContainerUsage, Cpu, Filesystem, PodUsage, Usage } from './stats.ts';
import { volumeEntry } from './volume-stats.ts';

export function summaryOf({ atMs, node, pods }: Usage): string {
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
    pods: pods.map((pod) => podOf(pod, now, node)),
  });
}

function podOf(pod: PodUsage, now: string, node: Usage['node']) {
  const used = pod.containers.reduce((sum, { rootfs }) => sum + (rootfs?.usedBytes ?? 0), 0);
  const inodesUsed = pod.containers.reduce((sum, { rootfs }) => sum + (rootfs?.inodesUsed ?? 0), 0);
  return {
    podRef: { name: pod.name, namespace: pod.namespace, uid: pod.uid },
    startTime: timestamp(pod.startedMs),
    containers: pod.containers.map((container) => containerOf(container, node.imageFs ?? node.fs)),
    ...(pod.cpu && { cpu: cpuOf(pod.cpu) }),
    ...(pod.workingSetBytes !== undefined && { memory: { time: now, workingSetBytes: pod.workingSetBytes } }),
    ...(pod.interfaces.length > 0 && { network: networkOf(now, pod.interfaces, 'eth0') }),
    ...(pod.volumes?.length && { volume: pod.volumes.map(volumeEntry) }),
    'ephemeral-storage': { ...fsOf(node.fs), usedBytes: used, inodesUsed },
  };
}

function containerOf({ name, startedMs, cpu, memory, rootfs }: ContainerUsage, on: Filesystem) {
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
        ...fsOf(on),
        time: timestamp(rootfs.atMs),
        usedBytes: rootfs.usedBytes,
        inodesUsed: rootfs.inodesUsed,
      },
    }),
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
