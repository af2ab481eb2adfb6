// Custom kinds against a whole API with its controllers, over HTTPS: they come, are used, and go with everything.
import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import type { Client } from '../../../api/client/client.ts';
import { HttpsClient } from '../../../api/client/https-client.ts';
import { Transport } from '../../../api/client/transport.ts';
import type { New } from '../../../api/schema/kind.ts';
import { type ApiError, isNotFound } from '../../../api/status.ts';
import { systemClock } from '../../../api/system.ts';
import { customResourceDefinitions } from '../../../api/types/apiextensions/resources.ts';
import { apiServices } from '../../../api/types/apiregistration/resources.ts';
import { configMaps, namespaces } from '../../../api/types/core/resources.ts';
import { waitFor } from '../../cluster/harness/wait.ts';
import { startTestServer, type TestServer } from '../test-server.ts';
import { aDefinition, anything, aVersion, type Crd, kindOf, withSpec } from './example.ts';

const stack = new AsyncDisposableStack();
let client: Client;
let transport: Transport;

before(async () => {
  const server = stack.use(await startTestServer({ run: ['api', 'controllers'] }));
  ({ client, transport } = await clientOf(server, stack));
});
after(() => stack.disposeAsync());

async function clientOf({ files, url }: TestServer, until: AsyncDisposableStack) {
  const [ca, cert, key] = await Promise.all([files.ca, files.cert, files.key].map((file) => readFile(file)));
  const credentials = () => ({ ca: ca!, cert: cert!, key: key! });
  const transport = until.use(new Transport({ server: url, credentials, userAgent: 'test', clock: systemClock }));
  return { transport, client: new HttpsClient(transport, systemClock) };
}

async function define(of: New<Crd>, as = client): Promise<void> {
  await as.create(customResourceDefinitions, of);
  await waitFor(`${of.metadata.name} to be established`, async () => {
    const { status } = await as.get(customResourceDefinitions, { name: of.metadata.name! });
    return status.conditions?.some(({ type, status }) => type === 'Established' && status === 'True');
  });
}

async function isGone(read: () => Promise<unknown>): Promise<boolean> {
  try {
    await read();
    return false;
  } catch (err) {
    if (isNotFound(err)) return true;
    throw err;
  }
}

async function json(path: string): Promise<Record<string, unknown>> {
  const { body, status } = await transport.request(
    { method: 'GET', path, headers: { accept: 'application/json' } },
    AbortSignal.timeout(30_000),
  );
  const chunks: Buffer[] = [];
  for await (const chunk of body) chunks.push(chunk as Buffer);
  assert.equal(status, 200, path);
  return JSON.parse(Buffer.concat(chunks).toString()) as Record<string, unknown>;
}

test('what is established is served at once, in discovery and in both OpenAPI documents', async () => {
  const of = aDefinition('gadgets', [aVersion('v1', withSpec({ size: { type: 'integer', description: 'How big.' } }))]);
  await define(of);
  const gadgets = kindOf(of);
  const made = await client.create(gadgets, {
    metadata: { name: 'a', namespace: 'default' },
    spec: { size: 1 },
  } as never);
  assert.equal(made.metadata.generation, 1);
  const found = JSON.stringify(await json('/apis/test.example.com/v1'));
  assert.match(found, /"name":"gadgets"/);
  const v2 = JSON.stringify(
    ((await json('/openapi/v2'))['definitions'] as object)['com.example.test.v1.Gadget' as never],
  );
  assert.match(v2, /How big\./);
  assert.match(JSON.stringify(await json('/openapi/v3/apis/test.example.com/v1')), /How big\./);
});

test('a deleted definition takes its objects along, ends watches and is served no more', async () => {
  const of = aDefinition('doomeds', [aVersion('v1', anything)]);
  await define(of);
  const kind = kindOf(of);
  await client.create(kind, { metadata: { name: 'a', namespace: 'default' } });
  const seen: string[] = [];
  const watching = (async () => {
    const stop = AbortSignal.timeout(10_000);
    for await (const event of client.watch(kind, {}, stop)) seen.push(event.type);
  })();
  await waitFor('the watch to begin', async () => seen.length > 0);
  await client.delete(customResourceDefinitions, { name: of.metadata.name! });
  await watching;
  assert.deepEqual(seen, ['ADDED', 'DELETED']);
  await waitFor('the definition to go', () =>
    isGone(() => client.get(customResourceDefinitions, { name: of.metadata.name! })),
  );
  assert.ok(await isGone(() => client.list(kind)));
  // The same name again begins with nothing.
  await define(of);
  assert.deepEqual((await client.list(kind)).items, []);
});

