// The static CPU policy: a container of a guaranteed pod that asks for whole CPUs has them for itself; all others
// share what is left. Assignments are made at the door, kept on disk, and given back when the pod is gone.
import type { Logger } from '../../api/log.ts';
import { quantityMilli } from '../../api/quantity.ts';
import type { Container } from '../../api/types/core/container.ts';
import type { Pod } from '../../api/types/core/pod.ts';
import type { Grant } from '../devices/grant.ts';
import { type Provider, Refused } from '../devices/grants.ts';
import { type Hints, hintsOf, type Mask, nodesOf } from '../devices/numa.ts';
import { StateFile } from '../devices/state-file.ts';
import { isSidecar } from '../pods/phase.ts';
import { qosClass } from '../pods/resources.ts';
import { type CpuSet, formatCpus, parseCpus } from './cpu-set.ts';
import { takeCpus } from './cpu-take.ts';
import { type CpuTopology, numaNodesOf, threadsPerCore } from './cpu-topology.ts';

export const CPU_POLICIES = ['none', 'static'] as const;
export type CpuPolicy = (typeof CPU_POLICIES)[number];
export const CPU_OPTIONS = ['full-pcpus-only', 'strict-cpu-reservation'] as const;
export type CpuOption = (typeof CPU_OPTIONS)[number];

export interface CpuSettings {
  readonly policy: CpuPolicy;
  readonly options: readonly CpuOption[];
  /** Never given to anybody for itself; with strict-cpu-reservation pods do not run there at all. */
  readonly reserved: CpuSet;
}

export interface CpuManagerDeps {
  readonly settings: CpuSettings;
  readonly topology: CpuTopology;
  readonly checkpoint: string;
  /** What all others share is different now. */
  readonly changed: () => void;
  readonly log: Logger;
}

interface Saved {
  readonly policy: CpuPolicy;
  readonly assigned: Readonly<Record<string, Readonly<Record<string, string>>>>;
}

/** As many CPUs as whoever keeps them back asks for, whole ones and the lowest. */
export function reservedCpus(topology: CpuTopology, reserved: Readonly<Record<string, string>>): CpuSet {
  const count = Math.ceil(quantityMilli(reserved['cpu'] ?? '0') / 1_000);
  return new Set(takeCpus(topology, new Set(topology.map(({ cpu }) => cpu)), Math.min(count, topology.length)));
}

export class CpuManager implements Provider {
  readonly #deps: CpuManagerDeps;
  readonly #file: StateFile<Saved>;
  readonly #all: CpuSet;
  readonly #assigned = new Map<string, Map<string, CpuSet>>();

  constructor(deps: CpuManagerDeps) {
    this.#deps = deps;
    this.#file = new StateFile(deps.checkpoint, deps.log);
    this.#all = new Set(deps.topology.map(({ cpu }) => cpu));
  }

