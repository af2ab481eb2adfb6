// Volumes of pods: each of one type, and what each type needs.
import { configMapKey, dns1123Label, dns1123Subdomain } from '../../../api/names.ts';
import { compareQuantities } from '../../../api/quantity.ts';
import type { FieldProblem } from '../../../api/status.ts';
import type { Volume } from '../../../api/types/core/volume.ts';
import { fieldRefProblems, localPathProblems } from './containers.ts';
import { duplicate, forbidden, invalidValue, required } from './problems.ts';
import { named, oneOf, requiredName } from './values.ts';

type Check = (source: never, path: string, volume: Volume) => FieldProblem[];

const MODE_MAX = 0o777;
const FILE_MODE = 'must be a number between 0 and 0777 (octal), both inclusive';
const DOWNWARD_FIELDS = [
  'metadata.annotations',
  'metadata.labels',
  'metadata.name',
  'metadata.namespace',
  'metadata.uid',
];

export function modeProblems(path: string, mode: number | undefined): FieldProblem[] {
  return mode !== undefined && (mode < 0 || mode > MODE_MAX) ? [invalidValue(path, mode, FILE_MODE)] : [];
}

type Item = { key: string; path: string; mode?: number };

function itemProblems(items: readonly Item[] | undefined, path: string): FieldProblem[] {
  return (items ?? []).flatMap(({ key, path: to, mode }, i) => {
    const at = `${path}.items[${i}]`;
    return [
      ...(key ? named(`${at}.key`, key, configMapKey) : [required(`${at}.key`)]),
      ...(to ? localPathProblems(`${at}.path`, to) : [required(`${at}.path`)]),
      ...modeProblems(`${at}.mode`, mode),
    ];
  });
}

const needed = (path: string, value: string | undefined) => (value ? [] : [required(path)]);

const PROJECTED: Readonly<Record<string, Check>> = {
  secret: ({ name, items }: { name?: string; items?: Item[] }, path) => [
    ...needed(`${path}.name`, name),
    ...itemProblems(items, path),
  ],
  configMap: ({ name, items }: { name?: string; items?: Item[] }, path) => [
    ...needed(`${path}.name`, name),
    ...itemProblems(items, path),
  ],
  downwardAPI: ({ items }: { items?: NonNullable<NonNullable<Volume['downwardAPI']>['items']> }, path) =>
    downwardProblems(items, path),
  serviceAccountToken({ path: to, expirationSeconds }: { path: string; expirationSeconds?: number }, path) {
    const at = `${path}.expirationSeconds`;
    const problems: FieldProblem[] = [];
    if (expirationSeconds !== undefined && expirationSeconds < 600) {
      problems.push(invalidValue(at, expirationSeconds, 'may not specify a duration less than 10 minutes'));
    } else if (expirationSeconds !== undefined && expirationSeconds > 2 ** 32) {
      problems.push(invalidValue(at, expirationSeconds, 'may not specify a duration larger than 2^32 seconds'));
    }
    return [...problems, ...(to ? localPathProblems(`${path}.path`, to) : [required(`${path}.path`)])];
  },
};

function downwardProblems(items: NonNullable<Volume['downwardAPI']>['items'], path: string): FieldProblem[] {
  return (items ?? []).flatMap(({ path: to, fieldRef, resourceFieldRef, mode }, i) => {
    const at = `${path}.items[${i}]`;
    const problems = to ? localPathProblems(`${at}.path`, to) : [required(`${at}.path`)];
    if (fieldRef) {
      problems.push(...fieldRefProblems(fieldRef, `${at}.fieldRef`, DOWNWARD_FIELDS));
      if (resourceFieldRef) {
        problems.push(
          invalidValue(at, 'resource', 'fieldRef and resourceFieldRef can not be specified simultaneously'),
        );
      }
    } else if (resourceFieldRef) {
      if (!resourceFieldRef.containerName) problems.push(required(`${at}.resourceFieldRef.containerName`));
      if (!resourceFieldRef.resource) problems.push(required(`${at}.resourceFieldRef.resource`));
    } else problems.push(required(`${at}.fieldRef`, 'one of fieldRef and resourceFieldRef is required'));
    return [...problems, ...modeProblems(`${at}.mode`, mode)];
  });
}

