// From JSON to the canonical form of a built-in kind: unknown fields go, types are checked, nulls and zeros that
// upstream would not write are left out, fields that it always writes are filled in. Compiled once per schema. The
// fast walk only notices that something is wrong; what and where is then said by decode-explain.ts.
//
// The result shares subtrees of `any` fields with the input.
import { complaintOf, unknownFields } from './decode-explain.ts';
import { jsonSchema, type SchemaOr, schemaOr } from './json-schema-or.ts';
import { isBigNumber, setOwn } from './json-value.ts';
import { pruneCustom } from './prune.ts';
import { MISMATCH, readScalar, zeroScalar } from './scalars.ts';
import { type Field, type ObjectSchema, resolve, type Schema } from './schema.ts';

export interface Decoded<T> {
  readonly value: T;
  /** Paths of fields that are not declared, e.g. `spec.containers[0].imagee`, in the order of the text. */
  readonly unknown: readonly string[];
}

/** A value of the wrong type or that cannot be read. The message is upstream's. */
export class DecodeProblem extends Error {
  override readonly name = 'DecodeProblem';
}

interface Seen {
  unknown: boolean;
}
type Decode = (json: unknown, seen: Seen) => unknown;

const NONE: readonly string[] = [];

export function decode<T>(schema: Schema<T>, json: unknown): Decoded<T> {
  const root = resolve(schema);
  if (root.kind === 'object' && root.custom) return decodeCustom(root, json);
  const seen = { unknown: false };
  let value: unknown;
  try {
    value = decoderOf(root)(json, seen);
  } catch (cause) {
    throw new DecodeProblem(complaintOf(root, json) ?? (cause instanceof Error ? cause.message : String(cause)), {
      cause,
    });
  }
  return { value: value as T, unknown: seen.unknown ? unknownFields(root, json) : NONE };
}

function decodeCustom<T>(schema: ObjectSchema<T>, json: unknown): Decoded<T> {
  const { value, unknown } = pruneCustom(schema, json, (metadata, of) => {
    try {
      return decode(of, metadata);
    } catch (cause) {
      throw new DecodeProblem(cause instanceof Error ? cause.message : String(cause), { cause });
    }
  });
  return { value: value as T, unknown };
}

const decoders = new WeakMap<object, Decode>();

function decoderOf(schema: Schema): Decode {
  let made = decoders.get(schema);
  if (made === undefined) {
    made = compile(schema);
    decoders.set(schema, made);
  }
  return made;
}

function compile(schema: Schema): Decode {
  switch (schema.kind) {
    case 'lazy': {
      let target: Decode | undefined;
      return (json, seen) => {
        target ??= decoderOf(resolve(schema));
        return target(json, seen);
      };
    }
    case 'object':
      return objectDecoder(schema);
    case 'list':
      return listDecoder(decoderOf(schema.items), schema.items);
    case 'map':
      return mapDecoder(decoderOf(schema.values), schema.values);
    case 'any': {
      const or = schemaOr(schema);
      return or === undefined ? (json) => json : schemaOrDecoder(or);
    }
    default: {
      const read = readScalar[schema.kind];
      return (json) => {
        const value = read(json);
        if (value === MISMATCH) throw MISMATCH;
        return value;
      };
    }
  }
}

/** Upstream is not strict in these places: what is unknown goes without a word. */
function schemaOrDecoder(or: SchemaOr): Decode {
  const schema: Decode = (json) => decoderOf(jsonSchema)(json, { unknown: false });
  return (json, seen) => {
    if (Array.isArray(json) && or !== 'boolean') {
      return json.map((item) => (or === 'schemas' ? schema(item, seen) : readScalar.string(item)));
    }
    if (or === 'boolean' && typeof json !== 'boolean' && typeof json !== 'object') {
      throw new RangeError('boolean JSON value expected');
    }
    return typeof json === 'object' && !Array.isArray(json) ? schema(json, seen) : json;
  };
}

