// Problems as one line each, for tables: `path: message`.
import type { FieldProblem } from '../../../../api/status.ts';

export function rows(problems: readonly FieldProblem[]): string[] {
  return problems.map(({ path, message }) => `${path}: ${message}`);
}
