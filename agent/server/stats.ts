// What the node, its pods and their containers use, read when somebody asks: three calls to the runtime and a few
// files of the kernel. Those who ask within a second of one another share the answer.
import { readFile, statfs } from 'node:fs/promises';
import type { Clock } from '../../api/clock.ts';
import type { AgentConfig } from '../config.ts';
import type { ImageClient } from '../cri/images.ts';
import type { RuntimeClient } from '../cri/runtime.ts';
import type { Container, ContainerStats, Sandbox } from '../cri/types.ts';
import { LABEL } from '../pods/names.ts';
import { cpuOf, defaultInterface, type InterfaceCounters, interfacesOf, memoryOf, type NodeMemory } from './proc.ts';
import { Rates } from './rates.ts';

export interface Filesystem {
  readonly atMs: number;
  readonly capacityBytes: number;
  readonly availableBytes: number;
  readonly usedBytes: number;
  readonly inodes: number;
  readonly inodesFree: number;
  readonly inodesUsed: number;
}

export interface Cpu {
  readonly atMs: number;
  readonly usageNs: bigint;
  /** Absent until there are two readings. */
  readonly nanoCores?: number;
}

export interface ContainerUsage {
  readonly id: string;
  readonly name: string;
  readonly image: string;
  readonly startedMs: number;
  readonly cpu?: Cpu;
  readonly memory?: {
    readonly atMs: number;
    readonly workingSetBytes: number;
    readonly usageBytes?: number;
    readonly availableBytes?: number;
    readonly rssBytes?: number;
    readonly pageFaults?: number;
    readonly majorPageFaults?: number;
  };
  readonly rootfs?: { readonly atMs: number; readonly usedBytes: number; readonly inodesUsed: number };
}

export interface PodUsage {
  readonly sandboxId: string;
  readonly name: string;
  readonly namespace: string;
  readonly uid: string;
  readonly startedMs: number;
  readonly containers: readonly ContainerUsage[];
  /** Of all containers together. */
  readonly cpu?: Cpu;
  readonly workingSetBytes?: number;
  /** The pod's own interfaces; pods on the host's network have none. */
  readonly interfaces: readonly InterfaceCounters[];
}

export interface Usage {
  readonly atMs: number;
  readonly node: {
    readonly name: string;
    readonly bootMs: number;
    readonly processors: number;
    readonly cpu: Cpu;
    readonly memory: NodeMemory;
    readonly fs: Filesystem;
    readonly imageFs?: Filesystem;
    readonly interfaces: readonly InterfaceCounters[];
    readonly defaultInterface?: string;
    readonly pidsMax: number;
    readonly pids: number;
  };
  readonly pods: readonly PodUsage[];
}

export interface StatsOptions {
  readonly config: Pick<AgentConfig, 'nodeName' | 'kubeletDir'>;
  readonly runtime: RuntimeClient;
  readonly images: ImageClient;
  readonly clock: Clock;
}

const SHARED_MS = 1_000;

export class Stats {
  readonly #options: StatsOptions;
  readonly #rates = new Rates();
  /** The process that holds a sandbox's namespaces. */
  readonly #pids = new Map<string, number>();
  #last: { readonly usage: Promise<Usage>; readonly atMs: number } | undefined;

  constructor(options: StatsOptions) {
    this.#options = options;
  }