function objectDecoder(schema: ObjectSchema): Decode {
  // Made at first use: most kinds of a server are never seen by a client, and definitions may contain themselves.
  let table: Map<string, Decode> | undefined;
  let always: readonly Always[] = [];
  return (json, seen) => {
    if (typeof json !== 'object' || json == null || Array.isArray(json)) throw MISMATCH;
    if (table === undefined) {
      table = new Map(Object.entries(schema.fields).map(([name, field]) => [name, fieldDecoder(field)]));
      always = alwaysWritten(schema);
    }
    const out: Record<string, unknown> = {};
    for (const key in json) {
      const read = table.get(key);
      if (read === undefined) {
        if (key === 'rawJSON' && isBigNumber(json)) throw MISMATCH;
        if (schema.preserveUnknown) setOwn(out, key, (json as Record<string, unknown>)[key]);
        else seen.unknown = true;
        continue;
      }
      const value = read((json as Record<string, unknown>)[key], seen);
      if (value !== undefined) out[key] = value;
    }
    for (const { key, zero } of always) if (out[key] === undefined) out[key] = zero();
    return out;
  };
}

interface Always {
  readonly key: string;
  zero(): unknown;
}

function alwaysWritten(schema: ObjectSchema): readonly Always[] {
  const made: Always[] = [];
  for (const [key, field] of Object.entries(schema.fields)) {
    if (field.emitZero === undefined) continue;
    const target = resolve(field.schema);
    if (field.emitZero !== null && typeof field.emitZero === 'object') {
      // An empty structure has fields of its own that are always written.
      const zero = target.kind === 'object' ? decoderOf(target) : undefined;
      const empty = Array.isArray(field.emitZero) ? () => [] : () => zero?.({}, { unknown: false }) ?? {};
      made.push({ key, zero: empty });
    } else {
      const zero = field.emitZero;
      made.push({ key, zero: () => zero });
    }
  }
  return made;
}

function fieldDecoder(field: Field): Decode {
  const read = decoderOf(field.schema);
  const keepsZero = field.ptr === true || field.emitZero !== undefined || field.keepsEmpty === true;
  // Most fields are one of these; a closure of their own is worth a quarter of the time.
  const { kind } = resolve(field.schema);
  if (kind === 'string') return stringDecoder(keepsZero);
  if (kind === 'boolean') return booleanDecoder(keepsZero);
  if (keepsZero) return (json, seen) => (json == null ? undefined : read(json, seen));
  const isZero = zeroTest(resolve(field.schema));
  return (json, seen) => {
    if (json == null) return undefined;
    const value = read(json, seen);
    return isZero(value) ? undefined : value;
  };
}

function stringDecoder(keepsZero: boolean): Decode {
  return (json) => {
    if (typeof json !== 'string' && json != null) throw MISMATCH;
    return json == null || (json === '' && !keepsZero) ? undefined : json;
  };
}

function booleanDecoder(keepsZero: boolean): Decode {
  return (json) => {
    if (typeof json !== 'boolean' && json != null) throw MISMATCH;
    return json == null || (json === false && !keepsZero) ? undefined : json;
  };
}

function zeroTest(schema: Exclude<Schema, { kind: 'lazy' }>): (value: unknown) => boolean {
  switch (schema.kind) {
    case 'list':
      return (value) => (value as unknown[]).length === 0;
    case 'map':
    case 'object':
      return (value) => {
        for (const _ in value as object) return false;
        return true;
      };
    case 'any':
      return () => false;
    default: {
      const zero = zeroScalar[schema.kind];
      return (value) => value === zero;
    }
  }
}

/** What null becomes where a value must be. */
function zeroOf(schema: Schema): () => unknown {
  const target = resolve(schema);
  switch (target.kind) {
    case 'object': {
      const read = decoderOf(target);
      return () => read({}, { unknown: false });
    }
    case 'list':
    case 'map':
      return () => null;
    default: {
      const zero = zeroScalar[target.kind];
      return () => zero;
    }
  }
}

function listDecoder(read: Decode, items: Schema): Decode {
  return (json, seen) => {
    if (!Array.isArray(json)) throw MISMATCH;
    const out = new Array<unknown>(json.length);
    for (let i = 0; i < json.length; i++) {
      out[i] = json[i] === null ? zeroOf(items)() : (read(json[i], seen) ?? null);
    }
    return out;
  };
}

function mapDecoder(read: Decode, values: Schema): Decode {
  return (json, seen) => {
    if (typeof json !== 'object' || json == null || Array.isArray(json)) throw MISMATCH;
    if (isBigNumber(json)) throw MISMATCH;
    const out: Record<string, unknown> = {};
    for (const key in json) {
      const from = (json as Record<string, unknown>)[key];
      const value = from == null ? zeroOf(values)() : (read(from, seen) ?? null);
      if (key === '__proto__') setOwn(out, key, value);
      else out[key] = value;
    }
    return out;
  };
}
