// Persistent volume claims, and templates of them.
import { dns1123Subdomain } from '../../../api/names.ts';
import { compareQuantities } from '../../../api/quantity.ts';
import { deepEqual } from '../../../api/schema/equal.ts';
import type { FieldProblem } from '../../../api/status.ts';
import {
  type PersistentVolumeClaim,
  PersistentVolumeClaimSpec,
} from '../../../api/types/core/persistent-volume-claim.ts';
import { goJson } from './go-value.ts';
import { labelSelectorProblems } from './label-selector.ts';
import { forbidden, invalidValue, required } from './problems.ts';
import { textDiff } from './text-diff.ts';
import { named, oneOf } from './values.ts';

export const ACCESS_MODES = ['ReadOnlyMany', 'ReadWriteMany', 'ReadWriteOnce', 'ReadWriteOncePod'];
const ALONE = 'may not use ReadWriteOncePod with other access modes';

export function accessModeProblems(modes: readonly string[] | undefined, path: string): FieldProblem[] {
  const problems = (modes ?? []).flatMap((mode) => oneOf(path, mode, ACCESS_MODES));
  if (modes?.includes('ReadWriteOncePod') && modes.length > 1) problems.push(forbidden(path, ALONE));
  return problems;
}

export function claimSpecProblems(spec: PersistentVolumeClaimSpec, path: string): FieldProblem[] {
  const { accessModes, selector, resources, volumeName, storageClassName, volumeMode, dataSource, dataSourceRef } =
    spec;
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
  if (volumeName) problems.push(...named(`${path}.volumeName`, volumeName, dns1123Subdomain));
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

/** The binder sets the volume and, once, the class; a bound claim may grow. */
export function claimUpdateProblems(next: PersistentVolumeClaim, current: PersistentVolumeClaim): FieldProblem[] {
  const problems = claimProblems(next);
  const was = structuredClone(current.spec);
  const now = structuredClone(next.spec);
  // Binding sets the name of the volume.
  if (!was.volumeName && now.volumeName) was.volumeName = now.volumeName;
  // A claim without a class may be given the default one afterwards.
  if (was.storageClassName === undefined && now.storageClassName !== undefined) {
    was.storageClassName = now.storageClassName;
  }
  const oldSize = was.resources?.requests?.['storage'];
  const newSize = now.resources?.requests?.['storage'];
  if (current.status.phase === 'Bound' && next.status.phase === 'Bound') {
    was.resources = { ...was.resources, requests: { ...was.resources?.requests, ...now.resources?.requests } };
    if (was.volumeAttributesClassName || now.volumeAttributesClassName) {
      was.volumeAttributesClassName = now.volumeAttributesClassName;
    }
    if (oldSize !== undefined && newSize !== undefined && compareQuantities(newSize, oldSize) < 0) {
      const bound = current.status.capacity?.['storage'];
      if (bound !== undefined && compareQuantities(newSize, bound) <= 0) {
        const why = 'field can not be less than status.capacity';
        problems.push(forbidden('spec.resources.requests.storage', why));
      }
    }
  }
  const before = goJson(PersistentVolumeClaimSpec, was, 1);
  const after = goJson(PersistentVolumeClaimSpec, now, 1);
  if (before !== after) {
    const why =
      'spec is immutable after creation except resources.requests and volumeAttributesClassName for bound claims';
    problems.push(forbidden('spec', `${why}\n${textDiff(before, after)}`));
  }
  if (!deepEqual(next.spec.volumeMode, current.spec.volumeMode)) {
    problems.push(invalidValue('spec.volumeMode', next.spec.volumeMode, 'field is immutable'));
  }
  return problems;
}
