// Which CPUs a container gets for itself: whole sockets first, then whole NUMA nodes, whole cores, and single threads
// where something is broken already, so that large free pieces stay large. Pure.
import type { CpuSet } from './cpu-set.ts';
import type { Cpu, CpuTopology } from './cpu-topology.ts';

export class TooFewCpus extends Error {
  override readonly name = 'TooFewCpus';
}

type Level = 'socket' | 'numa' | 'core';

export function takeCpus(topology: CpuTopology, available: CpuSet, wanted: number): number[] {
  if (wanted > available.size) {
    const amounts = `requested=${wanted}, available=${available.size}`;
    throw new TooFewCpus(`not enough cpus available to satisfy request: ${amounts}`);
  }
  const taken: Cpu[] = [];
  const free = new Map(topology.filter(({ cpu }) => available.has(cpu)).map((each) => [each.cpu, each]));
  const missing = () => wanted - taken.length;
  const take = (cpus: readonly Cpu[]) => {
    for (const each of cpus) {
      taken.push(each);
      free.delete(each.cpu);
    }
  };
  for (const level of ['socket', 'numa', 'core'] as const) {
    for (const whole of wholeFree(topology, free, level, taken)) if (whole.length <= missing()) take(whole);
  }
  if (missing() > 0) take(singles(free, taken).slice(0, missing()));
  return taken.map(({ cpu }) => cpu).sort((a, b) => a - b);
}

/** Pieces that nobody has anything of; those near what we have and in the fullest places first. */
function wholeFree(topology: CpuTopology, free: ReadonlyMap<number, Cpu>, level: Level, taken: readonly Cpu[]) {
  const members = Map.groupBy(topology, (each) => each[level]);
  const whole = [...members.values()].filter((cpus) => cpus.every(({ cpu }) => free.has(cpu)));
  const rank = ranking(free, taken);
  return whole.sort((a, b) => compare(rank(a[0]!), rank(b[0]!)));
}

function singles(free: ReadonlyMap<number, Cpu>, taken: readonly Cpu[]): Cpu[] {
  const rank = ranking(free, taken);
  const inCore = Map.groupBy(free.values(), ({ core }) => core);
  const key = (each: Cpu) => [...rank(each).slice(0, -2), inCore.get(each.core)!.length, each.core, each.cpu];
  return [...free.values()].sort((a, b) => compare(key(a), key(b)));
}

/** Lower is better: beside what is taken, where least is free, the lowest numbers. */
function ranking(free: ReadonlyMap<number, Cpu>, taken: readonly Cpu[]): (each: Cpu) => number[] {
  const sockets = new Set(taken.map(({ socket }) => socket));
  const nodes = new Set(taken.map(({ numa }) => numa));
  const inSocket = Map.groupBy(free.values(), ({ socket }) => socket);
  const inNode = Map.groupBy(free.values(), ({ numa }) => numa);
  return ({ cpu, core, socket, numa }) => [
    nodes.has(numa) ? 0 : 1,
    sockets.has(socket) ? 0 : 1,
    inSocket.get(socket)?.length ?? 0,
    inNode.get(numa)?.length ?? 0,
    core,
    cpu,
  ];
}

function compare(a: readonly number[], b: readonly number[]): number {
  const at = a.findIndex((each, index) => each !== b[index]);
  return at < 0 ? 0 : a[at]! - b[at]!;
}
