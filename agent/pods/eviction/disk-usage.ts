// How much a folder holds: blocks on disk, not lengths of files, each inode once, never over into another mount.
import { lstat, opendir } from 'node:fs/promises';
import { join } from 'node:path';

export interface DiskUse {
  readonly disk: number;
  readonly inodes: number;
}

const BLOCK_BYTES = 512;

/** What vanishes while it is counted does not count. */
export async function diskUse(root: string, signal: AbortSignal): Promise<DiskUse> {
  const top = await lstat(root).catch(() => undefined);
  if (top === undefined) return { disk: 0, inodes: 0 };
  const linked = new Set<number>();
  let disk = top.blocks * BLOCK_BYTES;
  let inodes = 1;
  const folders = top.isDirectory() ? [root] : [];
  for (let folder = folders.pop(); folder !== undefined; folder = folders.pop()) {
    signal.throwIfAborted();
    const entries = await opendir(folder).catch(() => undefined);
    if (entries === undefined) continue;
    try {
      for await (const { name } of entries) {
        const path = join(folder, name);
        const found = await lstat(path).catch(() => undefined);
        if (found === undefined || found.dev !== top.dev) continue;
        if (found.nlink > 1 && !found.isDirectory()) {
          if (linked.has(found.ino)) continue;
          linked.add(found.ino);
        }
        disk += found.blocks * BLOCK_BYTES;
        inodes++;
        if (found.isDirectory()) folders.push(path);
      }
    } catch (err) {
      if ((err as { code?: string }).code !== 'ENOENT') throw err;
    }
  }
  return { disk, inodes };
}