test('objects of a definition that is not served go with it all the same', async () => {
  const of = aDefinition('hiddens', [aVersion('v1', anything)]);
  await define(of);
  const kind = kindOf(of);
  await client.create(kind, { metadata: { name: 'a', namespace: 'default' } });
  const name = of.metadata.name!;
  const body = [{ op: 'replace', path: '/spec/versions/0/served', value: false }];
  await client.patch(customResourceDefinitions, { name }, { type: 'json', body });
  await waitFor('it to be hidden', () => isGone(() => client.list(kind)));
  await client.delete(customResourceDefinitions, { name });
  await waitFor('the definition to go', () => isGone(() => client.get(customResourceDefinitions, { name })));
  await define(of);
  assert.deepEqual((await client.list(kind)).items, []);
});

test('a finalizer on an object holds the definition, and nothing new is made meanwhile', async () => {
  const of = aDefinition('helds', [aVersion('v1', anything)]);
  await define(of);
  const kind = kindOf(of);
  const metadata = { name: 'a', namespace: 'default', finalizers: ['example.com/hold'] };
  await client.create(kind, { metadata });
  await client.delete(customResourceDefinitions, { name: of.metadata.name! });
  await waitFor('the object to be marked', async () => {
    const { metadata } = await client.get(kind, { namespace: 'default', name: 'a' });
    return metadata.deletionTimestamp !== undefined;
  });
  await assert.rejects(client.create(kind, { metadata: { name: 'b', namespace: 'default' } }), (err: ApiError) => {
    assert.equal(err.code, 405);
    assert.equal(err.message, 'create not allowed while custom resource definition is terminating');
    return true;
  });
  const body = { metadata: { finalizers: null } };
  await client.patch(kind, { namespace: 'default', name: 'a' }, { type: 'merge', body });
  await waitFor('the definition to go', () =>
    isGone(() => client.get(customResourceDefinitions, { name: of.metadata.name! })),
  );
});

test('a namespace that is deleted loses its custom objects', async () => {
  const of = aDefinition('tenants', [aVersion('v1', anything)]);
  await define(of);
  const kind = kindOf(of);
  await client.create(namespaces, { metadata: { name: 'leaving' }, spec: {} });
  await client.create(kind, { metadata: { name: 'a', namespace: 'leaving' } });
  await client.delete(namespaces, { name: 'leaving' });
  await waitFor('the namespace to go', () => isGone(() => client.get(namespaces, { name: 'leaving' })));
  assert.deepEqual((await client.list(kind)).items, []);
});

test('custom objects own and are owned', async () => {
  const of = aDefinition('owners', [aVersion('v1', anything)]);
  await define(of);
  const kind = kindOf(of);
  const owner = await client.create(kind, { metadata: { name: 'a', namespace: 'default' } });
  const reference = { apiVersion: 'test.example.com/v1', kind: 'Owner', name: 'a', uid: owner.metadata.uid };
  const metadata = { name: 'owned', namespace: 'default', ownerReferences: [reference] };
  await client.create(configMaps, { metadata });
  await client.create(kind, { metadata });
  await client.delete(kind, { namespace: 'default', name: 'a' });
  await waitFor('the config map to go', () =>
    isGone(() => client.get(configMaps, { namespace: 'default', name: 'owned' })),
  );
  await waitFor('the custom object to go', () =>
    isGone(() => client.get(kind, { namespace: 'default', name: 'owned' })),
  );
});

test('the groups of custom kinds are listed as API services for as long as there are any', async () => {
  const of = aDefinition('listeds', [aVersion('v1', anything)], { group: 'listed.example.com' });
  of.metadata.name = 'listeds.listed.example.com';
  await define(of);
  const name = 'v1.listed.example.com';
  await waitFor('the API service', () => client.get(apiServices, { name }));
  await client.delete(customResourceDefinitions, { name: of.metadata.name });
  await waitFor('it to go', () => isGone(() => client.get(apiServices, { name })));
});

