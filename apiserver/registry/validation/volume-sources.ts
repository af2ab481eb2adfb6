// Kinds of storage that pods and persistent volumes name in the same way.

import { dns1123Subdomain } from '../../../api/names.ts';
import type { FieldProblem } from '../../../api/status.ts';
import { noBacksteps } from './paths.ts';
import { invalidValue, required } from './problems.ts';
import { named, oneOf } from './values.ts';

const HOST_PATH_TYPES = [
  '',
  'BlockDevice',
  'CharDevice',
  'Directory',
  'DirectoryOrCreate',
  'File',
  'FileOrCreate',
  'Socket',
];

/** Fields without which a source means nothing. */
const NEEDED: Readonly<Record<string, readonly string[]>> = {
  awsElasticBlockStore: ['volumeID'],
  azureDisk: ['diskName', 'diskURI'],
  azureFile: ['secretName', 'shareName'],
  cephfs: ['monitors'],
  cinder: ['volumeID'],
  flexVolume: ['driver'],
  gcePersistentDisk: ['pdName'],
  gitRepo: ['repository'],
  glusterfs: ['endpoints', 'path'],
  hostPath: ['path'],
  iscsi: ['targetPortal', 'iqn'],
  local: ['path'],
  nfs: ['server', 'path'],
  photonPersistentDisk: ['pdID'],
  portworxVolume: ['volumeID'],
  quobyte: ['registry', 'volume'],
  rbd: ['monitors', 'image'],
  scaleIO: ['gateway', 'system', 'volumeName'],
  storageos: ['volumeName'],
  vsphereVolume: ['volumePath'],
};

type Fields = Readonly<Record<string, unknown>>;

export function sourceProblems(of: object, source: string, path: string): FieldProblem[] {
  const value = (of as Record<string, Fields>)[source]!;
  const isEmpty = (field: string) => {
    const one = value[field];
    return !one || (Array.isArray(one) && one.length === 0);
  };
  const problems = (NEEDED[source] ?? []).filter(isEmpty).map((field) => required(`${path}.${field}`));
  return [...problems, ...moreProblems(source, value, path)];
}

function moreProblems(source: string, value: Fields, path: string): FieldProblem[] {
  const text = (field: string) => (value[field] as string | undefined) ?? '';
  switch (source) {
    case 'hostPath':
      return [
        ...noBacksteps(`${path}.path`, text('path')),
        ...oneOf(`${path}.type`, value['type'] as string | undefined, HOST_PATH_TYPES),
      ];
    case 'nfs':
      if (text('path') === '' || text('path').startsWith('/')) return [];
      return [invalidValue(`${path}.path`, text('path'), 'must be an absolute path')];
    case 'local':
      return noBacksteps(`${path}.path`, text('path'));
    case 'iscsi':
      return iscsiProblems(value, text('iqn'), path);
    case 'csi':
      return csiProblems(value, path);
    case 'fc': {
      const { targetWWNs, wwids, lun } = value as { targetWWNs?: string[]; wwids?: string[]; lun?: number };
      if (!targetWWNs?.length && !wwids?.length) {
        return [required(`${path}.targetWWNs`, 'must specify either targetWWNs or wwids, but not both')];
      }
      if (!targetWWNs?.length) return [];
      if (lun === undefined) return [required(`${path}.lun`, 'lun is required if targetWWNs is specified')];
      return lunProblems(lun, path);
    }
    case 'awsElasticBlockStore':
    case 'gcePersistentDisk': {
      const partition = (value['partition'] as number | undefined) ?? 0;
      if (partition >= 0 && partition <= 255) return [];
      return [invalidValue(`${path}.partition`, partition, 'must be between 0 and 255, inclusive')];
    }
    case 'flocker': {
      if (!text('datasetName') && !text('datasetUUID')) {
        return [required(path, 'one of datasetName and datasetUUID is required')];
      }
      return text('datasetName') && text('datasetUUID')
        ? [invalidValue(path, 'resource', 'datasetName and datasetUUID can not be specified simultaneously')]
        : [];
    }
    default:
      return [];
  }
}

function iscsiProblems(value: Fields, iqn: string, path: string): FieldProblem[] {
  const problems: FieldProblem[] = [];
  if (iqn !== '' && !/^(iqn\.\d{4}-\d{2}\.|eui\.|naa\.)/.test(iqn)) {
    problems.push(invalidValue(`${path}.iqn`, iqn, 'must be valid format starting with iqn, eui, or naa'));
  }
  problems.push(...lunProblems((value['lun'] as number | undefined) ?? 0, path));
  if ((value['chapAuthDiscovery'] || value['chapAuthSession']) && value['secretRef'] === undefined) {
    problems.push(required(`${path}.secretRef`));
  }
  return problems;
}

function lunProblems(lun: number, path: string): FieldProblem[] {
  return lun >= 0 && lun <= 255 ? [] : [invalidValue(`${path}.lun`, lun, 'must be between 0 and 255, inclusive')];
}

export function driverNameProblems(path: string, name: string | undefined): FieldProblem[] {
  if (!name) return [required(path)];
  if (name.length > 63)
    return [{ path, reason: 'FieldValueTooLong', message: 'Too long: may not be more than 63 bytes' }];
  return named(path, name.toLowerCase(), dns1123Subdomain);
}

const REFS = [
  'controllerPublishSecretRef',
  'nodePublishSecretRef',
  'controllerExpandSecretRef',
  'nodeExpandSecretRef',
  'nodeStageSecretRef',
];

function csiProblems(value: Fields, path: string): FieldProblem[] {
  const problems = driverNameProblems(`${path}.driver`, value['driver'] as string | undefined);
  const isPersistent = Object.hasOwn(value, 'volumeHandle') || REFS.some((ref) => ref !== REFS[1] && value[ref]);
  if (isPersistent && !value['volumeHandle']) problems.push(required(`${path}.volumeHandle`));
  for (const ref of REFS) {
    const secret = value[ref] as { name?: string; namespace?: string } | undefined;
    if (secret === undefined) continue;
    if (!secret.name) problems.push(required(`${path}.${ref}.name`));
    if (isPersistent && !secret.namespace) problems.push(required(`${path}.${ref}.namespace`));
  }
  return problems;
}
