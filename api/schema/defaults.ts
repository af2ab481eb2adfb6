// Fills in what was left out: literal defaults of fields, then what a kind's `defaults` computes, parents before
// children. Changes the value in place. Compiled once per schema; branches without any default are never entered.
import { clone } from './clone.ts';
import { type ObjectSchema, resolve, type Schema } from './schema.ts';

type Fill = (value: unknown, custom: boolean) => void;

export function applyDefaults<T>(schema: Schema<T>, value: T): T {
  const target = resolve(schema);
  fillerOf(target)?.(value, target.kind === 'object' && target.custom === true);
  return value;
}

/** Whether anything is ever filled in by this schema. */
export function fillsIn(schema: Schema): boolean {
  return fillerOf(resolve(schema)) !== undefined;
}

const fillers = new WeakMap<object, Fill | null>();

function fillerOf(schema: Schema): Fill | undefined {
  const known = fillers.get(schema);
  if (known !== undefined) return known ?? undefined;
  const made = hasDefaults(schema, new Set()) ? compile(schema) : undefined;
  fillers.set(schema, made ?? null);
  return made;
}

function hasDefaults(schema: Schema, seen: Set<Schema>): boolean {
  const target = resolve(schema);
  if (seen.has(target)) return false;
  seen.add(target);
  switch (target.kind) {
    case 'list':
      return hasDefaults(target.items, seen);
    case 'map':
      return hasDefaults(target.values, seen);
    case 'object':
      return (
        target.defaults !== undefined ||
        Object.values(target.fields).some((field) => field.default !== undefined || hasDefaults(field.schema, seen))
      );
    default:
      return false;
  }
}

function compile(schema: Schema): Fill | undefined {
  switch (schema.kind) {
    case 'lazy':
      return (value, custom) => fillerOf(resolve(schema))?.(value, custom);
    case 'list': {
      const fill = fillerOf(schema.items);
      return fill && ((value, custom) => Array.isArray(value) && eachItem(value, fill, custom));
    }
    case 'map': {
      const fill = fillerOf(schema.values);
      return fill && ((value, custom) => isObject(value) && eachItem(Object.values(value), fill, custom));
    }
    case 'object':
      return objectFiller(schema);
    default:
      return undefined;
  }
}

function eachItem(items: readonly unknown[], fill: Fill, custom: boolean): void {
  for (const item of items) fill(item, custom);
}

function objectFiller(schema: ObjectSchema): Fill {
  let own: { key: string; isUnset(value: unknown, custom: boolean): boolean; make(): unknown }[] | undefined;
  let below: { key: string; fill: Fill }[] = [];
  return (value, custom) => {
    if (!isObject(value)) return;
    if (own === undefined) {
      own = [];
      for (const [key, field] of Object.entries(schema.fields)) {
        const { default: literal, ptr } = field;
        const nullable = resolve(field.schema).constraints?.nullable === true;
        if (literal === undefined) continue;
        const make = typeof literal === 'object' && literal !== null ? () => clone(literal) : () => literal;
        // A default that is the zero of the field changes nothing: zeros are not written.
        const isZero = !ptr && (literal === '' || literal === 0 || literal === false);
        const isUnset = (present: unknown, inCustom: boolean) =>
          (present === undefined && (inCustom || !isZero)) ||
          (present === null
            ? !nullable
            : present !== undefined && !inCustom && !ptr && (present === '' || present === 0 || present === false));
        own.push({ key, isUnset, make });
      }
      below = Object.entries(schema.fields).flatMap(([key, field]) => {
        const fill = fillerOf(field.schema);
        return fill ? [{ key, fill }] : [];
      });
    }
    for (const { key, isUnset, make } of own) if (isUnset(value[key], custom)) value[key] = make();
    schema.defaults?.(value as never);
    for (const { key, fill } of below) {
      const child = value[key];
      if (child !== undefined && child !== null) fill(child, custom);
    }
  };
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
