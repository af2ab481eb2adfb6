// What is wrong with a value by its definition: types, limits, enumerations, formats, what must be there, what may not
// come twice. Rows in upstream's wording; used for custom resources, whose rules are all in their definition.
import type { FieldProblem } from '../status.ts';
import { deepEqual } from './equal.ts';
import { isOfFormat } from './formats.ts';
import { goFloat, goValue } from './go-text.ts';
import { isBigNumber } from './json-value.ts';
import { matchesLogic } from './logic.ts';
import { patternOf } from './patterns.ts';
import { type Constraints, type ListSchema, type ObjectSchema, resolve, type Schema } from './schema.ts';

/** More rows than this help nobody, and text of every one of them costs. */
const MAX_PROBLEMS = 1000;

export interface ValidateOptions {
  /** Upstream checks updates field by field and then names a field by its last word only. */
  readonly update?: boolean;
  /** In an update, what was there before: what did not change is not looked at again. */
  readonly old?: unknown;
  readonly path?: string;
}

export function validate(schema: Schema, value: unknown, options: ValidateOptions = {}): FieldProblem[] {
  const walk: Walk = { problems: [], update: options.update === true };
  check(schema, value, options.old, options.path ?? '', walk);
  return walk.problems.slice(0, MAX_PROBLEMS);
}

/** What comes twice in sets and maps of lists. */
export function duplicateProblems(schema: Schema, value: unknown, path = ''): FieldProblem[] {
  const problems: FieldProblem[] = [];
  findDuplicates(schema, value, path, problems);
  return problems.slice(0, MAX_PROBLEMS);
}

interface Walk {
  readonly problems: FieldProblem[];
  readonly update: boolean;
}

type Add = (reason: FieldProblem['reason'], message: string) => void;

function check(schema: Schema, value: unknown, old: unknown, path: string, walk: Walk): void {
  if (walk.problems.length >= MAX_PROBLEMS) return;
  if (old !== undefined && deepEqual(value, old)) return;
  const target = resolve(schema);
  const { constraints = NONE } = target;
  if (value === null && (constraints.nullable || target.kind === 'any')) return;
  const add: Add = (reason, message) => void walk.problems.push({ path, reason, message });
  const name = walk.update ? path.slice(path.lastIndexOf('.') + 1) : path;
  const wants = typeName(target);
  const is = jsonType(value);
  if (!isOfType(target, value, is)) {
    const shown = JSON.stringify(is);
    add('FieldValueTypeInvalid', `Invalid value: ${shown}: ${name} in body must be of type ${wants}: ${shown}`);
    return;
  }
  if (typeof value === 'string') checkText(value, constraints, name, add);
  else if (typeof value === 'number' || isBigNumber(value)) checkNumber(value, constraints, name, add);
  if (constraints.enum !== undefined && !constraints.enum.some((one) => same(one, value))) {
    const supported = constraints.enum.map((one) => JSON.stringify(typeof one === 'string' ? one : goValue(one)));
    add('FieldValueNotSupported', `Unsupported value: ${goValue(value)}: supported values: ${supported.join(', ')}`);
  }
  if (target.kind === 'list' && Array.isArray(value)) checkList(target, value, old, path, name, walk, add);
  else if (isObject(value)) {
    checkSize(value, constraints, name, add);
    if (target.kind === 'map') {
      for (const [key, item] of Object.entries(value)) {
        check(target.values, item, memberOf(old, key), join(path, key), walk);
      }
    } else if (target.kind === 'object') checkObject(target, value, old, path, walk);
    for (const key of constraints.mustHave ?? []) if (!Object.hasOwn(value, key)) absent(join(path, key), walk);
  }
  if (constraints.logic === undefined) return;
  for (const why of matchesLogic(constraints.logic, value, path)) invalid(add, goValue(value), why);
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value) && !isBigNumber(value);
}

function memberOf(object: unknown, key: string): unknown {
  return isObject(object) && Object.hasOwn(object, key) ? object[key] : undefined;
}

