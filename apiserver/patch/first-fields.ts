// What the first writer of an object owns, straight as FieldsV1: every field that was not there before. It is what
// comparing with an empty object comes to (apply.ts), without the sets in between; most writes of a cluster are creates.
import { isDeepStrictEqual } from 'node:util';
import { type ObjectSchema, resolve, type Schema } from '../../api/schema/schema.ts';
import { SYSTEM_FIELDS } from './managed-fields.ts';
import { type Elements, elementOf, entriesOf, itemsOf, put, type Shape, shapeOf } from './shape.ts';

type Fields = Record<string, unknown>;
/** What is owned by who brings a value where there was none. */
type Walk = (value: unknown) => Fields;

const METADATA = 'f:metadata';
const SYSTEM_METADATA = SYSTEM_FIELDS.under(METADATA);

/** `zero`: the object before anything was set. `ignored`: elements of the top that this write does not own. */
export function firstFields(zero: object, next: object, schema: ObjectSchema, ignored: ReadonlySet<string>): Fields {
  const owned: Fields = {};
  const shape = shapeOf(schema, next);
  if (shape.kind !== 'map') return owned;
  for (const [name, value] of entriesOf(next)) {
    const element = `f:${name}`;
    if (ignored.has(element)) continue;
    const type = shape.entry(name);
    if (Object.hasOwn(zero, name)) {
      const fields = changed((zero as Fields)[name], value, type);
      const kept = element === METADATA ? withoutSystem(fields) : fields;
      if (kept !== undefined) put(owned, element, kept);
    } else if (!SYSTEM_FIELDS.members.has(element)) put(owned, element, walkOf(type)(value));
  }
  return owned;
}

function withoutSystem(fields: Fields | undefined): Fields | undefined {
  const kept = entriesOf(fields).filter(([element]) => !SYSTEM_METADATA.members.has(element));
  return kept.length === 0 ? undefined : Object.fromEntries(kept);
}

/** Where there was a zero. Undefined: nothing is owned. */
function changed(before: unknown, after: unknown, schema: Schema | undefined): Fields | undefined {
  if (after === undefined || before === after) return undefined;
  const shape = schema === undefined ? undefined : shapeOf(schema, after ?? before);
  if (shape === undefined || isWhole(shape) || (isNothing(before) && isNothing(after))) {
    return isDeepStrictEqual(before, after) ? undefined : {};
  }
  const owned: Fields = {};
  if (shape.kind === 'map') {
    const old = Object.fromEntries(entriesOf(before));
    for (const [name, value] of entriesOf(after)) {
      const type = shape.entry(name);
      const fields = Object.hasOwn(old, name) ? changed(old[name], value, type) : walkOf(type)(value);
      if (fields !== undefined) put(owned, `f:${name}`, fields);
    }
  } else addItems(owned, shape as Elements, after);
  return isNothing(owned) ? undefined : owned;
}

/** Of the field itself; nothing is below it. */
const ITSELF: Fields = Object.freeze({});
const itself = (): Fields => ITSELF;
const walks = new WeakMap<object, Walk>();

function walkOf(schema: Schema | undefined): Walk {
  if (schema === undefined) return itself;
  const at = resolve(schema);
  let walk = walks.get(at);
  if (walk === undefined) {
    walk = compile(at);
    walks.set(at, walk);
  }
  return walk;
}

function compile(schema: Schema): Walk {
  const shape = shapeOf(schema, undefined);
  // Without a schema it depends on the value.
  if (schema.kind === 'any') return (value) => deduced(schema, value);
  if (isWhole(shape)) return itself;
  if (shape.kind !== 'map') {
    return (value) => {
      const items = addItems({}, shape as Elements, value);
      return isNothing(items) ? items : { '.': ITSELF, ...items };
    };
  }
  const entries = new Map<string, { readonly element: string; readonly walk: Walk }>();
  const entry = (name: string) => {
    const made = { element: `f:${name}`, walk: walkOf(shape.entry(name)) };
    // Names of fields are few; keys of maps are anybody's.
    if (shape.isNamed(name)) entries.set(name, made);
    return made;
  };
  return (value) => {
    if (isNothing(value) || Array.isArray(value)) return {};
    const owned: Fields = { '.': ITSELF };
    for (const name in value as Fields) {
      const { element, walk } = entries.get(name) ?? entry(name);
      owned[element] = walk((value as Fields)[name]);
    }
    return owned;
  };
}

function deduced(schema: Schema, value: unknown): Fields {
  const owned: Fields = {};
  if (shapeOf(schema, value).kind !== 'map' || isNothing(value)) return owned;
  owned['.'] = ITSELF;
  for (const [name, below] of entriesOf(value)) owned[`f:${name}`] = deduced(schema, below);
  return owned;
}

/** Of items with the same identity the last stands for all. */
function addItems(owned: Fields, shape: Elements, value: unknown): Fields {
  const walk = walkOf(shape.items);
  for (const item of itemsOf(value)) {
    const element = elementOf(shape, item);
    if (element !== undefined) owned[element] = walk(item);
  }
  return owned;
}

function isWhole({ kind }: Shape): boolean {
  return kind === 'scalar' || kind === 'atomic';
}

function isNothing(value: unknown): boolean {
  if (typeof value !== 'object' || value === null) return true;
  if (Array.isArray(value)) return value.length === 0;
  for (const name in value) if (Object.hasOwn(value, name)) return false;
  return true;
}
