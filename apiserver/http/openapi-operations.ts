// The operations of the REST API as OpenAPI names them: one list of paths from the table of resources, in a form that
// both versions of the document are written from.
import { apiVersionOf, type ResourceDefinition, type SubresourceDefinition } from '../../api/resource.ts';
import { type ObjectSchema, resolve } from '../../api/schema/schema.ts';
import { definitionName, isConnect, listName } from './openapi-definitions.ts';

export type Method = 'get' | 'put' | 'post' | 'delete' | 'options' | 'head' | 'patch';

export interface Parameter {
  readonly name: string;
  readonly in: 'query' | 'path';
  readonly type: 'string' | 'boolean' | 'integer';
}

export interface Operation {
  readonly operationId: string;
  readonly tag: string;
  readonly action?: string;
  readonly kind?: { readonly group: string; readonly version: string; readonly kind: string };
  /** Media types of the answer. */
  readonly produces: readonly string[];
  readonly consumes: readonly string[];
  readonly parameters: readonly Parameter[];
  readonly body?: { readonly ref: string; readonly required: boolean };
  /** What is answered, by code: the name of a definition, or 'string'. */
  readonly answers: Readonly<Record<string, string>>;
}

export interface PathItem {
  readonly path: string;
  /** Which document of version 3 it is in: `apis/apps/v1`. */
  readonly document: string;
  readonly parameters: readonly Parameter[];
  readonly operations: Readonly<Partial<Record<Method, Operation>>>;
}

const META = 'io.k8s.apimachinery.pkg.apis.meta.v1.';
const ENCODINGS = ['application/json', 'application/yaml', 'application/vnd.kubernetes.protobuf'];
const STREAMS = [...ENCODINGS, 'application/json;stream=watch', 'application/vnd.kubernetes.protobuf;stream=watch'];
const ANY = ['*/*'];
/** Custom kinds have no messages, and kubectl looks here for how it may patch them. */
const isForCustom = (type: string) => !/protobuf|strategic/.test(type);
const PATCHES = [
  'application/json-patch+json',
  'application/merge-patch+json',
  'application/strategic-merge-patch+json',
  'application/apply-patch+yaml',
];

const BOOLEANS = new Set([
  'allowWatchBookmarks',
  'sendInitialEvents',
  'watch',
  'force',
  'orphanDependents',
  'ignoreStoreReadErrorWithClusterBreakingPotential',
]);
const INTEGERS = new Set(['limit', 'timeoutSeconds', 'gracePeriodSeconds']);

function query(...names: string[]): Parameter[] {
  return names.map((name) => ({
    name,
    in: 'query',
    type: BOOLEANS.has(name) ? 'boolean' : INTEGERS.has(name) ? 'integer' : 'string',
  }));
}

const SELECT = ['continue', 'fieldSelector', 'labelSelector', 'limit', 'resourceVersion', 'resourceVersionMatch'];
const LIST = query('allowWatchBookmarks', ...SELECT, 'sendInitialEvents', 'shardSelector', 'timeoutSeconds', 'watch');
const WRITE = query('dryRun', 'fieldManager', 'fieldValidation');
const PATCH = query('dryRun', 'fieldManager', 'fieldValidation', 'force');
const DELETE_OPTIONS = [
  'gracePeriodSeconds',
  'ignoreStoreReadErrorWithClusterBreakingPotential',
  'orphanDependents',
  'propagationPolicy',
];
const DELETE = query('dryRun', ...DELETE_OPTIONS);
const DELETE_ALL = query(
  'dryRun',
  ...DELETE_OPTIONS,
  ...SELECT,
  'sendInitialEvents',
  'shardSelector',
  'timeoutSeconds',
);
const PRETTY = query('pretty');
const NAME: Parameter = { name: 'name', in: 'path', type: 'string' };
const NAMESPACE: Parameter = { name: 'namespace', in: 'path', type: 'string' };
const PATH: Parameter = { name: 'path', in: 'path', type: 'string' };

export function pathItems(resources: readonly ResourceDefinition[]): PathItem[] {
  const items = [...rootPaths(resources), ...resources.flatMap(resourcePaths)];
  return items.sort((a, b) => (a.path < b.path ? -1 : 1));
}

