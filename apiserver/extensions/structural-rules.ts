// What makes a schema structural: every value's type is said by the structure alone, and what stands beside it (allOf,
// anyOf, oneOf, not) only narrows. Rows in upstream's wording, sorted as it sorts them.
import { deepEqual } from '../../api/schema/equal.ts';
import type { FieldProblem } from '../../api/status.ts';
import type { JSONSchemaProps } from '../../api/types/apiextensions/json-schema-props.ts';
import { forbidden, invalidValue, required } from '../registry/validation/problems.ts';

type Level = 'root' | 'item' | 'field';
const WITHOUT_TYPE: Readonly<Record<Level, string>> = {
  root: 'must not be empty at the root',
  item: 'must not be empty for specified array items',
  field: 'must not be empty for specified object fields',
};
const INT_OR_STRING = [{ type: 'integer' }, { type: 'string' }];

/** Whether the schema says anything that has no place in a structure at all; other rules refuse that. */
export function isStructured(schema: JSONSchemaProps): boolean {
  const alien =
    schema.id || schema.$schema || schema.$ref !== undefined || schema.additionalItems || Array.isArray(schema.items);
  if (alien || schema.patternProperties || schema.definitions || schema.dependencies) return false;
  return childrenOf(schema).every(isStructured);
}

function childrenOf({ items, properties = {}, additionalProperties, allOf, anyOf, oneOf, not }: JSONSchemaProps) {
  const one = [items, additionalProperties, not].filter(
    (each): each is JSONSchemaProps => typeof each === 'object' && !Array.isArray(each),
  );
  return [...one, ...Object.values(properties), ...(allOf ?? []), ...(anyOf ?? []), ...(oneOf ?? [])];
}

export function structuralProblems(schema: JSONSchemaProps, path: string): FieldProblem[] {
  const problems = [...invariants(schema, 'root', path), ...completeness(schema, schema, path, path)];
  const text = ({ path: at, message }: FieldProblem) => `${at}: ${message}`;
  return problems.sort((a, b) => (text(a) < text(b) ? -1 : 1));
}

function key(path: string, name: string): string {
  return `${path}[${name}]`;
}

function invariants(schema: JSONSchemaProps, level: Level, path: string): FieldProblem[] {
  const { type = '', items, properties = {}, additionalProperties } = schema;
  const problems: FieldProblem[] = [];
  if (type === 'array' && items === undefined) problems.push(required(`${path}.items`, 'must be specified'));
  if (items !== undefined && !Array.isArray(items)) problems.push(...invariants(items, 'item', `${path}.items`));
  for (const [name, one] of Object.entries(properties)) {
    problems.push(...invariants(one, 'field', key(`${path}.properties`, name)));
  }
  if (additionalProperties !== undefined && level === 'root') {
    problems.push(forbidden(`${path}.additionalProperties`, 'must not be used at the root'));
  }
  if (typeof additionalProperties === 'object') {
    problems.push(...invariants(additionalProperties, 'field', `${path}.additionalProperties`));
  }
  problems.push(...extensions(schema, path), ...besideStructure(schema, path), ...typeProblems(schema, level, path));
  const metadata = properties['metadata'];
  if (metadata !== undefined) {
    problems.push(...metadataProblems(metadata, schema, level, key(`${path}.properties`, 'metadata')));
  }
  return problems;
}

function extensions(schema: JSONSchemaProps, path: string): FieldProblem[] {
  if (!schema['x-kubernetes-int-or-string']) return [];
  const why = 'must be false if x-kubernetes-int-or-string is true';
  return (['x-kubernetes-preserve-unknown-fields', 'x-kubernetes-embedded-resource'] as const)
    .filter((name) => schema[name])
    .map((name) => invalidValue(`${path}.${name}`, true, why));
}

