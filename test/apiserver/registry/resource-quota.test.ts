import assert from 'node:assert/strict';
import { test } from 'node:test';
import { pods, resourceQuotas, secrets, services } from '../../../api/types/core/resources.ts';
import { TestRegistry } from './fixture.ts';

async function quota(api: TestRegistry, hard: Record<string, string>): Promise<void> {
  const metadata = { name: 'q', namespace: 'ns' };
  const made = await api.client.create(resourceQuotas, { metadata, spec: { hard } } as never);
  const used = Object.fromEntries(Object.keys(hard).map((name) => [name, '0']));
  await api.client.update(resourceQuotas, { ...made, status: { hard, used } } as never, { subresource: 'status' });
}

const secret = (name: string) => ({ metadata: { name, namespace: 'ns' } }) as never;
const pod = (name: string, resources?: object) =>
  ({
    metadata: { name, namespace: 'ns' },
    spec: { containers: [{ name: 'app', image: 'i', ...(resources && { resources }) }] },
  }) as never;

async function usedOf(api: TestRegistry): Promise<unknown> {
  return (await api.client.get(resourceQuotas, { namespace: 'ns', name: 'q' })).status.used;
}

test('what comes is charged, and refused when it is too much, however many come at once', async () => {
  await using api = await TestRegistry.open();
  await quota(api, { secrets: '3' });
  const all = Array.from({ length: 10 }, (_, i) => api.client.create(secrets, secret(`s${i}`)));
  const done = await Promise.allSettled(all);
  assert.equal(done.filter(({ status }) => status === 'fulfilled').length, 3);
  const refused = done.find(({ status }) => status === 'rejected') as PromiseRejectedResult;
  assert.match(
    String(refused.reason.message),
    /secrets "s\d" is forbidden: exceeded quota: q, requested: secrets=1, used: secrets=3, limited: secrets=3/,
  );
  assert.deepEqual(await usedOf(api), { secrets: '3' });
});

test('containers must say what a quota counts, and sums are compared', async () => {
  await using api = await TestRegistry.open();
  await quota(api, { 'requests.cpu': '1', 'limits.memory': '1Gi', pods: '3' });
  await assert.rejects(
    api.client.create(pods, pod('a')),
    /pods "a" is forbidden: failed quota: q: must specify limits.memory for: app; requests.cpu for: app/,
  );
  await api.client.create(pods, pod('b', { requests: { cpu: '600m' }, limits: { memory: '100Mi' } }));
  await assert.rejects(
    api.client.create(pods, pod('c', { requests: { cpu: '600m' }, limits: { memory: '2Gi' } })),
    /requested: limits.memory=2Gi,requests.cpu=600m, used: limits.memory=100Mi,requests.cpu=600m, limited: limits.memory=1Gi,requests.cpu=1/,
  );
  assert.deepEqual(await usedOf(api), { 'requests.cpu': '600m', 'limits.memory': '100Mi', pods: '1' });
});

test('an update is charged what it takes more', async () => {
  await using api = await TestRegistry.open();
  await quota(api, { 'services.nodeports': '0', services: '1' });
  const ports = [{ port: 80 }];
  const service = { metadata: { name: 's', namespace: 'ns' }, spec: { ports } } as never;
  const made = await api.client.create(services, service);
  const next = { ...made, spec: { ...made.spec, type: 'NodePort' } };
  await assert.rejects(
    api.client.update(services, next as never),
    /exceeded quota: q, requested: services.nodeports=1/,
  );
  assert.deepEqual(await usedOf(api), { 'services.nodeports': '0', services: '1' });
});
