// Why the result of a strategic merge is no object of its kind. Upstream reads such results field by field instead of
// as text, and says so in other words than for every other body.
import { resolve, type Schema } from '../../api/schema/schema.ts';

/** The first thing that does not fit, in the order of the kind's fields. */
export function restoreProblem(schema: Schema, value: unknown): string | undefined {
  if (value === null || value === undefined) return undefined;
  const at = resolve(schema);
  const is = goKind(value);
  switch (at.kind) {
    case 'object':
      if (is !== 'map') return `cannot restore struct from: ${is}`;
      return first(Object.entries(at.fields), ([name, field]) =>
        restoreProblem(field.schema, Object.hasOwn(value as object, name) ? (value as never)[name] : undefined),
      );
    case 'map':
      if (is !== 'map') return `cannot restore map from ${is}`;
      return first(Object.values(value as object), (entry) => restoreProblem(at.values, entry));
    case 'list':
      if (is !== 'slice') return `cannot restore slice from ${is}`;
      return first(value as unknown[], (item) => restoreProblem(at.items, item));
    case 'string':
      return is === 'string' ? undefined : is === 'int64' ? 'cannot convert int64 to string' : unrecognized('string');
    case 'boolean':
      return is === 'bool' ? undefined : unrecognized('bool');
    case 'int32':
    case 'int64':
      if (is === 'float64') return `cannot convert float64 to ${at.kind}`;
      return is === 'int64' ? undefined : unrecognized(at.kind);
    case 'double':
      return is === 'int64' || is === 'float64' ? undefined : unrecognized('float64');
    case 'bytes':
      return is === 'string' ? undefined : `cannot restore slice from ${is}`;
    default:
      return undefined;
  }
}

const unrecognized = (kind: string) => `unrecognized type: ${kind}`;

function first<T>(items: readonly T[], problem: (item: T) => string | undefined): string | undefined {
  for (const item of items) {
    const found = problem(item);
    if (found !== undefined) return found;
  }
  return undefined;
}

function goKind(value: unknown): string {
  if (Array.isArray(value)) return 'slice';
  if (typeof value === 'boolean') return 'bool';
  if (typeof value === 'number') return Number.isInteger(value) ? 'int64' : 'float64';
  return typeof value === 'string' ? 'string' : 'map';
}
