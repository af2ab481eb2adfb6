// Server-side apply to /scale: the owners of an object's number of replicas, seen as owners of its Scale and back.
// Whoever else owns fields of the object is of no concern there.
import type { ManagedFieldsEntry } from '../../api/types/meta/object-meta.ts';
import { FieldSet, type PathElement } from '../patch/field-set.ts';
import { decodeManagers, encodeManagers, type Manager, type Managers } from '../patch/managed-fields.ts';

export const SCALE_VERSION = 'autoscaling/v1';
const IN_SCALE: readonly PathElement[] = ['f:spec', 'f:replicas'];

/** Who owns the replicas, in terms of the Scale. `path` is where the object keeps them. */
export function scaleManagers(
  entries: readonly ManagedFieldsEntry[] | undefined,
  path: readonly PathElement[],
): ManagedFieldsEntry[] {
  const inScale: Managers = new Map();
  for (const [id, manager] of decodeManagers(entries) ?? []) {
    if (owns(manager, path)) inScale.set(id, { ...manager, apiVersion: SCALE_VERSION, set: FieldSet.of(IN_SCALE) });
  }
  return encodeManagers(inScale);
}

/** The object's managers after its Scale was applied: `scale` are the Scale's. */
export function parentManagers(
  entries: readonly ManagedFieldsEntry[] | undefined,
  scale: readonly ManagedFieldsEntry[] | undefined,
  path: readonly PathElement[],
  apiVersion: string,
): ManagedFieldsEntry[] {
  const owners = new Map([...(decodeManagers(scale) ?? new Map<string, Manager>()).values()].map((m) => [keyOf(m), m]));
  const result: Managers = new Map();
  for (const [id, manager] of decodeManagers(entries) ?? []) {
    const stillOwns = owners.delete(keyOf(manager));
    if (!owns(manager, path) || stillOwns) {
      result.set(id, manager);
      continue;
    }
    const set = manager.set.difference(FieldSet.of(path));
    if (!set.isEmpty) result.set(id, { ...manager, set });
  }
  for (const [key, manager] of owners) {
    if (owns(manager, IN_SCALE)) result.set(key, { ...manager, apiVersion, set: FieldSet.of(path) });
  }
  return encodeManagers(result);
}

/** The same manager here and there: the Scale knows no version of the object's. */
function keyOf({ name, operation, subresource, time }: Manager): string {
  return JSON.stringify([name, operation, subresource, operation === 'Update' ? time : undefined]);
}

function owns({ set }: Manager, path: readonly PathElement[]): boolean {
  return !set.intersection(FieldSet.of(path)).isEmpty;
}
