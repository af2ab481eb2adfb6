// Kinds of storage that pods and persistent volumes name in the same way.

import { dns1123Label, dns1123Subdomain } from '../../../api/names.ts';
import type { FieldProblem } from '../../../api/status.ts';
import { localDescendingPath, noBacksteps } from './paths.ts';
import { invalidValue, notSupported, required, tooLong } from './problems.ts';
import { named, oneOf, requiredName } from './values.ts';

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

/** Fields without which a source means nothing, in the order in which they are missed. */
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
  iscsi: ['targetPortal'],
  local: ['path'],
  nfs: ['server', 'path'],
  photonPersistentDisk: ['pdID'],
  portworxVolume: ['volumeID'],
  rbd: ['monitors', 'image'],
  scaleIO: ['gateway', 'system', 'volumeName'],
  storageos: ['volumeName'],
  vsphereVolume: ['volumePath'],
};

type Fields = Readonly<Record<string, unknown>>;

/** `of` a pod or a persistent volume, whose sources name secrets in a namespace. */
export function sourceProblems(of: object, source: string, path: string, volume?: string): FieldProblem[] {
  const value = (of as Record<string, Fields>)[source]!;
  const isEmpty = (field: string) => {
    const one = value[field];
    return !one || (Array.isArray(one) && one.length === 0);
  };
  const problems = (NEEDED[source] ?? []).filter(isEmpty).map((field) => required(`${path}.${field}`));
  return [...problems, ...moreProblems(source, value, path, volume)];
}

function moreProblems(source: string, value: Fields, path: string, volume: string | undefined): FieldProblem[] {
  const text = (field: string) => (value[field] as string | undefined) ?? '';
  const isPersistent = volume !== undefined;
  switch (source) {
    case 'hostPath':
      if (!text('path')) return [];
      return [
        ...noBacksteps(`${path}.path`, text('path')),
        ...oneOf(`${path}.type`, value['type'] as string | undefined, HOST_PATH_TYPES),
      ];
    case 'gitRepo':
      return localDescendingPath(`${path}.directory`, text('directory'));
    case 'nfs':
      if (text('path').startsWith('/')) return [];
      return [invalidValue(`${path}.path`, text('path'), 'must be an absolute path')];
    case 'local':
      return noBacksteps(`${path}.path`, text('path'));
    case 'iscsi':
      return iscsiProblems(value, path, volume);
    case 'csi':
      return csiProblems(value, path, isPersistent);
    case 'fc':
      return fcProblems(value, path);
    case 'awsElasticBlockStore':
    case 'gcePersistentDisk': {
      const partition = (value['partition'] as number | undefined) ?? 0;
      if (partition >= 0 && partition <= 255) return [];
      return [invalidValue(`${path}.partition`, partition, 'must be between 0 and 255, inclusive')];
    }
    case 'flocker':
      return flockerProblems(text('datasetName'), text('datasetUUID'), path);
    case 'quobyte':
      return quobyteProblems(text('registry'), text('tenant'), text('volume'), path);
    case 'glusterfs': {
      const namespace = value['endpointsNamespace'] as string | undefined;
      const at = `${path}.endpointsNamespace`;
      if (namespace === undefined) return [];
      const why = 'if the endpointnamespace is set, it must be a valid namespace name';
      return namespace === '' ? [invalidValue(at, namespace, why)] : named(at, namespace, dns1123Label);
    }
    case 'cinder':
      return secretProblems(value['secretRef'], `${path}.secretRef`, isPersistent);
    case 'storageos':
      return [
        ...(text('volumeName') ? named(`${path}.volumeName`, text('volumeName'), dns1123Label) : []),
        ...(text('volumeNamespace') ? named(`${path}.volumeNamespace`, text('volumeNamespace'), dns1123Label) : []),
        ...secretProblems(value['secretRef'], `${path}.secretRef`, isPersistent),
      ];
    case 'azureFile':
      return value['secretNamespace'] === '' ? [required(`${path}.secretNamespace`)] : [];
    case 'azureDisk':
      return azureDiskProblems(value, text('diskURI'), path);
    case 'flexVolume':
      return Object.keys((value['options'] as object | undefined) ?? {})
        .filter((key) =>
          /\.(kubernetes|k8s)\.io$/.test(`.${key.split('/', key.includes('/') ? 1 : 2)[0]!.toLowerCase()}`),
        )
        .sort()
        .map((key) => invalidValue(`${path}.options[${key}]`, key, 'kubernetes.io and k8s.io namespaces are reserved'));
    default:
      return [];
  }
}

