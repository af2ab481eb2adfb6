// From a path to what it means: a resource request, a discovery document, or something else. Derived from the table of
// served resources; nothing here names a kind.
import type { ResourceDefinition, Verb } from '../../api/resource.ts';
import { ApiError, notFound } from '../../api/status.ts';

export interface ResourceTarget {
  readonly type: 'resource';
  readonly resource: ResourceDefinition;
  readonly namespace: string;
  readonly name: string;
  readonly subresource?: string;
  readonly subpath?: string;
  /** The path begins with /watch: as if ?watch=true were given. */
  readonly watch: boolean;
}

export type Target =
  | ResourceTarget
  /** /api, /apis, /apis/<group>, /apis/<group>/<version>. */
  | { readonly type: 'discovery'; readonly group?: string; readonly version?: string }
  | { readonly type: 'other' };

/** What of the registry's table a route needs to know. */
export interface Served {
  find(group: string, plural: string, version?: string): ResourceDefinition | undefined;
  hasGroup(group: string): boolean;
  hasVersion(group: string, version: string): boolean;
  /** Of custom resources: what is not there is no page at all. */
  isCustomGroup(group: string): boolean;
}

const OTHER: Target = { type: 'other' };

class NoResource extends ApiError {
  constructor() {
    super(404, 'NotFound', 'the server could not find the requested resource', {});
  }
}

export function routeOf(path: string, served: Served): Target {
  const parts = path.split('/').slice(1).map(decodePart);
  if (parts[0] === 'api') return routeInGroup('', parts.slice(1), served);
  if (parts[0] !== 'apis') return OTHER;
  const group = parts[1];
  if (group === undefined || (group === '' && parts.length === 2)) return { type: 'discovery' };
  if (!served.hasGroup(group)) return OTHER;
  if (!served.isCustomGroup(group)) return routeInGroup(group, parts.slice(2), served);
  try {
    return routeInGroup(group, parts.slice(2), served);
  } catch (err) {
    if (err instanceof NoResource) return OTHER;
    throw err;
  }
}

function decodePart(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}

function routeInGroup(group: string, parts: readonly string[], served: Served): Target {
  const [version, ...rest] = parts;
  if (version === undefined || (version === '' && rest.length === 0)) return { type: 'discovery', group };
  if (!served.hasVersion(group, version)) throw new NoResource();
  if (rest.length === 0 || (rest.length === 1 && rest[0] === '')) return { type: 'discovery', group, version };
  const watch = rest[0] === 'watch';
  const target = resourceAt(group, version, watch ? rest.slice(1) : rest, served);
  return { ...target, watch };
}

function resourceAt(
  group: string,
  version: string,
  parts: readonly string[],
  served: Served,
): Omit<ResourceTarget, 'watch'> {
  const at = (plural: string | undefined) => served.find(group, plural ?? '', version);
  // A namespace is a resource itself, and what other resources live in.
  const own = at(parts[0]);
  const isItself = own !== undefined && (parts.length <= 2 || Object.hasOwn(own.subresources, parts[2]!));
  const inNamespace = parts[0] === 'namespaces' && parts.length >= 3 && !(isItself && group === '');
  const [namespace, rest] = inNamespace ? [parts[1]!, parts.slice(2)] : ['', parts];
  const [plural, name = '', subresource, ...more] = rest;
  const resource = at(plural);
  if (resource === undefined || (rest.at(-1) === '' && more.length === 0)) throw new NoResource();
  if (inNamespace && !resource.namespaced) throw new NoResource();
  if (resource.namespaced && !inNamespace && name !== '') throw new NoResource();
  if (subresource === undefined) return { type: 'resource', resource, namespace, name };
  if (!Object.hasOwn(resource.subresources, subresource)) {
    throw resource.schema.custom ? notFound(resource, name) : new NoResource();
  }
  const subpath = more.length > 0 ? more.join('/') : undefined;
  return { type: 'resource', resource, namespace, name, subresource, ...(subpath !== undefined && { subpath }) };
}

export function methodNotAllowed(): ApiError {
  return new ApiError(405, 'MethodNotAllowed', 'the server does not allow this method on the requested resource', {});
}

const BY_METHOD: Readonly<Record<string, { readonly one?: Verb; readonly many?: Verb }>> = {
  GET: { one: 'get', many: 'list' },
  HEAD: { one: 'get', many: 'list' },
  POST: { one: 'create', many: 'create' },
  PUT: { one: 'update' },
  PATCH: { one: 'patch' },
  DELETE: { one: 'delete', many: 'deletecollection' },
};

/** The verb of a method on this target; refused where the resource does not have it. */
export function verbOf(
  method: string,
  { resource, name, subresource, watch }: ResourceTarget,
  query: URLSearchParams,
): Verb {
  const found = BY_METHOD[method]?.[name === '' ? 'many' : 'one'];
  if (found === undefined) throw methodNotAllowed();
  if (subresource !== undefined) {
    const { verbs } = resource.subresources[subresource]!;
    if (!(verbs as readonly string[]).includes(found)) throw methodNotAllowed();
    return found;
  }
  const asked = query.get('watch');
  const isWatch = watch || (asked !== null && asked !== 'false' && asked !== '0');
  const verb = found === 'list' && isWatch ? 'watch' : found;
  const isCreateByName = verb === 'create' && name !== '';
  if (isCreateByName || !resource.verbs.includes(verb)) throw methodNotAllowed();
  return verb;
}
