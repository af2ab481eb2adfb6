// Rows of what is wrong with an object, in upstream's wording. Validation functions return lists of these.
import type { FieldProblem } from '../../../api/status.ts';

export function required(path: string, why = ''): FieldProblem {
  return { path, reason: 'FieldValueRequired', message: why === '' ? 'Required value' : `Required value: ${why}` };
}

export function invalidValue(path: string, value: unknown, why: string): FieldProblem {
  return { path, reason: 'FieldValueInvalid', message: `Invalid value: ${show(value)}: ${why}` };
}

/** Of something too large to show, or that there is no one value of. */
export function invalid(path: string, why: string): FieldProblem {
  return { path, reason: 'FieldValueInvalid', message: `Invalid value: ${why}` };
}

export function forbidden(path: string, why: string): FieldProblem {
  return { path, reason: 'FieldValueForbidden', message: `Forbidden: ${why}` };
}

export function duplicate(path: string, value: unknown): FieldProblem {
  return { path, reason: 'FieldValueDuplicate', message: `Duplicate value: ${show(value)}` };
}

export function notFoundValue(path: string, value: unknown): FieldProblem {
  return { path, reason: 'FieldValueNotFound', message: `Not found: ${show(value)}` };
}

export function notSupported(path: string, value: unknown, supported: readonly string[]): FieldProblem {
  const names = supported.map((name) => JSON.stringify(name)).join(', ');
  const message = `Unsupported value: ${show(value)}: supported values: ${names}`;
  return { path, reason: 'FieldValueNotSupported', message };
}

export function tooLong(path: string, max: number): FieldProblem {
  return { path, reason: 'FieldValueTooLong', message: `Too long: may not be more than ${max} bytes` };
}

export function tooMany(path: string, count: number, max: number): FieldProblem {
  return { path, reason: 'FieldValueTooMany', message: `Too many: ${count}: must have at most ${max} items` };
}

/** Appends. A body of 3 MB can be wrong in more places than arguments of one call fit on the stack. */
export function add<T>(rows: T[], more: readonly T[]): void {
  for (const row of more) rows.push(row);
}

/** What is printed as it is: values as upstream's own code has them (go-value.ts). */
export class Printed {
  readonly text: string;

  constructor(text: string) {
    this.text = text;
  }
}

/** As Go prints it: strings quoted, null for what is absent, JSON for the rest. */
function show(value: unknown): string {
  return value instanceof Printed ? value.text : JSON.stringify(value ?? null);
}
