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

export async function keepIdleMemorySmall(collect: Collectors, clock: Clock, signal: AbortSignal): Promise<void> {
  let before = process.cpuUsage();
  let collectedBytes = 0;
  while (!signal.aborted) {
    await clock.sleep(EVERY_MS, signal).catch(() => {}); // woken early only to end
    const { user, system } = process.cpuUsage(before);
    before = process.cpuUsage();
    const isIdle = (user + system) / 1_000 < EVERY_MS * IDLE_SHARE;
    if (!isIdle || signal.aborted) continue;
    const { nursery, all } = heapBytes();
    if (collect.all !== undefined && all > collectedBytes + GROWN_BYTES) {
      collect.all();
      collectedBytes = heapBytes().all;
    } else if (nursery > SMALL_BYTES) collect.nursery();
  }
}

function heapBytes(): { nursery: number; all: number } {
  const spaces = getHeapSpaceStatistics();
  return {
    nursery: spaces.find(({ space_name }) => space_name === 'new_space')?.physical_space_size ?? 0,
    all: spaces.reduce((sum, { space_used_size }) => sum + space_used_size, 0),
  };
}
