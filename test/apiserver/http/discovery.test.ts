import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ResourceDefinition } from '../../../api/resource.ts';
import { ApiError } from '../../../api/status.ts';
import { builtinGroups, builtinResources } from '../../../api/types/resources.ts';
import { AGGREGATED } from '../../../apiserver/http/discovery.ts';
import { Discovery, type DiscoveryTarget } from '../../../apiserver/http/discovery-answer.ts';

const serving = { resources: builtinResources, groups: builtinGroups, serverAddress: '10.0.0.1:6443' };
const discovery = new Discovery(serving);
const asked = (target: DiscoveryTarget, accept?: string, from = discovery) => {
  const answer = from.answer(target, accept);
  return answer && { type: answer.contentType, body: JSON.parse(Buffer.concat([...answer.chunks]).toString()) };
};

test('/api names the versions of the core group and where the server is', () => {
  assert.deepEqual(asked({ group: '' }), {
    type: 'application/json',
    body: {
      kind: 'APIVersions',
      versions: ['v1'],
      serverAddressByClientCIDRs: [{ clientCIDR: '0.0.0.0/0', serverAddress: '10.0.0.1:6443' }],
    },
  });
});

test('/apis lists groups in the order of their priority, the core group not among them', () => {
  const { body } = asked({})!;
  const names = body.groups.map((group: { name: string }) => group.name);
  assert.deepEqual(names.slice(0, 3), ['apiregistration.k8s.io', 'apps', 'events.k8s.io']);
  assert.deepEqual(names.slice(-3), ['discovery.k8s.io', 'resource.k8s.io', 'flowcontrol.apiserver.k8s.io']);
  assert.equal(names.includes(''), false);
});

test('a group tells its versions, the preferred one first', () => {
  assert.deepEqual(asked({ group: 'autoscaling' })?.body, {
    kind: 'APIGroup',
    apiVersion: 'v1',
    name: 'autoscaling',
    versions: [
      { groupVersion: 'autoscaling/v2', version: 'v2' },
      { groupVersion: 'autoscaling/v1', version: 'v1' },
    ],
    preferredVersion: { groupVersion: 'autoscaling/v2', version: 'v2' },
  });
});

test('resources come sorted with their subresources and the hash of what is stored', () => {
  const { body } = asked({ group: 'apps', version: 'v1' })!;
  const deployments = body.resources.filter(({ name }: { name: string }) => name.startsWith('deployments'));
  const all = ['create', 'delete', 'deletecollection', 'get', 'list', 'patch', 'update', 'watch'];
  const verbs = ['get', 'patch', 'update'];
  assert.deepEqual(deployments, [
    {
      name: 'deployments',
      singularName: 'deployment',
      namespaced: true,
      kind: 'Deployment',
      verbs: all,
      shortNames: ['deploy'],
      categories: ['all'],
      storageVersionHash: '8aSe+NMegvE=',
    },
    {
      name: 'deployments/scale',
      singularName: '',
      namespaced: true,
      group: 'autoscaling',
      version: 'v1',
      kind: 'Scale',
      verbs,
    },
    { name: 'deployments/status', singularName: '', namespaced: true, kind: 'Deployment', verbs },
  ]);
  assert.equal('apiVersion' in asked({ group: '', version: 'v1' })!.body, false);
});

const hashes: { group: string; version: string; name: string; hash: string | undefined }[] = [
  { group: '', version: 'v1', name: 'pods', hash: 'xPOwRZ+Yhw8=' },
  { group: 'autoscaling', version: 'v1', name: 'horizontalpodautoscalers', hash: 'qwQve8ut294=' },
  { group: 'authorization.k8s.io', version: 'v1', name: 'subjectaccessreviews', hash: undefined },
];
for (const { group, version, name, hash } of hashes) {
  test(`the storage version of ${name} hashes to ${hash}`, () => {
    const { body } = asked({ group, version })!;
    const entry = body.resources.find((resource: { name: string }) => resource.name === name);
    assert.equal(entry.storageVersionHash, hash);
  });
}

test('a client that asks for the aggregated form gets everything at once', () => {
  for (const accept of [AGGREGATED, `${AGGREGATED},application/json;q=0.5`]) {
    const { type, body } = asked({}, accept)!;
    assert.equal(type, AGGREGATED);
    assert.equal(body.items.length, builtinGroups.length - 1);
    const apps = body.items.find((item: { metadata: { name: string } }) => item.metadata.name === 'apps');
    const sets = apps.versions[0].resources.find((one: { resource: string }) => one.resource === 'replicasets');
    assert.deepEqual(sets.responseKind, { group: '', version: '', kind: 'ReplicaSet' });
    assert.deepEqual(sets.subresources[0].responseKind, { group: 'autoscaling', version: 'v1', kind: 'Scale' });
  }
});

test('custom kinds are told with their group and version', () => {
  const resource: ResourceDefinition = {
    ...builtinResources[0]!,
    group: 'example.com',
    version: 'v2',
    kind: 'Thing',
    plural: 'things',
    schema: { kind: 'object', custom: true, fields: {} },
    subresources: {},
  };
  const own = { resources: [resource], groups: [{ group: 'example.com', versions: ['v2'] }], serverAddress: 'x' };
  const { body } = asked({}, AGGREGATED, new Discovery(own))!;
  const { responseKind } = body.items[0].versions[0].resources[0];
  assert.deepEqual(responseKind, { group: 'example.com', version: 'v2', kind: 'Thing' });
});

test('what is not there is undefined, and an unknown form is refused', () => {
  assert.equal(asked({ group: 'nope' }), undefined);
  assert.equal(asked({ group: 'apps', version: 'v9' }), undefined);
  const message =
    'only the following media types are accepted: application/json, application/yaml, application/vnd.kubernetes.protobuf';
  for (const version of ['v9', 'v2beta1']) {
    const accept = AGGREGATED.replace('v=v2', `v=${version}`);
    assert.throws(() => asked({}, accept), new ApiError(406, 'NotAcceptable', message));
  }
});