  usage(signal: AbortSignal): Promise<Usage> {
    const nowMs = this.#options.clock.monotonic();
    if (this.#last !== undefined && nowMs - this.#last.atMs < SHARED_MS) return this.#last.usage;
    // Not the signal of the one who happens to ask first: others wait for the same answer. Each call has a deadline.
    const usage = this.#read(new AbortController().signal);
    const last = { usage, atMs: nowMs };
    this.#last = last;
    usage.catch(() => {
      if (this.#last === last) this.#last = undefined;
    });
    signal.throwIfAborted();
    return usage;
  }

  async #read(signal: AbortSignal): Promise<Usage> {
    const { runtime, clock } = this.#options;
    const [node, sandboxes, containers, stats] = await Promise.all([
      this.#node(signal),
      runtime.listSandboxes({}, signal),
      runtime.listContainers({}, signal),
      runtime.listContainerStats({}, signal),
    ]);
    const byId = new Map(stats.map((each) => [each.attributes.id, each]));
    const live = sandboxes.filter(({ state, labels }) => state === 'SANDBOX_READY' && labels[LABEL.podUid]);
    const running = containers.filter(({ state }) => state === 'CONTAINER_RUNNING');
    const pods = await Promise.all(live.map((sandbox) => this.#pod(sandbox, running, byId, signal)));
    this.#rates.keep(new Set(['node', ...running.map(({ id }) => id), ...live.map(({ id }) => id)]));
    for (const id of [...this.#pids.keys()]) if (!live.some((each) => each.id === id)) this.#pids.delete(id);
    return { atMs: clock.now(), node, pods };
  }

  async #pod(
    { id, labels, createdAt }: Sandbox,
    running: readonly Container[],
    stats: ReadonlyMap<string, ContainerStats>,
    signal: AbortSignal,
  ): Promise<PodUsage> {
    const containers = running
      .filter(({ podSandboxId }) => podSandboxId === id)
      .map((container) => this.#container(container, stats.get(container.id)));
    const cpus = containers.flatMap(({ cpu }) => (cpu === undefined ? [] : [cpu]));
    const sets = containers.flatMap(({ memory }) => (memory === undefined ? [] : [memory.workingSetBytes]));
    const atMs = Math.max(...cpus.map((cpu) => cpu.atMs));
    const usageNs = cpus.reduce((sum, cpu) => sum + cpu.usageNs, 0n);
    return {
      sandboxId: id,
      name: labels[LABEL.podName]!,
      namespace: labels[LABEL.podNamespace]!,
      uid: labels[LABEL.podUid]!,
      startedMs: millis(createdAt),
      containers,
      ...(cpus.length > 0 && { cpu: this.#rates.cpu(id, usageNs, atMs) }),
      ...(sets.length > 0 && { workingSetBytes: sets.reduce((sum, each) => sum + each, 0) }),
      interfaces: await this.#interfaces(id, signal),
    };
  }

  #container({ id, labels, metadata, image, createdAt }: Container, stats: ContainerStats | undefined): ContainerUsage {
    const { cpu, memory, writableLayer } = stats ?? {};
    return {
      id,
      name: labels[LABEL.container] ?? metadata.name,
      image: image.userSpecifiedImage || image.image,
      startedMs: millis(createdAt),
      ...(cpu?.usageCoreNanoSeconds && {
        cpu: this.#rates.cpu(id, BigInt(cpu.usageCoreNanoSeconds.value), millis(cpu.timestamp)),
      }),
      ...(memory?.workingSetBytes && {
        memory: {
          atMs: millis(memory.timestamp),
          workingSetBytes: Number(memory.workingSetBytes.value),
          usageBytes: numberOf(memory.usageBytes),
          availableBytes: numberOf(memory.availableBytes),
          rssBytes: numberOf(memory.rssBytes),
          pageFaults: numberOf(memory.pageFaults),
          majorPageFaults: numberOf(memory.majorPageFaults),
        },
      }),
      ...(writableLayer?.usedBytes && {
        rootfs: {
          atMs: millis(writableLayer.timestamp),
          usedBytes: Number(writableLayer.usedBytes.value),
          inodesUsed: Number(writableLayer.inodesUsed?.value ?? 0),
        },
      }),
    };
  }

  async #interfaces(sandboxId: string, signal: AbortSignal): Promise<InterfaceCounters[]> {
    let pid = this.#pids.get(sandboxId);
    if (pid === undefined) {
      const info = await this.#options.runtime.sandboxInfo(sandboxId, signal).catch(() => undefined);
      const found = JSON.parse(info?.['info'] ?? '{}') as { pid?: number; runtimeSpec?: RuntimeSpec };
      const own = found.runtimeSpec?.linux?.namespaces?.some(({ type }) => type === 'network') === true;
      pid = own ? (found.pid ?? 0) : 0;
      this.#pids.set(sandboxId, pid);
    }
    // On the host's network, or gone since: there is nothing of its own to count.
    return pid === 0 ? [] : interfacesOf(await readFile(`/proc/${pid}/net/dev`, 'utf8').catch(() => ''));
  }

  async #node(signal: AbortSignal): Promise<Usage['node']> {
    const { clock, config, images } = this.#options;
    const [stat, meminfo, dev, route, pidMax, loadavg, fs] = await Promise.all([
      readFile('/proc/stat', 'utf8'),
      readFile('/proc/meminfo', 'utf8'),
      readFile('/proc/net/dev', 'utf8'),
      readFile('/proc/net/route', 'utf8'),
      readFile('/proc/sys/kernel/pid_max', 'utf8'),
      readFile('/proc/loadavg', 'utf8'),
      filesystemOf(config.kubeletDir, clock.now()),
    ]);
    const { usageNs, processors, bootMs } = cpuOf(stat);
    const [imageUsage] = await images.fsInfo(signal);
    const mountpoint = imageUsage?.fsId?.mountpoint;
    const imageFs = mountpoint === undefined ? undefined : await filesystemOf(mountpoint, clock.now());
    return {
      name: config.nodeName,
      bootMs,
      processors,
      cpu: this.#rates.cpu('node', usageNs, clock.now()),
      memory: memoryOf(meminfo),
      fs,
      ...(imageFs && {
        imageFs: {
          ...imageFs,
          usedBytes: Number(imageUsage?.usedBytes?.value ?? imageFs.usedBytes),
          inodesUsed: Number(imageUsage?.inodesUsed?.value ?? imageFs.inodesUsed),
        },
      }),
      interfaces: interfacesOf(dev),
      defaultInterface: defaultInterface(route),
      pidsMax: Number(pidMax),
      pids: Number(loadavg.split(' ')[3]?.split('/')[1] ?? 0),
    };
  }
}

interface RuntimeSpec {
  readonly linux?: { readonly namespaces?: readonly { readonly type: string }[] };
}

async function filesystemOf(path: string, atMs: number): Promise<Filesystem> {
  const { bsize, blocks, bfree, bavail, files, ffree } = await statfs(path);
  return {
    atMs,
    capacityBytes: blocks * bsize,
    availableBytes: bavail * bsize,
    usedBytes: (blocks - bfree) * bsize,
    inodes: files,
    inodesFree: ffree,
    inodesUsed: files - ffree,
  };
}

function numberOf(wrapped: { value: string } | null): number | undefined {
  return wrapped === null ? undefined : Number(wrapped.value);
}

function millis(nanoseconds: string): number {
  return Number(nanoseconds.slice(0, -6) || 0);
}
