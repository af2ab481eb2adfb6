// Persistent volumes, classes of storage, attachments, drivers.
import { dns1123Subdomain, qualifiedName } from '../../../api/names.ts';
import { compareQuantities } from '../../../api/quantity.ts';
import { deepEqual } from '../../../api/schema/equal.ts';
import type { FieldProblem } from '../../../api/status.ts';
import { type PersistentVolume, PersistentVolumeSpec } from '../../../api/types/core/persistent-volume.ts';
import type { CSIDriver, CSINode, CSIStorageCapacity } from '../../../api/types/storage/csi.ts';
import type { StorageClass, VolumeAttributesClass } from '../../../api/types/storage/storage-class.ts';
import type { VolumeAttachment } from '../../../api/types/storage/volume-attachment.ts';
import { accessModeProblems } from './claims.ts';
import { goJson } from './go-value.ts';
import { labelSelectorProblems } from './label-selector.ts';
import { duplicate, forbidden, invalidValue, notSupported, required, tooLong } from './problems.ts';
import { sorted } from './resources.ts';
import { nodeSelectorProblems } from './scheduling.ts';
import { textDiff } from './text-diff.ts';
import { each, IMMUTABLE, named, oneOf, requiredOneOf, unchanged } from './values.ts';
import { driverNameProblems, sourceProblems } from './volume-sources.ts';

const NOT_SOURCES = [
  'capacity',
  'accessModes',
  'claimRef',
  'persistentVolumeReclaimPolicy',
  'storageClassName',
  'mountOptions',
  'volumeMode',
  'nodeAffinity',
  'volumeAttributesClassName',
];
const SOURCES = Object.keys(PersistentVolumeSpec.fields).filter((name) => !NOT_SOURCES.includes(name));

export function volumeProblems({ spec }: PersistentVolume): FieldProblem[] {
  return volumeSpecProblems(spec, 'spec', false);
}

function volumeSpecProblems(spec: PersistentVolumeSpec, path: string, isInline: boolean): FieldProblem[] {
  const { accessModes, capacity, persistentVolumeReclaimPolicy: reclaim, nodeAffinity, storageClassName } = spec;
  const problems: FieldProblem[] = [];
  if (!accessModes?.length) problems.push(required(`${path}.accessModes`));
  problems.push(...accessModeProblems(accessModes, `${path}.accessModes`));
  if (!isInline) {
    if (Object.keys(capacity ?? {}).length === 0) problems.push(required(`${path}.capacity`));
    const storage = capacity?.['storage'];
    if (storage === undefined || Object.keys(capacity ?? {}).length > 1) {
      const shown = capacity && Object.fromEntries(sorted(capacity));
      problems.push(notSupported(`${path}.capacity`, shown, ['storage']));
    }
    if (storage !== undefined && compareQuantities(storage, '0') <= 0) {
      problems.push(invalidValue(`${path}.capacity[storage]`, storage, 'must be greater than zero'));
    }
    problems.push(...oneOf(`${path}.persistentVolumeReclaimPolicy`, reclaim, ['Delete', 'Recycle', 'Retain']));
  }
  if (nodeAffinity) {
    const at = `${path}.nodeAffinity`;
    if (!nodeAffinity.required) problems.push(required(`${at}.required`, 'must specify required node constraints'));
    else problems.push(...nodeSelectorProblems(nodeAffinity.required, `${at}.required`));
  }
  problems.push(...volumeSourceProblems(spec, path));
  if (spec.hostPath && reclaim === 'Recycle' && spec.hostPath.path.replace(/\/+$/, '') === '') {
    problems.push(
      forbidden(`${path}.persistentVolumeReclaimPolicy`, "may not be 'recycle' for a hostPath mount of '/'"),
    );
  }
  if (storageClassName) problems.push(...named(`${path}.storageClassName`, storageClassName, dns1123Subdomain));
  problems.push(...oneOf(`${path}.volumeMode`, spec.volumeMode, ['Block', 'Filesystem']));
  const { volumeAttributesClassName: attributes } = spec;
  if (attributes === undefined) return problems;
  const at = `${path}.volumeAttributesClassName`;
  if (attributes === '') problems.push(required(at, 'an empty string is disallowed'));
  else problems.push(...named(at, attributes, dns1123Subdomain));
  if (!spec.csi) problems.push(required(`${path}.csi`, 'has to be specified when using volumeAttributesClassName'));
  return problems;
}

function volumeSourceProblems(spec: PersistentVolumeSpec, path: string): FieldProblem[] {
  const given = SOURCES.filter((name) => (spec as Record<string, unknown>)[name] !== undefined);
  if (given.length === 0) return [required(path, 'must specify a volume type')];
  const [first, ...others] = given as [string, ...string[]];
  const problems = sourceProblems(spec, first, `${path}.${first}`);
  if (first === 'local' && spec.nodeAffinity === undefined) {
    problems.push(required(`${path}.nodeAffinity`, 'Local volume requires node affinity'));
  }
  return [
    ...problems,
    ...others.map((name) => forbidden(`${path}.${name}`, 'may not specify more than 1 volume type')),
  ];
}

