// Objects seen through their schema: which fields a value has, what differs between two, one merged into another,
// and a value with some fields taken out. Undefined means absent, null is a value that was written.
import { isDeepStrictEqual } from 'node:util';
import type { Schema } from '../../api/schema/schema.ts';
import { FieldSet, type PathElement } from './field-set.ts';
import { elementOf, entriesOf, itemsOf, put, type Shape, shapeOf } from './shape.ts';

/** Every field that the value sets, as an applier owns them. */
export function fieldsOf(value: unknown, schema: Schema): FieldSet {
  const set = new FieldSet();
  collect(value, schema, set);
  return set;
}

function collect(value: unknown, schema: Schema, into: FieldSet): void {
  const shape = shapeOf(schema, value);
  if (shape.kind === 'map') {
    for (const [name, below] of entriesOf(value)) {
      const element = `f:${name}`;
      const entry = shape.entry(name);
      if (entry === undefined || isWhole(shapeOf(entry, below))) {
        into.add(element);
        continue;
      }
      const child = new FieldSet();
      collect(below, entry, child);
      if (below === null || isEmptyMap(below) || !shape.isNamed(name)) into.add(element);
      if (!child.isEmpty) into.put(element, child);
    }
  } else if (shape.kind === 'set' || shape.kind === 'keyed') {
    for (const item of itemsOf(value)) {
      const element = elementOf(shape, item);
      if (element === undefined) continue;
      into.add(element);
      if (shape.kind === 'set') continue;
      const child = new FieldSet();
      collect(item, shape.items, child);
      if (!child.isEmpty) into.put(element, child);
    }
  }
}

const isWhole = (shape: Shape) => shape.kind === 'scalar' || shape.kind === 'atomic';
const isEmptyMap = (value: unknown) =>
  typeof value === 'object' && !Array.isArray(value) && entriesOf(value).length === 0;

function isNothing(value: unknown): boolean {
  if (typeof value !== 'object' || value === null) return true;
  if (Array.isArray(value)) return value.length === 0;
  for (const name in value) if (Object.hasOwn(value, name)) return false;
  return true;
}

export interface Comparison {
  readonly added: FieldSet;
  readonly modified: FieldSet;
  readonly removed: FieldSet;
}

/** What is being gathered: most values have nothing of most of these. */
type Found = { -readonly [K in keyof Comparison]: FieldSet | undefined };

function setOf(found: Found, which: keyof Found): FieldSet {
  const set = found[which] ?? new FieldSet();
  found[which] = set;
  return set;
}

const nothingYet = (): Found => ({ added: undefined, modified: undefined, removed: undefined });

export function compare(before: unknown, after: unknown, schema: Schema): Comparison {
  const found = nothingYet();
  below(before, after, schema, found);
  const { added = new FieldSet(), modified = new FieldSet(), removed = new FieldSet() } = found;
  return { added, modified, removed };
}

/** Compares the entries or items below one value; the value itself is its parent's business. */
function below(before: unknown, after: unknown, schema: Schema, into: Found): void {
  const shape = shapeOf(schema, after ?? before);
  if (shape.kind === 'map') {
    const old = recordOf(before);
    const now = recordOf(after);
    for (const name of Object.keys(old)) {
      one(`f:${name}`, old[name], Object.hasOwn(now, name) ? now[name] : undefined, shape.entry(name), into);
    }
    for (const name of Object.keys(now)) {
      if (!Object.hasOwn(old, name)) one(`f:${name}`, undefined, now[name], shape.entry(name), into);
    }
  } else if (shape.kind === 'set' || shape.kind === 'keyed') {
    const old = indexed(before, shape);
    const now = indexed(after, shape);
    for (const [element, value] of old) one(element, value, now.get(element), shape.items, into);
    for (const [element, value] of now) if (!old.has(element)) one(element, undefined, value, shape.items, into);
  }
}

const EMPTY: Readonly<Record<string, unknown>> = Object.freeze({});

function recordOf(value: unknown): Readonly<Record<string, unknown>> {
  const isRecord = typeof value === 'object' && value !== null && !Array.isArray(value);
  return isRecord ? (value as Record<string, unknown>) : EMPTY;
}

function one(element: PathElement, lhs: unknown, rhs: unknown, schema: Schema | undefined, into: Found): void {
  const shape = schema === undefined ? undefined : shapeOf(schema, rhs ?? lhs);
  const whole = shape === undefined || isWhole(shape) || (isNothing(lhs) && isNothing(rhs));
  if (lhs === undefined) setOf(into, 'added').add(element);
  else if (rhs === undefined) setOf(into, 'removed').add(element);
  else if (whole && lhs !== rhs && !isDeepStrictEqual(lhs, rhs)) setOf(into, 'modified').add(element);
  if (whole || lhs === rhs) return;
  const child = nothingYet();
  below(lhs, rhs, schema!, child);
  if (child.added !== undefined) setOf(into, 'added').put(element, child.added);
  if (child.modified !== undefined) setOf(into, 'modified').put(element, child.modified);
  if (child.removed !== undefined) setOf(into, 'removed').put(element, child.removed);
}

