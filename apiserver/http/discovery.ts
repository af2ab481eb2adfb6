// What the server says it serves: the older documents, one per group and version, and the aggregated ones. Pure, from
// the table of resources and the order of groups.
import { createHash } from 'node:crypto';
import { apiVersionOf, type ResourceDefinition, type SubresourceDefinition } from '../../api/resource.ts';

export interface ServedGroup {
  readonly group: string;
  /** The preferred one first. */
  readonly versions: readonly string[];
}

export interface Serving {
  readonly resources: readonly ResourceDefinition[];
  /** In the order of /apis; the core group may be among them. */
  readonly groups: readonly ServedGroup[];
  /** Host and port that clients outside use. */
  readonly serverAddress: string;
}

export function apiVersions({ groups, serverAddress }: Serving): object {
  const versions = groups.find(({ group }) => group === '')?.versions ?? ['v1'];
  const serverAddressByClientCIDRs = [{ clientCIDR: '0.0.0.0/0', serverAddress }];
  return { kind: 'APIVersions', versions, serverAddressByClientCIDRs };
}

export function apiGroupList({ groups }: Serving): object {
  return { kind: 'APIGroupList', apiVersion: 'v1', groups: groups.filter(({ group }) => group !== '').map(groupBody) };
}

export function apiGroup({ groups }: Serving, name: string): object | undefined {
  const group = groups.find((one) => one.group === name);
  return group && { kind: 'APIGroup', apiVersion: 'v1', ...groupBody(group) };
}

function groupBody({ group, versions }: ServedGroup) {
  const named = versions.map((version) => ({ groupVersion: apiVersionOf({ group, version }), version }));
  return { name: group, versions: named, preferredVersion: named[0] };
}

/** Upstream's list of the core group has no apiVersion. */
export function apiResourceList({ resources }: Serving, group: string, version: string): object | undefined {
  const own = resourcesOf(resources, group, version);
  if (own.length === 0) return undefined;
  return {
    kind: 'APIResourceList',
    ...(group !== '' && { apiVersion: 'v1' }),
    groupVersion: apiVersionOf({ group, version }),
    resources: own.flatMap(resourceEntries),
  };
}

function resourcesOf(resources: readonly ResourceDefinition[], group: string, version: string): ResourceDefinition[] {
  const own = resources.filter((one) => one.group === group && one.version === version);
  return own.sort((a, b) => (a.plural < b.plural ? -1 : 1));
}

/** Verbs and subresources are in order, save those of custom kinds, which upstream tells in an order of its own. */
function verbsOf({ verbs, schema }: ResourceDefinition): string[] {
  if (!schema.custom) return [...verbs].sort();
  return CUSTOM_VERBS.filter((verb) => (verbs as readonly string[]).includes(verb));
}

const CUSTOM_VERBS = ['delete', 'deletecollection', 'get', 'list', 'patch', 'create', 'update', 'watch'];

function resourceEntries(resource: ResourceDefinition): object[] {
  const { plural, singular, namespaced, kind, shortNames, categories } = resource;
  return [
    {
      name: plural,
      singularName: singular,
      namespaced,
      kind,
      verbs: verbsOf(resource),
      ...optional({ shortNames, categories }),
      ...(isStored(resource) && { storageVersionHash: storageVersionHash(resource) }),
    },
    ...partsOf(resource).map(([name, part]) => ({
      name: `${plural}/${name}`,
      singularName: '',
      namespaced,
      ...(isForeign(resource, part) && { group: part.group, version: part.version }),
      kind: part.kind ?? kind,
      verbs: [...part.verbs].sort(),
    })),
  ];
}

function partsOf({ subresources, schema }: ResourceDefinition): [string, SubresourceDefinition][] {
  const parts = Object.entries(subresources);
  return schema.custom ? parts : parts.sort(([a], [b]) => (a < b ? -1 : 1));
}

function optional(lists: Record<string, readonly string[] | undefined>): object {
  return Object.fromEntries(Object.entries(lists).filter(([, list]) => list !== undefined && list.length > 0));
}

function isForeign(resource: ResourceDefinition, { group, version }: SubresourceDefinition): boolean {
  return version !== undefined && (group !== resource.group || version !== resource.version);
}

/** What is only asked, as a review is, is stored nowhere and hashes to nothing. */
function isStored({ verbs, storedAs }: ResourceDefinition): boolean {
  return storedAs !== '' && verbs.includes('watch');
}

export function storageVersionHash({ group, version, kind, storedAs }: ResourceDefinition): string {
  const stored = storedAs ?? `${group}/${version}/${kind}`;
  return createHash('sha256').update(stored).digest().subarray(0, 8).toString('base64');
}

export const AGGREGATED = 'application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList';

/** Everything at once: the core group for /api, the others for /apis. */
export function aggregated({ resources, groups }: Serving, which: 'core' | 'groups'): object {
  const wanted = groups.filter(({ group }) => (group === '') === (which === 'core'));
  return {
    kind: 'APIGroupDiscoveryList',
    apiVersion: 'apidiscovery.k8s.io/v2',
    metadata: {},
    items: wanted.map(({ group, versions }) => ({
      metadata: group === '' ? {} : { name: group },
      versions: versions.map((version) => ({
        version,
        resources: resourcesOf(resources, group, version).map(discovered),
        freshness: 'Current',
      })),
    })),
  };
}

function discovered(resource: ResourceDefinition): object {
  const { plural, singular, namespaced, shortNames, categories } = resource;
  const parts = partsOf(resource).map(([name, part]) => ({
    subresource: name,
    responseKind: responseKind(resource, part),
    verbs: [...part.verbs].sort(),
  }));
  return {
    resource: plural,
    responseKind: responseKind(resource, undefined),
    scope: namespaced ? 'Namespaced' : 'Cluster',
    singularResource: singular,
    verbs: verbsOf(resource),
    ...optional({ shortNames, categories }),
    ...(parts.length > 0 && { subresources: parts }),
  };
}

/** A built-in kind of the same group and version is told by its name alone; custom ones are told in full. */
function responseKind(resource: ResourceDefinition, part: SubresourceDefinition | undefined): object {
  const kind = part?.kind ?? resource.kind;
  if (part !== undefined && isForeign(resource, part)) return { group: part.group, version: part.version, kind };
  if (resource.schema.custom) return { group: resource.group, version: resource.version, kind };
  return { group: '', version: '', kind };
}
