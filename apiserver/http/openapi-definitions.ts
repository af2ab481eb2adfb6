// The definitions that documents hold: those of the resources, their lists, what subresources take, the machinery that
// all share, and whatever these refer to.
import { apiVersionOf, type ResourceDefinition, type SubresourceDefinition } from '../../api/resource.ts';
import {
  definitionOf,
  type Json,
  type OpenApiContext,
  type OpenApiVersion,
  scalarDefinition,
} from '../../api/schema/openapi.ts';
import { field, list, type ObjectSchema, object, required, string } from '../../api/schema/schema.ts';
import { descriptionOf } from '../../api/types/descriptions.ts';
import { APIGroup, APIGroupList, APIResourceList, APIVersions } from '../../api/types/meta/discovery.ts';
import { GroupResource } from '../../api/types/meta/group-version.ts';
import { ListMeta } from '../../api/types/meta/list-meta.ts';
import { ObjectMeta } from '../../api/types/meta/object-meta.ts';
import { DeleteOptions } from '../../api/types/meta/options.ts';
import { Status } from '../../api/types/meta/status.ts';
import { WatchEvent } from '../../api/types/meta/watch-event.ts';
import { Info } from '../../api/types/version/info.ts';

const META = 'io.k8s.apimachinery.pkg.apis.meta.v1.';
const PATCH = `${META}Patch`;

/** What all groups share. */
const SHARED: readonly ObjectSchema[] = [
  APIGroup,
  APIGroupList,
  APIResourceList,
  APIVersions,
  DeleteOptions,
  GroupResource,
  Info,
  Status,
  WatchEvent,
] as readonly ObjectSchema<unknown>[];

interface Kind {
  readonly group: string;
  readonly version: string;
  readonly kind: string;
}

/** Custom resources have no name of their own: theirs is the group backwards. */
export function definitionName({ schema, group, version, kind }: ResourceDefinition): string {
  return schema.custom ? `${group.split('.').reverse().join('.')}.${version}.${kind}` : (schema.name ?? kind);
}

export function listName(resource: ResourceDefinition): string {
  const name = definitionName(resource);
  return `${name.slice(0, name.lastIndexOf('.') + 1)}${resource.listKind}`;
}

/** A custom resource says nothing of what all objects have. */
function wholeObject(schema: ObjectSchema): ObjectSchema {
  if (!schema.custom) return schema;
  const told = (name: string) => ({ description: descriptionOf('', name) ?? '' });
  const common = {
    apiVersion: string(0, told('apiVersion')),
    kind: string(0, told('kind')),
    metadata: field(1, ObjectMeta, told('metadata')),
  };
  return { ...schema, fields: { ...common, ...schema.fields, ...common } };
}

function listSchema(name: string, items: ObjectSchema): ObjectSchema {
  const fields = {
    apiVersion: string(0),
    items: list(2, items, { required, emitZero: null }),
    kind: string(0),
    metadata: field(1, ListMeta, { emitZero: {} }),
  };
  return object(name, fields) as ObjectSchema<unknown>;
}

/** All definitions by name, one after the other: building them takes too long for one turn of the event loop. */
export function* definitions(
  resources: readonly ResourceDefinition[],
  version: OpenApiVersion,
): Iterable<readonly [string, Json]> {
  const seen = new Set<string>();
  const waiting: [string, ObjectSchema | undefined][] = [];
  const context: OpenApiContext = {
    version,
    refer: (name, schema) => void waiting.push([name, schema]),
    describe: descriptionOf,
  };
  const kinds = kindsOf(resources);

  for (const resource of resources) {
    const name = definitionName(resource);
    const whole: ObjectSchema = { ...wholeObject(resource.schema), name };
    waiting.push([name, whole]);
    if (resource.verbs.includes('list')) waiting.push([listName(resource), listSchema(listName(resource), whole)]);
    for (const part of Object.values(resource.subresources)) {
      if (part.schema?.name !== undefined && !isConnect(part)) waiting.push([part.schema.name, part.schema]);
    }
  }
  for (const schema of SHARED) waiting.push([schema.name!, schema]);
  waiting.push([PATCH, undefined]);

  for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
    const [name, schema] = next;
    if (seen.has(name)) continue;
    seen.add(name);
    const body = schema === undefined ? scalarOf(name, version) : definitionOf(schema, context);
    const its = kinds.get(name);
    if (its !== undefined) body['x-kubernetes-group-version-kind'] = its;
    yield [name, body];
  }
}

function scalarOf(name: string, version: OpenApiVersion): Json {
  const description = descriptionOf(name, '');
  return { ...(description !== undefined && { description }), ...scalarDefinition(name, version) };
}

/** Streams take their options from the query; there is no object behind them. */
export function isConnect(part: SubresourceDefinition): boolean {
  return part.kind?.endsWith('Options') === true;
}

function kindsOf(resources: readonly ResourceDefinition[]): Map<string, Kind[]> {
  const kinds = new Map<string, Kind[]>();
  const add = (name: string, kind: Kind) => {
    const known = kinds.get(name) ?? [];
    if (!known.some((one) => one.group === kind.group && one.version === kind.version)) known.push(kind);
    kinds.set(name, known);
  };
  for (const resource of resources) {
    const { group, version, kind, listKind, subresources } = resource;
    add(definitionName(resource), { group, version, kind });
    if (resource.verbs.includes('list')) add(listName(resource), { group, version, kind: listKind });
    for (const part of Object.values(subresources)) {
      if (part.schema?.name === undefined || part.kind === undefined) continue;
      add(part.schema.name, { group: part.group ?? group, version: part.version ?? version, kind: part.kind });
    }
  }
  for (const kind of ['APIGroup', 'APIGroupList', 'APIResourceList', 'APIVersions', 'Status']) {
    add(`${META}${kind}`, { group: '', version: 'v1', kind });
  }
  // These two are known in every group.
  const versions = new Map(resources.map((resource) => [apiVersionOf(resource), resource]));
  for (const kind of ['DeleteOptions', 'WatchEvent']) {
    for (const { group, version } of versions.values()) add(`${META}${kind}`, { group, version, kind });
  }
  return kinds;
}