function rootPaths(resources: readonly ResourceDefinition[]): PathItem[] {
  const read = (path: string, operationId: string, tag: string, answer: string, type = ENCODINGS): PathItem => ({
    path,
    document: path.replace(/^\/|\/$/g, ''),
    parameters: [],
    operations: {
      get: { operationId, tag, produces: type, consumes: type, parameters: [], answers: { 200: answer } },
    },
  });
  const json = ['application/json'];
  const items = [
    read(
      '/.well-known/openid-configuration/',
      'getServiceAccountIssuerOpenIDConfiguration',
      'WellKnown',
      'string',
      json,
    ),
    read('/openid/v1/jwks/', 'getServiceAccountIssuerOpenIDKeyset', 'openid', 'string', ['application/jwk-set+json']),
    read('/version/', 'getCodeVersion', 'version', 'io.k8s.apimachinery.pkg.version.Info', json),
    read('/api/', 'getCoreAPIVersions', 'core', `${META}APIVersions`),
    read('/apis/', 'getAPIVersions', 'apis', `${META}APIGroupList`),
  ];
  const groups = new Set(resources.map(({ group }) => group));
  groups.delete('');
  for (const group of groups) {
    items.push(read(`/apis/${group}/`, `get${titleOf(group)}APIGroup`, tagOf(group), `${META}APIGroup`));
  }
  const versions = new Map(resources.map((resource) => [apiVersionOf(resource), resource]));
  for (const { group, version } of versions.values()) {
    const id = `get${titleOf(group)}${upper(version)}APIResources`;
    items.push(read(`${base(group, version)}/`, id, `${tagOf(group)}_${version}`, `${META}APIResourceList`));
  }
  return items;
}

/** `rbac.authorization.k8s.io` is RbacAuthorization in names of operations and rbacAuthorization in tags. */
function words(group: string): string[] {
  return group === '' ? ['core'] : group.replace(/\.k8s\.io$/, '').split('.');
}
function titleOf(group: string): string {
  return words(group).map(upper).join('');
}
function tagOf(group: string): string {
  const [first = '', ...rest] = words(group);
  return first + rest.map(upper).join('');
}
function upper(word: string): string {
  return word.slice(0, 1).toUpperCase() + word.slice(1);
}
function base(group: string, version: string): string {
  return group === '' ? `/api/${version}` : `/apis/${group}/${version}`;
}

function resourcePaths(resource: ResourceDefinition): PathItem[] {
  const { group, version, kind, plural, namespaced } = resource;
  const root = base(group, version);
  const prefix = `${titleOf(group)}${upper(version)}`;
  const scope = namespaced ? 'Namespaced' : '';
  const inNamespace = namespaced ? [NAMESPACE] : [];
  const within = namespaced ? '/namespaces/{namespace}' : '';
  const can = new Set<string>(resource.verbs);
  const own = definitionName(resource);
  const shared = { tag: `${tagOf(group)}_${version}`, kind: { group, version, kind } };
  const verb = verbs(shared, own, resource.returnsDeleted ? own : `${META}Status`, resource.schema.custom);
  const list = (id: string) => verb.list(id, listName(resource));
  const item = (path: string, parameters: readonly Parameter[], operations: PathItem['operations']): PathItem[] =>
    Object.keys(operations).length === 0 ? [] : [{ path, document: root.slice(1), parameters, operations }];
  const watch = (path: string, parameters: readonly Parameter[], id: string, action: string) =>
    can.has('watch') ? item(path, [...LIST, ...parameters, ...PRETTY], { get: verb.watch(id, action) }) : [];

  return [
    ...item(`${root}${within}/${plural}`, [...inNamespace, ...PRETTY], {
      ...(can.has('list') && { get: list(`list${prefix}${scope}${kind}`) }),
      ...(can.has('create') && { post: verb.create(`create${prefix}${scope}${kind}`) }),
      ...(can.has('deletecollection') && { delete: verb.deleteAll(`delete${prefix}Collection${scope}${kind}`) }),
    }),
    ...item(`${root}${within}/${plural}/{name}`, [NAME, ...inNamespace, ...PRETTY], {
      ...(can.has('get') && { get: verb.get(`read${prefix}${scope}${kind}`) }),
      ...(can.has('update') && { put: verb.update(`replace${prefix}${scope}${kind}`) }),
      ...(can.has('patch') && { patch: verb.patch(`patch${prefix}${scope}${kind}`) }),
      ...(can.has('delete') && { delete: verb.delete(`delete${prefix}${scope}${kind}`) }),
    }),
    ...(namespaced && can.has('list')
      ? [
          ...item(`${root}/${plural}`, [...LIST, ...PRETTY], {
            get: { ...list(`list${prefix}${kind}ForAllNamespaces`), parameters: [] },
          }),
          ...watch(`${root}/watch/${plural}`, [], `watch${prefix}${kind}ListForAllNamespaces`, 'watchlist'),
        ]
      : []),
    ...watch(`${root}/watch${within}/${plural}`, inNamespace, `watch${prefix}${scope}${kind}List`, 'watchlist'),
    ...watch(
      `${root}/watch${within}/${plural}/{name}`,
      [NAME, ...inNamespace],
      `watch${prefix}${scope}${kind}`,
      'watch',
    ),
    ...Object.entries(resource.subresources).flatMap(([name, part]) => {
      const at = `${root}${within}/${plural}/{name}/${name}`;
      const parameters = [NAME, ...inNamespace];
      if (isConnect(part)) {
        const id = [prefix, `${scope}${kind}${upper(name)}`] as const;
        return connectPaths(at, root.slice(1), parameters, part, { ...shared, kind: kindOf(resource, part) }, id);
      }
      const suffix = `${prefix}${scope}${kind}${upper(name)}`;
      const body = part.schema?.name ?? own;
      const does = verbs({ ...shared, kind: kindOf(resource, part) }, body, body, resource.schema.custom);
      const may = new Set<string>(part.verbs);
      const read = part.schema === undefined && name === 'log' ? 'string' : body;
      return item(at, [...parameters, ...PRETTY], {
        ...(may.has('get') && { get: { ...does.get(`read${suffix}`), answers: { 200: read } } }),
        ...(may.has('create') && { post: does.create(`create${suffix}`) }),
        ...(may.has('update') && { put: does.update(`replace${suffix}`) }),
        ...(may.has('patch') && { patch: does.patch(`patch${suffix}`) }),
        ...(may.has('delete') && { delete: does.delete(`delete${suffix}`) }),
      });
    }),
  ];
}

