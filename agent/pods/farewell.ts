// Between a pod's deletion and the signal to its processes: clients must have stopped being sent there, or a rollout
// loses requests. The wait overlaps the preStop hook, counts inside the grace, and never lasts long: an API server
// that cannot be reached must not extend anything.
import type { Clock } from '../../api/clock.ts';
import type { Logger } from '../../api/log.ts';
import type { Pod } from '../../api/types/core/pod.ts';
import type { EndpointSlice } from '../../api/types/discovery/endpoint-slice.ts';

export interface FarewellSettings {
  /** The longest a pod's processes may be kept waiting; 0 for never. */
  readonly longestMs: number;
  /** What other nodes get to follow, once this node has. */
  readonly peersMs: number;
}

export interface FarewellDeps {
  /** Where clients of the pod's namespace are sent, as far as this node knows. */
  readonly slices: () => Iterable<EndpointSlice>;
  /** Resolves when this node's kernel does what the slices say. */
  readonly settled: (signal: AbortSignal) => Promise<void>;
  readonly clock: Clock;
  readonly log: Logger;
}

const LOOK_EVERY_MS = 20;
/** Deletions in such a hurry are not about rollouts. */
const SHORT_GRACE_SECONDS = 3;

/** The longest a pod's processes may be kept waiting for the signal. */
export function farewellMs(pod: Pod, graceSeconds: number, { longestMs }: FarewellSettings): number {
  if (pod.metadata.deletionTimestamp === undefined || graceSeconds < SHORT_GRACE_SECONDS) return 0;
  return Math.min(longestMs, (graceSeconds * 1_000) / 4);
}

export type Offer = 'offered' | 'withdrawn' | 'none';

/**
 * Whether clients are sent to the pod. `withdrawn`: the slices say no more, and clients may not have heard it yet; news
 * of the slices often come before those of the deletion. `none`: nobody was sent there just now.
 */
export function offerOf({ metadata }: Pod, slices: Iterable<EndpointSlice>): Offer {
  let offer: Offer = 'none';
  for (const { endpoints } of slices) {
    for (const { targetRef, conditions } of endpoints ?? []) {
      if (targetRef?.uid !== metadata.uid) continue;
      const ready = conditions?.ready ?? true;
      if (ready && conditions?.terminating !== true) return 'offered';
      if (ready || conditions?.serving === true) offer = 'withdrawn';
    }
  }
  return offer;
}

/** Out of the slices, out of this node's kernel, and then a moment for the others. */
export async function farewell(
  pod: Pod,
  limitMs: number,
  peersMs: number,
  { slices, settled, clock, log }: FarewellDeps,
  signal: AbortSignal,
): Promise<void> {
  const endMs = clock.monotonic() + limitMs;
  const left = () => endMs - clock.monotonic();
  if (limitMs <= 0 || offerOf(pod, slices()) === 'none') return;
  while (left() > 0 && offerOf(pod, slices()) === 'offered') await clock.sleep(LOOK_EVERY_MS, signal);
  const told = { offeredMs: limitMs - Math.round(left()), settledMs: -1 };
  const late = new AbortController();
  using _timer = clock.after(left(), () => late.abort());
  if (left() > 0) {
    await settled(AbortSignal.any([signal, late.signal])).then(
      () => {
        told.settledMs = limitMs - Math.round(left());
      },
      () => signal.throwIfAborted(), // its time is up, or the kernel refuses: others may have followed
    );
  }
  if (left() > 0) await clock.sleep(Math.min(peersMs, left()), signal);
  log.debug(told, left() > 0 ? 'clients are sent elsewhere' : 'clients may still be sent here: the wait is over');
}
