// metadata, as every kind has it.

import { dns1123Subdomain, labelValue, qualifiedName } from '../../../api/names.ts';
import type { KubeObject } from '../../../api/schema/kind.ts';
import type { FieldProblem } from '../../../api/status.ts';
import { add, forbidden, invalidValue, required, tooLong } from './problems.ts';
import { notNegative } from './values.ts';

export interface NameRules {
  readonly namespaced: boolean;
  readonly nameProblems?: (name: string, prefix: boolean) => readonly string[];
}

/** A prefix gets a suffix, so it may end with a dash. */
export function asPrefixToo(
  check: (name: string) => readonly string[],
): (name: string, prefix: boolean) => readonly string[] {
  return (name, prefix) => check(prefix && name.endsWith('-') ? `${name.slice(0, -1)}a` : name);
}

const anySubdomain = asPrefixToo(dns1123Subdomain);
const ANNOTATIONS_MAX = 256 * 1024;

export function objectMetaProblems({ metadata }: KubeObject, rules: NameRules): FieldProblem[] {
  const { nameProblems = anySubdomain, namespaced } = rules;
  const problems: FieldProblem[] = [];
  const { name, generateName, namespace } = metadata;
  if (generateName) {
    for (const why of nameProblems(generateName, true))
      problems.push(invalidValue('metadata.generateName', generateName, why));
  }
  // A name made from generateName that is refused says so above.
  if (!name) problems.push(required('metadata.name', 'name or generateName is required'));
  else for (const why of nameProblems(name, false)) problems.push(invalidValue('metadata.name', name, why));
  if (namespaced && !namespace) problems.push(required('metadata.namespace'));
  if (!namespaced && namespace) problems.push(forbidden('metadata.namespace', 'not allowed on this type'));
  add(problems, notNegative('metadata.generation', metadata.generation));
  add(problems, labelProblems(metadata.labels, 'metadata.labels'));
  add(problems, annotationProblems(metadata.annotations, 'metadata.annotations'));
  add(problems, ownerProblems(metadata.ownerReferences));
  add(problems, finalizerProblems(metadata.finalizers, 'metadata.finalizers'));
  return problems;
}

export function labelProblems(labels: Readonly<Record<string, string>> | undefined, path: string): FieldProblem[] {
  const problems: FieldProblem[] = [];
  for (const key in labels) {
    const value = labels[key]!;
    for (const why of qualifiedName(key)) problems.push(invalidValue(path, key, why));
    for (const why of labelValue(value)) problems.push(invalidValue(path, value, why));
  }
  return problems;
}

export function annotationProblems(
  annotations: Readonly<Record<string, string>> | undefined,
  path: string,
): FieldProblem[] {
  const problems: FieldProblem[] = [];
  let total = 0;
  for (const key in annotations) {
    for (const why of qualifiedName(key.toLowerCase())) problems.push(invalidValue(path, key, why));
    total += Buffer.byteLength(key) + Buffer.byteLength(annotations[key]!);
  }
  if (total > ANNOTATIONS_MAX) problems.push(tooLong(path, ANNOTATIONS_MAX));
  return problems;
}

/** Events own nothing: a garbage collector could do nothing with them. */
const OWNS_NOTHING = 'Event';

function ownerProblems(owners: KubeObject['metadata']['ownerReferences']): FieldProblem[] {
  const problems: FieldProblem[] = [];
  if (!owners?.length) return problems;
  const path = 'metadata.ownerReferences';
  for (const { apiVersion, kind, name, uid } of owners) {
    const [version, ...group] = apiVersion.split('/').reverse();
    if (!version || group.length > 1) {
      problems.push(invalidValue(`${path}.apiVersion`, apiVersion, 'version must not be empty'));
    }
    if (!kind) problems.push(invalidValue(`${path}.kind`, kind, 'must not be empty'));
    if (!name) problems.push(invalidValue(`${path}.name`, name, 'must not be empty'));
    if (!uid) problems.push(invalidValue(`${path}.uid`, uid, 'must not be empty'));
    if (apiVersion === 'v1' && kind === OWNS_NOTHING) {
      problems.push(invalidValue(path, owners, `/v1, Kind=${kind} is disallowed from being an owner`));
    }
  }
  const controllers = owners.filter(({ controller }) => controller === true);
  if (controllers.length > 1) {
    const [first, second] = controllers.map(({ kind, name }) => `${kind}/${name}`);
    const why = `Only one reference can have Controller set to true. Found "true" in references for ${first} and ${second}`;
    problems.push(invalidValue(path, owners, why));
  }
  return problems;
}

const GC = ['orphan', 'foregroundDeletion'];

/** Of namespaces, whose finalizers stand beside the metadata's. */
export function finalizerNameProblems(name: string, path: string): FieldProblem[] {
  const problems = qualifiedName(name).map((why) => invalidValue(path, name, why));
  if (name.includes('/') || [...GC, 'kubernetes'].includes(name)) return problems;
  return [...problems, invalidValue(path, name, NOT_QUALIFIED)];
}

const NOT_QUALIFIED = 'name is neither a standard finalizer name nor is it fully qualified';

export function finalizerProblems(finalizers: readonly string[] | undefined, path: string): FieldProblem[] {
  const problems: FieldProblem[] = [];
  if (!finalizers?.length) return problems;
  for (const [i, name] of finalizers.entries()) {
    const wrong = qualifiedName(name);
    for (const why of wrong) problems.push(invalidValue(path, name, why));
    if (!name.includes('/') && ![...GC, 'kubernetes'].includes(name)) {
      problems.push(invalidValue(`${path}[${i}]`, name, NOT_QUALIFIED));
    }
  }
  if (GC.every((name) => finalizers.includes(name))) {
    const why = 'finalizer orphan and foregroundDeletion cannot be both set';
    problems.push(invalidValue(path, finalizers, why));
  }
  return problems;
}
