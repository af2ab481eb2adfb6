// Whether a CustomResourceDefinition may be as it is: names, scope, versions, schemas, subresources, columns,
// conversion, and what may not change. Rows in upstream's wording and order; like upstream, what all versions have in
// common is spoken of as if it stood above them (spec.validation, spec.subresources).
import { dns1035Label, dns1123Subdomain } from '../../api/names.ts';
import { deepEqual } from '../../api/schema/equal.ts';
import type { FieldProblem } from '../../api/status.ts';
import type {
  CustomResourceDefinition,
  CustomResourceDefinitionNames,
  CustomResourceDefinitionVersion,
} from '../../api/types/apiextensions/custom-resource-definition.ts';
import { CustomResourceDefinitionVersion as VersionSchema } from '../../api/types/apiextensions/custom-resource-definition.ts';
import { goTree } from '../registry/validation/go-value.ts';
import { invalidValue, Printed, required } from '../registry/validation/problems.ts';
import { requiredOneOf, unchanged } from '../registry/validation/values.ts';
import { APPROVED_ANNOTATION, approvalOf, isProtectedGroup } from './approval.ts';
import { conversionProblems } from './conversion-rules.ts';
import { versionPartProblems } from './version-rules.ts';

type Crd = CustomResourceDefinition;
type Version = CustomResourceDefinitionVersion;

export function newDefinitionProblems(crd: Crd): FieldProblem[] {
  const { metadata, spec } = crd;
  const name = `${spec.names.plural}.${spec.group}`;
  return [
    ...(metadata.name === name
      ? []
      : [invalidValue('metadata.name', metadata.name, 'must be spec.names.plural+"."+spec.group')]),
    ...definitionProblems(crd),
    ...approvalProblems(crd),
    ...preserveProblems(crd),
  ];
}

export function changedDefinitionProblems(next: Crd, current: Crd): FieldProblem[] {
  const [spec, was] = [next.spec, current.spec];
  const isEstablished = current.status.conditions?.some(
    ({ type, status }) => type === 'Established' && status === 'True',
  );
  const fixed = [
    // These make the place where objects are stored.
    ...(isEstablished ? unchanged('spec.scope', spec.scope, was.scope) : []),
    ...(isEstablished ? unchanged('spec.names.kind', spec.names.kind, was.names.kind) : []),
    ...unchanged('spec.group', spec.group, was.group),
    ...unchanged('spec.names.plural', spec.names.plural, was.names.plural),
  ];
  const approved = deepEqual(next.metadata.annotations, current.metadata.annotations) ? [] : approvalProblems(next);
  return [
    ...definitionProblems(next, fixed),
    ...approved,
    ...(was.preserveUnknownFields ? [] : preserveProblems(next)),
  ];
}

function definitionProblems({ spec, status }: Crd, fixed: FieldProblem[] = []): FieldProblem[] {
  return [
    ...groupProblems(spec.group),
    ...requiredOneOf('spec.scope', spec.scope, ['Cluster', 'Namespaced']),
    ...missingSchemas(spec.versions ?? []),
    ...versionProblems(spec.versions ?? []),
    ...missingNames(spec.names),
    ...nameProblems(spec.names, 'spec.names'),
    ...partsInCommon(spec.versions ?? []),
    ...conversionProblems(spec.conversion, 'spec.conversion'),
    ...fixed,
    ...nameProblems(status.acceptedNames ?? { plural: '', kind: '' }, 'status.acceptedNames'),
    ...storedVersionProblems(status.storedVersions, spec.versions ?? []),
  ];
}

function groupProblems(group: string): FieldProblem[] {
  if (!group) return [required('spec.group')];
  const wrong = dns1123Subdomain(group);
  if (wrong.length > 0) return [invalidValue('spec.group', group, wrong.join(','))];
  return group.includes('.') ? [] : [invalidValue('spec.group', group, 'should be a domain with at least one dot')];
}

function missingSchemas(versions: readonly Version[]): FieldProblem[] {
  return versions.flatMap(({ schema }, i) =>
    schema?.openAPIV3Schema === undefined ? [required(`spec.versions[${i}].schema.openAPIV3Schema`)] : [],
  );
}

const PARTS = ['schema', 'subresources', 'additionalPrinterColumns', 'selectableFields'] as const;
type Part = (typeof PARTS)[number];

/** Parts that are the same in all versions. */
function commonParts(versions: readonly Version[]): Set<Part> {
  return new Set(PARTS.filter((part) => versions.every((version) => deepEqual(version[part], versions[0]?.[part]))));
}

function withoutParts(version: Version, parts: Set<Part>): Version {
  return Object.fromEntries(Object.entries(version).filter(([name]) => !parts.has(name as Part))) as Version;
}

