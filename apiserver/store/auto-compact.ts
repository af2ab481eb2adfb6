// How long history is kept: by age, and by bytes written, whichever ends first. Deciding is a pure function over
// samples; the loop takes one now and then and carries the decision out.
import type { Clock } from '../../api/clock.ts';
import type { Logger } from '../../api/log.ts';
import { CompactedError, type Store } from './store.ts';

/** Where the store was at a moment. */
export interface Sample {
  readonly atMs: number;
  readonly revision: number;
  /** Bytes written until then, counted from anywhere. */
  readonly writtenBytes: number;
  /** There is no space for writes: history makes room. */
  readonly isFull?: boolean;
}

export interface CompactionPolicy {
  readonly keepMs: number;
  readonly keepBytes: number;
  readonly everyMs: number;
}

export const COMPACTION: CompactionPolicy = { keepMs: 300_000, keepBytes: 256 << 20, everyMs: 10_000 };

/**
 * Up to which revision to forget: the newest sample that is old enough, or that has too much behind it. Samples are
 * oldest first. Undefined when there is nothing to forget.
 */
export function compactionTarget(
  samples: readonly Sample[],
  now: Sample,
  compacted: number,
  { keepMs, keepBytes }: CompactionPolicy,
): number | undefined {
  if (now.isFull) return now.revision - 1 > compacted ? now.revision - 1 : undefined;
  const past = samples.findLast(
    ({ atMs, writtenBytes }) => now.atMs - atMs >= keepMs || now.writtenBytes - writtenBytes >= keepBytes,
  );
  // The state of now stays readable, so compacting at the newest revision would be allowed; watches need one before.
  return past !== undefined && past.revision > compacted && past.revision < now.revision ? past.revision : undefined;
}

export async function autoCompact(
  store: Store & { readonly writtenBytes?: number; readonly isFull?: boolean },
  policy: CompactionPolicy,
  clock: Clock,
  log: Logger,
  signal: AbortSignal,
): Promise<void> {
  let samples: Sample[] = [];
  while (!signal.aborted) {
    const { revision, writtenBytes = 0, isFull = false } = store;
    const now = { atMs: clock.monotonic(), revision, writtenBytes, isFull };
    const target = compactionTarget(samples, now, store.compactedRevision, policy);
    if (target !== undefined) {
      try {
        if (isFull) log.warn({ revision: target }, 'no space is left for writes; history is forgotten to make room');
        await store.compact(target);
      } catch (err) {
        // Another server on the same etcd was faster: just as good.
        if (!(err instanceof CompactedError) && !signal.aborted) log.warn({ err }, 'history could not be compacted');
      }
    }
    samples = samples.filter(({ revision }) => revision > store.compactedRevision);
    // An idle store adds no samples: the age of its newest revision counts from when it was first seen.
    if (samples.at(-1)?.revision !== now.revision) samples.push(now);
    await clock.sleep(policy.everyMs, signal).catch(() => {}); // woken early only to end
  }
}