test('of two definitions that want one name the second waits until it is free', async () => {
  const first = aDefinition('firsts', [aVersion('v1', anything)]);
  const second = aDefinition('seconds', [aVersion('v1', anything)]);
  second.spec.names = { ...second.spec.names, kind: 'First', listKind: 'FirstList' };
  await define(first);
  await client.create(customResourceDefinitions, second);
  const conditions = async () => {
    const { status } = await client.get(customResourceDefinitions, { name: second.metadata.name! });
    return Object.fromEntries(
      (status.conditions ?? []).map(({ type, status, reason }) => [type, `${status} ${reason}`]),
    );
  };
  await waitFor('the refusal', async () => (await conditions())['NamesAccepted'] === 'False ListKindConflict');
  assert.equal((await conditions())['Established'], 'False NotAccepted');
  await client.delete(customResourceDefinitions, { name: first.metadata.name! });
  await waitFor('the second to be established', async () => (await conditions())['Established']?.startsWith('True'));
});

test('a default that comes later is read into what is stored', async () => {
  const of = aDefinition('latecomers', [aVersion('v1', withSpec({ a: { type: 'string' } }))]);
  await define(of);
  const kind = kindOf(of);
  await client.create(kind, { metadata: { name: 'a', namespace: 'default' }, spec: { a: 'x' } } as never);
  const path = '/spec/versions/0/schema/openAPIV3Schema/properties/spec/properties/b';
  const body = [{ op: 'add', path, value: { type: 'string', default: 'later' } }];
  await client.patch(customResourceDefinitions, { name: of.metadata.name! }, { type: 'json', body });
  await waitFor('the default', async () => {
    const { spec } = (await client.get(kind, { namespace: 'default', name: 'a' })) as unknown as {
      spec: { b?: string };
    };
    return spec.b === 'later';
  });
});

test('custom kinds are there again after a restart', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'skiff-extensions-'));
  const store = { kind: 'embedded' as const, path: join(folder, 'state.db') };
  const of = aDefinition('lastings', [aVersion('v1', anything)]);
  const kind = kindOf(of);
  try {
    {
      await using first = await startTestServer({ store });
      const before = await clientOf(first, stack);
      await define(of, before.client);
      await before.client.create(kind, { metadata: { name: 'a', namespace: 'default' } });
    }
    await using second = await startTestServer({ store });
    const again = await clientOf(second, stack);
    assert.equal((await again.client.list(kind)).items.length, 1);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
});

test('two appliers share a keyed list and a set, and leave what is replaced whole to one of them', async () => {
  const schema = withSpec({
    ports: {
      type: 'array',
      'x-kubernetes-list-type': 'map',
      'x-kubernetes-list-map-keys': ['name'],
      items: { type: 'object', required: ['name'], properties: { name: { type: 'string' }, n: { type: 'integer' } } },
    },
    tags: { type: 'array', 'x-kubernetes-list-type': 'set', items: { type: 'string' } },
    whole: { type: 'array', items: { type: 'string' } },
  });
  const of = aDefinition('shareds', [aVersion('v1', schema)]);
  await define(of);
  const kind = kindOf(of);
  const key = { namespace: 'default', name: 'a' };
  const apply = (fieldManager: string, spec: object) => {
    const body = { apiVersion: 'test.example.com/v1', kind: 'Shared', metadata: { name: 'a' }, spec };
    return client.patch(kind, key, { type: 'apply', body }, { fieldManager });
  };
  await apply('one', { ports: [{ name: 'x', n: 1 }], tags: ['a', 'b'], whole: ['w'] });
  const both = await apply('two', { ports: [{ name: 'y', n: 2 }], tags: ['b', 'c'] });
  const specOf = (object: unknown) => (object as { spec: Record<string, unknown[]> }).spec;
  assert.deepEqual(specOf(both)['ports'], [
    { name: 'x', n: 1 },
    { name: 'y', n: 2 },
  ]);
  assert.deepEqual([...specOf(both)['tags']!].sort(), ['a', 'b', 'c']);
  await assert.rejects(apply('two', { whole: ['v'] }), /conflict/);
  const less = await apply('one', { tags: ['b'], whole: ['w'] });
  assert.deepEqual(specOf(less)['ports'], [{ name: 'y', n: 2 }]);
  assert.deepEqual([...specOf(less)['tags']!].sort(), ['b', 'c']);
});
