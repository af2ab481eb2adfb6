// What an applier is told when it would change fields of others.
import { ApiError } from '../../api/status.ts';
import { type FieldSet, pathText } from './field-set.ts';
import type { Manager } from './managed-fields.ts';

export interface Conflict {
  readonly manager: Manager;
  readonly set: FieldSet;
}

export function withoutConflictsIn(conflicts: readonly Conflict[], allowed: FieldSet): Conflict[] {
  return conflicts
    .map(({ manager, set }) => ({ manager, set: set.difference(allowed) }))
    .filter(({ set }) => !set.isEmpty);
}

export function applyConflict(conflicts: readonly Conflict[]): ApiError {
  const rows = conflicts.flatMap(({ manager, set }) =>
    Array.from(set.paths(), (path) => ({ manager: described(manager), field: pathText(path) })),
  );
  const causes = rows.map(({ manager, field }) => ({
    reason: 'FieldManagerConflict',
    message: `conflict with ${manager}`,
    field,
  }));
  return new ApiError(409, 'Conflict', messageOf(rows), { causes });
}

function messageOf(rows: readonly { manager: string; field: string }[]): string {
  const [first] = rows;
  if (rows.length === 1) return `Apply failed with 1 conflict: conflict with ${first!.manager}: ${first!.field}`;
  const lines = [...new Set(rows.map(({ manager }) => manager))]
    .sort()
    .flatMap((manager) => [
      `conflicts with ${manager}:`,
      ...rows.filter((row) => row.manager === manager).map(({ field }) => `- ${field}`),
    ]);
  return `Apply failed with ${rows.length} conflicts: ${lines.join('\n')}`;
}

function described({ name, operation, apiVersion, subresource }: Manager): string {
  const of = subresource === '' ? '' : ` with subresource ${JSON.stringify(subresource)}`;
  return `${JSON.stringify(name)}${of}${operation === 'Update' ? ` using ${apiVersion}` : ''}`;
}
