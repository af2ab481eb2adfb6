import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { ApiError, isAlreadyExists, isConflict, isNotFound } from '../../../api/status.ts';
import { deployments } from '../../../api/types/apps/resources.ts';
import { configMaps, namespaces, pods, services } from '../../../api/types/core/resources.ts';
import { TestRegistry } from './fixture.ts';

let api: TestRegistry;
before(async () => {
  api = await TestRegistry.open();
});
after(() => api[Symbol.asyncDispose]());

const aMap = (name: string, more: object = {}) => ({ metadata: { name, namespace: 'ns', ...more }, data: { a: '1' } });
const aPod = (name: string, spec: object = {}) => ({
  metadata: { name, namespace: 'ns' },
  spec: { containers: [{ name: 'app', image: 'app:1' }], ...spec },
});

test('a new object gets a uid, a time and the version of its write', async () => {
  const { metadata } = await api.client.create(configMaps, aMap('fresh'));
  assert.match(metadata.uid, /^[0-9a-f-]{36}$/);
  assert.match(metadata.creationTimestamp, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/);
  assert.equal(Number(metadata.resourceVersion), api.store.revision);
});

test('a pod behind gates says so before the scheduler does', async () => {
  const { status } = await api.client.create(pods, aPod('gated', { schedulingGates: [{ name: 'a.b/c' }] }));
  assert.deepEqual(
    status.conditions?.map(({ type, status: is, reason }) => [type, is, reason]),
    [['PodScheduled', 'False', 'SchedulingGated']],
  );
});

test('the same name twice already exists', async () => {
  await api.client.create(configMaps, aMap('twice'));
  await assert.rejects(api.client.create(configMaps, aMap('twice')), isAlreadyExists);
});

test('a generated name is the prefix and something nobody else has', async () => {
  const many = Array.from({ length: 20 }, () => api.client.create(configMaps, aMap('', { generateName: 'gen-' })));
  const names = (await Promise.all(many)).map(({ metadata }) => metadata.name);
  assert.ok(names.every((name) => /^gen-[a-z0-9]{5}$/.test(name)));
  assert.equal(new Set(names).size, 20);
});

test('an update of a version that is gone conflicts, one without a version overwrites', async () => {
  const first = await api.client.create(configMaps, aMap('versions'));
  await api.client.update(configMaps, { ...first, data: { a: '2' } });
  await assert.rejects(api.client.update(configMaps, { ...first, data: { a: '3' } }), isConflict);
  const blind = { ...first, metadata: { ...first.metadata, resourceVersion: '' }, data: { a: '4' } };
  assert.deepEqual((await api.client.update(configMaps, blind)).data, { a: '4' });
});

test('a write that changes nothing does not move the version', async () => {
  const first = await api.client.create(configMaps, aMap('same'));
  const again = await api.client.update(configMaps, structuredClone(first));
  assert.equal(again.metadata.resourceVersion, first.metadata.resourceVersion);
});

test('patches of many writers at once all take effect', async () => {
  await api.client.create(configMaps, aMap('crowd'));
  const key = { namespace: 'ns', name: 'crowd' };
  const keys = Array.from({ length: 12 }, (_, i) => `k${i}`);
  const patches = keys.map((name) =>
    api.client.patch(configMaps, key, { type: 'merge', body: { data: { [name]: 'x' } } }),
  );
  await Promise.all(patches);
  const { data } = await api.client.get(configMaps, key);
  assert.deepEqual(Object.keys(data!).sort(), ['a', ...keys].sort());
});

test('a dry run answers and leaves nothing', async () => {
  await api.client.create(configMaps, aMap('dry'), { dryRun: true });
  await assert.rejects(api.client.get(configMaps, { namespace: 'ns', name: 'dry' }), isNotFound);
});

test('the generation counts changes of the specification, not of metadata or status', async () => {
  const template = { metadata: { labels: { a: 'b' } }, spec: aPod('x').spec };
  const spec = { replicas: 0, selector: { matchLabels: { a: 'b' } }, template };
  await api.client.create(deployments, { metadata: { name: 'counted', namespace: 'ns' }, spec });
  const key = { namespace: 'ns', name: 'counted' };
  const patch = async (body: object, subresource?: string) => {
    const { metadata } = await api.client.patch(deployments, key, { type: 'merge', body }, { subresource });
    return metadata.generation;
  };
  assert.equal(await patch({ metadata: { labels: { l: 'm' } } }), 1);
  assert.equal(await patch({ status: { replicas: 3 } }, 'status'), 1);
  assert.equal(await patch({ spec: { replicas: 2 } }), 2);
  const { spec: after, status } = await api.client.get(deployments, key);
  assert.equal(after.replicas, 2);
  assert.equal(status.replicas, 3);
});

test('each half of an object is written by its own path only', async () => {
  await api.client.create(pods, aPod('halves'));
  const key = { namespace: 'ns', name: 'halves' };
  const body = { spec: { activeDeadlineSeconds: 5 }, status: { phase: 'Running' } };
  const main = await api.client.patch(pods, key, { type: 'merge', body });
  assert.equal(main.spec.activeDeadlineSeconds, 5);
  assert.equal(main.status.phase, 'Pending');
  const other = { spec: { activeDeadlineSeconds: 4 }, status: { phase: 'Running' } };
  const status = await api.client.patch(pods, key, { type: 'merge', body: other }, { subresource: 'status' });
  assert.equal(status.spec.activeDeadlineSeconds, 5);
  assert.equal(status.status.phase, 'Running');
});

