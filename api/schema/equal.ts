// Whether two values say the same. Semantic equality takes quantities by amount and an absent field, null and an empty
// list or map as one, as upstream does where it asks whether anything changed.

import { compareQuantities } from '../quantity.ts';
import { isBigNumber } from './json-value.ts';
import { resolve, type Schema } from './schema.ts';

export function deepEqual(a: unknown, b: unknown): boolean {
  if (a === b) return true;
  if (typeof a !== 'object' || typeof b !== 'object' || a === null || b === null)
    return Number.isNaN(a) && Number.isNaN(b);
  if (Array.isArray(a) || Array.isArray(b)) {
    if (!Array.isArray(a) || !Array.isArray(b) || a.length !== b.length) return false;
    for (let i = 0; i < a.length; i++) if (!deepEqual(a[i], b[i])) return false;
    return true;
  }
  if (isBigNumber(a) || isBigNumber(b)) return isBigNumber(a) && isBigNumber(b) && a.rawJSON === b.rawJSON;
  const left = a as Record<string, unknown>;
  const right = b as Record<string, unknown>;
  let extra = 0;
  for (const key in left) {
    if (left[key] === undefined) continue;
    extra++;
    if (!Object.hasOwn(right, key) || !deepEqual(left[key], right[key])) return false;
  }
  for (const key in right) if (right[key] !== undefined) extra--;
  return extra === 0;
}

export function semanticEqual(schema: Schema, a: unknown, b: unknown): boolean {
  if (a === b) return true;
  const target = resolve(schema);
  switch (target.kind) {
    case 'quantity':
      return typeof a === 'string' && typeof b === 'string' && compareQuantities(a, b) === 0;
    case 'list': {
      const left = (a ?? []) as unknown[];
      const right = (b ?? []) as unknown[];
      if (!Array.isArray(left) || !Array.isArray(right)) return deepEqual(left, right);
      if (left.length !== right.length) return false;
      for (let i = 0; i < left.length; i++) if (!semanticEqual(target.items, left[i], right[i])) return false;
      return true;
    }
    case 'map':
      if (!isObject(a ?? {}) || !isObject(b ?? {})) return deepEqual(a, b);
      return sameKeys((a ?? {}) as object, (b ?? {}) as object, () => target.values);
    case 'object':
      // A pointer to nothing and one to an empty structure differ.
      if (!isObject(a) || !isObject(b)) return isAbsent(a) && isAbsent(b);
      return sameKeys(a, b, (key) => (Object.hasOwn(target.fields, key) ? target.fields[key]!.schema : undefined));
    default:
      return (isAbsent(a) && isAbsent(b)) || deepEqual(a, b);
  }
}

function sameKeys(a: object, b: object, schemaOf: (key: string) => Schema | undefined): boolean {
  const left = a as Record<string, unknown>;
  const right = b as Record<string, unknown>;
  const differs = (key: string, x: unknown, y: unknown) => {
    if (x === y) return false;
    const inner = schemaOf(key);
    return inner === undefined ? !deepEqual(x, y) : !semanticEqual(inner, x, y);
  };
  for (const key in left) if (differs(key, left[key], Object.hasOwn(right, key) ? right[key] : undefined)) return false;
  for (const key in right) if (!Object.hasOwn(left, key) && differs(key, undefined, right[key])) return false;
  return true;
}

function isAbsent(value: unknown): boolean {
  return value === undefined || value === null;
}
function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
