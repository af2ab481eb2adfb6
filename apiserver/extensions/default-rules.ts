// Defaults in custom schemas must be values that their own schema would let through unchanged.
import { deepEqual } from '../../api/schema/equal.ts';
import { pruneValue } from '../../api/schema/prune.ts';
import { duplicateProblems, validate } from '../../api/schema/validate.ts';
import type { FieldProblem } from '../../api/status.ts';
import type { JSONSchemaProps } from '../../api/types/apiextensions/json-schema-props.ts';
import { invalidValue } from '../registry/validation/problems.ts';
import { embeddedProblems } from './embedded.ts';
import { translate } from './structural-schema.ts';

export function defaultProblems(schema: JSONSchemaProps, path: string): FieldProblem[] {
  const { items, properties = {}, additionalProperties } = schema;
  const problems = schema.default === undefined || schema.default === null ? [] : ownProblems(schema, path);
  if (items !== undefined && !Array.isArray(items)) problems.push(...defaultProblems(items, `${path}.items`));
  for (const [name, one] of Object.entries(properties)) {
    problems.push(...defaultProblems(one, `${path}.properties[${name}]`));
  }
  if (typeof additionalProperties === 'object') {
    problems.push(...defaultProblems(additionalProperties, `${path}.additionalProperties`));
  }
  return problems;
}

function ownProblems(schema: JSONSchemaProps, path: string): FieldProblem[] {
  const place = `${path}.default`;
  const value = schema.default;
  const structure = translate(schema);
  if (!deepEqual(pruneValue(structure, value), value)) {
    return [invalidValue(place, value, 'must not have unknown fields')];
  }
  const embedded = embeddedProblems(structure, value, place);
  if (embedded.length > 0) return embedded;
  const wrong = validate(structure, value, { path: place });
  return wrong.length > 0 ? wrong : duplicateProblems(structure, value, place);
}