  /**
   * Who has what from before. Under another policy or without its CPUs an assignment is over: all share. Tells
   * whether containers have to be looked after: also those of an earlier process with another policy.
   */
  async start(): Promise<boolean> {
    const { settings, log } = this.#deps;
    const saved = await this.#file.load();
    for (const [uid, containers] of Object.entries(saved?.assigned ?? {})) {
      for (const [name, text] of Object.entries(containers)) {
        const cpus = parseCpus(text);
        const there = cpus !== undefined && [...cpus].every((cpu) => this.#all.has(cpu));
        if (settings.policy === 'static' && there) this.#assign(uid, name, cpus);
        else log.warn({ uid, container: name, cpus: text }, 'CPUs of a container are no longer its own');
      }
    }
    const wasStatic = saved?.policy === 'static';
    if (settings.policy === 'static' || wasStatic) await this.#save();
    return settings.policy === 'static' || wasStatic;
  }

  get policy(): CpuPolicy {
    return this.#deps.settings.policy;
  }

  /** What may be given away for good. */
  get allocatable(): CpuSet {
    return without(this.#all, this.#deps.settings.reserved);
  }

  get shared(): CpuSet {
    const { settings } = this.#deps;
    const strict = settings.options.includes('strict-cpu-reservation');
    const rest = without(strict ? this.allocatable : this.#all, this.#taken());
    return rest;
  }

  exclusive(uid: string, container: string): CpuSet | undefined {
    return this.#assigned.get(uid)?.get(container);
  }

  concerns(container: Container, pod: Pod): boolean {
    return this.#wanted(pod, container) > 0;
  }

  hints(pod: Pod, container: Container): Hints {
    const wanted = this.#wanted(pod, container);
    if (wanted === 0) return new Map();
    const { topology } = this.#deps;
    const free = this.#free(pod);
    const count = (mask: Mask, among: CpuSet) =>
      topology.filter(({ cpu, numa }) => among.has(cpu) && nodesOf(mask).includes(numa)).length;
    const hints = hintsOf(
      numaNodesOf(topology),
      wanted,
      (mask) => count(mask, this.#all),
      (mask) => count(mask, free),
    );
    return new Map([['cpu', hints]]);
  }

  async allocate(pod: Pod, container: Container, affinity: Mask | undefined): Promise<void> {
    const wanted = this.#wanted(pod, container);
    const { uid } = pod.metadata;
    if (wanted === 0 || this.exclusive(uid, container.name) !== undefined) return;
    const { topology, settings } = this.#deps;
    const perCore = threadsPerCore(topology);
    if (settings.options.includes('full-pcpus-only') && wanted % perCore !== 0) {
      const amounts = `requested ${wanted} cpus not multiple cpus per core = ${perCore}`;
      throw new Refused('SMTAlignmentError', `SMT Alignment Error: ${amounts}`);
    }
    const free = this.#free(pod);
    const reused = [...this.#reusable(pod)].slice(0, wanted);
    const left = without(free, new Set(reused));
    const near = affinity === undefined ? left : this.#in(left, affinity);
    const first = takeCpus(topology, near, Math.min(wanted - reused.length, near.size));
    const rest = takeCpus(topology, without(left, new Set(first)), wanted - reused.length - first.length);
    this.#assign(uid, container.name, new Set([...reused, ...first, ...rest]));
    await this.#save();
    this.#deps.changed();
  }

  holders(container: Container): string[] {
    return container.resources?.limits?.['cpu'] === undefined ? [] : [...this.#assigned.keys()];
  }

  grant({ metadata: { uid } }: Pod, { name }: Container): Promise<Partial<Grant>> {
    if (this.policy === 'none') return Promise.resolve({});
    return Promise.resolve({ cpus: formatCpus(this.exclusive(uid, name) ?? this.shared) });
  }

  async release(uid: string): Promise<void> {
    if (!this.#assigned.delete(uid)) return;
    await this.#save();
    this.#deps.changed();
  }

  async keep(uids: ReadonlySet<string>): Promise<void> {
    for (const uid of this.#assigned.keys()) if (!uids.has(uid)) await this.release(uid);
  }

  /** 0: it shares. */
  #wanted(pod: Pod, { resources }: Container): number {
    if (this.policy === 'none' || pod.spec.resources !== undefined || qosClass(pod) !== 'Guaranteed') return 0;
    const milli = quantityMilli(resources?.requests?.['cpu'] ?? resources?.limits?.['cpu'] ?? '0');
    return milli % 1_000 === 0 ? milli / 1_000 : 0;
  }

  #free(pod: Pod): CpuSet {
    return new Set([...without(this.allocatable, this.#taken()), ...this.#reusable(pod)]);
  }

  /** What init containers had and nobody who goes on running has. */
  #reusable({ metadata: { uid }, spec }: Pod): CpuSet {
    const of = (containers: readonly Container[]) =>
      new Set(containers.flatMap(({ name }) => [...(this.exclusive(uid, name) ?? [])]));
    const inits = spec.initContainers ?? [];
    return without(
      of(inits.filter((init) => !isSidecar(init))),
      of([...spec.containers, ...inits.filter((init) => isSidecar(init))]),
    );
  }

  #in(cpus: CpuSet, affinity: Mask): CpuSet {
    const nodes = nodesOf(affinity);
    const inside = this.#deps.topology.filter(({ cpu, numa }) => cpus.has(cpu) && nodes.includes(numa));
    return new Set(inside.map(({ cpu }) => cpu));
  }

  #taken(): CpuSet {
    return new Set(
      Array.from(this.#assigned.values(), (each) => Array.from(each.values(), (cpus) => [...cpus])).flat(2),
    );
  }

  #assign(uid: string, container: string, cpus: CpuSet): void {
    const containers = this.#assigned.get(uid) ?? new Map<string, CpuSet>();
    this.#assigned.set(uid, containers.set(container, cpus));
  }

  #save(): Promise<void> {
    const of = (containers: ReadonlyMap<string, CpuSet>) =>
      Object.fromEntries(Array.from(containers, ([name, cpus]) => [name, formatCpus(cpus)]));
    const assigned = Object.fromEntries(Array.from(this.#assigned, ([uid, each]) => [uid, of(each)]));
    return this.#file.save({ policy: this.policy, assigned });
  }
}

function without(from: CpuSet, these: CpuSet): CpuSet {
  return from.difference(these);
}
