// What containers say at their end goes into the pod's status, and all of it together stays small: the more containers,
// the less for each. Pure.
import type { ContainerStatus } from '../../api/types/core/container-status.ts';
import type { PodStatus } from '../../api/types/core/pod-status.ts';

/** As upstream bounds it; one container alone is bounded when its words are read (observe.ts). */
const POD_BYTES = 12 * 1_024;

export function shortened(status: PodStatus): PodStatus {
  const lists = ['initContainerStatuses', 'containerStatuses', 'ephemeralContainerStatuses'] as const;
  const count = lists.reduce((sum, list) => sum + (status[list]?.length ?? 0), 0);
  if (count === 0) return status;
  const bytes = Math.floor(POD_BYTES / count);
  const next = { ...status };
  for (const list of lists) {
    const all = status[list];
    if (all !== undefined) next[list] = all.map((each) => cut(each, bytes));
  }
  return next;
}

function cut(status: ContainerStatus, bytes: number): ContainerStatus {
  const { state, lastState } = status;
  const isLong = (message: string | undefined) => message !== undefined && Buffer.byteLength(message) > bytes;
  if (!isLong(state?.terminated?.message) && !isLong(lastState?.terminated?.message)) return status;
  const short = <S extends { terminated?: { message?: string } }>(from: S | undefined): S | undefined =>
    from?.terminated === undefined || !isLong(from.terminated.message)
      ? from
      : { ...from, terminated: { ...from.terminated, message: firstBytes(from.terminated.message ?? '', bytes) } };
  return { ...status, state: short(state), lastState: short(lastState) };
}

/** Never half a character. */
function firstBytes(text: string, bytes: number): string {
  const cutOff = Buffer.from(text).subarray(0, bytes).toString('utf8');
  return cutOff.endsWith('\uFFFD') && !text.includes('\uFFFD') ? cutOff.slice(0, -1) : cutOff;
}