function typeProblems(schema: JSONSchemaProps, level: Level, path: string): FieldProblem[] {
  const { type = '', properties = {}, additionalProperties } = schema;
  const problems: FieldProblem[] = [];
  const embedded = schema['x-kubernetes-embedded-resource'] === true;
  const open = schema['x-kubernetes-int-or-string'] || schema['x-kubernetes-preserve-unknown-fields'];
  if (embedded && type !== 'object') {
    const why = 'must be object if x-kubernetes-embedded-resource is true';
    problems.push(type === '' ? required(`${path}.type`, why) : invalidValue(`${path}.type`, type, why));
  } else if (type === '' && !open) problems.push(required(`${path}.type`, WITHOUT_TYPE[level]));
  else if (type !== '' && schema['x-kubernetes-int-or-string']) {
    problems.push(invalidValue(`${path}.type`, type, 'must be empty if x-kubernetes-int-or-string is true'));
  }
  if (embedded && additionalProperties !== undefined) {
    const why = 'must not be used if x-kubernetes-embedded-resource is set';
    problems.push(forbidden(`${path}.additionalProperties`, why));
  }
  if (level === 'root' && type !== '' && type !== 'object') {
    problems.push(invalidValue(`${path}.type`, type, 'must be object at the root'));
  }
  if (level === 'root' || embedded) {
    for (const name of ['kind', 'apiVersion']) {
      const one = properties[name];
      if (one === undefined || one.type === 'string') continue;
      problems.push(invalidValue(`${key(`${path}.properties`, name)}.type`, one.type ?? '', 'must be string'));
    }
  }
  if (embedded && !schema['x-kubernetes-preserve-unknown-fields'] && Object.keys(properties).length === 0) {
    const why =
      'must not be empty if x-kubernetes-embedded-resource is true without x-kubernetes-preserve-unknown-fields';
    problems.push(required(`${path}.properties`, why));
  }
  return problems;
}

/** Of the metadata of the resource itself only the names may be narrowed. */
function metadataProblems(
  metadata: JSONSchemaProps,
  parent: JSONSchemaProps,
  level: Level,
  path: string,
): FieldProblem[] {
  if (level !== 'root' && !parent['x-kubernetes-embedded-resource']) return [];
  const problems: FieldProblem[] = [];
  if (metadata.type !== 'object') problems.push(invalidValue(`${path}.type`, metadata.type ?? '', 'must be object'));
  if (level !== 'root') return problems;
  const { type: _t, default: _d, properties = {}, description: _e, ...rest } = metadata;
  const others = Object.keys(properties).filter((name) => name !== 'name' && name !== 'generateName');
  if (others.length > 0 || Object.keys(rest).length > 0) {
    const why = 'must not specify anything other than name and generateName, but metadata is implicitly specified';
    problems.push(forbidden(path, why));
  }
  return problems;
}

/** allOf, anyOf, oneOf and not may hold rules for values, and nothing that structures them. */
function besideStructure(schema: JSONSchemaProps, path: string): FieldProblem[] {
  const isIntOrString = schema['x-kubernetes-int-or-string'] === true;
  const plainAnyOf = isIntOrString && deepEqual(schema.anyOf, INT_OR_STRING);
  const inAllOf = isIntOrString && !plainAnyOf && deepEqual(schema.allOf?.[0]?.anyOf, INT_OR_STRING);
  return ruleProblems(schema, plainAnyOf, inAllOf, path);
}

function ruleProblems(schema: JSONSchemaProps, skipAnyOf: boolean, skipAllOf: boolean, path: string): FieldProblem[] {
  const { anyOf = [], allOf = [], oneOf = [], not, pattern } = schema;
  const problems = [
    ...(skipAnyOf ? [] : anyOf.flatMap((one, i) => nested(one, false, `${path}.anyOf[${i}]`))),
    ...allOf.flatMap((one, i) => nested(one, skipAllOf && i === 0, `${path}.allOf[${i}]`)),
    ...oneOf.flatMap((one, i) => nested(one, false, `${path}.oneOf[${i}]`)),
    ...(not === undefined ? [] : nested(not, false, `${path}.not`)),
  ];
  const wrong = pattern === undefined ? undefined : whyNoPattern(pattern);
  if (wrong !== undefined) {
    problems.push(invalidValue(`${path}.pattern`, pattern, `must be a valid regular expression, but isn't: ${wrong}`));
  }
  return problems;
}

