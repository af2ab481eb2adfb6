// Objects inside of objects (x-kubernetes-embedded-resource): their version, kind and metadata are held to what is asked
// of any object's. That they are there at all is part of the schema.
import { dns1035Label } from '../../api/names.ts';
import type { KubeObject } from '../../api/schema/kind.ts';
import { type ObjectSchema, resolve, type Schema } from '../../api/schema/schema.ts';
import type { FieldProblem } from '../../api/status.ts';
import { objectMetaProblems } from '../registry/validation/object-meta.ts';
import { pathSegmentName } from '../registry/validation/path-segment.ts';
import { invalidValue } from '../registry/validation/problems.ts';

export function embeddedProblems(schema: Schema, value: unknown, path = ''): FieldProblem[] {
  const problems: FieldProblem[] = [];
  visit(schema, value, path, problems);
  return problems;
}

function visit(schema: Schema, value: unknown, path: string, problems: FieldProblem[]): void {
  const target = resolve(schema);
  if (target.kind === 'list' && Array.isArray(value)) {
    value.forEach((item, i) => {
      visit(target.items, item, `${path}[${i}]`, problems);
    });
  } else if (target.kind === 'map' && isObject(value)) {
    for (const [key, one] of Object.entries(value)) visit(target.values, one, join(path, key), problems);
  } else if (target.kind === 'object' && isObject(value)) {
    if (target.embedded) problems.push(...identityProblems(value, path));
    visitFields(target, value, path, problems);
  }
}

function visitFields(
  { fields }: ObjectSchema,
  value: Record<string, unknown>,
  path: string,
  problems: FieldProblem[],
): void {
  for (const [key, one] of Object.entries(value)) {
    const field = Object.hasOwn(fields, key) ? fields[key] : undefined;
    if (field !== undefined) visit(field.schema, one, join(path, key), problems);
  }
}

function identityProblems(object: Record<string, unknown>, path: string): FieldProblem[] {
  const { apiVersion, kind, metadata } = object;
  const problems: FieldProblem[] = [];
  const textProblems = (name: string, value: unknown) => {
    if (value !== undefined && typeof value !== 'string') {
      problems.push(invalidValue(join(path, name), value, 'must be a string'));
    }
  };
  textProblems('apiVersion', apiVersion);
  textProblems('kind', kind);
  if (typeof apiVersion === 'string' && apiVersion.split('/').length > 2) {
    const why = `unexpected GroupVersion string: ${apiVersion}`;
    problems.push(invalidValue(join(path, 'apiVersion'), apiVersion, why));
  }
  if (typeof kind === 'string' && kind !== '') {
    const wrong = dns1035Label(kind.toLowerCase());
    if (wrong.length > 0) {
      const why = `may have mixed case, but should otherwise match: ${wrong.join(',')}`;
      problems.push(invalidValue(join(path, 'kind'), kind, why));
    }
  }
  if (isObject(metadata)) problems.push(...metadataProblems(metadata, join(path, 'metadata')));
  return problems;
}

function metadataProblems(metadata: Record<string, unknown>, path: string): FieldProblem[] {
  const namespaced = typeof metadata['namespace'] === 'string' && metadata['namespace'] !== '';
  // Who has no name yet is not asked for one.
  const named = { ...metadata, name: metadata['name'] || 'fakename' };
  const object = { metadata: named } as unknown as KubeObject;
  const rows = objectMetaProblems(object, { namespaced, nameProblems: pathSegmentName });
  return rows.map((row) => ({ ...row, path: row.path.replace(/^metadata/, () => path) }));
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function join(path: string, key: string): string {
  return path === '' ? key : `${path}.${key}`;
}
