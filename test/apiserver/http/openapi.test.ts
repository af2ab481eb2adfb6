import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ResourceDefinition } from '../../../api/resource.ts';
import { BYTES, Reader } from '../../../api/schema/protobuf-wire.ts';
import { builtinResources } from '../../../api/types/resources.ts';
import type { Answer } from '../../../apiserver/http/answer.ts';
import { OpenApi } from '../../../apiserver/http/openapi.ts';

const CORE = 'io.k8s.api.core.v1.';
const openapi = new OpenApi(builtinResources, { title: 'Kubernetes', version: 'v1.36.0' });
const bytesOf = (answer: Answer | undefined) => Buffer.concat([...answer!.chunks]);
const jsonOf = (answer: Answer | undefined) => JSON.parse(bytesOf(answer).toString());
const v2 = async (from = openapi) => jsonOf(await from.v2({ accept: 'application/json' }));
const v3 = async (name: string, from = openapi) => jsonOf(await from.v3(name, {}));

function* refsOf(value: unknown): Iterable<string> {
  if (typeof value !== 'object' || value === null) return;
  for (const [key, inner] of Object.entries(value)) {
    if (key === '$ref' && typeof inner === 'string') yield inner;
    else yield* refsOf(inner);
  }
}

function at(document: unknown, ref: string): unknown {
  let value = document;
  for (const part of ref.slice(2).split('/')) value = (value as Record<string, unknown> | undefined)?.[part];
  return value;
}

test('version 2: every reference leads somewhere', async () => {
  const document = await v2();
  for (const ref of refsOf(document)) assert.notEqual(at(document, ref), undefined, ref);
});

test('version 2: fields carry their merge keys and types, kinds their names', async () => {
  const { definitions } = await v2();
  const { description: _, ...containers } = definitions[`${CORE}PodSpec`].properties.containers;
  assert.deepEqual(containers, {
    type: 'array',
    items: { $ref: `#/definitions/${CORE}Container` },
    'x-kubernetes-list-type': 'map',
    'x-kubernetes-list-map-keys': ['name'],
    'x-kubernetes-patch-strategy': 'merge',
    'x-kubernetes-patch-merge-key': 'name',
  });
  assert.deepEqual(definitions[`${CORE}Pod`]['x-kubernetes-group-version-kind'], [
    { group: '', version: 'v1', kind: 'Pod' },
  ]);
  assert.deepEqual(definitions[`${CORE}PodList`].required, ['items']);
});

test('a structure that one field merges otherwise keeps its own way everywhere else', async () => {
  const { definitions } = await v2();
  assert.equal(definitions[`${CORE}ObjectReference`]['x-kubernetes-map-type'], 'atomic');
  assert.equal(definitions[`${CORE}PersistentVolumeSpec`].properties.claimRef['x-kubernetes-map-type'], 'granular');
});

const operations: { path: string; method: string; id: string; action: string; kind: string }[] = [
  { path: '/api/v1/pods', method: 'get', id: 'listCoreV1PodForAllNamespaces', action: 'list', kind: 'Pod' },
  {
    path: '/apis/rbac.authorization.k8s.io/v1/clusterroles/{name}',
    method: 'patch',
    id: 'patchRbacAuthorizationV1ClusterRole',
    action: 'patch',
    kind: 'ClusterRole',
  },
  {
    path: '/apis/apps/v1/namespaces/{namespace}/deployments/{name}/scale',
    method: 'put',
    id: 'replaceAppsV1NamespacedDeploymentScale',
    action: 'put',
    kind: 'Scale',
  },
  {
    path: '/api/v1/namespaces/{namespace}/pods/{name}/exec',
    method: 'post',
    id: 'connectCoreV1PostNamespacedPodExec',
    action: 'connect',
    kind: 'PodExecOptions',
  },
  {
    path: '/api/v1/nodes/{name}/proxy/{path}',
    method: 'head',
    id: 'connectCoreV1HeadNodeProxyWithPath',
    action: 'connect',
    kind: 'NodeProxyOptions',
  },
  {
    path: '/api/v1/watch/namespaces/{namespace}/pods',
    method: 'get',
    id: 'watchCoreV1NamespacedPodList',
    action: 'watchlist',
    kind: 'Pod',
  },
];
for (const { path, method, id, action, kind } of operations) {
  test(`${method.toUpperCase()} ${path} is ${id}`, async () => {
    const operation = (await v2()).paths[path][method];
    assert.equal(operation.operationId, id);
    assert.equal(operation['x-kubernetes-action'], action);
    assert.equal(operation['x-kubernetes-group-version-kind'].kind, kind);
  });
}

test('a patch names dryRun and fieldValidation itself, which is where kubectl looks', async () => {
  const path = '/api/v1/namespaces/{namespace}/configmaps/{name}';
  for (const document of [await v2(), await v3('api/v1')]) {
    const names = document.paths[path].patch.parameters.map(({ name }: { name?: string }) => name);
    for (const name of ['dryRun', 'fieldValidation']) assert.ok(names.includes(name), name);
  }
});

