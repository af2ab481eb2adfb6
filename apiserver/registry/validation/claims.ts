// Persistent volume claims, and templates of them.
import { dns1123Subdomain, qualifiedName } from '../../../api/names.ts';
import { compareQuantities } from '../../../api/quantity.ts';
import { deepEqual } from '../../../api/schema/equal.ts';
import type { FieldProblem } from '../../../api/status.ts';
import {
  type PersistentVolumeClaim,
  PersistentVolumeClaimSpec,
} from '../../../api/types/core/persistent-volume-claim.ts';
import { goJson } from './go-value.ts';
import { labelSelectorProblems } from './label-selector.ts';
import { forbidden, invalidValue, notSupported, required } from './problems.ts';
import { textDiff } from './text-diff.ts';
import { IMMUTABLE, named, oneOf } from './values.ts';

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
  if (dataSourceRef?.namespace) {
    if (dataSource) {
      const why = 'may not be specified when dataSourceRef.namespace is specified';
      problems.push(invalidValue(path, `${path}.dataSource`, why));
    }
  } else if (dataSource && dataSourceRef && !isSameSource(dataSource, dataSourceRef)) {
    problems.push(invalidValue(path, `${path}.dataSource`, 'must match dataSourceRef'));
  }
  const { volumeAttributesClassName: attributes } = spec;
  if (attributes) problems.push(...named(`${path}.volumeAttributesClassName`, attributes, dns1123Subdomain));
  return problems;
}

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

const CLASS_ANNOTATION = 'volume.beta.kubernetes.io/storage-class';

/** The binder sets the volume and, once, the class; a bound claim may ask for more, and for other attributes. */
export function claimUpdateProblems(next: PersistentVolumeClaim, current: PersistentVolumeClaim): FieldProblem[] {
  const problems = claimProblems(next);
  const was = structuredClone(current.spec);
  const now = structuredClone(next.spec);
  if (!was.volumeName && now.volumeName) was.volumeName = now.volumeName;
  const [oldClass, newClass] = [current, next].map(({ metadata }) => metadata.annotations?.[CLASS_ANNOTATION] ?? '');
  // A claim without a class may be given the default one afterwards; one with the old annotation may say it anew.
  const isUnnamed = was.storageClassName === undefined && now.storageClassName !== undefined;
  const saysAnew = isUnnamed && oldClass !== '' && now.storageClassName === oldClass;
  if (saysAnew || (isUnnamed && oldClass === '')) was.storageClassName = now.storageClassName;
  if (oldClass !== newClass && !saysAnew) {
    problems.push(invalidValue(`metadata.annotations[${CLASS_ANNOTATION}]`, newClass, IMMUTABLE));
  }
  const oldSize = was.resources?.requests?.['storage'];
  const newSize = now.resources?.requests?.['storage'];
  if (next.status.phase === 'Bound') {
    if (oldSize !== undefined && now.resources?.requests !== undefined) now.resources.requests['storage'] = oldSize;
    now.volumeAttributesClassName = was.volumeAttributesClassName;
  }
  const before = goJson(PersistentVolumeClaimSpec, was, 1);
  const after = goJson(PersistentVolumeClaimSpec, now, 1);
  if (before !== after) {
    const why =
      'spec is immutable after creation except resources.requests and volumeAttributesClassName for bound claims';
    problems.push(forbidden('spec', `${why}\n${textDiff(before, after)}`));
  }
  // Asking for less takes back a wish that could not be met; what is there already never shrinks.
  if (oldSize !== undefined && newSize !== undefined && compareQuantities(newSize, oldSize) < 0) {
    const has = current.status.capacity?.['storage'] ?? '0';
    if (compareQuantities(newSize, has) <= 0) {
      problems.push(forbidden('spec.resources.requests.storage', 'field can not be less than status.capacity'));
    }
  }
  if (!deepEqual(next.spec.volumeMode, current.spec.volumeMode)) {
    problems.push(invalidValue('volumeMode', next.spec.volumeMode, IMMUTABLE));
  }
  return [...problems, ...attributesProblems(next, current)];
}

/** Attributes that the volume has once had can be changed to others, not to none. */
function attributesProblems({ spec }: PersistentVolumeClaim, current: PersistentVolumeClaim): FieldProblem[] {
  const { volumeAttributesClassName: name } = spec;
  const isChanged = name !== current.spec.volumeAttributesClassName;
  if (!isChanged || current.status.currentVolumeAttributesClassName === undefined || name) return [];
  const why = `update to ${name === '' ? 'empty string' : 'nil'} is forbidden when status.currentVolumeAttributesClassName is not nil`;
  return [forbidden('spec.volumeAttributesClassName', why)];
}

const RESIZE_STATES = [
  'ControllerResizeInProgress',
  'ControllerResizeInfeasible',
  'NodeResizePending',
  'NodeResizeInProgress',
  'NodeResizeInfeasible',
];

/** What controllers, resizers and kubelets say of a claim. */
export function claimStatusProblems({ status }: PersistentVolumeClaim): FieldProblem[] {
  const { capacity, allocatedResources, allocatedResourceStatuses } = status;
  const problems = Object.entries(capacity ?? {}).flatMap(([name, amount]) =>
    notNegativeAmount(`status.capacity[${name}]`, amount),
  );
  for (const [name, state] of Object.entries(allocatedResourceStatuses ?? {})) {
    problems.push(...resourceKeyProblems('status.allocatedResourceStatus', name));
    if (!RESIZE_STATES.includes(state)) {
      problems.push(notSupported(`status.allocatedResourceStatus[${name}]`, name, RESIZE_STATES));
    }
  }
  for (const [name, amount] of Object.entries(allocatedResources ?? {})) {
    problems.push(...resourceKeyProblems('status.allocatedResources', name));
    problems.push(...notNegativeAmount(`status.allocatedResources[${name}]`, amount));
  }
  return problems;
}

function notNegativeAmount(path: string, amount: string): FieldProblem[] {
  return compareQuantities(amount, '0') < 0 ? [invalidValue(path, amount, 'must be greater than or equal to 0')] : [];
}

/** `storage`, or a name of its own domain that a driver knows. */
function resourceKeyProblems(path: string, name: string): FieldProblem[] {
  const problems = named(path, name, qualifiedName);
  if (problems.length > 0 || name === 'storage') return problems;
  if (!name.includes('/')) return [notSupported(path, name, ['storage'])];
  return /(^|\.)kubernetes\.io\//.test(name) ? [notSupported(path, name, ['storage'])] : [];
}
