// What each pod of this node uses: one call to the runtime for all, and a walk through those folders that matter.
import { join } from 'node:path';
import type { Clock } from '../../../api/clock.ts';
import type { Pod } from '../../../api/types/core/pod.ts';
import type { RuntimeClient } from '../../cri/runtime.ts';
import type { ContainerStats } from '../../cri/types.ts';
import { LABEL, type PodFolders, podLogDir, volumesDir } from '../names.ts';
import { podName } from '../sandbox-config.ts';
import { type DiskUse, diskUse } from './disk-usage.ts';
import type { Candidate, PodUse } from './rank.ts';

/** A walk that takes long is repeated seldom: never more than this part of the time. */
const WALKING_PART = 20;

interface Walk {
  readonly volumes: ReadonlyMap<string, DiskUse>;
  /** By container. */
  readonly logs: ReadonlyMap<string, DiskUse>;
  readonly againAtMs: number;
}

export interface PodUsageDeps {
  readonly runtime: RuntimeClient;
  readonly folders: PodFolders;
  readonly pids: (pod: Pod) => Promise<number>;
  readonly clock: Clock;
}

export class PodUsage {
  readonly #deps: PodUsageDeps;
  readonly #walks = new Map<string, Walk>();

  constructor(deps: PodUsageDeps) {
    this.#deps = deps;
  }

  async of(pods: readonly Pod[], signal: AbortSignal): Promise<Candidate[]> {
    const byPod = new Map<string, ContainerStats[]>();
    for (const stats of await this.#deps.runtime.listContainerStats({}, signal)) {
      const uid = stats.attributes.labels[LABEL.podUid];
      if (uid !== undefined) byPod.set(uid, [...(byPod.get(uid) ?? []), stats]);
    }
    const here = new Set(pods.map(({ metadata }) => metadata.uid));
    for (const uid of [...this.#walks.keys()]) if (!here.has(uid)) this.#walks.delete(uid);
    const found: Candidate[] = [];
    for (const pod of pods) found.push({ pod, use: await this.#use(pod, byPod.get(pod.metadata.uid) ?? [], signal) });
    return found;
  }

  async #use(pod: Pod, stats: readonly ContainerStats[], signal: AbortSignal): Promise<PodUse> {
    const { volumes, logs } = await this.#walk(pod, signal);
    const containers = stats.map(({ attributes, memory, writableLayer }) => {
      const name = attributes.labels[LABEL.container] ?? attributes.metadata.name;
      return {
        name,
        memory: Number(memory?.workingSetBytes?.value ?? 0),
        disk: Number(writableLayer?.usedBytes?.value ?? 0) + (logs.get(name)?.disk ?? 0),
        inodes: Number(writableLayer?.inodesUsed?.value ?? 0) + (logs.get(name)?.inodes ?? 0),
      };
    });
    return { containers, volumes, pids: await this.#deps.pids(pod) };
  }

  async #walk(pod: Pod, signal: AbortSignal): Promise<Walk> {
    const { folders, clock } = this.#deps;
    const { uid } = pod.metadata;
    const before = this.#walks.get(uid);
    const startMs = clock.monotonic();
    if (before !== undefined && startMs < before.againAtMs) return before;
    const volumes = new Map<string, DiskUse>();
    for (const { name, emptyDir } of pod.spec.volumes ?? []) {
      if (emptyDir === undefined || emptyDir.medium) continue;
      volumes.set(name, await diskUse(join(volumesDir(folders, uid), 'kubernetes.io~empty-dir', name), signal));
    }
    const logs = new Map<string, DiskUse>();
    const logDir = podLogDir(folders, podName(pod));
    for (const { name } of pod.spec.containers) logs.set(name, await diskUse(join(logDir, name), signal));
    const endMs = clock.monotonic();
    const walk = { volumes, logs, againAtMs: endMs + (endMs - startMs) * WALKING_PART };
    this.#walks.set(uid, walk);
    return walk;
  }
}
