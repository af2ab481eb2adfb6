// Which of the logs that outlived their containers go: the old ones, and the oldest of those that are too many. Pure.
export interface KeptLimits {
  readonly maxAgeMs: number;
  readonly maxBytes: number;
  readonly maxFiles: number;
}

export const DEFAULT_KEPT: KeptLimits = { maxAgeMs: 24 * 3_600_000, maxBytes: 256 * 2 ** 20, maxFiles: 5_000 };

export interface KeptFile {
  readonly path: string;
  readonly bytes: number;
  readonly keptAtMs: number;
}

export function expired(files: readonly KeptFile[], { maxAgeMs, maxBytes, maxFiles }: KeptLimits, nowMs: number) {
  const newestFirst = [...files].sort((a, b) => b.keptAtMs - a.keptAtMs);
  let bytes = 0;
  return newestFirst.filter((file, at) => {
    bytes += file.bytes;
    return nowMs - file.keptAtMs > maxAgeMs || bytes > maxBytes || at >= maxFiles;
  });
}

/** From the first whole line of the last `max` bytes. */
export function wholeLines(tail: Buffer, cut: boolean): Buffer {
  return cut ? tail.subarray(tail.indexOf(0x0a) + 1) : tail;
}