function absent(path: string, walk: Walk): void {
  walk.problems.push({ path, reason: 'FieldValueRequired', message: 'Required value' });
}

const NONE: Constraints = {};

function typeName(schema: Schema): string {
  switch (schema.kind) {
    case 'int32':
    case 'int64':
      return 'integer';
    case 'double':
      return 'number';
    case 'boolean':
      return 'boolean';
    case 'list':
      return 'array';
    case 'map':
    case 'object':
      return 'object';
    case 'intOrString':
      return 'integer,string';
    default:
      return 'string';
  }
}

function jsonType(value: unknown): string {
  if (value === null || value === undefined) return 'null';
  if (Array.isArray(value)) return 'array';
  if (isBigNumber(value)) return 'integer';
  if (typeof value === 'number') return Number.isInteger(value) ? 'integer' : 'number';
  return typeof value;
}

function isOfType(schema: Schema, value: unknown, is: string): boolean {
  switch (schema.kind) {
    case 'any':
      return true;
    case 'int32':
    case 'int64':
      return is === 'integer';
    case 'double':
      return is === 'integer' || is === 'number';
    case 'intOrString':
      return is === 'integer' || is === 'string';
    case 'quantity':
      return is === 'string' || typeof value === 'number';
    default:
      return is === typeName(schema);
  }
}

function checkText(text: string, constraints: Constraints, name: string, add: Add): void {
  const { minLength, maxLength, pattern, format } = constraints;
  const shown = JSON.stringify(text);
  if (maxLength !== undefined || minLength !== undefined) {
    // Characters, not units of UTF-16.
    const length = /[\ud800-\udbff]/.test(text) ? [...text].length : text.length;
    if (maxLength !== undefined && length > maxLength) {
      add('FieldValueTooLong', `Too long: may not be more than ${maxLength} bytes`);
    }
    if (minLength !== undefined && length < minLength) {
      invalid(add, shown, `${name} in body should be at least ${minLength} chars long`);
    }
  }
  if (pattern !== undefined && !patternOf(pattern).test(text)) {
    invalid(add, shown, `${name} in body should match '${pattern}'`);
  }
  if (format !== undefined && !isOfFormat(format, text)) {
    add('FieldValueTypeInvalid', `Invalid value: ${shown}: ${name} in body must be of type ${format}: ${shown}`);
  }
}

function checkNumber(value: unknown, constraints: Constraints, name: string, add: Add): void {
  const { min, max, exclusiveMin, exclusiveMax, multipleOf } = constraints;
  const number = isBigNumber(value) ? Number(value.rawJSON) : (value as number);
  const shown = goValue(value);
  // The limit of a whole number is shown as one.
  const limit = (bound: number) => (Number.isInteger(number) ? String(Math.trunc(bound)) : goFloat(bound));
  if (max !== undefined && (exclusiveMax ? number >= max : number > max)) {
    const than = exclusiveMax ? 'less than' : 'less than or equal to';
    invalid(add, shown, `${name} in body should be ${than} ${limit(max)}`);
  }
  if (min !== undefined && (exclusiveMin ? number <= min : number < min)) {
    const than = exclusiveMin ? 'greater than' : 'greater than or equal to';
    invalid(add, shown, `${name} in body should be ${than} ${limit(min)}`);
  }
  if (multipleOf !== undefined && multipleOf > 0 && !Number.isInteger(number / multipleOf)) {
    invalid(add, shown, `${name} in body should be a multiple of ${limit(multipleOf)}`);
  }
}

function checkList(
  schema: ListSchema,
  items: readonly unknown[],
  old: unknown,
  path: string,
  name: string,
  walk: Walk,
  add: Add,
): void {
  const { minItems, maxItems, uniqueItems } = schema.constraints ?? NONE;
  if (maxItems !== undefined && items.length > maxItems) {
    add('FieldValueTooMany', `Too many: ${items.length}: must have at most ${maxItems} items`);
  }
  if (minItems !== undefined && items.length < minItems) {
    invalid(add, goValue(items), `${name} in body should have at least ${minItems} items`);
  }
  // Only items with a key can be told apart from their neighbours.
  const before = schema.listType === 'map' && Array.isArray(old) ? itemsByKey(schema, old) : undefined;
  items.forEach((item, i) => {
    check(schema.items, item, before?.get(JSON.stringify(keyed(item, schema.keys ?? []))), `${path}[${i}]`, walk);
  });
  if (uniqueItems && schema.listType === undefined) duplicates(items, (item) => item, path, walk.problems);
}

