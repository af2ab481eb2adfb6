// Label selectors inside objects.
import { labelValue, qualifiedName } from '../../../api/names.ts';
import type { FieldProblem } from '../../../api/status.ts';
import type { LabelSelector } from '../../../api/types/meta/label-selector.ts';
import { labelProblems } from './object-meta.ts';
import { forbidden, invalidValue, required } from './problems.ts';
import { named } from './values.ts';

export function labelSelectorProblems(selector: LabelSelector | undefined, path: string): FieldProblem[] {
  if (selector === undefined) return [];
  const expressions = (selector.matchExpressions ?? []).flatMap((expression, i) => {
    const at = `${path}.matchExpressions[${i}]`;
    const { key, operator, values = [] } = expression;
    const problems: FieldProblem[] = [];
    switch (operator as string) {
      case 'In':
      case 'NotIn':
        if (values.length === 0) {
          problems.push(required(`${at}.values`, "must be specified when `operator` is 'In' or 'NotIn'"));
        }
        break;
      case 'Exists':
      case 'DoesNotExist':
        if (values.length > 0) {
          const why = "may not be specified when `operator` is 'Exists' or 'DoesNotExist'";
          problems.push(forbidden(`${at}.values`, why));
        }
        break;
      default:
        problems.push(invalidValue(`${at}.operator`, operator, 'not a valid selector operator'));
    }
    problems.push(...named(`${at}.key`, key, qualifiedName));
    for (const [n, value] of values.entries()) problems.push(...named(`${at}.values[${n}]`, value, labelValue));
    return problems;
  });
  return [...labelProblems(selector.matchLabels, `${path}.matchLabels`), ...expressions];
}

export function isEmptySelector(selector: LabelSelector | undefined): boolean {
  return Object.keys(selector?.matchLabels ?? {}).length === 0 && !selector?.matchExpressions?.length;
}