interface SecretRef {
  readonly name?: string;
  readonly namespace?: string;
}

function secretProblems(ref: unknown, path: string, isPersistent: boolean): FieldProblem[] {
  if (ref === undefined) return [];
  const { name, namespace } = ref as SecretRef;
  const problems = name ? [] : [required(`${path}.name`)];
  return isPersistent && !namespace ? [...problems, required(`${path}.namespace`)] : problems;
}

const INITIATORS: Readonly<Record<string, RegExp>> = {
  iqn: /iqn\.\d{4}-\d{2}\.([A-Za-z0-9-.]+)(:[^,;*&$|\s]+)$/,
  eui: /^eui.[A-Za-z0-9]{16}$/,
  naa: /^naa.[A-Za-z0-9]{32}$/,
};
export const ISCSI_MAX = 64;
export const ISCSI_TOO_LONG =
  'Total length of <volume name>:<iscsi.targetPortal> must be under 64 characters if iscsi.initiatorName is specified.';

function iscsiProblems(value: Fields, path: string, volume: string | undefined): FieldProblem[] {
  const { iqn = '', targetPortal = '', initiatorName } = value as Record<string, string | undefined>;
  const problems: FieldProblem[] = [];
  const bad = 'must be valid format';
  const unknown = volume === undefined ? `${bad} starting with iqn, eui, or naa` : bad;
  const check = (field: string, name: string) => {
    const shape = INITIATORS[name.slice(0, 3)];
    if (shape === undefined) problems.push(invalidValue(`${path}.${field}`, name, unknown));
    else if (!shape.test(name)) problems.push(invalidValue(`${path}.${field}`, name, bad));
  };
  if (volume !== undefined && initiatorName !== undefined && `${volume}:${targetPortal}`.length > ISCSI_MAX) {
    problems.push(invalidValue(`${path}.targetportal`, targetPortal, ISCSI_TOO_LONG));
  }
  if (iqn === '') problems.push(required(`${path}.iqn`));
  else check('iqn', iqn);
  problems.push(...lunProblems((value['lun'] as number | undefined) ?? 0, path));
  if ((value['chapAuthDiscovery'] || value['chapAuthSession']) && value['secretRef'] === undefined) {
    problems.push(required(`${path}.secretRef`));
  }
  if (volume !== undefined) problems.push(...secretProblems(value['secretRef'], `${path}.secretRef`, false));
  if (initiatorName !== undefined) check('initiatorname', initiatorName);
  return problems;
}

function lunProblems(lun: number, path: string): FieldProblem[] {
  return lun >= 0 && lun <= 255 ? [] : [invalidValue(`${path}.lun`, lun, 'must be between 0 and 255, inclusive')];
}

function fcProblems(value: Fields, path: string): FieldProblem[] {
  const { targetWWNs, wwids, lun } = value as { targetWWNs?: string[]; wwids?: string[]; lun?: number };
  const at = `${path}.targetWWNs`;
  if (!targetWWNs?.length) {
    return wwids?.length ? [] : [required(at, 'must specify either targetWWNs or wwids, but not both')];
  }
  const problems: FieldProblem[] = [];
  if (wwids?.length) {
    problems.push(invalidValue(at, targetWWNs, 'targetWWNs and wwids can not be specified simultaneously'));
  }
  if (lun === undefined) return [...problems, required(`${path}.lun`, 'lun is required if targetWWNs is specified')];
  return [...problems, ...lunProblems(lun, path)];
}

