// Memory runs out faster than anything else, so between two looks at everything it is looked at alone: at least once a
// second, and more often the nearer a threshold is. The kernel's own notices (eventfd of cgroup v1, triggers in
// /proc/pressure) need calls that Node does not have; one read of /proc/meminfo costs less than a thread for them.
import { readFileSync } from 'node:fs';
import { meminfoOf } from '../../node/facts.ts';
import type { Observation } from './assess.ts';
import { inUnits, type Threshold } from './thresholds.ts';

/** So fast a process may fill memory, by measure of what one core can touch. */
const BYTES_PER_MS = 4 * 2 ** 20;
const MIN_MS = 100;
const MAX_MS = 1_000;

/** Pages of files that nobody looks at come free without anybody's harm. */
export function memoryIn(meminfo: string): Observation {
  const memory = meminfoOf(meminfo);
  return {
    available: (memory['MemFree'] ?? 0) + (memory['Inactive(file)'] ?? 0),
    capacity: memory['MemTotal'] ?? 0,
  };
}

/** At once, without the thread pool: this file lies on no disk. */
export function memoryNow(): Observation {
  return memoryIn(readFileSync('/proc/meminfo', 'utf8'));
}

/** When to look again: before memory could have run out. */
export function memoryPauseMs({ available, capacity }: Observation, thresholds: readonly Threshold[]): number {
  const margins = thresholds.map(({ amount }) => available - inUnits(amount, capacity));
  return Math.max(MIN_MS, Math.min(MAX_MS, ...margins.map((bytes) => Math.floor(bytes / BYTES_PER_MS))));
}
