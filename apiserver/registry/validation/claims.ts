// Persistent volume claims, and templates of them.
import { dns1123Label, dns1123Subdomain, qualifiedName } from '../../../api/names.ts';
import { compareQuantities } from '../../../api/quantity.ts';
import { semanticEqual } from '../../../api/schema/equal.ts';
import type { FieldProblem } from '../../../api/status.ts';
import {
  type PersistentVolumeClaim,
  PersistentVolumeClaimSpec,
} from '../../../api/types/core/persistent-volume-claim.ts';
import { goJson } from './go-value.ts';
import { labelSelectorProblems } from './label-selector.ts';
import { forbidden, invalidValue, notSupported, required } from './problems.ts';
import { basicAmountProblems, sorted } from './resources.ts';
import { textDiff } from './text-diff.ts';
import { IMMUTABLE, named, oneOf, unchanged } from './values.ts';

export const ACCESS_MODES = ['ReadOnlyMany', 'ReadWriteMany', 'ReadWriteOnce', 'ReadWriteOncePod'];
const ALONE = 'may not use ReadWriteOncePod with other access modes';

export function accessModeProblems(modes: readonly string[] | undefined, path: string): FieldProblem[] {
  const problems = (modes ?? []).flatMap((mode) => oneOf(path, mode, ACCESS_MODES));
  if (modes?.includes('ReadWriteOncePod') && modes.length > 1) problems.push(forbidden(path, ALONE));
  return problems;
}

export function claimSpecProblems(spec: PersistentVolumeClaimSpec, path: string): FieldProblem[] {
  const { accessModes, selector, resources, storageClassName, volumeMode, dataSource, dataSourceRef } = spec;
  const problems: FieldProblem[] = [];
  if (!accessModes?.length) problems.push(required(`${path}.accessModes`, 'at least 1 access mode is required'));
  problems.push(...labelSelectorProblems(selector, `${path}.selector`));
  problems.push(...accessModeProblems(accessModes, `${path}.accessModes`));
  const storage = resources?.requests?.['storage'];
  if (storage === undefined) problems.push(required(`${path}.resources[storage]`));
  else if (compareQuantities(storage, '0') <= 0) {
    problems.push(invalidValue(`${path}.resources[storage]`, storage, 'must be greater than zero'));
  }
  if (storageClassName) problems.push(...named(`${path}.storageClassName`, storageClassName, dns1123Subdomain));
  problems.push(...oneOf(`${path}.volumeMode`, volumeMode, ['Block', 'Filesystem']));
  problems.push(...dataSourceProblems(dataSource, `${path}.dataSource`));
  problems.push(...dataSourceProblems(dataSourceRef, `${path}.dataSourceRef`));
  const namespace = dataSourceRef?.namespace;
  if (namespace) problems.push(...named(`${path}.dataSourceRef.namespace`, namespace, dns1123Label));
  if (dataSourceRef?.namespace) {
    if (dataSource) {
      const why = 'may not be specified when dataSourceRef.namespace is specified';
      problems.push(invalidValue(path, SHOWN, why));
    }
  } else if (dataSource && dataSourceRef && !isSameSource(dataSource, dataSourceRef)) {
    problems.push(invalidValue(path, SHOWN, 'must match dataSourceRef'));
  }
  const attributes = spec.volumeAttributesClassName;
  if (attributes) problems.push(...named(`${path}.volumeAttributesClassName`, attributes, dns1123Subdomain));
  return problems;
}

/** Upstream shows a path, of which nothing is to be seen. */
const SHOWN = {};

interface Source {
  apiGroup?: string;
  kind: string;
  name: string;
}

function isSameSource(a: Source, b: Source): boolean {
  return (a.apiGroup ?? '') === (b.apiGroup ?? '') && a.kind === b.kind && a.name === b.name;
}

function dataSourceProblems(source: Source | undefined, path: string): FieldProblem[] {
  if (source === undefined) return [];
  const { name, kind = '', apiGroup = '' } = source;
  const problems: FieldProblem[] = [];
  if (!name) problems.push(required(`${path}.name`));
  if (!kind) problems.push(required(`${path}.kind`));
  if (!apiGroup) {
    if (kind !== 'PersistentVolumeClaim') {
      const why = "must be 'PersistentVolumeClaim' when referencing the default apiGroup";
      problems.push(invalidValue(path, kind, why));
    }
  } else problems.push(...named(`${path}.apiGroup`, apiGroup, dns1123Subdomain));
  return problems;
}

export function claimProblems({ spec }: PersistentVolumeClaim): FieldProblem[] {
  return claimSpecProblems(spec, 'spec');
}

