// How the CPUs of this machine lie: threads in cores, cores in sockets and NUMA nodes. Read once from /sys.
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parseCpus } from './cpu-set.ts';

export interface Cpu {
  readonly cpu: number;
  /** The smallest of the threads that share the core: unique in the machine, which the kernel's own number is not. */
  readonly core: number;
  readonly socket: number;
  readonly numa: number;
}

export type CpuTopology = readonly Cpu[];

export function threadsPerCore(topology: CpuTopology): number {
  const cores = new Set(topology.map(({ core }) => core));
  return cores.size === 0 ? 1 : Math.floor(topology.length / cores.size);
}

export function numaNodesOf(topology: CpuTopology): number[] {
  return [...new Set(topology.map(({ numa }) => numa))].sort((a, b) => a - b);
}

export async function readTopology(sys = '/sys'): Promise<CpuTopology> {
  const nodes = join(sys, 'devices/system/node');
  const numaOf = new Map<number, number>();
  for (const name of await readdir(nodes).catch(() => [])) {
    const number = /^node(\d+)$/.exec(name)?.[1];
    if (number === undefined) continue;
    for (const cpu of (await setIn(join(nodes, name, 'cpulist'))) ?? []) numaOf.set(cpu, Number(number));
  }
  const dir = join(sys, 'devices/system/cpu');
  const online = (await setIn(join(dir, 'online'))) ?? [];
  return Promise.all(
    Array.from(online, async (cpu): Promise<Cpu> => {
      const topology = join(dir, `cpu${cpu}`, 'topology');
      const threads = (await setIn(join(topology, 'thread_siblings_list'))) ?? [cpu];
      const socket = Number(await text(join(topology, 'physical_package_id')));
      // Virtual machines may say -1 or nothing: they have one.
      return { cpu, core: Math.min(...threads), socket: socket > 0 ? socket : 0, numa: numaOf.get(cpu) ?? 0 };
    }),
  );
}

async function setIn(path: string) {
  const found = await text(path);
  return found === '' ? undefined : parseCpus(found);
}

async function text(path: string): Promise<string> {
  return (await readFile(path, 'utf8').catch(() => '')).trim(); // not there: unknown
}
