// From what is left of memory, disk and process numbers to whether the node is under pressure and what to act upon.
// Pure: what must be remembered between two looks is handed in and out.
import { CONDITION, type EvictionSettings, inUnits, type Signal, type Threshold } from './thresholds.ts';

export interface Observation {
  readonly available: number;
  readonly capacity: number;
}
export type Observations = ReadonlyMap<Signal, Observation>;

export interface EvictionMemory {
  /** Since when each threshold has been met, by its place in the settings. */
  readonly metSince: ReadonlyMap<number, number>;
  /** When each condition was seen last. */
  readonly seenAt: ReadonlyMap<string, number>;
}

export const NO_EVICTION_MEMORY: EvictionMemory = { metSince: new Map(), seenAt: new Map() };

export interface Assessment {
  /** The node's conditions, in a fixed order. */
  readonly pressures: readonly string[];
  /** Met for as long as they ask, the gravest first. */
  readonly act: readonly Threshold[];
  readonly memory: EvictionMemory;
}

export function isMet({ signal, amount, reclaim }: Threshold, seen: Observations, wasMet: boolean): boolean {
  const observation = seen.get(signal);
  if (observation === undefined || observation.capacity <= 0) return false;
  const { available, capacity } = observation;
  const margin = wasMet && reclaim !== undefined ? inUnits(reclaim, capacity) : 0;
  return available < inUnits(amount, capacity) + margin;
}

export function assess(
  { thresholds, transitionMs }: EvictionSettings,
  seen: Observations,
  before: EvictionMemory,
  nowMs: number,
): Assessment {
  const metSince = new Map<number, number>();
  const seenAt = new Map(before.seenAt);
  const act: Threshold[] = [];
  for (const [at, threshold] of thresholds.entries()) {
    const since = before.metSince.get(at);
    if (!isMet(threshold, seen, since !== undefined)) continue;
    metSince.set(at, since ?? nowMs);
    if (nowMs - (since ?? nowMs) < threshold.graceMs) continue;
    seenAt.set(CONDITION[threshold.signal], nowMs);
    act.push(threshold);
  }
  for (const [condition, atMs] of seenAt) if (nowMs - atMs >= transitionMs && atMs !== nowMs) seenAt.delete(condition);
  // A machine without memory does nothing at all any more, so that comes first.
  const gravity = ({ signal }: Threshold) => (signal === 'memory.available' ? 0 : 1);
  act.sort((a, b) => gravity(a) - gravity(b) || a.graceMs - b.graceMs);
  return { pressures: [...seenAt.keys()].sort(), act, memory: { metSince, seenAt } };
}