const BETA_CLASS = 'volume.beta.kubernetes.io/storage-class';

/** The binder sets the volume and, once, the class; a bound claim may grow. */
export function claimUpdateProblems(next: PersistentVolumeClaim, current: PersistentVolumeClaim): FieldProblem[] {
  const problems = claimProblems(next);
  const was = structuredClone(current.spec);
  const now = structuredClone(next.spec);
  // Binding sets the name of the volume.
  if (!was.volumeName && now.volumeName) was.volumeName = now.volumeName;
  const [annotated, annotatedWas] = [next, current].map(({ metadata }) => metadata.annotations?.[BETA_CLASS]);
  const moved = annotatedWas !== undefined && now.storageClassName === annotatedWas;
  if (moved && was.storageClassName === undefined && (annotated === undefined || annotated === annotatedWas)) {
    // The annotation that was there before the field becomes the field.
    delete now.storageClassName;
  } else {
    if ((annotated ?? '') !== (annotatedWas ?? '')) {
      problems.push(invalidValue(`metadata.annotations.${BETA_CLASS}`, annotated ?? '', IMMUTABLE));
    }
    // A claim without a class may be given the default one afterwards.
    if (was.storageClassName === undefined && (annotatedWas === undefined || moved)) delete now.storageClassName;
  }
  const oldSize = was.resources?.requests?.['storage'];
  const newSize = now.resources?.requests?.['storage'];
  if (next.status.phase === 'Bound') {
    if (now.resources?.requests && oldSize !== undefined) now.resources.requests['storage'] = oldSize;
    if (was.volumeAttributesClassName === undefined) delete now.volumeAttributesClassName;
    else now.volumeAttributesClassName = was.volumeAttributesClassName;
  }
  if (!semanticEqual(PersistentVolumeClaimSpec, now, was)) {
    const why =
      'spec is immutable after creation except resources.requests and volumeAttributesClassName for bound claims';
    const [before, after] = [was, now].map((spec) => goJson(PersistentVolumeClaimSpec, spec, 1)) as [string, string];
    problems.push(forbidden('spec', `${why}\n${textDiff(before, after)}`));
  }
  if (oldSize !== undefined && newSize !== undefined && compareQuantities(newSize, oldSize) < 0) {
    const bound = current.status.capacity?.['storage'] ?? '0';
    if (compareQuantities(newSize, bound) <= 0) {
      const why = 'field can not be less than status.capacity';
      problems.push(forbidden('spec.resources.requests.storage', why));
    }
  }
  // Upstream names the field without its parent.
  problems.push(...unchanged('volumeMode', next.spec.volumeMode, current.spec.volumeMode));
  const [attributes, attributesWere] = [next.spec, current.spec].map((spec) => spec.volumeAttributesClassName);
  const applied = current.status.currentVolumeAttributesClassName !== undefined;
  if (applied && attributes !== attributesWere && !attributes) {
    const to = attributes === undefined ? 'nil' : 'empty string';
    const why = `update to ${to} is forbidden when status.currentVolumeAttributesClassName is not nil`;
    problems.push(forbidden('spec.volumeAttributesClassName', why));
  }
  return problems;
}

const RESIZING = [
  'ControllerResizeInProgress',
  'ControllerResizeInfeasible',
  'NodeResizeInProgress',
  'NodeResizeInfeasible',
  'NodeResizePending',
].sort();

export function claimStatusProblems({ spec, status }: PersistentVolumeClaim): FieldProblem[] {
  const problems = spec.accessModes?.length ? [] : [required('Spec.accessModes')];
  for (const [name, amount] of sorted(status.capacity ?? {})) {
    problems.push(...basicAmountProblems(`status.capacity[${name}]`, amount));
  }
  const at = 'status.allocatedResourceStatuses';
  for (const [name, state] of sorted(status.allocatedResourceStatuses ?? {})) {
    problems.push(...keyProblems(at, name));
    if (!RESIZING.includes(state)) problems.push(notSupported(at, name, RESIZING));
  }
  for (const [name, amount] of sorted(status.allocatedResources ?? {})) {
    const wrong = keyProblems('status.allocatedResources', name);
    problems.push(...(wrong.length > 0 ? wrong : basicAmountProblems(`status.allocatedResources[${name}]`, amount)));
  }
  return problems;
}

/** Of the names that are the cluster's own only one is for claims. */
function keyProblems(path: string, name: string): FieldProblem[] {
  const problems = named(path, name, qualifiedName);
  const isNative = !name.includes('/') || name.includes('kubernetes.io/');
  return problems.length === 0 && isNative && name !== 'storage' ? [notSupported(path, name, ['storage'])] : problems;
}
