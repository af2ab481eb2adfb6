// The control groups of pods in the kernel's file system, first or second generation, whichever is mounted. Where the
// tree cannot be written (a container without the right to) that is said once, and the runtime's own groups must do.
import { access, mkdir, readdir, readFile, rmdir, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import type { Logger } from '../../api/log.ts';
import type { Pod } from '../../api/types/core/pod.ts';
import type { PodCgroups } from '../pods/deps.ts';
import { type QosClass, qosClass } from '../pods/resources.ts';
import { type Limits, podLimits, qosLimits, v1Files, v2Files } from './limits.ts';
import { type CgroupDriver, cgroupParent, cgroupPath, podParts, QOS_FOLDERS, qosParts } from './names.ts';
import { removeSlices, setSlice, slicesSet } from './slices.ts';

/** Those whose limits we set; the runtime makes its groups in all others by itself. */
const V1_CONTROLLERS: readonly string[] = ['cpu', 'memory', 'pids', 'hugetlb'];
const V2_CONTROLLERS: readonly string[] = ['cpu', 'cpuset', 'memory', 'pids', 'io', 'hugetlb'];

export interface Hierarchies {
  readonly version: 1 | 2;
  /** Mount points: by controller for version 1, '' for version 2. */
  readonly mounts: ReadonlyMap<string, string>;
  /** Every mount point of either generation: the runtime makes groups in all of them. */
  readonly all: readonly string[];
}

/** From /proc/self/mountinfo. A machine with both generations has its controllers in the first. */
export function hierarchiesOf(mountinfo: string): Hierarchies {
  const v1 = new Map<string, string>();
  const v2 = new Map<string, string>();
  for (const line of mountinfo.split('\n')) {
    const [before, after] = line.split(' - ');
    const point = before?.split(' ')[4];
    const [type, , options = ''] = after?.split(' ') ?? [];
    if (point === undefined) continue;
    if (type === 'cgroup2' && !v2.has('')) v2.set('', point);
    if (type !== 'cgroup') continue;
    const named = options
      .split(',')
      .filter((option) => !['rw', 'ro', 'none', 'xattr', 'clone_children'].includes(option));
    for (const controller of named) if (!v1.has(controller)) v1.set(controller, point);
  }
  const all = [...new Set([...v1.values(), ...v2.values()])];
  return v1.has('memory') || v1.has('cpu') ? { version: 1, mounts: v1, all } : { version: 2, mounts: v2, all };
}

export interface CgroupOptions {
  readonly driver: CgroupDriver;
  readonly root: string;
  readonly pidsPerPod?: number;
  readonly log: Logger;
}

export class CgroupTree implements PodCgroups {
  readonly #hierarchies: Hierarchies;
  readonly #options: CgroupOptions;
  /** False after the first refusal. */
  #writable = true;
  readonly #balanced = new Map<string, number>();

  constructor(hierarchies: Hierarchies, options: CgroupOptions) {
    this.#hierarchies = hierarchies;
    this.#options = options;
  }

  static async open(options: CgroupOptions): Promise<CgroupTree> {
    return new CgroupTree(hierarchiesOf(await readFile('/proc/self/mountinfo', 'utf8')), options);
  }

  get version(): 1 | 2 {
    return this.#hierarchies.version;
  }

  parentOf(pod: Pod): string {
    const { driver, root } = this.#options;
    return cgroupParent(driver, root, podParts(qosClass(pod), pod.metadata.uid));
  }

  async ensure(pod: Pod, signal: AbortSignal): Promise<void> {
    const { pidsPerPod } = this.#options;
    await this.#tryToSet(podParts(qosClass(pod), pod.metadata.uid), podLimits(pod, pidsPerPod), signal);
  }

  /** How many processes and threads the pod has; 0 where nobody counts them. */
  async pids(pod: Pod): Promise<number> {
    const { driver, root } = this.#options;
    const mount = this.#hierarchies.mounts.get(this.version === 1 ? 'pids' : '');
    if (mount === undefined) return 0;
    const path = cgroupPath(driver, root, podParts(qosClass(pod), pod.metadata.uid));
    return Number(await readFile(join(mount, path, 'pids.current'), 'utf8').catch(() => '0'));
  }

  /** All pods together: what is reserved for others stays theirs. */
  async limitAll(limits: Limits, signal: AbortSignal): Promise<void> {
    await this.#tryToSet(podParts('Guaranteed', '').slice(0, 1), limits, signal);
  }

  async balance(pods: Iterable<Pod>, signal: AbortSignal): Promise<void> {
    const limits = qosLimits(pods);
    for (const qos of ['Burstable', 'BestEffort'] as const) {
      if (this.#balanced.get(qos) === limits[qos].cpuShares) continue;
      await this.#tryToSet(qosParts(qos), limits[qos], signal);
      this.#balanced.set(qos, limits[qos].cpuShares);
    }
  }

  async #tryToSet(parts: readonly string[], limits: Limits, signal: AbortSignal): Promise<void> {
    if (!this.#writable) return;
    const { log } = this.#options;
    try {
      await this.#set(parts, limits, signal);
    } catch (err) {
      signal.throwIfAborted();
      const { code } = err as { code?: string };
      if (code !== 'EACCES' && code !== 'EROFS' && code !== 'EPERM' && code !== 'ENOENT') throw err;
      this.#writable = false;
      log.warn(
        { err },
        'control groups cannot be written: limits of whole pods are not enforced, those of containers are',
      );
    }
  }

  async remove(uid: string, signal: AbortSignal): Promise<void> {
    const { driver, root } = this.#options;
    for (const qos of Object.keys(QOS_FOLDERS) as QosClass[]) {
      const path = cgroupPath(driver, root, podParts(qos, uid));
      if (driver === 'systemd' && (await this.#isThere(path))) await removeSlices([basename(path)], signal);
      for (const mount of this.#hierarchies.all) {
        signal.throwIfAborted();
        await removeEmpty(join(mount, path));
      }
    }
  }

  /** In the tree, or only set: then no container was started in it. */
  async #isThere(slice: string): Promise<boolean> {
    const inTree = this.#hierarchies.all.map((mount) =>
      access(join(mount, slice)).then(
        () => true,
        () => false,
      ),
    );
    return (await Promise.all(inTree)).includes(true) || (await slicesSet()).includes(basename(slice));
  }

  async #set(parts: readonly string[], limits: Limits, signal: AbortSignal): Promise<void> {
    const { driver, root } = this.#options;
    if (driver === 'systemd') return setSlice(cgroupParent(driver, root, parts), limits, signal);
    const path = cgroupPath(driver, root, parts);
    if (this.version === 2) {
      const mount = this.#hierarchies.mounts.get('')!;
      await delegate(mount, path);
      for (const [file, value] of v2Files(limits)) await writeIfThere(join(mount, path, file), value);
      return;
    }
    for (const controller of V1_CONTROLLERS) {
      const mount = this.#hierarchies.mounts.get(controller);
      if (mount !== undefined) await mkdir(join(mount, path), { recursive: true });
    }
    for (const [controller, file, value] of v1Files(limits)) {
      const mount = this.#hierarchies.mounts.get(controller);
      if (mount !== undefined) await writeIfThere(join(mount, path, file), value);
    }
  }
}

/** Hands the controllers down from level to level, so that the pod's group has them. */
async function delegate(mount: string, path: string): Promise<void> {
  let at = mount;
  for (const part of path.split('/').filter((each) => each !== '')) {
    const available = (await readFile(join(at, 'cgroup.controllers'), 'utf8')).trim().split(' ');
    const wanted = V2_CONTROLLERS.filter((controller) => available.includes(controller));
    for (const controller of wanted) await writeIfThere(join(at, 'cgroup.subtree_control'), `+${controller}`);
    at = join(at, part);
    await mkdir(at, { recursive: true });
  }
}

/** A kernel without the controller has no such file: then there is nothing to limit with. */
async function writeIfThere(path: string, value: string): Promise<void> {
  try {
    await writeFile(path, value, { flag: 'r+' });
  } catch (err) {
    if ((err as { code?: string }).code !== 'ENOENT') throw err;
  }
}

/** Groups go from the innermost outwards; one that still holds processes stays and is tried again later. */
async function removeEmpty(dir: string): Promise<void> {
  const entries = await readdir(dir, { withFileTypes: true }).catch(() => []);
  for (const entry of entries) if (entry.isDirectory()) await removeEmpty(join(dir, entry.name));
  try {
    await rmdir(dir);
  } catch (err) {
    const { code } = err as { code?: string };
    if (code !== 'ENOENT' && code !== 'EBUSY' && code !== 'ENOTEMPTY') throw err;
  }
}