const CHECKS: Readonly<Record<string, Check>> = {
  emptyDir: ({ sizeLimit }: { sizeLimit?: string }, path) =>
    sizeLimit !== undefined && compareQuantities(sizeLimit, '0') < 0
      ? [forbidden(`${path}.sizeLimit`, 'SizeLimit field must be a valid resource quantity')]
      : [],
  hostPath({ path: at, type }: { path: string; type?: string }, path) {
    const climbs = at.split('/').includes('..') ? [invalidValue(`${path}.path`, at, "must not contain '..'")] : [];
    const types = ['', 'BlockDevice', 'CharDevice', 'Directory', 'DirectoryOrCreate', 'File', 'FileOrCreate', 'Socket'];
    return [...(at ? climbs : [required(`${path}.path`)]), ...oneOf(`${path}.type`, type, types)];
  },
  nfs({ server, path: at }: { server: string; path: string }, path) {
    const problems = needed(`${path}.server`, server);
    if (!at) return [...problems, required(`${path}.path`)];
    return at.startsWith('/') ? problems : [...problems, invalidValue(`${path}.path`, at, 'must be an absolute path')];
  },
  configMap: ({ name, items, defaultMode }: { name?: string; items?: Item[]; defaultMode?: number }, path) => [
    ...needed(`${path}.name`, name),
    ...modeProblems(`${path}.defaultMode`, defaultMode),
    ...itemProblems(items, path),
  ],
  secret: ({ secretName, items, defaultMode }: { secretName?: string; items?: Item[]; defaultMode?: number }, path) => [
    ...needed(`${path}.secretName`, secretName),
    ...modeProblems(`${path}.defaultMode`, defaultMode),
    ...itemProblems(items, path),
  ],
  downwardAPI: ({ items, defaultMode }: NonNullable<Volume['downwardAPI']>, path) => [
    ...modeProblems(`${path}.defaultMode`, defaultMode),
    ...downwardProblems(items, path),
  ],
  persistentVolumeClaim: ({ claimName }: { claimName: string }, path) =>
    requiredName(`${path}.claimName`, claimName, dns1123Subdomain),
  csi: ({ driver }: { driver: string }, path) => needed(`${path}.driver`, driver),
  projected({ sources = [], defaultMode }: NonNullable<Volume['projected']>, path) {
    const problems = modeProblems(`${path}.defaultMode`, defaultMode);
    for (const [i, source] of sources.entries()) {
      const given = Object.entries(source).filter(([, value]) => value !== undefined);
      for (const [n, [type, value]] of given.entries()) {
        const at = `${path}.sources[${i}].${type}`;
        if (n > 0) problems.push(forbidden(at, 'may not specify more than 1 volume type per source'));
        else problems.push(...(PROJECTED[type]?.(value as never, at, {} as Volume) ?? []));
      }
      if (given.length === 0) problems.push(required(`${path}.sources[${i}]`, 'must specify a volume type'));
    }
    return problems;
  },
  image: ({ reference, pullPolicy }: { reference?: string; pullPolicy?: string }, path) => [
    ...needed(`${path}.reference`, reference),
    ...oneOf(`${path}.pullPolicy`, pullPolicy, ['Always', 'IfNotPresent', 'Never']),
  ],
};

export function volumesProblems(volumes: readonly Volume[] | undefined, path: string): FieldProblem[] {
  const names = new Set<string>();
  return (volumes ?? []).flatMap((volume, i) => {
    const at = `${path}[${i}]`;
    const { name, ...sources } = volume;
    const problems = sourceProblems(sources, at, volume);
    const wrong = requiredName(`${at}.name`, name, dns1123Label);
    if (wrong.length > 0) problems.push(...wrong);
    else if (names.has(name)) problems.push(duplicate(`${at}.name`, name));
    names.add(name);
    return problems;
  });
}

/** The source that comes first in the definition is the one; whatever else is given is too much. */
function sourceProblems(sources: object, path: string, volume: Volume): FieldProblem[] {
  const order = Object.keys(CHECKS);
  const rank = ([type]: [string, unknown]) => (order.includes(type) ? order.indexOf(type) : order.length);
  const given = Object.entries(sources)
    .filter(([, value]) => value !== undefined)
    .sort((a, b) => rank(a) - rank(b));
  if (given.length === 0) return [required(path, 'must specify a volume type')];
  return given.flatMap(([type, value], n) => {
    const at = `${path}.${type}`;
    if (n > 0) return [forbidden(at, 'may not specify more than 1 volume type')];
    return CHECKS[type]?.(value as never, at, volume) ?? [];
  });
}
