// Between a pod's deletion and the signal to its processes: clients must have stopped being sent there, or a rollout
// loses requests. The wait overlaps the preStop hook, counts inside the grace, and never lasts long: an API server
// that cannot be reached must not extend anything.
import type { Clock } from '../../api/clock.ts';
import type { Pod } from '../../api/types/core/pod.ts';
import type { EndpointSlice } from '../../api/types/discovery/endpoint-slice.ts';

const LONGEST_MS = 1_000;
const LOOK_EVERY_MS = 20;
/** Deletions in such a hurry are not about rollouts. */
const SHORT_GRACE_SECONDS = 3;

/** The longest a pod's processes may be kept waiting for the signal. */
export function farewellMs(pod: Pod, graceSeconds: number): number {
  if (pod.metadata.deletionTimestamp === undefined || graceSeconds < SHORT_GRACE_SECONDS) return 0;
  return Math.min(LONGEST_MS, (graceSeconds * 1_000) / 4);
}

/** Whether clients may still be sent to the pod. */
export function isOffered({ metadata }: Pod, slices: Iterable<EndpointSlice>): boolean {
  for (const { endpoints } of slices) {
    for (const { targetRef, conditions } of endpoints ?? []) {
      if (targetRef?.uid === metadata.uid && conditions?.ready !== false) return true;
    }
  }
  return false;
}

export async function untilNotOffered(
  pod: Pod,
  slices: () => Iterable<EndpointSlice>,
  limitMs: number,
  clock: Clock,
  signal: AbortSignal,
): Promise<void> {
  const endMs = clock.monotonic() + limitMs;
  while (clock.monotonic() < endMs && isOffered(pod, slices())) await clock.sleep(LOOK_EVERY_MS, signal);
}
