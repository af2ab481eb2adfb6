// Persistent volumes, classes of storage, attachments.
import { posix } from 'node:path';
import { dns1123Subdomain, qualifiedName } from '../../../api/names.ts';
import { compareQuantities } from '../../../api/quantity.ts';
import { deepEqual } from '../../../api/schema/equal.ts';
import type { FieldProblem } from '../../../api/status.ts';
import {
  type PersistentVolume,
  PersistentVolumeSpec,
  VolumeNodeAffinity,
} from '../../../api/types/core/persistent-volume.ts';
import type { StorageClass, VolumeAttributesClass } from '../../../api/types/storage/storage-class.ts';
import { type VolumeAttachment, VolumeAttachmentSpec } from '../../../api/types/storage/volume-attachment.ts';
import { accessModeProblems } from './claims.ts';
import { goJson, unchangedInGo } from './go-value.ts';
import { duplicate, forbidden, invalidValue, notSupported, Printed, required, tooLong } from './problems.ts';
import { basicAmountProblems, sorted } from './resources.ts';
import { nodeSelectorProblems } from './scheduling.ts';
import { textDiff } from './text-diff.ts';
import { duplicates, each, IMMUTABLE, named, oneOf, requiredOneOf, unchanged } from './values.ts';
import { driverNameProblems, sourceProblems } from './volume-sources.ts';

/** In the order in which they are looked for. */
const SOURCES = [
  'hostPath',
  'gcePersistentDisk',
  'awsElasticBlockStore',
  'glusterfs',
  'flocker',
  'nfs',
  'rbd',
  'quobyte',
  'cephfs',
  'iscsi',
  'cinder',
  'fc',
  'flexVolume',
  'azureFile',
  'vsphereVolume',
  'photonPersistentDisk',
  'portworxVolume',
  'azureDisk',
  'scaleIO',
  'local',
  'storageos',
  'csi',
] as const;

export function volumeProblems({ spec, metadata }: PersistentVolume): FieldProblem[] {
  const { accessModes, capacity, persistentVolumeReclaimPolicy: reclaim, storageClassName } = spec;
  const problems: FieldProblem[] = [];
  if (!accessModes?.length) problems.push(required('spec.accessModes'));
  problems.push(...accessModeProblems(accessModes, 'spec.accessModes'));
  const amounts = sorted(capacity ?? {});
  if (amounts.length === 0) problems.push(required('spec.capacity'));
  if (capacity?.['storage'] === undefined || amounts.length > 1) {
    problems.push(notSupported('spec.capacity', capacity && Object.fromEntries(amounts), ['storage']));
  }
  for (const [name, amount] of amounts) {
    const at = `spec.capacity[${name}]`;
    problems.push(...basicAmountProblems(at, amount));
    if (compareQuantities(amount, '0') <= 0) problems.push(invalidValue(at, amount, 'must be greater than zero'));
  }
  if (reclaim) problems.push(...oneOf('spec.persistentVolumeReclaimPolicy', reclaim, ['Delete', 'Recycle', 'Retain']));
  problems.push(...affinityProblems(spec), ...volumeSourceProblems(spec, 'spec', metadata.name ?? ''));
  if (spec.hostPath && reclaim === 'Recycle' && cleanPath(spec.hostPath.path) === '/') {
    problems.push(forbidden('spec.persistentVolumeReclaimPolicy', "may not be 'recycle' for a hostPath mount of '/'"));
  }
  if (storageClassName) problems.push(...named('spec.storageClassName', storageClassName, dns1123Subdomain));
  problems.push(...oneOf('spec.volumeMode', spec.volumeMode, ['Block', 'Filesystem']));
  return [...problems, ...attributesProblems(spec, 'spec')];
}

const cleanPath = (path = '') => posix.normalize(path).replace(/(.)\/+$/, '$1');

function affinityProblems({ nodeAffinity }: PersistentVolumeSpec): FieldProblem[] {
  if (nodeAffinity === undefined) return [];
  const at = 'spec.nodeAffinity.required';
  if (!nodeAffinity.required) return [required(at, 'must specify required node constraints')];
  return nodeSelectorProblems(nodeAffinity.required, at);
}