function itemsByKey({ keys = [] }: ListSchema, items: readonly unknown[]): Map<string, unknown> {
  return new Map(items.map((item) => [JSON.stringify(keyed(item, keys)), item]));
}

function keyed(item: unknown, keys: readonly string[]): unknown {
  if (typeof item !== 'object' || item === null) return undefined;
  const has = keys.filter((key) => Object.hasOwn(item, key));
  return Object.fromEntries(has.map((key) => [key, (item as Record<string, unknown>)[key]]));
}

function findDuplicates(schema: Schema, value: unknown, path: string, problems: FieldProblem[]): void {
  const target = resolve(schema);
  if (target.kind === 'list' && Array.isArray(value)) {
    const { listType, keys = [], items } = target;
    if (listType === 'set') duplicates(value, (item) => item, path, problems);
    else if (listType === 'map') duplicates(value, (item) => keyed(item, keys), path, problems);
    value.forEach((item, i) => {
      findDuplicates(items, item, `${path}[${i}]`, problems);
    });
  } else if (isObject(value) && (target.kind === 'object' || target.kind === 'map')) {
    for (const [key, inner] of Object.entries(value)) {
      const of = target.kind === 'map' ? target.values : memberOf(target.fields, key);
      const its = target.kind === 'map' ? of : (of as { schema: Schema } | undefined)?.schema;
      if (its !== undefined) findDuplicates(its as Schema, inner, join(path, key), problems);
    }
  }
}

function duplicates(
  items: readonly unknown[],
  of: (item: unknown) => unknown,
  path: string,
  problems: FieldProblem[],
): void {
  const seen = new Set<string>();
  items.forEach((item, i) => {
    const value = of(item);
    if (value === undefined) return;
    const text = JSON.stringify(value);
    if (seen.has(text)) {
      problems.push({ path: `${path}[${i}]`, reason: 'FieldValueDuplicate', message: `Duplicate value: ${text}` });
    }
    seen.add(text);
  });
}

function checkSize(object: object, { minProperties, maxProperties }: Constraints, name: string, add: Add): void {
  if (minProperties === undefined && maxProperties === undefined) return;
  const count = Object.keys(object).length;
  if (maxProperties !== undefined && count > maxProperties) {
    add('FieldValueTooMany', `Too many: ${count}: must have at most ${maxProperties} items`);
  }
  if (minProperties !== undefined && count < minProperties) {
    invalid(add, goValue(object), `${name} in body should have at least ${minProperties} properties`);
  }
}

function checkObject(
  schema: ObjectSchema,
  object: Record<string, unknown>,
  old: unknown,
  path: string,
  walk: Walk,
): void {
  for (const [key, field] of Object.entries(schema.fields)) {
    const value = memberOf(object, key);
    const place = join(path, key);
    if (value !== undefined) check(field.schema, value, memberOf(old, key), place, walk);
    else if (field.required) absent(place, walk);
  }
  if (!schema.embedded) return;
  for (const key of ['apiVersion', 'kind']) {
    const isThere = object[key] !== undefined && object[key] !== '';
    if (!isThere && !schema.fields[key]?.required) absent(join(path, key), walk);
  }
}

function invalid(add: Add, shown: string, why: string): void {
  add('FieldValueInvalid', `Invalid value: ${shown}: ${why}`);
}

function same(a: unknown, b: unknown): boolean {
  return a === b || (typeof a === 'object' && typeof b === 'object' && JSON.stringify(a) === JSON.stringify(b));
}

function join(path: string, key: string): string {
  return path === '' ? key : `${path}.${key}`;
}
