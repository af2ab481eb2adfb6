// What a namespace on its way out says of what holds it. Pure; the wording is upstream's.
import type { NamespaceCondition } from '../../api/types/core/namespace.ts';

export interface Leftover {
  readonly resource: string;
  /** The finalizers of each object that is left. */
  readonly finalizers: readonly (readonly string[])[];
}

export function namespaceConditions(
  known: readonly NamespaceCondition[],
  left: readonly Leftover[],
  failures: readonly string[],
  now: string,
): NamespaceCondition[] {
  const wanted = [
    absent('NamespaceDeletionDiscoveryFailure', 'ResourcesDiscovered', 'All resources successfully discovered'),
    absent(
      'NamespaceDeletionGroupVersionParsingFailure',
      'ParsedGroupVersions',
      'All legacy kube types successfully parsed',
    ),
    failures.length === 0
      ? absent(
          'NamespaceDeletionContentFailure',
          'ContentDeleted',
          'All content successfully deleted, may be waiting on finalization',
        )
      : present(
          'NamespaceDeletionContentFailure',
          'ContentDeletionFailed',
          `Failed to delete all resource types: ${failures.join(', ')}`,
        ),
    remaining(left),
    finalizing(left),
  ];
  return wanted.map((next) => {
    const before = known.find(({ type }) => type === next.type);
    const same = before?.status === next.status && before.reason === next.reason && before.message === next.message;
    return same
      ? before
      : { ...next, lastTransitionTime: before?.status === next.status ? before.lastTransitionTime : now };
  });
}

type Wanted = Omit<NamespaceCondition, 'lastTransitionTime'>;

function absent(type: string, reason: string, message: string): Wanted {
  return { type, status: 'False', reason, message };
}

function present(type: string, reason: string, message: string): Wanted {
  return { type, status: 'True', reason, message };
}

function remaining(left: readonly Leftover[]): Wanted {
  if (left.length === 0)
    return absent('NamespaceContentRemaining', 'ContentRemoved', 'All content successfully removed');
  const counts = left.map(({ resource, finalizers }) => {
    // The core group is written with its dot: `configmaps. has 1 resource instances`.
    const name = resource.includes('.') ? resource : `${resource}.`;
    return `${name} has ${finalizers.length} resource instances`;
  });
  const message = `Some resources are remaining: ${counts.sort().join(', ')}`;
  return present('NamespaceContentRemaining', 'SomeResourcesRemain', message);
}

function finalizing(left: readonly Leftover[]): Wanted {
  const counts = new Map<string, number>();
  for (const finalizer of left.flatMap(({ finalizers }) => finalizers.flat())) {
    counts.set(finalizer, (counts.get(finalizer) ?? 0) + 1);
  }
  if (counts.size === 0) {
    return absent(
      'NamespaceFinalizersRemaining',
      'ContentHasNoFinalizers',
      'All content-preserving finalizers finished',
    );
  }
  const rows = [...counts].map(([finalizer, count]) => `${finalizer} in ${count} resource instances`).sort();
  const message = `Some content in the namespace has finalizers remaining: ${rows.join(', ')}`;
  return present('NamespaceFinalizersRemaining', 'SomeFinalizersRemain', message);
}
