// What becomes of an object when its owners go. Pure; the three ways to delete are
//
//   Background   the owner goes at once, dependents follow
//   Foreground   dependents that block go first, the owner waits with a finalizer
//   Orphan       dependents are let go, the owner waits with a finalizer until they are
import type { OwnerReference } from '../../api/types/meta/object-meta.ts';
import type { GraphNode } from './garbage-graph.ts';

export const FOREGROUND = 'foregroundDeletion';
export const ORPHAN = 'orphan';

/** absent: known not to exist; waiting: being deleted in the foreground; solid: there, or not known to be gone. */
export type OwnerState = 'absent' | 'waiting' | 'solid';

export type Deed =
  | { readonly do: 'delete'; readonly policy: 'Background' | 'Foreground' | 'Orphan' }
  /** Take these references off; something else still holds the object. */
  | { readonly do: 'dropReferences'; readonly uids: readonly string[] }
  /** Its dependents no longer wait for it to unblock: let their references not block. */
  | { readonly do: 'letGoDependents' }
  | { readonly do: 'removeFinalizer'; readonly finalizer: string }
  | { readonly do: 'visitDependents' }
  | { readonly do: 'nothing' };

const has = ({ metadata }: GraphNode, finalizer: string) => metadata.finalizers?.includes(finalizer) ?? false;
export const isWaiting = (node: GraphNode) => node.metadata.deletionTimestamp !== undefined && has(node, FOREGROUND);

export function decideGarbage(
  node: GraphNode,
  owners: readonly (readonly [OwnerReference, OwnerState])[],
  dependents: readonly GraphNode[],
): Deed {
  if (node.metadata.deletionTimestamp !== undefined) return whileDeleted(node, dependents);
  if (owners.length === 0) return { do: 'nothing' };
  const solid = owners.filter(([, state]) => state === 'solid');
  const other = owners.filter(([, state]) => state !== 'solid');
  if (other.length === 0) return { do: 'nothing' };
  if (solid.length > 0) return { do: 'dropReferences', uids: other.map(([{ uid }]) => uid) };
  const isAwaited = owners.some(([, state]) => state === 'waiting');
  // An owner waits for this one, so this one's own dependents have to go first as well.
  if (isAwaited && dependents.length > 0) return { do: 'delete', policy: 'Foreground' };
  if (has(node, ORPHAN)) return { do: 'delete', policy: 'Orphan' };
  return { do: 'delete', policy: has(node, FOREGROUND) ? 'Foreground' : 'Background' };
}

function whileDeleted(node: GraphNode, dependents: readonly GraphNode[]): Deed {
  if (has(node, ORPHAN)) {
    return dependents.length > 0 ? { do: 'letGoDependents' } : { do: 'removeFinalizer', finalizer: ORPHAN };
  }
  if (!has(node, FOREGROUND)) return { do: 'nothing' };
  const blocking = dependents.filter(({ metadata }) =>
    metadata.ownerReferences?.some(
      ({ uid, blockOwnerDeletion }) => uid === node.metadata.uid && blockOwnerDeletion === true,
    ),
  );
  return blocking.length > 0 ? { do: 'visitDependents' } : { do: 'removeFinalizer', finalizer: FOREGROUND };
}