function attributesProblems({ volumeAttributesClassName: name, csi }: PersistentVolumeSpec, path: string) {
  const at = `${path}.volumeAttributesClassName`;
  if (name === undefined) return [];
  const problems: FieldProblem[] =
    name === '' ? [required(at, 'an empty string is disallowed')] : named(at, name, dns1123Subdomain);
  if (csi === undefined) {
    problems.push(required(`${path}.csi`, 'has to be specified when using volumeAttributesClassName'));
  }
  return problems;
}

/** A volume that an attachment says in place: only CSI, and nothing that binds it. */
function inlineVolumeProblems(spec: PersistentVolumeSpec, path: string): FieldProblem[] {
  const never = 'may not be specified in the context of inline volumes';
  const here = 'in the context of inline volumes';
  const { accessModes, persistentVolumeReclaimPolicy: reclaim, volumeMode } = spec;
  const problems: FieldProblem[] = [];
  if (spec.claimRef) problems.push(forbidden(`${path}.claimRef`, never));
  if (Object.keys(spec.capacity ?? {}).length > 0) problems.push(forbidden(`${path}.capacity`, never));
  if (!spec.csi) problems.push(required(`${path}.csi`, `has to be specified ${here}`));
  if (!accessModes?.length) problems.push(required(`${path}.accessModes`));
  problems.push(...accessModeProblems(accessModes, `${path}.accessModes`));
  if (reclaim && reclaim !== 'Retain') {
    problems.push(forbidden(`${path}.persistentVolumeReclaimPolicy`, `may only be Retain ${here}`));
  }
  if (spec.nodeAffinity) problems.push(forbidden(`${path}.nodeAffinity`, never));
  problems.push(...volumeSourceProblems(spec, path, ''));
  if (spec.storageClassName) problems.push(forbidden(`${path}.storageClassName`, never));
  if (volumeMode !== undefined && volumeMode !== 'Filesystem') {
    const why = `may not specify volumeMode other than Filesystem ${here}`;
    problems.push(forbidden(`${path}.volumeMode`, why));
  }
  return problems;
}

/** Where upstream's paths are not the names of the fields. */
const SAID_AS: Readonly<Record<string, string>> = { cephfs: 'cephFS' };
const LOOKED_AT_AS: Readonly<Record<string, string>> = { gcePersistentDisk: 'persistentDisk' };

function volumeSourceProblems(spec: PersistentVolumeSpec, path: string, volume: string): FieldProblem[] {
  const problems: FieldProblem[] = [];
  let first: string | undefined;
  for (const source of SOURCES) {
    if (spec[source] === undefined) continue;
    if (first !== undefined && source !== 'flexVolume') {
      problems.push(forbidden(`${path}.${SAID_AS[source] ?? source}`, 'may not specify more than 1 volume type'));
      continue;
    }
    first ??= source;
    problems.push(...sourceProblems(spec, source, `${path}.${LOOKED_AT_AS[source] ?? source}`, volume));
    if (source === 'local' && spec.nodeAffinity === undefined) {
      problems.push(required(`${path}.nodeAffinity`, 'Local volume requires node affinity'));
    }
  }
  return first === undefined ? [required(path, 'must specify a volume type')] : problems;
}

export function volumeUpdateProblems(next: PersistentVolume, current: PersistentVolume): FieldProblem[] {
  const problems = volumeProblems(next);
  const [now, was] = [sourceOf(next, current), sourceOf(current)];
  if (now !== was) {
    const why = 'spec.persistentvolumesource is immutable after creation';
    problems.push(forbidden('spec.persistentvolumesource', `${why}\n${textDiff(was, now)}`));
  }
  // Upstream names these two without their parent.
  problems.push(...unchanged('volumeMode', next.spec.volumeMode, current.spec.volumeMode));
  const affinity = current.spec.nodeAffinity;
  if (affinity && !isOnlyRenamed(next.spec.nodeAffinity, affinity)) {
    const shown = next.spec.nodeAffinity && new Printed(goJson(VolumeNodeAffinity, next.spec.nodeAffinity));
    problems.push(invalidValue('nodeAffinity', shown, `${IMMUTABLE}, except for updating from beta label to GA`));
  }
  const [classNow, classWas] = [next.spec.volumeAttributesClassName, current.spec.volumeAttributesClassName];
  if (classWas !== undefined && classNow === undefined) {
    problems.push(forbidden('spec.volumeAttributesClassName', 'update from non-nil value to nil is forbidden'));
  }
  return problems;
}

