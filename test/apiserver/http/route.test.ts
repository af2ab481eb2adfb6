import assert from 'node:assert/strict';
import { test } from 'node:test';
import { builtinResources } from '../../../api/types/resources.ts';
import { type ResourceTarget, routeOf, type Served, verbOf } from '../../../apiserver/http/route.ts';

const served: Served = {
  find: (group, plural, version) =>
    builtinResources.find(
      (each) => each.group === group && each.plural === plural && (version === undefined || each.version === version),
    ),
  hasGroup: (group) => builtinResources.some((each) => each.group === group),
  hasVersion: (group, version) => builtinResources.some((each) => each.group === group && each.version === version),
  isCustomGroup: () => false,
};

const targets: [path: string, wants: string][] = [
  ['/api/v1/pods', 'pods'],
  ['/api/v1/namespaces', 'namespaces'],
  ['/api/v1/namespaces/a', 'namespaces /a'],
  ['/api/v1/namespaces/a/status', 'namespaces /a status'],
  ['/api/v1/namespaces/a/finalize', 'namespaces /a finalize'],
  ['/api/v1/namespaces/a/pods', 'pods a/'],
  ['/api/v1/namespaces/a/pods/x', 'pods a/x'],
  ['/api/v1/namespaces/a/pods/x/log', 'pods a/x log'],
  ['/api/v1/namespaces/a/pods/x/proxy/b/c', 'pods a/x proxy b/c'],
  ['/api/v1/watch/namespaces/a/pods', 'pods a/ watch'],
  ['/api/v1/nodes/n', 'nodes /n'],
  ['/apis/apps/v1/namespaces/a/deployments/d/scale', 'deployments a/d scale'],
  ['/apis/rbac.authorization.k8s.io/v1/clusterroles/system%3Anode', 'clusterroles /system:node'],
];
for (const [path, wants] of targets) {
  test(`${path} is ${wants}`, () => {
    const target = routeOf(path, served);
    assert.ok(target.type === 'resource');
    const { resource, namespace, name, subresource, subpath, watch } = target;
    const where = namespace || name ? [`${namespace}/${name}`] : [];
    const words = [resource.plural, ...where, subresource, subpath, watch ? 'watch' : undefined];
    assert.equal(words.filter((word) => word !== undefined).join(' '), wants);
  });
}

const nowhere = [
  '/api/v2',
  '/api/v1/gizmos',
  '/api/v1/pods/x',
  '/api/v1/namespaces/a/nodes',
  '/api/v1/namespaces/a/pods/x/gizmo',
  '/apis/apps/v1/namespaces/a/',
  '/apis/apps/v9/deployments',
];
for (const path of nowhere) {
  test(`${path} is nowhere`, () => assert.throws(() => routeOf(path, served), /could not find the requested resource/));
}

test('a group that nobody serves is none of the resources', () => {
  assert.deepEqual(routeOf('/apis/nope.example.com/v1/things', served), { type: 'other' });
});

const verbs: [method: string, path: string, query: string, wants: string | RegExp][] = [
  ['GET', '/api/v1/pods', '', 'list'],
  ['GET', '/api/v1/pods', 'watch=true', 'watch'],
  ['GET', '/api/v1/pods', 'watch=0', 'list'],
  ['GET', '/api/v1/namespaces/a/pods/x', 'watch=1', 'get'],
  ['POST', '/api/v1/namespaces/a/pods', '', 'create'],
  ['POST', '/api/v1/namespaces/a/pods/x', '', /does not allow this method/],
  ['POST', '/api/v1/namespaces/a/pods/x/eviction', '', 'create'],
  ['DELETE', '/api/v1/namespaces', '', /does not allow this method/],
  ['DELETE', '/api/v1/namespaces/a/pods', '', 'deletecollection'],
  ['PUT', '/api/v1/namespaces/a/pods/x/log', '', /does not allow this method/],
];
for (const [method, path, query, wants] of verbs) {
  test(`${method} ${path}${query && `?${query}`} is ${wants}`, () => {
    const ask = () => verbOf(method, routeOf(path, served) as ResourceTarget, new URLSearchParams(query));
    if (typeof wants === 'string') assert.equal(ask(), wants);
    else assert.throws(ask, wants);
  });
}