test('a finalizer holds a deleted object until it is taken away', async () => {
  const key = { namespace: 'ns', name: 'held' };
  await api.client.create(configMaps, aMap('held', { finalizers: ['example.com/hold'] }));
  await api.client.delete(configMaps, key);
  assert.ok((await api.client.get(configMaps, key)).metadata.deletionTimestamp);
  await api.client.patch(configMaps, key, { type: 'merge', body: { metadata: { finalizers: null } } });
  await assert.rejects(api.client.get(configMaps, key), isNotFound);
});

test('a pod on a node is given its grace, and a shorter one when asked again', async () => {
  const key = { namespace: 'ns', name: 'graceful' };
  await api.client.create(pods, aPod('graceful', { nodeName: 'n1' }));
  const grace = async (gracePeriodSeconds?: number) => {
    await api.client.delete(pods, key, { gracePeriodSeconds });
    return (await api.client.get(pods, key)).metadata.deletionGracePeriodSeconds;
  };
  assert.equal(await grace(), 30);
  assert.equal(await grace(60), 30);
  assert.equal(await grace(5), 5);
  await api.client.delete(pods, key, { gracePeriodSeconds: 0 });
  await assert.rejects(api.client.get(pods, key), isNotFound);
});

test('a deletion meant for another object is refused', async () => {
  await api.client.create(configMaps, aMap('meant'));
  const wrong = { preconditions: { uid: '11111111-2222-3333-4444-555555555555' } };
  await assert.rejects(api.client.delete(configMaps, { namespace: 'ns', name: 'meant' }, wrong), isConflict);
});

test('a collection is deleted by what its labels say', async () => {
  for (const [name, l] of [
    ['c1', 'x'],
    ['c2', 'x'],
    ['c3', 'y'],
  ])
    await api.client.create(configMaps, aMap(name!, { labels: { l: l! } }));
  await api.client.deleteCollection(configMaps, { namespace: 'ns', labelSelector: 'l=x' });
  const left = await api.client.list(configMaps, { namespace: 'ns', labelSelector: 'l' });
  assert.deepEqual(
    left.items.map(({ metadata }) => metadata.name),
    ['c3'],
  );
});

test('a namespace turns Terminating, takes nothing new, and goes when it is finalized', async () => {
  await api.client.create(namespaces, { metadata: { name: 'going' }, spec: {} });
  await api.client.delete(namespaces, { name: 'going' });
  const going = await api.client.get(namespaces, { name: 'going' });
  assert.equal(going.status.phase, 'Terminating');
  const late = { metadata: { name: 'late', namespace: 'going' } };
  await assert.rejects(api.client.create(configMaps, late), /being terminated/);
  await api.client.update(namespaces, { ...going, spec: { finalizers: [] } }, { subresource: 'finalize' });
  await assert.rejects(api.client.get(namespaces, { name: 'going' }), isNotFound);
});

test('services share out addresses and ports, never twice, and give them back', async () => {
  const made = await Promise.all(
    Array.from({ length: 10 }, (_, i) => {
      const spec = { type: 'NodePort' as const, ports: [{ port: 80 + i, targetPort: 80 }] };
      return api.client.create(services, { metadata: { name: `s${i}`, namespace: 'ns' }, spec });
    }),
  );
  assert.equal(new Set(made.map(({ spec }) => spec.clusterIP)).size, 10);
  assert.equal(new Set(made.map(({ spec }) => spec.ports![0]!.nodePort)).size, 10);
  const more = {
    metadata: { name: 's10', namespace: 'ns' },
    spec: { type: 'NodePort' as const, ports: [{ port: 99, targetPort: 9 }] },
  };
  await assert.rejects(api.client.create(services, more), /range is full/);
  await api.client.delete(services, { namespace: 'ns', name: 's3' });
  const again = await api.client.create(services, more);
  assert.equal(again.spec.ports![0]!.nodePort, made[3]!.spec.ports![0]!.nodePort);
});

test('a pod is bound once', async () => {
  await api.client.create(pods, aPod('bound'));
  const key = { namespace: 'ns', name: 'bound' };
  const bind = (name: string) =>
    api.client.post(pods, key, 'binding', { metadata: { name: 'bound' }, target: { kind: 'Node', name } });
  const results = await Promise.allSettled([bind('n1'), bind('n2'), bind('n3')]);
  assert.equal(results.filter(({ status }) => status === 'fulfilled').length, 1);
});

test('what is wrong with an object is said field by field', async () => {
  const wrong = api.client.create(pods, { ...aPod('Wrong'), spec: { containers: [{ name: 'app' }] } });
  await assert.rejects(wrong, (err: unknown) => {
    assert.ok(err instanceof ApiError);
    const fields = err.details?.causes?.map(({ field }) => field);
    assert.deepEqual(fields, ['metadata.name', 'spec.containers[0].image']);
    return err.code === 422;
  });
});

test('how dependents go is one of three ways, said in one way', async () => {
  await api.client.create(configMaps, aMap('owner'));
  const go = (options: object) => api.client.delete(configMaps, { namespace: 'ns', name: 'owner' }, options as never);
  const invalid = /^DeleteOptions.meta.k8s.io "" is invalid: propagationPolicy: /;
  await assert.rejects(go({ propagationPolicy: 'Odd' }), ({ message }: Error) => {
    assert.match(message, invalid);
    assert.match(message, /Unsupported value: "Odd": supported values: "Foreground", "Background", "Orphan", "nil"$/);
    return true;
  });
});
