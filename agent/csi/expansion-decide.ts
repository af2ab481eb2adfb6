// Whether a volume is to grow on this node, and what its claim says before, after, and when it cannot. Pure.
import { compareQuantities, quantityValue } from '../../api/quantity.ts';
import type { PersistentVolume } from '../../api/types/core/persistent-volume.ts';
import type {
  PersistentVolumeClaim,
  PersistentVolumeClaimStatus,
} from '../../api/types/core/persistent-volume-claim.ts';

const PENDING = 'FileSystemResizePending';
const RESIZING = 'Resizing';

export interface Growth {
  /** What the claim has afterwards. */
  readonly capacity: string;
  readonly bytes: number;
}

/**
 * The controller's side is through when the volume is larger than the claim has; what is marked infeasible waits for
 * another wish.
 */
export function growthOf(claim: PersistentVolumeClaim, volume: PersistentVolume): Growth | undefined {
  const { status } = claim;
  const capacity = volume.spec.capacity?.['storage'];
  const has = status.capacity?.['storage'];
  if (capacity === undefined || has === undefined || compareQuantities(capacity, has) <= 0) return undefined;
  const state = status.allocatedResourceStatuses?.['storage'];
  if (state === 'NodeResizeInfeasible' || state?.startsWith('Controller')) return undefined;
  return { capacity, bytes: Math.ceil(quantityValue(capacity)) };
}

type StatusPatch = { [K in keyof PersistentVolumeClaimStatus]?: unknown };

/** As a merge patch: the whole list of conditions, null for what goes. */
export function grown({ status }: PersistentVolumeClaim, { capacity }: Growth): StatusPatch {
  const conditions = (status.conditions ?? []).filter(({ type }) => type !== PENDING && type !== RESIZING);
  return {
    capacity: { storage: capacity },
    conditions: conditions.length === 0 ? null : conditions,
    ...(status.allocatedResourceStatuses !== undefined && { allocatedResourceStatuses: { storage: null } }),
  };
}

/** Undefined: the claim says so already, or knows nothing of states. */
export function inState(
  { status }: PersistentVolumeClaim,
  state: 'NodeResizeInProgress' | 'NodeResizeInfeasible',
): StatusPatch | undefined {
  const now = status.allocatedResourceStatuses?.['storage'];
  if (now === undefined || now === state) return undefined;
  return { allocatedResourceStatuses: { storage: state } };
}

/** What a driver says when asking again is in vain. */
export function isInfeasible(code: string): boolean {
  return code === 'INVALID_ARGUMENT' || code === 'OUT_OF_RANGE' || code === 'NOT_FOUND';
}