const GENERAL: Readonly<Record<string, string>> = {
  'failure-domain.beta.kubernetes.io/zone': 'topology.kubernetes.io/zone',
  'failure-domain.beta.kubernetes.io/region': 'topology.kubernetes.io/region',
  'beta.kubernetes.io/os': 'kubernetes.io/os',
  'beta.kubernetes.io/arch': 'kubernetes.io/arch',
  'beta.kubernetes.io/instance-type': 'node.kubernetes.io/instance-type',
};

/** Labels that lost their beta may be called by their new names. */
function isOnlyRenamed(next: VolumeNodeAffinity | undefined, current: VolumeNodeAffinity): boolean {
  const renamed = structuredClone(current);
  for (const [i, term] of (renamed.required?.nodeSelectorTerms ?? []).entries()) {
    for (const list of ['matchExpressions', 'matchFields'] as const) {
      for (const [n, requirement] of (term[list] ?? []).entries()) {
        const key = next?.required?.nodeSelectorTerms?.[i]?.[list]?.[n]?.key;
        if (key !== undefined && GENERAL[requirement.key] === key) requirement.key = key;
      }
    }
  }
  return deepEqual(next, renamed);
}

/** Only the source, as upstream's code has it. The secret that expands a volume may be named later, once. */
function sourceOf({ spec }: PersistentVolume, current?: PersistentVolume): string {
  const sources = Object.fromEntries(SOURCES.filter((name) => spec[name]).map((name) => [name, spec[name]]));
  if (spec.csi && current?.spec.csi && current.spec.csi.controllerExpandSecretRef === undefined) {
    const { controllerExpandSecretRef: _new, ...fixed } = spec.csi;
    sources['csi'] = fixed;
  }
  return goJson(PersistentVolumeSpec, sources, 1);
}

const PARAMETERS_MAX = 512;
const PARAMETERS_MAX_BYTES = 256 * 1024;

function parametersProblems(parameters: Readonly<Record<string, string>> | undefined, isNeeded: boolean) {
  const entries = Object.entries(parameters ?? {});
  const problems: FieldProblem[] = [];
  if (entries.length > PARAMETERS_MAX) return [tooLong('parameters', PARAMETERS_MAX)];
  const total = entries.reduce((sum, [key, value]) => sum + Buffer.byteLength(key) + Buffer.byteLength(value), 0);
  if (entries.some(([key]) => key === '')) problems.push(invalidValue('parameters', '', 'field can not be empty.'));
  if (total > PARAMETERS_MAX_BYTES) problems.push(tooLong('parameters', PARAMETERS_MAX_BYTES));
  if (isNeeded && entries.length === 0) {
    problems.push(required('parameters', 'must contain at least one key/value pair'));
  }
  return problems;
}

export function storageClassProblems(storage: StorageClass): FieldProblem[] {
  const { provisioner, parameters, reclaimPolicy, volumeBindingMode, allowedTopologies } = storage;
  const modes = ['Immediate', 'WaitForFirstConsumer'];
  return [
    ...(provisioner ? named('provisioner', provisioner.toLowerCase(), qualifiedName) : [required('provisioner')]),
    ...parametersProblems(parameters, false),
    ...oneOf('reclaimPolicy', reclaimPolicy, ['Delete', 'Retain']),
    ...requiredOneOf('volumeBindingMode', volumeBindingMode, modes),
    ...topologiesProblems(allowedTopologies, 'allowedTopologies'),
  ];
}

function topologiesProblems(terms: StorageClass['allowedTopologies'], path: string): FieldProblem[] {
  const known = new Set<string>();
  return each(terms, path, ({ matchLabelExpressions }, at) => {
    const byKey = new Map<string, string[]>();
    const where = `${at}.matchLabelExpressions`;
    const problems = each(matchLabelExpressions, where, ({ key, values }, place) => {
      const rows = values?.length ? [] : [required(`${place}.values`)];
      rows.push(
        ...duplicates((i) => `${place}.values[${i}]`, values ?? []),
        ...named(`${place}.key`, key, qualifiedName),
      );
      if (byKey.has(key)) rows.push(duplicate(`${place}.key`, key));
      byKey.set(key, [...new Set(values)].sort());
      return rows;
    });
    const id = JSON.stringify([...byKey].sort(([a], [b]) => (a < b ? -1 : 1)));
    if (known.has(id)) problems.push(duplicate(where, ''));
    known.add(id);
    return problems;
  });
}