/** Items by identity. Of items with the same identity the last stands for all. */
function indexed(value: unknown, shape: Extract<Shape, { items: Schema }>): Map<PathElement, unknown> {
  const items = new Map<PathElement, unknown>();
  for (const item of itemsOf(value)) {
    const element = elementOf(shape, item);
    if (element !== undefined) items.set(element, item);
  }
  return items;
}

/** What `config` says laid over `live`. */
export function merge(live: unknown, config: unknown, schema: Schema): unknown {
  if (config === undefined) return live;
  if (live === undefined) return config;
  const shape = shapeOf(schema, config ?? live);
  if (isWhole(shape) || (isNothing(live) && isNothing(config))) return config;
  if (shape.kind === 'map') {
    const merged: Record<string, unknown> = {};
    const theirs = Object.fromEntries(entriesOf(config));
    for (const [name, value] of entriesOf(live)) {
      const entry = shape.entry(name);
      const over = Object.hasOwn(theirs, name) ? theirs[name] : undefined;
      put(merged, name, entry === undefined ? (over ?? value) : merge(value, over, entry));
    }
    for (const [name, value] of entriesOf(config)) if (!Object.hasOwn(merged, name)) put(merged, name, value);
    return merged;
  }
  return mergeItems(itemsOf(live), itemsOf(config), shape as Extract<Shape, { items: Schema }>);
}

/**
 * Items in the order of the config; those that only the live object has keep their place relative to what they stood
 * beside. The order is part of the interface (golden: apply: order of keyed lists).
 */
function mergeItems(live: unknown[], config: unknown[], shape: Extract<Shape, { items: Schema }>): unknown[] {
  const elementAt = (items: unknown[], i: number) => elementOf(shape, items[i]) ?? `i:${i}`;
  const left = live.map((_, i) => elementAt(live, i));
  const right = config.map((_, i) => elementAt(config, i));
  const inLive = new Map(left.map((element, i) => [element, live[i]]));
  const inConfig = new Map(right.map((element, i) => [element, config[i]]));
  const shared = right.filter((element) => inLive.has(element));
  const done = new Set<PathElement>();
  const merged: unknown[] = [];
  const take = (element: PathElement) => {
    done.add(element);
    merged.push(merge(inLive.get(element), inConfig.get(element), shape.items));
    if (shared[0] === element) shared.shift();
  };
  for (let l = 0, r = 0; l < left.length || r < right.length; ) {
    const mine = left[l];
    if (mine !== undefined && r < right.length) {
      if (mine === right[r]) {
        take(mine);
        l++;
        r++;
        continue;
      }
      // Both have it, but its turn in the config's order has not come.
      if (inConfig.has(mine) && shared[0] !== undefined && shared[0] !== mine) {
        l++;
        continue;
      }
    }
    if (mine !== undefined) {
      if (!inConfig.has(mine)) {
        merged.push(live[l++]);
        continue;
      }
      if (done.has(mine)) l++;
    }
    if (r < right.length) take(right[r++]!);
  }
  return merged;
}

/** The value without the fields of the set. What becomes empty by that becomes null, which writing leaves out. */
export function without(value: unknown, set: FieldSet, schema: Schema): unknown {
  const shape = shapeOf(schema, value);
  if (isWhole(shape) || isNothing(value)) return shape.kind === 'scalar' ? value : null;
  if (shape.kind === 'map') {
    const kept: Record<string, unknown> = {};
    for (const [name, entry] of entriesOf(value)) {
      const element = `f:${name}`;
      if (set.members.has(element)) continue;
      const below = set.children.get(element);
      const type = shape.entry(name);
      put(kept, name, below === undefined || below.isEmpty || type === undefined ? entry : without(entry, below, type));
    }
    return Object.keys(kept).length === 0 ? null : kept;
  }
  const kept: unknown[] = [];
  const { items } = shape as Extract<Shape, { items: Schema }>;
  for (const item of itemsOf(value)) {
    const element = elementOf(shape as Extract<Shape, { items: Schema }>, item);
    if (element !== undefined && set.members.has(element)) continue;
    const below = element === undefined ? undefined : set.children.get(element);
    kept.push(below === undefined || below.isEmpty ? item : without(item, below, items));
  }
  return kept.length === 0 ? null : kept;
}

/** Declared fields count as members when something below them is owned. */
export function withNamedFields(set: FieldSet, schema: Schema): FieldSet {
  const shape = shapeOf(schema, {});
  const result = new FieldSet();
  for (const element of set.members) result.add(element);
  for (const [element, child] of set.children) {
    const below = entrySchema(shape, element);
    if (element.startsWith('f:') && shape.kind === 'map' && shape.isNamed(element.slice(2))) result.add(element);
    result.put(element, below === undefined ? child : withNamedFields(child, below));
  }
  return result;
}

function entrySchema(shape: Shape, element: PathElement): Schema | undefined {
  if (shape.kind === 'map') return shape.entry(element.slice(2));
  return shape.kind === 'keyed' || shape.kind === 'set' ? shape.items : undefined;
}
