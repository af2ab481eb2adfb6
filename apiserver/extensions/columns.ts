// Printer columns of custom kinds: what a JSONPath finds first, as a cell of the type that the column says.
import type { Column } from '../../api/resource.ts';
import { isBigNumber } from '../../api/schema/json-value.ts';
import type { CustomResourceColumnDefinition } from '../../api/types/apiextensions/custom-resource-definition.ts';
import { jsonPath } from './json-path.ts';

const NAME: Column = { name: 'Name', type: 'string', format: 'name', path: 'metadata.name' };
const AGE: CustomResourceColumnDefinition = { name: 'Age', type: 'date', jsonPath: '.metadata.creationTimestamp' };

/** The name always comes first; who asks for no columns gets the age. */
export function columnsOf(declared: readonly CustomResourceColumnDefinition[] | undefined): Column[] {
  return [NAME, ...(declared?.length ? declared : [AGE]).map(columnOf)];
}

function columnOf({ name, type, format, priority, description, jsonPath: path }: CustomResourceColumnDefinition) {
  const column: Column = {
    name,
    type: type as Column['type'],
    ...(format && { format }),
    ...(priority && { priority }),
    ...(description && { description }),
    find: finderOf(path),
  };
  return column;
}

/** A path that validation let through although it does not compile finds nothing. */
function finderOf(path: string): (object: unknown) => unknown {
  try {
    const find = jsonPath(path);
    return (object) => find(object)[0];
  } catch {
    return () => undefined;
  }
}

/** Null where the value is missing or of another type. Dates become ages, which the caller tells. */
export function cellOf(type: Column['type'], value: unknown, age: (timestamp: string) => string): unknown {
  if (value === undefined || value === null) return null;
  switch (type) {
    case 'integer':
      if (isBigNumber(value)) return value;
      return typeof value === 'number' ? Math.trunc(value) : null;
    case 'number':
      return typeof value === 'number' || isBigNumber(value) ? value : null;
    case 'boolean':
      return typeof value === 'boolean' ? value : null;
    case 'date':
      return typeof value === 'string' ? age(value) : null;
    default:
      return typeof value === 'string' ? value : JSON.stringify(value);
  }
}
