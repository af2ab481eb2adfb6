// How merging sees a schema: what is replaced whole, what is merged field by field, and what tells the items of a
// list apart. The rest of the room asks only this file about schemas.
import { type ObjectSchema, resolve, type Schema } from '../../api/schema/schema.ts';
import type { PathElement } from './field-set.ts';

export type Shape =
  | { readonly kind: 'scalar' }
  | { readonly kind: 'atomic'; readonly of: 'list' | 'map' | 'any' }
  | { readonly kind: 'set'; readonly items: Schema }
  | {
      readonly kind: 'keyed';
      readonly items: Schema;
      readonly keys: readonly string[];
      readonly sorted: readonly string[];
    }
  | {
      readonly kind: 'map';
      /** The schema of one entry; undefined where the schema has no such field. */
      entry(name: string): Schema | undefined;
      /** A declared field of a structure, not a key of a map. */
      isNamed(name: string): boolean;
    };

/** What no schema describes is merged by what it looks like: objects by key, everything else whole. */
const DEDUCED: Schema = { kind: 'any' };
const SCALAR: Shape = { kind: 'scalar' };
const ATOMIC_LIST: Shape = { kind: 'atomic', of: 'list' };
const ATOMIC_MAP: Shape = { kind: 'atomic', of: 'map' };
const ATOMIC_ANY: Shape = { kind: 'atomic', of: 'any' };
const DEDUCED_MAP: Shape = { kind: 'map', entry: () => DEDUCED, isNamed: () => false };

const known = new WeakMap<Schema, Shape>();

export function shapeOf(schema: Schema, value: unknown): Shape {
  const at = resolve(schema);
  if (at.kind === 'any' && at.ref === undefined) {
    if (Array.isArray(value)) return ATOMIC_LIST;
    return typeof value === 'object' && value !== null ? DEDUCED_MAP : SCALAR;
  }
  let shape = known.get(at);
  if (shape === undefined) {
    shape = compile(at);
    known.set(at, shape);
  }
  return shape;
}

function compile(schema: ReturnType<typeof resolve>): Shape {
  switch (schema.kind) {
    case 'any':
      return ATOMIC_ANY;
    case 'list':
      if (schema.listType === 'set') return { kind: 'set', items: schema.items };
      if (schema.listType === 'map') {
        const { items, keys = [] } = schema;
        return { kind: 'keyed', items, keys, sorted: keys.toSorted() };
      }
      return ATOMIC_LIST;
    case 'map':
      if (schema.mapType === 'atomic') return ATOMIC_MAP;
      return { kind: 'map', entry: () => schema.values, isNamed: () => false };
    case 'object':
      if (schema.mapType === 'atomic') return ATOMIC_MAP;
      return structure(schema);
    default:
      return SCALAR;
  }
}

function structure({ fields, preserveUnknown }: ObjectSchema): Shape {
  return {
    kind: 'map',
    entry: (name) => (Object.hasOwn(fields, name) ? fields[name]!.schema : preserveUnknown ? DEDUCED : undefined),
    isNamed: (name) => Object.hasOwn(fields, name),
  };
}

export type Elements = { readonly kind: 'set' | 'keyed' } & Extract<Shape, { items: Schema }>;

/** Undefined where an item has no identity: a key left out that has no default, or an item of the wrong type. */
export function elementOf(shape: Elements, item: unknown): PathElement | undefined {
  if (shape.kind === 'set') return typeof item === 'object' ? undefined : `v:${JSON.stringify(item)}`;
  if (typeof item !== 'object' || item === null) return undefined;
  const keys: Record<string, unknown> = {};
  for (const name of shape.sorted) {
    const value = (item as Record<string, unknown>)[name] ?? defaultOf(shape.items, name);
    if (value === undefined) return undefined;
    keys[name] = value;
  }
  return `k:${JSON.stringify(keys)}`;
}

/** A key that is always written has its zero as default. */
function defaultOf(items: Schema, name: string): unknown {
  const schema = resolve(items);
  if (schema.kind !== 'object') return undefined;
  const field = schema.fields[name];
  return field?.default ?? field?.emitZero ?? undefined;
}

export function entriesOf(value: unknown): [string, unknown][] {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? Object.entries(value) : [];
}

export function itemsOf(value: unknown): unknown[] {
  return Array.isArray(value) ? value : [];
}

/** Sets an own property even when it is called __proto__. */
export function put(target: Record<string, unknown>, key: string, value: unknown): void {
  if (key === '__proto__')
    Object.defineProperty(target, key, { value, enumerable: true, configurable: true, writable: true });
  else target[key] = value;
}