function flockerProblems(name: string, uuid: string, path: string): FieldProblem[] {
  const problems: FieldProblem[] = [];
  if (!name && !uuid) problems.push(required(path, 'one of datasetName and datasetUUID is required'));
  if (name && uuid) {
    const why = 'datasetName and datasetUUID can not be specified simultaneously';
    problems.push(invalidValue(path, 'resource', why));
  }
  if (name.includes('/')) problems.push(invalidValue(`${path}.datasetName`, name, "must not contain '/'"));
  return problems;
}

function quobyteProblems(registry: string, tenant: string, volume: string, path: string): FieldProblem[] {
  const pairs = 'must be a host:port pair or multiple pairs separated by commas';
  const problems: FieldProblem[] = [];
  if (registry === '') problems.push(required(`${path}.registry`, pairs));
  else if (tenant.length >= 65) {
    problems.push(required(`${path}.tenant`, 'must be a UUID and may not exceed a length of 64 characters'));
  } else {
    for (const pair of registry.split(',')) {
      if (!/^(\[[^\]]*\]|[^:[\]]*):[^:[\]]*$/.test(pair)) {
        problems.push(invalidValue(`${path}.registry`, registry, pairs));
      }
    }
  }
  return volume === '' ? [...problems, required(`${path}.volume`)] : problems;
}

function azureDiskProblems(value: Fields, uri: string, path: string): FieldProblem[] {
  const kind = value['kind'] as string | undefined;
  const problems = [
    ...oneOf(`${path}.cachingMode`, value['cachingMode'] as string | undefined, ['None', 'ReadOnly', 'ReadWrite']),
    ...oneOf(`${path}.kind`, kind, ['Dedicated', 'Managed', 'Shared']),
  ];
  if (kind === undefined) return problems;
  const [start, form] =
    kind === 'Managed'
      ? [
          '/subscriptions/',
          '/subscriptions/{sub-id}/resourcegroups/{group-name}/providers/microsoft.compute/disks/{disk-id}',
        ]
      : ['https://', 'https://{account-name}.blob.core.windows.net/{container-name}/{disk-name}.vhd'];
  return uri.startsWith(start!) ? problems : [...problems, notSupported(`${path}.diskURI`, uri, [form!])];
}

const DRIVER_MAX = 63;

export function driverNameProblems(path: string, name: string | undefined): FieldProblem[] {
  const problems = name ? [] : [required(path)];
  if (name && name.length > DRIVER_MAX) problems.push(tooLong(path, DRIVER_MAX));
  const wrong = dns1123Subdomain((name ?? '').toLowerCase());
  return [...problems, ...wrong.map((why) => invalidValue(path, name ?? '', why))];
}

/** The secret that a node stages with is not looked at. */
const REFS = ['controllerPublishSecretRef', 'controllerExpandSecretRef', 'nodePublishSecretRef', 'nodeExpandSecretRef'];

function csiProblems(value: Fields, path: string, isPersistent: boolean): FieldProblem[] {
  const problems = driverNameProblems(`${path}.driver`, value['driver'] as string | undefined);
  if (!isPersistent) {
    const secret = value['nodePublishSecretRef'] as SecretRef | undefined;
    if (secret === undefined) return problems;
    if (!secret.name) return [...problems, required(`${path}.nodePublishSecretRef.name`)];
    return [...problems, ...named(`${path}.name`, secret.name, dns1123Subdomain)];
  }
  if (!value['volumeHandle']) problems.push(required(`${path}.volumeHandle`));
  for (const ref of REFS) {
    const secret = value[ref] as SecretRef | undefined;
    if (secret === undefined) continue;
    problems.push(...requiredName(`${path}.${ref}.name`, secret.name, dns1123Subdomain));
    problems.push(...requiredName(`${path}.${ref}.namespace`, secret.namespace, dns1123Label));
  }
  return problems;
}