export function volumeUpdateProblems(next: PersistentVolume, current: PersistentVolume): FieldProblem[] {
  const problems = volumeProblems(next);
  const [now, was] = [sourceOf(next), sourceOf(current)];
  if (now !== was) {
    const why = 'spec.persistentvolumesource is immutable after creation';
    problems.push(forbidden('spec.persistentvolumesource', `${why}\n${textDiff(was, now)}`));
  }
  problems.push(...unchanged('volumeMode', next.spec.volumeMode, current.spec.volumeMode));
  const [newAffinity, oldAffinity] = [next, current].map(({ spec }) => newerLabels(spec.nodeAffinity));
  if (oldAffinity !== undefined && !deepEqual(newAffinity, oldAffinity)) {
    problems.push(invalidValue('nodeAffinity', next.spec.nodeAffinity, IMMUTABLE));
  }
  if (current.spec.volumeAttributesClassName !== undefined && next.spec.volumeAttributesClassName === undefined) {
    problems.push(forbidden('spec.volumeAttributesClassName', 'update from non-nil value to nil is forbidden'));
  }
  return problems;
}

const NEWER_LABELS: Readonly<Record<string, string>> = {
  'failure-domain.beta.kubernetes.io/zone': 'topology.kubernetes.io/zone',
  'failure-domain.beta.kubernetes.io/region': 'topology.kubernetes.io/region',
  'beta.kubernetes.io/os': 'kubernetes.io/os',
  'beta.kubernetes.io/arch': 'kubernetes.io/arch',
  'beta.kubernetes.io/instance-type': 'node.kubernetes.io/instance-type',
};

/** Labels of nodes under the names they have by now: a volume may be moved to these. */
function newerLabels(affinity: PersistentVolumeSpec['nodeAffinity']): PersistentVolumeSpec['nodeAffinity'] {
  const renamed = structuredClone(affinity);
  for (const { matchExpressions } of renamed?.required?.nodeSelectorTerms ?? []) {
    for (const expression of matchExpressions ?? []) expression.key = NEWER_LABELS[expression.key] ?? expression.key;
  }
  return renamed;
}

/** Only the source, as upstream's code has it. Secrets that expand a volume may be named later. */
function sourceOf({ spec }: PersistentVolume): string {
  const { csi, ...others } = spec;
  const sources = Object.fromEntries(Object.entries(others).filter(([name]) => SOURCES.includes(name)));
  const { controllerExpandSecretRef: _c, nodeExpandSecretRef: _n, ...fixed } = csi ?? {};
  return goJson(PersistentVolumeSpec, { ...sources, ...(csi && { csi: fixed }) }, 1);
}

const PARAMETERS_MAX = 512;
const PARAMETERS_MAX_BYTES = 256 * 1024;

function parametersProblems(parameters: Readonly<Record<string, string>> | undefined, isNeeded: boolean) {
  const entries = Object.entries(parameters ?? {});
  const problems: FieldProblem[] = [];
  if (entries.length > PARAMETERS_MAX) problems.push(tooLong('parameters', PARAMETERS_MAX));
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
    ...each(allowedTopologies, 'allowedTopologies', ({ matchLabelExpressions }, path) =>
      each(matchLabelExpressions, `${path}.matchLabelExpressions`, ({ key, values }, at) => [
        ...(values?.length ? [] : [required(`${at}.values`)]),
        ...named(`${at}.key`, key, qualifiedName),
      ]),
    ),
  ];
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
  return [...driverNameProblems('driverName', driverName), ...parametersProblems(parameters, true)];
}

export function attributesClassUpdateProblems(
  next: VolumeAttributesClass,
  current: VolumeAttributesClass,
): FieldProblem[] {
  return [
    ...unchanged('driverName', next.driverName, current.driverName),
    ...unchanged('parameters', next.parameters, current.parameters),
  ];
}

export function attachmentProblems({ spec }: VolumeAttachment): FieldProblem[] {
  const { attacher, nodeName, source = {} } = spec;
  const { persistentVolumeName: name, inlineVolumeSpec: inline } = source;
  const path = 'spec.source';
  const problems = attacher
    ? named('spec.attacher', attacher.toLowerCase(), dns1123Subdomain)
    : [required('spec.attacher')];
  if (name === undefined && inline === undefined) {
    problems.push(required(path, 'must specify exactly one of inlineVolumeSpec and persistentVolumeName'));
  } else if (name !== undefined && inline !== undefined) {
    problems.push(forbidden(path, 'must specify exactly one of inlineVolumeSpec and persistentVolumeName'));
  } else if (name !== undefined) {
    if (name === '')
      problems.push(required(`${path}.persistentVolumeName`, 'must specify non empty persistentVolumeName'));
    else problems.push(...named(`${path}.persistentVolumeName`, name, dns1123Subdomain));
  } else if (inline) problems.push(...volumeSpecProblems(inline, `${path}.inlineVolumeSpec`, true));
  return [...problems, ...named('spec.nodeName', nodeName, dns1123Subdomain)];
}

