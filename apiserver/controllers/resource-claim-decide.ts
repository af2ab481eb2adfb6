// What becomes of a claim of devices: who may still use it, and when it is given back or goes. Pure.
import type { Pod } from '../../api/types/core/pod.ts';
import type { ResourceClaim } from '../../api/types/resource/resource-claim.ts';
import { controllerOf } from './ownership.ts';
import { isFinished } from './pod-facts.ts';

/** On a claim that is allocated: it must be given back before it goes. */
export const FINALIZER = 'resource.kubernetes.io/delete-protection';
/** Says for which of its pod's claims it was made. */
export const POD_CLAIM = 'resource.kubernetes.io/pod-claim-name';
/** As many users as the API lets a claim have. */
const USERS_MAX = 256;

export type Consumer = NonNullable<NonNullable<ResourceClaim['status']>['reservedFor']>[number];

export interface ClaimDecision {
  /** The status to write; undefined: as it is. */
  readonly status?: ResourceClaim['status'];
  readonly removeFinalizer: boolean;
  readonly remove: boolean;
}

/** Uses no devices any more, or never will: it ended, or was deleted before it had a node. */
export function isPodDone(pod: Pod): boolean {
  return isFinished(pod) || (pod.metadata.deletionTimestamp !== undefined && !pod.spec.nodeName);
}

export function decideClaim(claim: ResourceClaim, podNamed: (name: string) => Pod | undefined): ClaimDecision {
  const { status = {}, metadata } = claim;
  const users = status.reservedFor ?? [];
  const kept = users.filter((user) => {
    if (user.resource !== 'pods' || user.apiGroup) return true; // not ours to judge
    const pod = podNamed(user.name);
    return pod !== undefined && pod.metadata.uid === user.uid && !isPodDone(pod);
  });
  const held = metadata.finalizers?.includes(FINALIZER) === true;
  const going = metadata.deletionTimestamp !== undefined;
  const over = held && kept.length === 0 && (kept.length < users.length || going);
  // What was allocated without our finalizer was not allocated by us.
  const givenBack = over && status.allocation !== undefined;
  const { reservedFor: _users, allocation, devices, ...rest } = status;
  const next = {
    ...rest,
    ...(allocation !== undefined && !givenBack && { allocation }),
    ...(devices !== undefined && !givenBack && { devices }),
    ...(kept.length > 0 && { reservedFor: kept }),
  };
  return {
    ...((givenBack || kept.length < users.length) && { status: next }),
    removeFinalizer: over,
    remove: !going && kept.length === 0 && isAbandoned(claim, podNamed),
  };
}

/** Made for a pod that does not need it any more. */
function isAbandoned(claim: ResourceClaim, podNamed: (name: string) => Pod | undefined): boolean {
  const owner = controllerOf(claim);
  if (owner?.kind !== 'Pod' || claim.metadata.annotations?.[POD_CLAIM] === undefined) return false;
  const pod = podNamed(owner.name);
  return pod === undefined || pod.metadata.uid !== owner.uid || isPodDone(pod);
}

/** A pod that was put on its node without the scheduler uses what is allocated already. */
export function reservation(pod: Pod, { status }: ResourceClaim): Consumer[] | undefined {
  const users = status?.reservedFor ?? [];
  const { uid, name } = pod.metadata;
  if (!pod.spec.nodeName || isPodDone(pod) || status?.allocation === undefined) return undefined;
  if (users.length >= USERS_MAX || users.some((user) => user.uid === uid)) return undefined;
  return [...users, { resource: 'pods', name, uid }];
}
