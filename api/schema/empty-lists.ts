// Empty lists do not travel in protobuf, in which upstream stores: what is always written comes back as null, what is
// not is gone. Until then they are there: whoever sent one owns it, and validation tells it from none. So decoding keeps
// these and only the way to the store asks here.
import { type ObjectSchema, resolve, type Schema } from './schema.ts';

type Walk = (value: unknown) => void;

/** Undefined: nothing below has such a list. */
const walks = new WeakMap<object, Walk | undefined>();
/** Schemas that are being compiled: those that contain themselves are looked up when they are walked. */
const underWay = new Set<object>();

/** Changes the object in place. */
export function asStored(schema: ObjectSchema, object: unknown): void {
  if (!schema.custom) walkOf(schema)?.(object);
}

function walkOf(schema: Schema): Walk | undefined {
  const at = resolve(schema);
  if (walks.has(at)) return walks.get(at);
  if (underWay.has(at)) return (value) => walks.get(at)?.(value);
  underWay.add(at);
  const made = compile(at);
  underWay.delete(at);
  walks.set(at, made);
  return made;
}

function compile(at: ReturnType<typeof resolve>): Walk | undefined {
  switch (at.kind) {
    case 'object':
      return objectWalk(at);
    case 'list': {
      const item = walkOf(at.items);
      return item && ((value) => Array.isArray(value) && value.forEach(item));
    }
    case 'map': {
      const entry = walkOf(at.values);
      return entry && ((value) => Object.values(value as object).forEach(entry));
    }
    default:
      return undefined;
  }
}

function objectWalk({ fields }: ObjectSchema): Walk | undefined {
  const steps: { name: string; empty: 'null' | 'gone' | undefined; below: Walk | undefined }[] = [];
  for (const [name, { schema, emitZero, keepsEmpty }] of Object.entries(fields)) {
    const isList = resolve(schema).kind === 'list';
    const empty = isList && emitZero === null ? 'null' : isList && keepsEmpty ? 'gone' : undefined;
    const below = walkOf(schema);
    if (empty !== undefined || below !== undefined) steps.push({ name, empty, below });
  }
  if (steps.length === 0) return undefined;
  return (value) => {
    if (typeof value !== 'object' || value === null) return;
    const record = value as Record<string, unknown>;
    for (const { name, empty, below } of steps) {
      const child = record[name];
      if (child === undefined || child === null) continue;
      if (empty === undefined || (child as unknown[]).length > 0) below?.(child);
      else if (empty === 'null') record[name] = null;
      else delete record[name];
    }
  };
}
