// Which images may go: none that a container has, none that came a moment ago, none that is pinned; of the others
// first those that were not used for the longest time. Pure; thresholds and order are upstream's.
import type { Image } from '../cri/types.ts';

export interface ImageGcSettings {
  /** Above this share of the file system images are removed until it is below the low one. */
  readonly highPercent: number;
  readonly lowPercent: number;
  readonly minAgeMs: number;
  /** Unused for longer than this it goes whether or not there is room; 0 is never. */
  readonly maxAgeMs: number;
}

export interface ImageRecord {
  readonly id: string;
  readonly bytes: number;
  readonly pinned: boolean;
  readonly inUse: boolean;
  readonly firstSeenMs: number;
  /** -Infinity: not since this process knows it. */
  readonly lastUsedMs: number;
}

export interface DiskRoom {
  readonly capacityBytes: number;
  readonly availableBytes: number;
}

/** How much must go; 0 when the file system is not too full. */
export function bytesToFree({ capacityBytes, availableBytes }: DiskRoom, settings: ImageGcSettings): number {
  if (capacityBytes <= 0) return 0;
  const usedPercent = 100 - Math.floor((availableBytes * 100) / capacityBytes);
  if (usedPercent < settings.highPercent) return 0;
  return Math.max(0, Math.floor((capacityBytes * (100 - settings.lowPercent)) / 100) - availableBytes);
}

/** In the order in which they are to go. */
export function removable(records: readonly ImageRecord[], minAgeMs: number, nowMs: number): ImageRecord[] {
  return records
    .filter(({ inUse, pinned, firstSeenMs }) => !inUse && !pinned && nowMs - firstSeenMs >= minAgeMs)
    .sort((a, b) => compare(a.lastUsedMs, b.lastUsedMs) || a.firstSeenMs - b.firstSeenMs);
}

export function tooOld(records: readonly ImageRecord[], { maxAgeMs }: ImageGcSettings, nowMs: number): ImageRecord[] {
  if (maxAgeMs === 0) return [];
  // What this process never saw in use may have been used the moment before it began to look.
  const since = (record: ImageRecord) => nowMs - Math.max(record.lastUsedMs, record.firstSeenMs);
  return removable(records, 0, nowMs).filter((record) => since(record) > maxAgeMs);
}

/** Whether a container, a pod about to start or the runtime itself refers to the image, by id, tag or digest. */
export function isReferred({ id, repoTags, repoDigests }: Image, references: ReadonlySet<string>): boolean {
  return [id, ...repoTags, ...repoDigests].some((name) => references.has(name));
}

/** Also of what is infinite. */
function compare(a: number, b: number): number {
  if (a === b) return 0;
  return a < b ? -1 : 1;
}