/** Go's expressions are not quite ours: only what neither could read is refused. */
function whyNoPattern(pattern: string): string | undefined {
  if (/\(\?[=!]|\(\?<[=!]|\\[1-9]/.test(pattern)) {
    const bad = /\(\?<?[=!]|\\[1-9]/.exec(pattern)![0];
    return bad.startsWith('\\')
      ? `error parsing regexp: invalid escape sequence: \`${bad}\``
      : `error parsing regexp: invalid or unsupported Perl syntax: \`${bad}\``;
  }
  const plain = pattern
    .replace(/\(\?[imsU-]+\)/g, '')
    .replace(/\(\?[imsU-]+:/g, '(?:')
    .replace(/\(\?P</g, '(?<');
  try {
    new RegExp(plain.replace(/\\[zAQEC]/g, '').replace(/\[\[:\^?\w+:\]/g, '['));
    return undefined;
  } catch (err) {
    return `error parsing regexp: ${err instanceof Error ? err.message.replace(/^.*: /, '') : String(err)}: \`${pattern}\``;
  }
}

const MUST_BE_EMPTY = ['type', 'title', 'description', 'x-kubernetes-list-map-keys'] as const;
const MUST_BE_UNDEFINED = [
  'additionalProperties',
  'default',
  'x-kubernetes-list-type',
  'x-kubernetes-map-type',
] as const;
const MUST_BE_FALSE = [
  'nullable',
  'x-kubernetes-preserve-unknown-fields',
  'x-kubernetes-embedded-resource',
  'x-kubernetes-int-or-string',
] as const;

function nested(schema: JSONSchemaProps, skipAnyOf: boolean, path: string): FieldProblem[] {
  const { items, properties = {} } = schema;
  const problems = ruleProblems(schema, skipAnyOf, false, path);
  if (items !== undefined && !Array.isArray(items)) problems.push(...nested(items, false, `${path}.items`));
  for (const [name, one] of Object.entries(properties)) {
    problems.push(...nested(one, false, key(`${path}.properties`, name)));
  }
  const refuse = (names: readonly (keyof JSONSchemaProps)[], what: string) => {
    for (const name of names) {
      const value = schema[name];
      if (value === undefined || value === false || value === '') continue;
      problems.push(forbidden(`${path}.${name}`, `must be ${what} to be structural`));
    }
  };
  refuse(MUST_BE_EMPTY, 'empty');
  refuse(MUST_BE_UNDEFINED, 'undefined');
  refuse(MUST_BE_FALSE, 'false');
  if (Object.hasOwn(properties, 'metadata')) {
    problems.push(forbidden(key(`${path}.properties`, 'metadata'), 'must not be specified in a nested context'));
  }
  return problems;
}

/** What rules speak of must be in the structure. */
function completeness(rules: JSONSchemaProps, at: JSONSchemaProps, path: string, rulePath: string): FieldProblem[] {
  const { allOf = [], anyOf = [], oneOf = [], not } = rules;
  const inner = (one: JSONSchemaProps, where: string) => nestedCompleteness(one, at, path, `${rulePath}.${where}`);
  return [
    ...(not === undefined ? [] : inner(not, 'not')),
    ...allOf.flatMap((one, i) => inner(one, `allOf[${i}]`)),
    ...anyOf.flatMap((one, i) => inner(one, `anyOf[${i}]`)),
    ...oneOf.flatMap((one, i) => inner(one, `oneOf[${i}]`)),
  ];
}

function nestedCompleteness(
  rules: JSONSchemaProps,
  at: JSONSchemaProps | undefined,
  path: string,
  rulePath: string,
): FieldProblem[] {
  if (at === undefined) return [required(path, `because it is defined in ${rulePath}`)];
  const problems = completeness(rules, at, path, rulePath);
  if (rules.items !== undefined && !Array.isArray(rules.items)) {
    const items = Array.isArray(at.items) ? undefined : at.items;
    problems.push(...nestedCompleteness(rules.items, items, `${path}.items`, `${rulePath}.items`));
  }
  for (const [name, one] of Object.entries(rules.properties ?? {})) {
    const own = at.properties?.[name];
    const place = key(`${path}.properties`, name);
    problems.push(...nestedCompleteness(one, own, place, key(`${rulePath}.properties`, name)));
  }
  return problems;
}
