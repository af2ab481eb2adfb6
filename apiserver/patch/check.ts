// Whether an applied configuration fits its schema. Unlike in other writes nothing is pruned or coerced: a field that
// the schema does not know is an error.
import { resolve, type Schema } from '../../api/schema/schema.ts';
import { elementText } from './field-set.ts';
import { goSyntax } from './go-text.ts';
import { elementOf, entriesOf, itemsOf, type Shape, shapeOf } from './shape.ts';

/** One line per problem: `.spec.replicas: expected numeric (int or float), got ...`. */
export function misfits(value: unknown, schema: Schema): string[] {
  const problems: string[] = [];
  check(value, schema, '', problems);
  return problems;
}

function check(value: unknown, schema: Schema, path: string, problems: string[]): void {
  if (value === null || value === undefined) return;
  const at = resolve(schema);
  if (at.kind === 'any') return;
  const expected = expectation(at.kind, value);
  if (expected !== undefined) {
    problems.push(`${path}: expected ${expected}, got &value.valueUnstructured{Value:${goSyntax(value)}}`);
    return;
  }
  if (at.kind === 'object') {
    for (const [name, entry] of entriesOf(value)) {
      const field = Object.hasOwn(at.fields, name) ? at.fields[name] : undefined;
      if (field !== undefined) check(entry, field.schema, `${path}.${name}`, problems);
      else if (!at.preserveUnknown) problems.push(`${path}.${name}: field not declared in schema`);
    }
  } else if (at.kind === 'map') {
    for (const [name, entry] of entriesOf(value)) check(entry, at.values, `${path}.${name}`, problems);
  } else if (at.kind === 'list') {
    checkItems(itemsOf(value), at.items, shapeOf(at, value), path, problems);
  }
}

function checkItems(items: unknown[], type: Schema, shape: Shape, path: string, problems: string[]): void {
  const seen = new Set<string>();
  for (const [i, item] of items.entries()) {
    if (shape.kind !== 'set' && shape.kind !== 'keyed') {
      check(item, type, `${path}[${i}]`, problems);
      continue;
    }
    const element = elementOf(shape, item);
    if (element === undefined) {
      problems.push(`${path}: element ${i}: ${whyUnidentified(shape, item)}`);
      continue;
    }
    if (seen.has(element)) problems.push(`${path}: duplicate entries for key ${elementText(element)}`);
    seen.add(element);
    check(item, type, `${path}${elementText(element)}`, problems);
  }
}

function whyUnidentified(shape: Shape, item: unknown): string {
  if (shape.kind !== 'keyed') return `set items must be scalars, got ${goSyntax(item)}`;
  if (entriesOf(item).length === 0) return 'associative list with keys may not have non-map elements';
  const missing = shape.keys.find((key) => (item as Record<string, unknown>)[key] === undefined);
  return `associative list with keys has an element that omits key field "${missing}" (and doesn't have default value)`;
}

function expectation(kind: ReturnType<typeof resolve>['kind'], value: unknown): string | undefined {
  switch (kind) {
    case 'object':
    case 'map':
      return typeof value === 'object' && !Array.isArray(value) ? undefined : 'map';
    case 'list':
      return Array.isArray(value) ? undefined : 'list';
    case 'string':
    case 'bytes':
      return typeof value === 'string' ? undefined : 'string';
    case 'boolean':
      return typeof value === 'boolean' ? undefined : 'boolean';
    case 'int32':
    case 'int64':
    case 'double':
      return typeof value === 'number' || typeof value === 'bigint' ? undefined : 'numeric (int or float)';
    default:
      // Quantities, times and the like are scalars of either notation.
      return typeof value === 'object' ? 'scalar' : undefined;
  }
}