export function storageClassUpdateProblems(next: StorageClass, current: StorageClass): FieldProblem[] {
  return [
    ...storageClassProblems(next),
    ...unchanged('parameters', next.parameters, current.parameters),
    ...unchanged('provisioner', next.provisioner, current.provisioner),
    ...unchanged('reclaimPolicy', next.reclaimPolicy, current.reclaimPolicy),
    ...unchanged('volumeBindingMode', next.volumeBindingMode, current.volumeBindingMode),
  ];
}

export function attributesClassProblems({ driverName, parameters }: VolumeAttributesClass): FieldProblem[] {
  return [
    ...(driverName ? named('driverName', driverName.toLowerCase(), qualifiedName) : [required('driverName')]),
    ...parametersProblems(parameters, true),
  ];
}

export function attributesClassUpdateProblems(
  next: VolumeAttributesClass,
  current: VolumeAttributesClass,
): FieldProblem[] {
  return [
    ...unchanged('driverName', next.driverName, current.driverName),
    ...unchanged('parameters', next.parameters, current.parameters),
    ...attributesClassProblems(next),
  ];
}

/** The checks of an attachment at any time; new ones are looked at more closely. */
function attachmentBasics({ spec, status }: VolumeAttachment): FieldProblem[] {
  const { attacher, nodeName, source = {} } = spec;
  const { persistentVolumeName: name, inlineVolumeSpec: inline } = source;
  const path = 'spec.source';
  const problems = attacher ? [] : [required('spec.attacher')];
  const one = 'must specify exactly one of inlineVolumeSpec and persistentVolumeName';
  if (name === undefined && inline === undefined) problems.push(required(path, one));
  else if (name !== undefined && inline !== undefined) problems.push(forbidden(path, one));
  else if (name === '') {
    problems.push(required(`${path}.persistentVolumeName`, 'must specify non empty persistentVolumeName'));
  } else if (inline) problems.push(...inlineVolumeProblems(inline, `${path}.inlineVolumeSpec`));
  problems.push(...named('spec.nodeName', nodeName, dns1123Subdomain));
  const size = Object.entries(status.attachmentMetadata ?? {}).reduce(
    (sum, [key, value]) => sum + Buffer.byteLength(key) + Buffer.byteLength(value),
    0,
  );
  if (size > ATTACHED_MAX) problems.push(tooLong('status.attachmentMetadata', ATTACHED_MAX));
  for (const field of ['attachError', 'detachError'] as const) {
    const { message = '', errorCode = 0 } = status[field] ?? {};
    const at = `status.${field}`;
    if (Buffer.byteLength(message) > ERROR_MAX) problems.push(tooLong(`${at}.message`, ATTACHED_MAX));
    if (errorCode < 0) {
      problems.push(invalidValue(`${at}.errorCode`, errorCode, 'must be between 0 and 2147483647, inclusive'));
    }
  }
  return problems;
}

const ATTACHED_MAX = 256 * 1024;
const ERROR_MAX = 1024;

/** New ones name a driver and a volume that can be. */
export function attachmentProblems(attachment: VolumeAttachment): FieldProblem[] {
  const { attacher, source = {} } = attachment.spec;
  const { persistentVolumeName: name } = source;
  return [
    ...(attacher ? driverNameProblems('spec.attacher', attacher) : []),
    ...attachmentBasics(attachment),
    ...(name ? named('spec.source.persistentVolumeName', name, dns1123Subdomain) : []),
  ];
}

export function attachmentUpdateProblems(next: VolumeAttachment, current: VolumeAttachment): FieldProblem[] {
  return [...attachmentBasics(next), ...unchangedInGo(VolumeAttachmentSpec, 'spec', next.spec, current.spec)];
}