test('version 3: the index names a document per group and version, each of which is there', async () => {
  const { paths } = jsonOf(await openapi.v3Index());
  for (const name of ['api', 'apis', 'version', 'api/v1', 'apis/apps', 'apis/apps/v1', 'openid/v1/jwks']) {
    const { serverRelativeURL } = paths[name];
    const url = new URL(serverRelativeURL, 'http://localhost');
    assert.equal(url.pathname, `/openapi/v3/${name}`);
    const answer = await openapi.v3(name, { hash: url.searchParams.get('hash')! });
    assert.equal(answer?.code, 200);
    assert.match(String(answer?.headers?.['cache-control']), /immutable/);
  }
});

for (const name of ['api/v1', 'apis/apps/v1', 'apis/apiextensions.k8s.io/v1', 'version']) {
  test(`version 3: every reference in ${name} leads somewhere, and nothing stands beside one`, async () => {
    const document = await v3(name);
    for (const ref of refsOf(document)) assert.notEqual(at(document, ref), undefined, ref);
    assert.doesNotMatch(JSON.stringify(document), /"\$ref":"[^"]*",/);
  });
}

test('version 3: defaults are what is declared, else the zero of what is always written', async () => {
  const { schemas } = (await v3('api/v1')).components;
  const field = (definition: string, name: string) => {
    const { description: _, ...rest } = schemas[CORE + definition].properties[name];
    return rest;
  };
  assert.equal(field('ContainerPort', 'protocol').default, 'TCP');
  assert.deepEqual(field('ContainerPort', 'containerPort'), { type: 'integer', format: 'int32', default: 0 });
  assert.deepEqual(field('Pod', 'spec'), { allOf: [{ $ref: `#/components/schemas/${CORE}PodSpec` }], default: {} });
  assert.deepEqual(field('Container', 'args').items, { type: 'string', default: '' });
  assert.equal('default' in field('PodSpec', 'hostNetwork'), false);
});

test('what is asked for again is not sent again, what has changed is told where it is now', async () => {
  const first = await openapi.v2({});
  const again = await openapi.v2({ ifNoneMatch: `W/"x", ${first.headers?.['etag']}` });
  assert.equal(again.code, 304);
  const moved = await openapi.v3('version', { hash: 'OLD' });
  assert.equal(moved?.code, 301);
  assert.match(String(moved?.headers?.['location']), /^\/openapi\/v3\/version\?hash=[0-9A-F]+$/);
  assert.equal(await openapi.v3('apis/nope/v1', {}), undefined);
});

test('a client that takes neither form is refused', async () => {
  await assert.rejects(openapi.v2({ accept: 'text/html' }), { code: 406 });
  await assert.rejects(openapi.v3('version', { accept: 'application/protobuf' }), { code: 406 });
});

test('the protobuf form has the paths and definitions of the JSON form', async () => {
  const accept = 'application/com.github.proto-openapi.spec.v2@v1.0+protobuf';
  const answer = await openapi.v2({ accept });
  assert.equal(answer.contentType, 'application/com.github.proto-openapi.spec.v2.v1.0+protobuf');
  const json = await v2();
  const names = new Map<number, string[]>();
  const document = bytesOf(answer);
  const reader = new Reader(document);
  reader.fields(document.length, (field, wire) => {
    if (wire !== BYTES || field < 8 || field > 10) return false;
    const end = reader.end(document.length);
    const found: string[] = [];
    reader.fields(end, () => {
      const entry = reader.bytes(end);
      const inside = new Reader(entry);
      inside.fields(entry.length, (inner) => {
        if (inner !== 1) return false;
        found.push(inside.text(entry.length));
        return true;
      });
      return true;
    });
    names.set(field, found);
    return true;
  });
  assert.deepEqual(names.get(8), Object.keys(json.paths));
  assert.deepEqual(names.get(9), Object.keys(json.definitions));
  assert.deepEqual(names.get(10)?.toSorted(), Object.keys(json.parameters).toSorted());
});

test('a custom kind is published with its constraints, under its group backwards', async () => {
  const resource: ResourceDefinition = {
    group: 'stable.example.com',
    version: 'v1',
    kind: 'CronTab',
    listKind: 'CronTabList',
    plural: 'crontabs',
    singular: 'crontab',
    namespaced: true,
    verbs: ['get', 'list', 'create'],
    subresources: {},
    columns: [],
    schema: {
      kind: 'object',
      custom: true,
      fields: {
        spec: {
          proto: 0,
          schema: {
            kind: 'object',
            fields: {
              replicas: { proto: 0, default: 1, schema: { kind: 'int64', constraints: { min: 1, max: 9 } } },
              port: { proto: 0, schema: { kind: 'intOrString' } },
              more: { proto: 0, schema: { kind: 'object', fields: {}, preserveUnknown: true } },
            },
          },
        },
      },
    },
  };
  const own = new OpenApi([resource], { title: 'x', version: 'y' });
  const { schemas } = (await v3('apis/stable.example.com/v1', own)).components;
  const definition = schemas['com.example.stable.v1.CronTab'];
  assert.deepEqual(Object.keys(definition.properties), ['apiVersion', 'kind', 'metadata', 'spec']);
  assert.deepEqual(definition.properties.spec, {
    type: 'object',
    properties: {
      replicas: { type: 'integer', minimum: 1, maximum: 9, default: 1 },
      port: { 'x-kubernetes-int-or-string': true },
      more: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true },
    },
  });
  assert.ok(schemas['com.example.stable.v1.CronTabList']);
  assert.equal(
    'default' in (await v2(own)).definitions['com.example.stable.v1.CronTab'].properties.spec.properties.replicas,
    false,
  );
});
