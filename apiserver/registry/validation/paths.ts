// Paths below a folder that must not be left.
import type { FieldProblem } from '../../../api/status.ts';
import { invalidValue } from './problems.ts';

export function noBacksteps(path: string, value: string): FieldProblem[] {
  return value.split('/').includes('..') ? [invalidValue(path, value, "must not contain '..'")] : [];
}

export function localDescendingPath(path: string, value: string): FieldProblem[] {
  const problems = value.startsWith('/') ? [invalidValue(path, value, 'must be a relative path')] : [];
  return [...problems, ...noBacksteps(path, value)];
}

/** Names that begin with two dots are the volume's own. */
export function localPlainPath(path: string, value: string): FieldProblem[] {
  const problems = localDescendingPath(path, value);
  if (value.startsWith('..') && !value.startsWith('../') && value !== '..') {
    problems.push(invalidValue(path, value, "must not start with '..'"));
  }
  return problems;
}
