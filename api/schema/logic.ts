// allOf, anyOf, oneOf and not of custom definitions: JSON schemas that only say yes or no. A structural schema keeps
// everything else out of them, so values are matched, never changed.
import type { JSONSchemaProps } from '../types/apiextensions/json-schema-props.ts';
import { deepEqual } from './equal.ts';
import { isOfFormat } from './formats.ts';
import { isBigNumber } from './json-value.ts';
import { patternOf } from './patterns.ts';

type Logic = Pick<JSONSchemaProps, 'allOf' | 'anyOf' | 'oneOf' | 'not'>;

/** What the value breaks, in upstream's words; nothing where it holds. */
export function matchesLogic(logic: unknown, value: unknown, path: string): string[] {
  if (typeof logic !== 'object' || logic === null) return [];
  const { allOf, anyOf, oneOf, not } = logic as Logic;
  const name = JSON.stringify(path);
  const problems: string[] = [];
  if (anyOf !== undefined && !anyOf.some((one) => matches(one, value))) {
    problems.push(`${name} must validate at least one schema (anyOf)`);
  }
  if (oneOf !== undefined) {
    const count = oneOf.filter((one) => matches(one, value)).length;
    const found = count === 0 ? 'Found none valid' : `Found ${count} valid alternatives`;
    if (count !== 1) problems.push(`${name} must validate one and only one schema (oneOf). ${found}`);
  }
  if (allOf !== undefined) {
    const count = allOf.filter((one) => matches(one, value)).length;
    const none = count === 0 ? '. None validated' : '';
    if (count < allOf.length) problems.push(`${name} must validate all the schemas (allOf)${none}`);
  }
  if (not !== undefined && matches(not, value)) problems.push(`${name} must not validate the schema (not)`);
  return problems;
}

export function matches(schema: JSONSchemaProps, value: unknown): boolean {
  if (value === null && schema.nullable) return true;
  if (schema.type !== undefined && schema.type !== '' && !isOf(schema, value)) return false;
  if (schema.enum !== undefined && !schema.enum.some((one) => deepEqual(one, value))) return false;
  if (typeof value === 'string' && !matchesText(schema, value)) return false;
  if ((typeof value === 'number' || isBigNumber(value)) && !matchesNumber(schema, Number(rawOf(value)))) return false;
  if (Array.isArray(value)) {
    if (!matchesList(schema, value)) return false;
  } else if (typeof value === 'object' && value !== null && !isBigNumber(value)) {
    if (!matchesObject(schema, value as Record<string, unknown>)) return false;
  }
  return matchesLogic(schema, value, '').length === 0;
}

const rawOf = (value: unknown) => (isBigNumber(value) ? value.rawJSON : value);

function isOf({ type, ...schema }: JSONSchemaProps, value: unknown): boolean {
  const isNumber = typeof value === 'number' || isBigNumber(value);
  const isInteger = isBigNumber(value) || Number.isInteger(value);
  if (schema['x-kubernetes-int-or-string']) return isInteger || typeof value === 'string';
  if (type === 'integer') return isInteger;
  if (type === 'number') return isNumber;
  if (type === 'array') return Array.isArray(value);
  if (type === 'object') return typeof value === 'object' && value !== null && !Array.isArray(value) && !isNumber;
  return typeof value === type;
}

function matchesText({ minLength, maxLength, pattern, format }: JSONSchemaProps, text: string): boolean {
  const { length } = [...text];
  if (length < (minLength ?? 0) || length > (maxLength ?? Number.POSITIVE_INFINITY)) return false;
  return (pattern === undefined || patternOf(pattern).test(text)) && (!format || isOfFormat(format, text));
}

function matchesNumber(schema: JSONSchemaProps, number: number): boolean {
  const { minimum, maximum, exclusiveMinimum, exclusiveMaximum, multipleOf } = schema;
  if (minimum !== undefined && (exclusiveMinimum ? number <= minimum : number < minimum)) return false;
  if (maximum !== undefined && (exclusiveMaximum ? number >= maximum : number > maximum)) return false;
  return multipleOf === undefined || Number.isInteger(number / multipleOf);
}

function matchesList({ minItems, maxItems, uniqueItems, items }: JSONSchemaProps, list: readonly unknown[]): boolean {
  if (list.length < (minItems ?? 0) || list.length > (maxItems ?? Number.POSITIVE_INFINITY)) return false;
  if (uniqueItems && new Set(list.map((item) => JSON.stringify(item))).size < list.length) return false;
  return items === undefined || Array.isArray(items) || list.every((item) => matches(items, item));
}

function matchesObject(schema: JSONSchemaProps, object: Record<string, unknown>): boolean {
  const { required, properties = {}, additionalProperties, minProperties, maxProperties } = schema;
  const keys = Object.keys(object);
  if (keys.length < (minProperties ?? 0) || keys.length > (maxProperties ?? Number.POSITIVE_INFINITY)) return false;
  if (required?.some((key) => !Object.hasOwn(object, key))) return false;
  return keys.every((key) => {
    const own = Object.hasOwn(properties, key) ? properties[key] : undefined;
    if (own !== undefined) return matches(own, object[key]);
    return typeof additionalProperties !== 'object' || matches(additionalProperties, object[key]);
  });
}
