// Why a value does not decode, in the words of Go's encoding/json, and which of its fields are unknown. Walks the
// schema beside the value; runs only when the fast walk of decode.ts stumbled.
import { isBigNumber } from './json-value.ts';
import { MISMATCH, readScalar } from './scalars.ts';
import { type ObjectSchema, resolve, type Schema } from './schema.ts';

/** More unknown fields than this help nobody (upstream's bound). */
const MAX_UNKNOWN = 100;

/** The structure and the way through fields that Go names in its errors: list indexes and map keys are not in it. */
interface Place {
  readonly struct: string;
  readonly fields: readonly string[];
}

export function complaintOf(schema: Schema, json: unknown): string | undefined {
  return complain(schema, json, { struct: '', fields: [] });
}

function complain(schema: Schema, json: unknown, place: Place): string | undefined {
  const target = resolve(schema);
  if (json === null) return undefined;
  switch (target.kind) {
    case 'object': {
      if (!isObject(json)) return mismatch(json, goType(target), place);
      const struct = lastWord(target.name);
      return first(Object.entries(json), ([key, value]) => {
        const field = Object.hasOwn(target.fields, key) ? target.fields[key] : undefined;
        return field && complain(field.schema, value, { struct, fields: [...place.fields, key] });
      });
    }
    case 'map':
      if (!isObject(json)) return mismatch(json, goType(target), place);
      return first(Object.values(json), (value) => complain(target.values, value, place));
    case 'list':
      if (!Array.isArray(json)) return mismatch(json, goType(target), place);
      return first(json, (item) => complain(target.items, item, place));
    default:
      try {
        if (readScalar[target.kind](json) !== MISMATCH) return undefined;
      } catch (err) {
        return err instanceof Error ? err.message : String(err);
      }
      return mismatch(json, readAs(target), place);
  }
}

function first<T>(items: readonly T[], find: (item: T) => string | undefined): string | undefined {
  for (const item of items) {
    const found = find(item);
    if (found !== undefined) return found;
  }
  return undefined;
}

function mismatch(json: unknown, type: string, { struct, fields }: Place): string {
  const what = jsonKind(json, type);
  if (struct === '') return `json: cannot unmarshal ${what} into Go value of type ${type}`;
  return `json: cannot unmarshal ${what} into Go struct field ${struct}.${fields.join('.')} of type ${type}`;
}

function jsonKind(json: unknown, type: string): string {
  if (Array.isArray(json)) return 'array';
  if (typeof json === 'boolean') return 'bool';
  if (typeof json === 'string') return 'string';
  if (typeof json !== 'number' && !isBigNumber(json)) return 'object';
  // A number of the wrong size is quoted, a number where none belongs is not.
  return type === 'int32' || type === 'int64' ? `number ${JSON.stringify(json)}` : 'number';
}

/** What Go reads the JSON into before it makes its own type of it. */
function readAs(schema: Schema): string {
  if (schema.kind === 'time' || schema.kind === 'microTime' || schema.kind === 'duration') return 'string';
  return schema.kind === 'intOrString' ? 'int32' : goType(schema);
}

const GO_TYPES: Readonly<Partial<Record<Schema['kind'], string>>> = {
  boolean: 'bool',
  double: 'float64',
  bytes: '[]uint8',
  quantity: 'resource.Quantity',
  intOrString: 'intstr.IntOrString',
  time: 'v1.Time',
  microTime: 'v1.MicroTime',
  duration: 'v1.Duration',
  any: 'interface {}',
};

export function goType(schema: Schema): string {
  const target = resolve(schema);
  if (target.kind === 'list') return `[]${goType(target.items)}`;
  if (target.kind === 'map') return `map[string]${goType(target.values)}`;
  if (target.kind !== 'object') return GO_TYPES[target.kind] ?? target.kind;
  return target.name?.split('.').slice(-2).join('.') ?? 'map[string]interface {}';
}

function lastWord(name = ''): string {
  return name.slice(name.lastIndexOf('.') + 1);
}

function isObject(json: unknown): json is Record<string, unknown> {
  return typeof json === 'object' && json !== null && !Array.isArray(json) && !isBigNumber(json);
}

export function unknownFields(schema: ObjectSchema | Schema, json: unknown): string[] {
  const found: string[] = [];
  collect(schema, json, '', found);
  return found;
}

function collect(schema: Schema, json: unknown, path: string, found: string[]): void {
  const target = resolve(schema);
  if (target.kind === 'list' && Array.isArray(json)) {
    json.forEach((item, i) => {
      collect(target.items, item, `${path}[${i}]`, found);
    });
  } else if (target.kind === 'map' && isObject(json)) {
    for (const [key, value] of Object.entries(json)) collect(target.values, value, join(path, key), found);
  } else if (target.kind === 'object' && isObject(json)) {
    for (const [key, value] of Object.entries(json)) {
      const field = Object.hasOwn(target.fields, key) ? target.fields[key] : undefined;
      if (field !== undefined) collect(field.schema, value, join(path, key), found);
      else if (!target.preserveUnknown && found.length < MAX_UNKNOWN) found.push(join(path, key));
    }
  }
}

function join(path: string, key: string): string {
  return path === '' ? key : `${path}.${key}`;
}
