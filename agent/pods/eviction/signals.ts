// What is left on this node of what pods may use up, from the kernel's own files.
import { readFile, statfs } from 'node:fs/promises';
import { usageOf } from '../../node/facts.ts';
import type { Observation, Observations } from './assess.ts';
import { memoryIn } from './memory-watch.ts';
import type { Signal } from './thresholds.ts';

export async function observeSignals(nodeFs: string, imageFs: string | undefined): Promise<Observations> {
  const [usage, meminfo] = await Promise.all([usageOf(nodeFs), readFile('/proc/meminfo', 'utf8')]);
  const found = new Map<Signal, Observation>([
    ['memory.available', memoryIn(meminfo)],
    ['nodefs.available', { available: usage.diskFreeBytes, capacity: usage.diskBytes }],
    // File systems that make inodes as they go report none.
    ['nodefs.inodesFree', { available: usage.inodesFree, capacity: usage.inodes }],
    ['pid.available', { available: usage.pidsMax - usage.pids, capacity: usage.pidsMax }],
  ]);
  const images = imageFs === undefined ? undefined : await statfs(imageFs).catch(() => undefined);
  if (images !== undefined) {
    const { bavail, blocks, bsize, files, ffree } = images;
    found.set('imagefs.available', { available: bavail * bsize, capacity: blocks * bsize });
    found.set('imagefs.inodesFree', { available: ffree, capacity: files });
  }
  return found;
}
