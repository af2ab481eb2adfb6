// What this machine is, from the kernel's own files: read at the start, and the changing part again for each report.
import { readdir, readFile, statfs } from 'node:fs/promises';
import { arch, availableParallelism, release } from 'node:os';

export interface MachineFacts {
  readonly machineId: string;
  readonly systemUuid: string;
  readonly bootId: string;
  readonly kernelVersion: string;
  readonly osImage: string;
  /** As container images name it. */
  readonly architecture: string;
  readonly cpus: number;
  readonly memoryBytes: number;
  readonly swapBytes: number;
  /** By page size: 2Mi, 1Gi. */
  readonly hugepages: Readonly<Record<string, number>>;
}

export interface Usage {
  readonly diskBytes: number;
  readonly diskFreeBytes: number;
  readonly inodes: number;
  readonly inodesFree: number;
  readonly pids: number;
  readonly pidsMax: number;
}

const ARCHITECTURES: Readonly<Record<string, string>> = { x64: 'amd64', ia32: '386' };

export async function machineFacts(): Promise<MachineFacts> {
  const [machineId, systemUuid, bootId, osRelease, meminfo] = await Promise.all([
    text('/etc/machine-id'),
    text('/sys/class/dmi/id/product_uuid'),
    text('/proc/sys/kernel/random/boot_id'),
    text('/etc/os-release'),
    text('/proc/meminfo'),
  ]);
  const memory = meminfoOf(meminfo);
  return {
    machineId,
    // A machine without firmware has no number of its own; its installation has one.
    systemUuid: systemUuid || machineId,
    bootId,
    kernelVersion: release(),
    osImage: /^PRETTY_NAME="?([^"\n]*)"?$/m.exec(osRelease)?.[1] ?? 'Linux',
    architecture: ARCHITECTURES[arch()] ?? arch(),
    cpus: availableParallelism(),
    memoryBytes: memory['MemTotal'] ?? 0,
    swapBytes: memory['SwapTotal'] ?? 0,
    hugepages: await hugepagesOf('/sys/kernel/mm/hugepages'),
  };
}

/** Of every size that the kernel knows, whether or not there are any pages. */
export async function hugepagesOf(dir: string): Promise<Record<string, number>> {
  const names = await readdir(dir).catch(() => []); // a kernel without them
  const sizes = names
    .flatMap((name) => /^hugepages-(\d+)kB$/.exec(name)?.[1] ?? [])
    .map((kilo) => Number(kilo) * 1_024);
  const found = sizes
    .sort((a, b) => a - b)
    .map(async (bytes): Promise<[string, number]> => {
      const count = Number(await text(`${dir}/hugepages-${bytes / 1_024}kB/nr_hugepages`));
      return [pageName(bytes), count * bytes];
    });
  return Object.fromEntries(await Promise.all(found));
}

export async function usageOf(dir: string): Promise<Usage> {
  const [loadavg, pidMax, threadsMax, disk] = await Promise.all([
    text('/proc/loadavg'),
    text('/proc/sys/kernel/pid_max'),
    text('/proc/sys/kernel/threads-max'),
    statfs(dir),
  ]);
  return {
    diskBytes: disk.blocks * disk.bsize,
    diskFreeBytes: disk.bavail * disk.bsize,
    inodes: disk.files,
    inodesFree: disk.ffree,
    pids: Number(/\d+\/(\d+)/.exec(loadavg)?.[1] ?? 0),
    pidsMax: Math.min(Number(pidMax) || Number.POSITIVE_INFINITY, Number(threadsMax) || Number.POSITIVE_INFINITY),
  };
}

/** In bytes; counts stay counts. */
export function meminfoOf(meminfo: string): Record<string, number> {
  const lines = meminfo.matchAll(/^(\w+):\s+(\d+)( kB)?$/gm);
  return Object.fromEntries(Array.from(lines, ([, name, value, kilo]) => [name, Number(value) * (kilo ? 1_024 : 1)]));
}

function pageName(bytes: number): string {
  if (bytes < 2 ** 20) return `${bytes / 2 ** 10}Ki`;
  return bytes >= 2 ** 30 ? `${bytes / 2 ** 30}Gi` : `${bytes / 2 ** 20}Mi`;
}

/** What is not there is unknown, not an error: containers and small machines lack some of it. */
async function text(path: string): Promise<string> {
  return (await readFile(path, 'utf8').catch(() => '')).trim();
}
