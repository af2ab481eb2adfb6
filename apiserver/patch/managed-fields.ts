// Who owns which fields, as metadata.managedFields stores it and as a value to compute with.
import type { ManagedFieldsEntry } from '../../api/types/meta/object-meta.ts';
import { FieldSet } from './field-set.ts';

export interface Manager {
  readonly name: string;
  readonly operation: 'Apply' | 'Update';
  readonly apiVersion: string;
  readonly subresource: string;
  readonly set: FieldSet;
  readonly time?: string;
}

/** Managers by identity. An applier is the same whatever version it applies in; an updater is not. */
export type Managers = Map<string, Manager>;

export function identityOf({ name, operation, apiVersion, subresource }: Omit<Manager, 'set' | 'time'>): string {
  return JSON.stringify([name, operation, operation === 'Apply' ? '' : apiVersion, subresource]);
}

/** Undefined when an entry is not what it should be. */
export function decodeManagers(entries: readonly ManagedFieldsEntry[] | undefined): Managers | undefined {
  const managers: Managers = new Map();
  for (const { manager = '', operation, apiVersion, fieldsType, fieldsV1, subresource = '', time } of entries ?? []) {
    if (operation !== 'Apply' && operation !== 'Update') return undefined;
    if (!apiVersion || fieldsType !== 'FieldsV1') return undefined;
    const set = fieldsV1 === undefined || fieldsV1 === null ? new FieldSet() : FieldSet.fromFieldsV1(fieldsV1);
    if (set === undefined) return undefined;
    const decoded: Manager = { name: manager, operation, apiVersion, subresource, set, time };
    managers.set(identityOf(decoded), decoded);
  }
  return managers;
}

export function encodeManagers(managers: Managers): ManagedFieldsEntry[] {
  return [...managers.values()].sort(byOperationAndAge).map((manager) => entryOf(manager, manager.set.toFieldsV1()));
}

export function entryOf(
  { name, operation, apiVersion, subresource, time }: Omit<Manager, 'set'>,
  fieldsV1: Record<string, unknown>,
): ManagedFieldsEntry {
  return {
    ...(name !== '' && { manager: name }),
    operation,
    apiVersion,
    ...(time !== undefined && { time }),
    fieldsType: 'FieldsV1',
    fieldsV1,
    ...(subresource !== '' && { subresource }),
  };
}

function byOperationAndAge(a: Manager, b: Manager): number {
  const keys = (m: Manager) => [m.operation, m.time ?? '', m.name, m.apiVersion, m.subresource];
  const [left, right] = [keys(a), keys(b)];
  const at = left.findIndex((key, i) => key !== right[i]);
  return at < 0 ? 0 : left[at]! < right[at]! ? -1 : 1;
}

const UPDATERS_MAX = 10;
const OLD_UPDATES = 'ancient-changes';

/** Keeps the list of updaters short: the oldest of each version become one. */
export function capUpdaters(managers: Managers): void {
  const updaters = [...managers.entries()].filter(([, { operation }]) => operation === 'Update');
  let count = updaters.length;
  if (count <= UPDATERS_MAX) return;
  updaters.sort(([a, x], [b, y]) => {
    const [left, right] = [x.time ?? '', y.time ?? ''];
    return left === right ? (a < b ? -1 : 1) : left < right ? -1 : 1;
  });
  const firstOf = new Map<string, string>();
  for (const [id, manager] of updaters) {
    if (count <= UPDATERS_MAX) return;
    const { apiVersion } = manager;
    const first = firstOf.get(apiVersion);
    if (first === undefined) {
      firstOf.set(apiVersion, id);
      continue;
    }
    const bucket = { name: OLD_UPDATES, operation: 'Update', apiVersion, subresource: '' } as const;
    const bucketId = identityOf(bucket);
    const collected = managers.get(bucketId) ?? managers.get(first)!;
    managers.delete(first);
    managers.delete(id);
    managers.set(bucketId, { ...bucket, set: collected.set.union(manager.set), time: manager.time });
    count--;
  }
}

/** Fields that belong to the system and to nobody in particular. */
export const SYSTEM_FIELDS = FieldSet.of(
  ['f:apiVersion'],
  ['f:kind'],
  ['f:metadata'],
  ['f:metadata', 'f:name'],
  ['f:metadata', 'f:namespace'],
  ['f:metadata', 'f:creationTimestamp'],
  ['f:metadata', 'f:selfLink'],
  ['f:metadata', 'f:uid'],
  ['f:metadata', 'f:generation'],
  ['f:metadata', 'f:managedFields'],
  ['f:metadata', 'f:resourceVersion'],
);