export function attachmentUpdateProblems(next: VolumeAttachment, current: VolumeAttachment): FieldProblem[] {
  return [...attachmentProblems(next), ...unchanged('spec', next.spec, current.spec)];
}

const LIFECYCLES = ['Ephemeral', 'Persistent'];
const FS_GROUP_POLICIES = ['ReadWriteOnceWithFSType', 'File', 'None'];
const TOKEN_MIN_SECONDS = 600;
const PERIOD_MIN_SECONDS = 10;

export function driverProblems({ metadata, spec }: CSIDriver): FieldProblem[] {
  const { tokenRequests, volumeLifecycleModes, nodeAllocatableUpdatePeriodSeconds: period } = spec;
  const problems = driverNameProblems('metadata.name', metadata.name);
  for (const field of ['attachRequired', 'podInfoOnMount', 'storageCapacity'] as const) {
    if (spec[field] === undefined) problems.push(required(`spec.${field}`));
  }
  problems.push(...oneOf('spec.fsGroupPolicy', spec.fsGroupPolicy, FS_GROUP_POLICIES));
  const audiences = new Set<string>();
  problems.push(
    ...each(tokenRequests, 'spec.tokenRequests', ({ audience = '', expirationSeconds: seconds }, at) => {
      const rows: FieldProblem[] = [];
      if (audiences.has(audience)) rows.push(duplicate(`${at}.audience`, audience));
      audiences.add(audience);
      if (seconds !== undefined && seconds < TOKEN_MIN_SECONDS) {
        rows.push(invalidValue(`${at}.expirationSeconds`, seconds, 'may not specify a duration less than 10 minutes'));
      }
      return rows;
    }),
    ...each(volumeLifecycleModes, 'spec.volumeLifecycleModes', (mode, at) => oneOf(at, mode, LIFECYCLES)),
  );
  if (period !== undefined && period < PERIOD_MIN_SECONDS) {
    const why = `must be greater than or equal to ${PERIOD_MIN_SECONDS} seconds`;
    problems.push(invalidValue('spec.nodeAllocatableUpdatePeriodSeconds', period, why));
  }
  return problems;
}

export function driverUpdateProblems(next: CSIDriver, current: CSIDriver): FieldProblem[] {
  return [
    ...driverProblems(next),
    ...unchanged('spec.attachRequired', next.spec.attachRequired, current.spec.attachRequired),
    ...unchanged('spec.volumeLifecycleModes', next.spec.volumeLifecycleModes, current.spec.volumeLifecycleModes),
  ];
}

export function nodeDriversProblems({ spec }: CSINode): FieldProblem[] {
  const names = new Set<string>();
  return each(spec.drivers ?? [], 'spec.drivers', ({ name, nodeID, topologyKeys, allocatable }, at) => {
    const problems = driverNameProblems(`${at}.name`, name);
    if (!nodeID) problems.push(required(`${at}.nodeID`));
    if (names.has(name)) problems.push(duplicate(`${at}.name`, name));
    names.add(name);
    if (allocatable?.count !== undefined && allocatable.count < 0) {
      problems.push(invalidValue(`${at}.allocatable.count`, allocatable.count, 'must be greater than or equal to 0'));
    }
    return [...problems, ...each(topologyKeys, `${at}.topologyKeys`, (key, where) => named(where, key, qualifiedName))];
  });
}

/** A driver may come and go; while it is there only its room may change. */
export function nodeDriversUpdateProblems(next: CSINode, current: CSINode): FieldProblem[] {
  const before = new Map((current.spec.drivers ?? []).map((driver) => [driver.name, driver]));
  const changed = (next.spec.drivers ?? []).filter((driver) => {
    const was = before.get(driver.name);
    if (was === undefined) return false;
    return driver.nodeID !== was.nodeID || !deepEqual(driver.topologyKeys ?? [], was.topologyKeys ?? []);
  });
  return [...nodeDriversProblems(next), ...changed.map((driver) => invalidValue('CSINodeDriver', driver, IMMUTABLE))];
}

export function capacityProblems({ storageClassName, nodeTopology, capacity }: CSIStorageCapacity): FieldProblem[] {
  const problems = named('storageClassName', storageClassName, dns1123Subdomain);
  problems.push(...labelSelectorProblems(nodeTopology, 'nodeTopology'));
  if (capacity !== undefined && compareQuantities(capacity, '0') < 0) {
    problems.push(invalidValue('capacity', capacity, 'must be greater than or equal to 0'));
  }
  return problems;
}

export function capacityUpdateProblems(next: CSIStorageCapacity, current: CSIStorageCapacity): FieldProblem[] {
  return [
    ...capacityProblems(next),
    ...unchanged('nodeTopology', next.nodeTopology, current.nodeTopology),
    ...unchanged('storageClassName', next.storageClassName, current.storageClassName),
  ];
}
