// How full the volumes and the logs of a pod are: what a driver says, what the file system says, and for what lies on
// the node's own disk a walk, repeated seldom enough that walking never takes more than a small part of the time.
import { statfs } from 'node:fs/promises';
import { join } from 'node:path';
import type { Clock } from '../../api/clock.ts';
import type { Pod } from '../../api/types/core/pod.ts';
import type { Volume } from '../../api/types/core/volume.ts';
import type { VolumeUsage } from '../csi/volume-usage.ts';
import { type DiskUse, diskUse } from '../pods/eviction/disk-usage.ts';
import { type PodFolders, podLogDir } from '../pods/names.ts';
import { podName } from '../pods/sandbox-config.ts';
import { claimReference } from './claim.ts';
import { volumeType } from './types.ts';

export interface Filled {
  readonly total: number;
  readonly used: number;
  readonly available: number;
}

export interface VolumeUse {
  readonly name: string;
  /** Of the pod's namespace. */
  readonly claim?: string;
  /** On the node's own disk, and gone with the pod. */
  readonly isLocal: boolean;
  readonly bytes: Filled;
  readonly inodes?: Filled;
  /** As its driver says. */
  readonly isAbnormal?: boolean;
}

export interface PodStorage {
  readonly volumes: readonly VolumeUse[];
  /** By container, files put aside included. */
  readonly logs: ReadonlyMap<string, DiskUse>;
}

export interface StorageUsageDeps {
  readonly folders: PodFolders;
  readonly pathOf: (pod: Pod, volume: Volume) => string;
  readonly saidByDrivers: (uid: string) => Promise<readonly VolumeUsage[]>;
  readonly clock: Clock;
}

const AT_MOST_EVERY_MS = 10_000;
const WALKING_PART = 20;
/** Volumes whose content is the pod's own, on this node. */
const OWN: readonly string[] = ['emptyDir', 'configMap', 'secret', 'projected', 'downwardAPI'];

export class StorageUsage {
  readonly #deps: StorageUsageDeps;
  readonly #known = new Map<string, { readonly storage: Promise<PodStorage>; againAtMs: number }>();

  constructor(deps: StorageUsageDeps) {
    this.#deps = deps;
  }

  async of(pods: Iterable<Pod>, signal: AbortSignal): Promise<ReadonlyMap<string, PodStorage>> {
    const found = new Map<string, PodStorage>();
    for (const pod of pods) found.set(pod.metadata.uid, await this.#of(pod, signal));
    for (const uid of this.#known.keys()) if (!found.has(uid)) this.#known.delete(uid);
    return found;
  }

  #of(pod: Pod, signal: AbortSignal): Promise<PodStorage> {
    const { clock } = this.#deps;
    const { uid } = pod.metadata;
    const startMs = clock.monotonic();
    const before = this.#known.get(uid);
    if (before !== undefined && startMs < before.againAtMs) return before.storage;
    const known = { storage: this.#read(pod, signal), againAtMs: startMs + AT_MOST_EVERY_MS };
    this.#known.set(uid, known);
    known.storage.then(
      () => {
        const endMs = clock.monotonic();
        known.againAtMs = endMs + Math.max(AT_MOST_EVERY_MS, (endMs - startMs) * WALKING_PART);
      },
      () => this.#known.delete(uid), // whoever asked is told why
    );
    return known.storage;
  }

  async #read(pod: Pod, signal: AbortSignal): Promise<PodStorage> {
    const { folders, saidByDrivers } = this.#deps;
    const told = new Map((await saidByDrivers(pod.metadata.uid)).map((each) => [each.name, each]));
    const volumes: VolumeUse[] = [];
    for (const volume of pod.spec.volumes ?? []) {
      const use = await this.#volume(pod, volume, told.get(volume.name), signal);
      if (use !== undefined) volumes.push(use);
    }
    const logs = new Map<string, DiskUse>();
    const logDir = podLogDir(folders, podName(pod));
    for (const { name } of [...pod.spec.containers, ...(pod.spec.initContainers ?? [])]) {
      logs.set(name, await diskUse(join(logDir, name), signal));
    }
    return { volumes, logs };
  }

  async #volume(pod: Pod, volume: Volume, told: VolumeUsage | undefined, signal: AbortSignal) {
    const claim = claimReference(pod, volume)?.name;
    const known = { name: volume.name, ...(claim !== undefined && { claim }) };
    if (told?.bytes !== undefined) {
      const isAbnormal = told.condition?.abnormal;
      const extra = { ...(told.inodes && { inodes: told.inodes }), ...(isAbnormal !== undefined && { isAbnormal }) };
      return { ...known, isLocal: false, bytes: told.bytes, ...extra };
    }
    const type = volumeType(volume);
    const isOwn = OWN.includes(type);
    if (!isOwn && claim === undefined) return undefined; // of the node or of a driver that says nothing
    const path = this.#deps.pathOf(pod, volume);
    const fs = await statfs(path).catch(() => undefined);
    if (fs === undefined) return undefined; // not set up
    const { bsize, blocks, bfree, bavail, files, ffree } = fs;
    const bytes = { total: blocks * bsize, used: (blocks - bfree) * bsize, available: bavail * bsize };
    const inodes = { total: files, used: files - ffree, available: ffree };
    const isMemory = volume.emptyDir?.medium === 'Memory';
    if (!isOwn || isMemory) return { ...known, isLocal: false, bytes, inodes };
    const { disk, inodes: entries } = await diskUse(path, signal);
    return { ...known, isLocal: true, bytes: { ...bytes, used: disk }, inodes: { ...inodes, used: entries } };
  }
}
