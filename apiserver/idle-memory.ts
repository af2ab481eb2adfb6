// Gives the nursery back when there is nothing to do. It grows under load and shrinks only when it is collected, which
// an idle server would not do for hours; a collection of a nursery that hardly anything lives in takes a millisecond.
import { getHeapSpaceStatistics } from 'node:v8';
import type { Clock } from '../api/clock.ts';

const EVERY_MS = 5_000;
/** Of a core: below it the server has nothing to do. */
const IDLE_SHARE = 0.1;
const SMALL_BYTES = 4 << 20;

/** `collect` collects the nursery. */
export async function keepIdleMemorySmall(collect: () => void, clock: Clock, signal: AbortSignal): Promise<void> {
  let before = process.cpuUsage();
  while (!signal.aborted) {
    await clock.sleep(EVERY_MS, signal).catch(() => {}); // woken early only to end
    const { user, system } = process.cpuUsage(before);
    before = process.cpuUsage();
    const isIdle = (user + system) / 1_000 < EVERY_MS * IDLE_SHARE;
    if (isIdle && !signal.aborted && nurseryBytes() > SMALL_BYTES) collect();
  }
}

function nurseryBytes(): number {
  return getHeapSpaceStatistics().find(({ space_name }) => space_name === 'new_space')?.physical_space_size ?? 0;
}
