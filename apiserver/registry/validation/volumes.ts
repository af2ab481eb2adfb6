// Volumes of a pod.
import { dns1123Label, dns1123Subdomain } from '../../../api/names.ts';
import { compareQuantities } from '../../../api/quantity.ts';
import type { FieldProblem } from '../../../api/status.ts';
import type { VolumeProjection } from '../../../api/types/core/projected-volume.ts';
import type { ObjectFieldSelector, ResourceFieldSelector } from '../../../api/types/core/selectors.ts';
import type { Volume } from '../../../api/types/core/volume.ts';
import { claimSpecProblems } from './claims.ts';
import { fieldRefProblems, resourceFieldRefProblems } from './env.ts';
import { annotationProblems, labelProblems } from './object-meta.ts';
import { localPlainPath } from './paths.ts';
import { duplicate, forbidden, invalidValue, required } from './problems.ts';
import { named, oneOf } from './values.ts';
import { sourceProblems } from './volume-sources.ts';

const MODE = 'must be a number between 0 and 0777 (octal), both inclusive';

export interface KnownVolumes {
  readonly problems: FieldProblem[];
  readonly volumes: ReadonlyMap<string, { readonly isClaim: boolean }>;
}

export function volumesProblems(volumes: readonly Volume[] | undefined, path: string): KnownVolumes {
  const known = new Map<string, { isClaim: boolean }>();
  const problems = (volumes ?? []).flatMap((volume, i) => {
    const at = `${path}[${i}]`;
    const { name } = volume;
    const wrong = volumeProblems(volume, at);
    if (!name) wrong.push(required(`${at}.name`));
    else wrong.push(...named(`${at}.name`, name, dns1123Label));
    if (known.has(name)) wrong.push(duplicate(`${at}.name`, name));
    if (wrong.length === 0) known.set(name, { isClaim: Boolean(volume.persistentVolumeClaim ?? volume.ephemeral) });
    return wrong;
  });
  return { problems, volumes: known };
}

/** A pod has exactly one source for each volume; the first is looked at, the others are refused. */
function volumeProblems(volume: Volume, path: string): FieldProblem[] {
  const { name: _name, ...sources } = volume;
  const present = SOURCES.filter((source) => sources[source] !== undefined);
  if (present.length === 0) return [required(path, 'must specify a volume type')];
  const [first, ...others] = present as [(typeof SOURCES)[number], ...(typeof SOURCES)[number][]];
  const problems = others.map((source) => forbidden(`${path}.${source}`, 'may not specify more than 1 volume type'));
  return [...ownProblems(volume, first, `${path}.${first}`), ...problems];
}

/** In the order in which they are looked for. */
const SOURCES = [
  'emptyDir',
  'hostPath',
  'gitRepo',
  'gcePersistentDisk',
  'awsElasticBlockStore',
  'secret',
  'nfs',
  'iscsi',
  'glusterfs',
  'flocker',
  'persistentVolumeClaim',
  'rbd',
  'cinder',
  'cephfs',
  'quobyte',
  'downwardAPI',
  'fc',
  'flexVolume',
  'configMap',
  'azureFile',
  'vsphereVolume',
  'photonPersistentDisk',
  'portworxVolume',
  'azureDisk',
  'storageos',
  'projected',
  'scaleIO',
  'csi',
  'ephemeral',
  'image',
] as const;

function ownProblems(volume: Volume, source: (typeof SOURCES)[number], path: string): FieldProblem[] {
  switch (source) {
    case 'emptyDir': {
      const { sizeLimit } = volume.emptyDir!;
      if (sizeLimit === undefined || compareQuantities(sizeLimit, '0') >= 0) return [];
      return [forbidden(`${path}.sizeLimit`, 'SizeLimit field must be a valid resource quantity')];
    }
    case 'secret': {
      const { secretName, defaultMode, items } = volume.secret!;
      const problems = secretName ? [] : [required(`${path}.secretName`)];
      return [...problems, ...modeProblems(defaultMode, `${path}.defaultMode`), ...itemsProblems(items, path)];
    }
    case 'configMap': {
      const { name, defaultMode, items } = volume.configMap!;
      const problems = name ? [] : [required(`${path}.name`)];
      return [...problems, ...modeProblems(defaultMode, `${path}.defaultMode`), ...itemsProblems(items, path)];
    }
    case 'downwardAPI': {
      const { defaultMode, items } = volume.downwardAPI!;
      return [...modeProblems(defaultMode, `${path}.defaultMode`), ...filesProblems(items, path)];
    }
    case 'projected': {
      const { sources, defaultMode } = volume.projected!;
      return [...modeProblems(defaultMode, `${path}.defaultMode`), ...projectionsProblems(sources, path)];
    }
    case 'persistentVolumeClaim':
      return volume.persistentVolumeClaim!.claimName ? [] : [required(`${path}.claimName`)];
    case 'ephemeral': {
      const template = volume.ephemeral!.volumeClaimTemplate;
      if (template === undefined) return [required(`${path}.volumeClaimTemplate`)];
      const at = `${path}.volumeClaimTemplate`;
      return [
        ...labelProblems(template.metadata?.labels, `${at}.metadata.labels`),
        ...annotationProblems(template.metadata?.annotations, `${at}.metadata.annotations`),
        ...claimSpecProblems(template.spec, `${at}.spec`),
      ];
    }
    case 'image': {
      const { reference, pullPolicy } = volume.image!;
      const problems = reference ? [] : [required(`${path}.reference`)];
      return [...problems, ...oneOf(`${path}.pullPolicy`, pullPolicy, ['Always', 'IfNotPresent', 'Never'])];
    }
    default:
      return sourceProblems(volume, source, path);
  }
}

