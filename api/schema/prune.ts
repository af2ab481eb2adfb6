// Custom resources as they come in: what the definition does not declare goes, as do nulls where null is not allowed.
// Nothing else changes; wrong types are for validation to find, save in metadata, which is decoded as that of any kind.
import { ObjectMeta } from '../types/meta/object-meta.ts';
import { isBigNumber, setOwn } from './json-value.ts';
import { type ObjectSchema, resolve, type Schema } from './schema.ts';

export interface Pruned {
  readonly value: unknown;
  readonly unknown: readonly string[];
}

type ReadMeta = (json: unknown, schema: Schema) => Pruned;

interface Walk {
  readonly readMeta: ReadMeta;
  readonly inMeta: string[];
  readonly unknown: string[];
  /** A null went where none may be. */
  dropped: boolean;
}

/** More unknown fields than this help nobody. */
const MAX_UNKNOWN = 100;

export function pruneCustom(schema: ObjectSchema, json: unknown, readMeta: ReadMeta): Pruned {
  const walk: Walk = { readMeta, inMeta: [], unknown: [], dropped: false };
  const value = isObject(json) ? pruneObject(schema, json, '', walk, true) : json;
  // Upstream tells those of metadata as it meets them, the others sorted.
  return { value, unknown: [...walk.inMeta, ...walk.unknown.sort()].slice(0, MAX_UNKNOWN) };
}

const AS_IT_IS: ReadMeta = (json) => ({ value: json, unknown: [] });

/** The same for a value that was read before: metadata stays as it is, and so does the value when nothing goes. */
export function pruneValue(schema: Schema, value: unknown): unknown {
  const walk: Walk = { readMeta: AS_IT_IS, inMeta: [], unknown: [], dropped: false };
  const target = resolve(schema);
  const isRoot = target.kind === 'object' && target.custom === true;
  const pruned =
    isRoot && isObject(value) ? pruneObject(target, value, '', walk, true) : prune(target, value, '', walk);
  return walk.dropped || walk.unknown.length > 0 ? pruned : value;
}

function prune(schema: Schema, json: unknown, path: string, walk: Walk): unknown {
  const target = resolve(schema);
  if (target.kind === 'object' && isObject(json)) return pruneObject(target, json, path, walk, false);
  if (target.kind === 'list' && Array.isArray(json)) {
    return json.map((item, i) => prune(target.items, item, `${path}[${i}]`, walk));
  }
  if (target.kind === 'map' && isObject(json)) {
    const out: Record<string, unknown> = {};
    for (const [key, value] of Object.entries(json)) {
      if (value === null && !isNullable(target.values)) {
        walk.dropped = true;
        continue;
      }
      setOwn(out, key, prune(target.values, value, join(path, key), walk));
    }
    return out;
  }
  return json;
}

function pruneObject(
  schema: ObjectSchema,
  json: Record<string, unknown>,
  path: string,
  walk: Walk,
  isRoot: boolean,
): Record<string, unknown> {
  const out: Record<string, unknown> = {};
  const isResource = isRoot || schema.embedded === true;
  for (const [key, value] of Object.entries(json)) {
    const place = join(path, key);
    if (isResource && key === 'metadata') {
      if (value === null) continue;
      const read = walk.readMeta(value, ObjectMeta);
      out[key] = read.value;
      for (const field of read.unknown) walk.inMeta.push(`${place}.${field}`);
      continue;
    }
    const field = Object.hasOwn(schema.fields, key) ? schema.fields[key] : undefined;
    if (field !== undefined) {
      if (value === null && !isNullable(field.schema)) {
        walk.dropped = true;
        continue;
      }
      setOwn(out, key, prune(field.schema, value, place, walk));
    } else if (schema.preserveUnknown || (isResource && (key === 'apiVersion' || key === 'kind'))) {
      setOwn(out, key, value);
    } else walk.unknown.push(place);
  }
  return out;
}

function isNullable(schema: Schema): boolean {
  const target = resolve(schema);
  // A field without a type takes null like every other value.
  return target.kind === 'any' || target.constraints?.nullable === true;
}

function isObject(json: unknown): json is Record<string, unknown> {
  return typeof json === 'object' && json !== null && !Array.isArray(json) && !isBigNumber(json);
}

function join(path: string, key: string): string {
  return path === '' ? key : `${path}.${key}`;
}
