// Whether a custom object is what its definition asks for. An update is held against what it changes: values that were
// there before and became invalid since may stay.
import type { KubeObject } from '../../api/schema/kind.ts';
import type { ObjectSchema } from '../../api/schema/schema.ts';
import { duplicateProblems, validate } from '../../api/schema/validate.ts';
import type { FieldProblem } from '../../api/status.ts';
import type { CustomResourceSubresourceScale } from '../../api/types/apiextensions/custom-resource-definition.ts';
import { invalidValue } from '../registry/validation/problems.ts';
import { embeddedProblems } from './embedded.ts';
import { valueAt } from './paths.ts';

type ScalePaths = CustomResourceSubresourceScale;

export function newObjectProblems(
  rules: ObjectSchema,
  scale: ScalePaths | undefined,
  object: KubeObject,
): FieldProblem[] {
  return [
    ...validate(rules, object),
    ...scaleProblems(scale, object),
    ...embeddedProblems(rules, object),
    ...duplicateProblems(rules, object),
  ];
}

export function changedObjectProblems(
  rules: ObjectSchema,
  scale: ScalePaths | undefined,
  next: KubeObject,
  current: KubeObject,
): FieldProblem[] {
  return [
    ...validate(rules, next, { update: true, old: current }),
    ...scaleProblems(scale, next),
    ...embeddedProblems(rules, next),
    ...(duplicateProblems(rules, current).length === 0 ? duplicateProblems(rules, next) : []),
  ];
}

const MAX = 2_147_483_647;

function scaleProblems(scale: ScalePaths | undefined, object: KubeObject): FieldProblem[] {
  if (scale === undefined) return [];
  const { specReplicasPath, statusReplicasPath, labelSelectorPath } = scale;
  const problems = [specReplicasPath, statusReplicasPath].flatMap((path) => countProblems(path, valueAt(object, path)));
  const selector = labelSelectorPath ? valueAt(object, labelSelectorPath) : undefined;
  if (selector !== undefined && typeof selector !== 'string') {
    problems.push(invalidValue(labelSelectorPath!, '', mistyped(labelSelectorPath!, selector, 'string')));
  }
  return problems;
}

function countProblems(path: string, value: unknown): FieldProblem[] {
  if (value === undefined) return [];
  if (!Number.isInteger(value)) return [invalidValue(path, 0, mistyped(path, value, 'int64'))];
  const count = value as number;
  if (count < 0) return [invalidValue(path, count, 'should be a non-negative integer')];
  return count > MAX ? [invalidValue(path, count, `should be less than or equal to ${MAX}`)] : [];
}

function mistyped(path: string, value: unknown, wanted: string): string {
  const is = Array.isArray(value) ? '[]interface {}' : GO_TYPES[typeof value];
  return `${path} accessor error: ${JSON.stringify(value)} is of the type ${is}, expected ${wanted}`;
}

const GO_TYPES: Readonly<Partial<Record<string, string>>> = {
  string: 'string',
  number: 'float64',
  boolean: 'bool',
  object: 'map[string]interface {}',
};