function kindOf(resource: ResourceDefinition, part: SubresourceDefinition) {
  const { group = resource.group, version = resource.version, kind = resource.kind } = part;
  return { group, version, kind };
}

type Shared = Pick<Operation, 'tag' | 'kind'>;

function verbs(shared: Shared, own: string, deleted: string, custom = false) {
  const these = (types: readonly string[]) => (custom ? types.filter(isForCustom) : types);
  const operation = (action: string, operationId: string, given: Partial<Operation>): Operation => ({
    ...shared,
    action,
    operationId,
    produces: these(ENCODINGS),
    consumes: ANY,
    parameters: [],
    answers: { 200: own },
    ...given,
  });
  const body = { ref: own, required: true };
  const options = { ref: `${META}DeleteOptions`, required: false };
  const patchBody = { ref: `${META}Patch`, required: true };
  return {
    list: (id: string, ref: string) =>
      operation('list', id, { produces: these(STREAMS), parameters: LIST, answers: { 200: ref } }),
    watch: (id: string, action: string) =>
      operation(action, id, { produces: these(STREAMS), answers: { 200: `${META}WatchEvent` } }),
    get: (id: string) => operation('get', id, {}),
    create: (id: string) =>
      operation('post', id, { parameters: WRITE, body, answers: { 200: own, 201: own, 202: own } }),
    update: (id: string) => operation('put', id, { parameters: WRITE, body, answers: { 200: own, 201: own } }),
    patch: (id: string) =>
      operation('patch', id, {
        consumes: these(PATCHES),
        parameters: PATCH,
        body: patchBody,
        answers: { 200: own, 201: own },
      }),
    delete: (id: string) =>
      operation('delete', id, { parameters: DELETE, body: options, answers: { 200: deleted, 202: deleted } }),
    deleteAll: (id: string) =>
      operation('deletecollection', id, {
        parameters: DELETE_ALL,
        body: options,
        answers: { 200: `${META}Status` },
      }),
  };
}

const METHODS: Readonly<Record<string, Method>> = {
  create: 'post',
  delete: 'delete',
  get: 'get',
  patch: 'patch',
  update: 'put',
};

function connectPaths(
  path: string,
  document: string,
  parameters: readonly Parameter[],
  part: SubresourceDefinition,
  shared: Shared,
  [prefix, suffix]: readonly [string, string],
): PathItem[] {
  const methods = part.verbs.map((verb) => METHODS[verb]!);
  const forwards = part.verbs.length > 2;
  if (forwards) methods.push('head', 'options');
  const operations = (ending: string) =>
    Object.fromEntries(
      methods.map((method): [Method, Operation] => [
        method,
        {
          ...shared,
          action: 'connect',
          operationId: `connect${prefix}${upper(method)}${suffix}${ending}`,
          produces: ANY,
          consumes: ANY,
          parameters: [],
          answers: { 200: 'string' },
        },
      ]),
    );
  const options = optionParameters(part.schema);
  const item = { path, document, parameters: [...parameters, ...options], operations: operations('') };
  if (!forwards) return [item];
  return [
    item,
    {
      ...item,
      path: `${path}/{path}`,
      parameters: [...item.parameters, PATH],
      operations: operations('WithPath'),
    },
  ];
}

function optionParameters(schema: ObjectSchema | undefined): Parameter[] {
  const fields = Object.entries(schema?.fields ?? {}).filter(([name]) => name !== 'apiVersion' && name !== 'kind');
  return fields.map(([name, field]) => {
    const { kind } = resolve(field.schema);
    const type = kind === 'boolean' ? 'boolean' : kind === 'int32' || kind === 'int64' ? 'integer' : 'string';
    return { name, in: 'query', type };
  });
}
