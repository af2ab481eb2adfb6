// Small checks that many kinds share.
import { isIP } from 'node:net';
import { percentage } from '../../../api/names.ts';
import { deepEqual } from '../../../api/schema/equal.ts';
import type { FieldProblem } from '../../../api/status.ts';
import { add, duplicate, invalidValue, notSupported, required } from './problems.ts';

export const NON_NEGATIVE = 'must be greater than or equal to 0';

export function notNegative(path: string, value: number | undefined): FieldProblem[] {
  return value !== undefined && value < 0 ? [invalidValue(path, value, NON_NEGATIVE)] : [];
}

/** Every message of a name check as a row. */
export function named(
  path: string,
  value: string | undefined,
  check: (value: string) => readonly string[],
): FieldProblem[] {
  const wrong = check(value ?? '');
  return wrong.length === 0 ? [] : wrong.map((why) => invalidValue(path, value ?? '', why));
}

export function requiredName(path: string, value: string | undefined, check: (value: string) => readonly string[]) {
  return value ? named(path, value, check) : [required(path)];
}

/** `supported` in the order in which messages list them. */
export function oneOf(path: string, value: string | undefined, supported: readonly string[]): FieldProblem[] {
  return value === undefined || supported.includes(value) ? [] : [notSupported(path, value, supported)];
}

export function between(path: string, value: number | undefined, min: number, max: number): FieldProblem[] {
  if (value === undefined || (value >= min && value <= max)) return [];
  return [invalidValue(path, value, `must be between ${min} and ${max}, inclusive`)];
}

export function portProblems(path: string, port: number): FieldProblem[] {
  return between(path, port, 1, 65535);
}

const IP_WORDS = 'must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)';

export function ipProblems(path: string, value: string): FieldProblem[] {
  return isIP(value) !== 0 && !hasLeadingZero(value) ? [] : [invalidValue(path, value, IP_WORDS)];
}

const hasLeadingZero = (value: string) => /(^|\.)0\d/.test(value);

/** Rows for every value that was there before it. */
export function duplicates(path: (i: number) => string, values: readonly string[]): FieldProblem[] {
  const seen = new Set<string>();
  return values.flatMap((value, i) => {
    if (seen.has(value)) return [duplicate(path(i), value)];
    seen.add(value);
    return [];
  });
}

export const IMMUTABLE = 'field is immutable';

/** Of a word that must be there and be one of these. */
export function requiredOneOf(path: string, value: string | undefined, words: readonly string[]): FieldProblem[] {
  return value ? oneOf(path, value, words) : [required(path)];
}

export function unchanged(path: string, next: unknown, current: unknown): FieldProblem[] {
  return deepEqual(next, current) ? [] : [invalidValue(path, next, IMMUTABLE)];
}

/** Rows of one list under the path of each of its items. */
export function each<T>(
  items: readonly T[] | undefined,
  path: string,
  check: (item: T, path: string, index: number) => FieldProblem[],
): FieldProblem[] {
  const problems: FieldProblem[] = [];
  if (!items) return problems;
  for (let i = 0; i < items.length; i++) add(problems, check(items[i]!, `${path}[${i}]`, i));
  return problems;
}

export type IntOrString = number | string;

/** A count that is a number from 0 or a percentage. */
export function countOrPercent(path: string, value: IntOrString | undefined): FieldProblem[] {
  return typeof value === 'string' ? named(path, value, percentage) : notNegative(path, value);
}

export function percentOf(value: IntOrString | undefined): number | undefined {
  return typeof value === 'string' && /^\d+%$/.test(value) ? Number(value.slice(0, -1)) : undefined;
}

export function notAbove100(path: string, value: IntOrString | undefined): FieldProblem[] {
  return (percentOf(value) ?? 0) > 100 ? [invalidValue(path, value, 'must not be greater than 100%')] : [];
}

/** Zero, as a number or percentage. */
export function isNone(value: IntOrString | undefined): boolean {
  return (typeof value === 'string' ? percentOf(value) : value) === 0;
}
