// A cgroup of its own for every test node, in each hierarchy that the machine has (v1, v2 or both): a cgroup namespace
// makes it the root that the node sees, so nodes cannot collide and what they leave can be found and removed.
import { existsSync } from 'node:fs';
import { mkdir, readdir, readFile, rmdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { waitFor } from './wait.ts';

export interface Hierarchy {
  mountPoint: string;
  version: 1 | 2;
  /** For mount -o. */
  options: string;
}

export async function hierarchies(): Promise<Hierarchy[]> {
  const lines = (await readFile('/proc/self/mountinfo', 'utf8')).split('\n');
  return lines.flatMap((line): Hierarchy[] => {
    const [own, source] = line.split(' - ');
    const mountPoint = own?.split(' ')[4];
    const [type, , superOptions] = source?.split(' ') ?? [];
    if (mountPoint === undefined || !mountPoint.startsWith('/sys/fs/cgroup')) return [];
    if (type === 'cgroup2') return [{ mountPoint, version: 2, options: '' }];
    if (type !== 'cgroup') return [];
    const names = superOptions!.split(',').filter((name) => name !== 'rw' && name !== 'ro');
    const named = names.some((name) => name.startsWith('name='));
    return [{ mountPoint, version: 1, options: [...(named ? ['none'] : []), ...names].join(',') }];
  });
}

export async function makeCgroups(name: string, trees: readonly Hierarchy[]): Promise<void> {
  for (const { mountPoint, version } of trees) {
    const dir = join(mountPoint, name);
    if (version === 2) await delegate(mountPoint);
    await mkdir(dir);
    // In v2 only leaves hold processes, and the node's own root has to hand its controllers down.
    if (version === 2) await mkdir(join(dir, 'init'));
    if (existsSync(join(dir, 'cpuset.cpus')) && version === 1) await inheritCpus(mountPoint, dir);
  }
}

/** The file to write a pid to. */
export function procsFile({ mountPoint, version }: Hierarchy, name: string): string {
  return join(mountPoint, name, version === 2 ? 'init' : '', 'cgroup.procs');
}

/** Processes that were just killed hold their cgroup for a moment longer. */
export async function removeCgroups(name: string, trees: readonly Hierarchy[]): Promise<void> {
  for (const { mountPoint } of trees) {
    const dir = join(mountPoint, name);
    await waitFor(
      `cgroup ${dir} to be removable`,
      async () => {
        await removeTree(dir);
        return true;
      },
      { timeoutMs: 10_000, intervalMs: 20 },
    );
  }
}

async function removeTree(dir: string): Promise<void> {
  if (!existsSync(dir)) return;
  for (const entry of await readdir(dir, { withFileTypes: true })) {
    if (entry.isDirectory()) await removeTree(join(dir, entry.name));
  }
  await rmdir(dir);
}

async function delegate(root: string): Promise<void> {
  const controllers = (await readFile(join(root, 'cgroup.controllers'), 'utf8')).trim();
  if (controllers === '') return;
  const all = controllers
    .split(' ')
    .map((name) => `+${name}`)
    .join(' ');
  await writeFile(join(root, 'cgroup.subtree_control'), all);
}

/** A new v1 cpuset is empty, and nothing can run in it. */
async function inheritCpus(from: string, to: string): Promise<void> {
  for (const file of ['cpuset.cpus', 'cpuset.mems']) await writeFile(join(to, file), await readFile(join(from, file)));
  await writeFile(join(to, 'cgroup.clone_children'), '1');
}