function modeProblems(mode: number | undefined, path: string): FieldProblem[] {
  return mode === undefined || (mode >= 0 && mode <= 0o777) ? [] : [invalidValue(path, mode, MODE)];
}

type Items = readonly { key: string; path: string; mode?: number }[] | undefined;

function itemsProblems(items: Items, path: string): FieldProblem[] {
  return (items ?? []).flatMap(({ key, path: file, mode }, i) => {
    const at = `${path}.items[${i}]`;
    return [
      ...(key ? [] : [required(`${at}.key`)]),
      ...(file ? localPlainPath(`${at}.path`, file) : [required(`${at}.path`)]),
      ...modeProblems(mode, `${at}.mode`),
    ];
  });
}

interface File {
  path: string;
  fieldRef?: ObjectFieldSelector;
  resourceFieldRef?: ResourceFieldSelector;
  mode?: number;
}

/** Upstream names the list, not the file. */
function filesProblems(files: readonly File[] | undefined, path: string): FieldProblem[] {
  return (files ?? []).flatMap(({ path: file, fieldRef, resourceFieldRef, mode }) => {
    const problems = file ? localPlainPath(`${path}.path`, file) : [required(`${path}.path`)];
    if (fieldRef) {
      problems.push(...fieldRefProblems(fieldRef, `${path}.fieldRef`, 'files'));
      if (resourceFieldRef) {
        const why = 'fieldRef and resourceFieldRef can not be specified simultaneously';
        problems.push(invalidValue(path, 'resource', why));
      }
    } else if (resourceFieldRef) {
      problems.push(...resourceFieldRefProblems(resourceFieldRef, `${path}.resourceFieldRef`, 'files'));
    } else problems.push(required(path, 'one of fieldRef and resourceFieldRef is required'));
    return [...problems, ...modeProblems(mode, `${path}.mode`)];
  });
}

const TOKEN_MIN_SECONDS = 600;
const TOKEN_MAX_SECONDS = 2 ** 32;

function projectionsProblems(sources: readonly VolumeProjection[] | undefined, path: string): FieldProblem[] {
  const paths = new Set<string>();
  const taken = (file: string, at: string) => {
    if (!file) return [];
    const known = paths.has(file);
    paths.add(file);
    return known ? [invalidValue(at, file, 'conflicting duplicate paths')] : [];
  };
  return (sources ?? []).flatMap((source, i) => {
    const at = `${path}.sources[${i}]`;
    const { secret, configMap, downwardAPI, serviceAccountToken: token, clusterTrustBundle: bundle } = source;
    const problems: FieldProblem[] = [];
    for (const [kind, of] of [
      ['secret', secret],
      ['configMap', configMap],
    ] as const) {
      if (of === undefined) continue;
      if (!of.name) problems.push(required(`${at}.${kind}.name`));
      problems.push(...itemsProblems(of.items, `${at}.${kind}`));
      for (const { path: file } of of.items ?? []) problems.push(...taken(file, path));
    }
    if (downwardAPI) {
      problems.push(...filesProblems(downwardAPI.items, `${at}.downwardAPI`));
      for (const { path: file } of downwardAPI.items ?? []) problems.push(...taken(file, path));
    }
    if (token) {
      const { expirationSeconds: seconds = 3600 } = token;
      const where = `${at}.serviceAccountToken`;
      if (seconds < TOKEN_MIN_SECONDS) {
        const why = 'may not specify a duration less than 10 minutes';
        problems.push(invalidValue(`${where}.expirationSeconds`, seconds, why));
      } else if (seconds > TOKEN_MAX_SECONDS) {
        const why = 'may not specify a duration larger than 2^32 seconds';
        problems.push(invalidValue(`${where}.expirationSeconds`, seconds, why));
      }
      problems.push(...(token.path ? localPlainPath(`${where}.path`, token.path) : [required(`${where}.path`)]));
      problems.push(...taken(token.path, path));
    }
    if (bundle) {
      const where = `${at}.clusterTrustBundle`;
      if (bundle.name !== undefined) problems.push(...named(`${where}.name`, bundle.name, dns1123Subdomain));
      problems.push(...(bundle.path ? localPlainPath(`${where}.path`, bundle.path) : [required(`${where}.path`)]));
      problems.push(...taken(bundle.path, path));
    }
    const count = Object.values(source).filter((one) => one !== undefined).length;
    if (count > 1) problems.push(forbidden(at, 'may not specify more than 1 volume type'));
    else if (count === 0) problems.push(required(path, 'must specify at least one volume source type'));
    return problems;
  });
}
