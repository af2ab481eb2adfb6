// Gives memory back when there is nothing to do. The nursery grows under load and shrinks only when it is collected,
// and what a burst left behind is collected when the heap has grown by as much again: an idle process would do neither
// for hours. A collection of a nursery that hardly anything lives in takes a millisecond.
import { getHeapSpaceStatistics } from 'node:v8';
import type { Clock } from './clock.ts';

const EVERY_MS = 5_000;
/** Of a core: below it a process has nothing to do. */
const IDLE_SHARE = 0.1;
const SMALL_BYTES = 4 << 20;
/** So much more than after the last collection is worth the next. */
const GROWN_BYTES = 8 << 20;

export interface Collectors {
  nursery(): void;
  /** Everything: for processes whose heap is small enough that nobody notices the pause. */
  all?(): void;
}

export interface Measured {
  /** CPU that the process took since it was looked at last. */
  readonly busyMs: number;
  readonly nurseryBytes: number;
  readonly heapBytes: number;
  /** The heap after its last collection here. */
  readonly collectedBytes: number;
}

/** What is worth collecting now, of what may be. */
export function worthCollecting(measured: Measured, mayCollectAll: boolean): keyof Collectors | undefined {
  const { busyMs, nurseryBytes, heapBytes, collectedBytes } = measured;
  if (busyMs >= EVERY_MS * IDLE_SHARE) return undefined;
  if (mayCollectAll && heapBytes > collectedBytes + GROWN_BYTES) return 'all';
  return nurseryBytes > SMALL_BYTES ? 'nursery' : undefined;
}

/** Of this process, since it began. */
export interface Usage {
  readonly cpuMs: number;
  readonly nurseryBytes: number;
  readonly heapBytes: number;
}

export async function keepIdleMemorySmall(
  collect: Collectors,
  clock: Clock,
  signal: AbortSignal,
  usage: () => Usage = usageNow,
): Promise<void> {
  let { cpuMs } = usage();
  let collectedBytes = 0;
  while (!signal.aborted) {
    await clock.sleep(EVERY_MS, signal).catch(() => {}); // woken early only to end
    if (signal.aborted) return;
    const now = usage();
    const measured = { ...now, busyMs: now.cpuMs - cpuMs, collectedBytes };
    cpuMs = now.cpuMs;
    const worth = worthCollecting(measured, collect.all !== undefined);
    if (worth === undefined) continue;
    collect[worth]?.();
    if (worth === 'all') collectedBytes = usage().heapBytes;
  }
}

function usageNow(): Usage {
  const spaces = getHeapSpaceStatistics();
  const { user, system } = process.cpuUsage();
  return {
    cpuMs: (user + system) / 1_000,
    nurseryBytes: spaces.find(({ space_name }) => space_name === 'new_space')?.physical_space_size ?? 0,
    heapBytes: spaces.reduce((sum, { space_used_size }) => sum + space_used_size, 0),
  };
}