function versionProblems(versions: readonly Version[]): FieldProblem[] {
  const common = commonParts(versions);
  const problems = versions.flatMap((version, i) => {
    const path = `spec.versions[${i}]`;
    return [
      ...joined(`${path}.name`, version.name, dns1035Label),
      ...warningProblems(version, `${path}.deprecationWarning`),
      ...versionPartProblems(withoutParts(version, common), path, version),
    ];
  });
  const shown = () =>
    new Printed(JSON.stringify(versions.map((one) => goTree(VersionSchema, withoutParts(one, common)))));
  if (new Set(versions.map(({ name }) => name)).size < versions.length) {
    problems.push(invalidValue('spec.versions', shown(), 'must contain unique version names'));
  }
  if (versions.filter(({ storage }) => storage).length !== 1) {
    problems.push(invalidValue('spec.versions', shown(), 'must have exactly one version marked as storage version'));
  }
  return problems;
}

function partsInCommon(versions: readonly Version[]): FieldProblem[] {
  const first = versions[0];
  if (first === undefined) return [];
  const own = new Set(PARTS.filter((part) => !commonParts(versions).has(part)));
  const common = withoutParts(first, own);
  return versionPartProblems(common, 'spec', first, { schema: 'validation' });
}

const WARNING_MAX = 256;

function warningProblems({ deprecated, deprecationWarning: text }: Version, path: string): FieldProblem[] {
  if (text === undefined) return [];
  const wrong: string[] = [];
  if (!deprecated) wrong.push('can only be set for deprecated versions');
  if (text.length > WARNING_MAX) wrong.push(`must be <= ${WARNING_MAX} characters long`);
  if (text === '') wrong.push('must not be an empty string');
  const odd = text.search(/[^\P{C}]|[\u2028\u2029]/u);
  if (odd >= 0) {
    wrong.push(`must only contain printable UTF-8 characters; non-printable character found at index ${odd}`);
  }
  return wrong.map((why) => invalidValue(path, text, why));
}

/** What is wrong with a name, in one row. */
function joined(path: string, value: string, check: (value: string) => readonly string[], say = ''): FieldProblem[] {
  const wrong = check(value);
  return wrong.length === 0 ? [] : [invalidValue(path, value, say + wrong.join(','))];
}

function missingNames({ plural, singular, kind, listKind }: CustomResourceDefinitionNames): FieldProblem[] {
  return Object.entries({ plural, singular, kind, listKind })
    .filter(([, name]) => !name)
    .map(([field]) => required(`spec.names.${field}`));
}

const MIXED = 'may have mixed case, but should otherwise match: ';
const lowered = (name: string) => dns1035Label(name.toLowerCase());

function nameProblems(names: CustomResourceDefinitionNames, path: string): FieldProblem[] {
  const { plural, singular, kind, listKind, shortNames = [], categories = [] } = names;
  return [
    ...(plural ? joined(`${path}.plural`, plural, dns1035Label) : []),
    ...(singular ? joined(`${path}.singular`, singular, dns1035Label) : []),
    ...(kind ? joined(`${path}.kind`, kind, lowered, MIXED) : []),
    ...(listKind ? joined(`${path}.listKind`, listKind, lowered, MIXED) : []),
    ...shortNames.flatMap((name, i) => joined(`${path}.shortNames[${i}]`, name, dns1035Label)),
    ...(kind && kind === listKind
      ? [invalidValue(`${path}.listKind`, listKind, 'kind and listKind may not be the same')]
      : []),
    ...categories.flatMap((name, i) => joined(`${path}.categories[${i}]`, name, dns1035Label)),
  ];
}

function storedVersionProblems(stored: readonly string[] | undefined, versions: readonly Version[]): FieldProblem[] {
  const path = 'status.storedVersions';
  if (!stored?.length)
    return [invalidValue(path, stored?.length ? stored : null, 'must have at least one stored version')];
  return [
    ...versions
      .filter(({ name, storage }) => storage && !stored.includes(name))
      .map(({ name }) => invalidValue(path, stored, `must have the storage version ${name}`)),
    ...stored.flatMap((name, i) => {
      if (versions.some((version) => version.name === name)) return [];
      const why =
        `missing from spec.versions; ${name} was previously a storage version, and must remain in spec.versions until ` +
        `a storage migration ensures no data remains persisted in ${name} and removes ${name} from status.storedVersions`;
      return [invalidValue(`${path}[${i}]`, name, why)];
    }),
  ];
}

function approvalProblems({ metadata, spec }: Crd): FieldProblem[] {
  if (!isProtectedGroup(spec.group)) return [];
  const { state, message } = approvalOf(metadata.annotations);
  const path = `metadata.annotations[${APPROVED_ANNOTATION}]`;
  if (state === 'missing') return [required(path, message)];
  return state === 'invalid' ? [invalidValue(path, metadata.annotations?.[APPROVED_ANNOTATION], message)] : [];
}

function preserveProblems({ spec }: Crd): FieldProblem[] {
  if (!spec.preserveUnknownFields) return [];
  const why = 'cannot set to true, set x-kubernetes-preserve-unknown-fields to true in spec.versions[*].schema instead';
  return [invalidValue('spec.preserveUnknownFields', true, why)];
}
