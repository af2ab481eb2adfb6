import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { readFile, writeFile } from 'node:fs/promises';
import type { IncomingMessage } from 'node:http';
import { connect as connect2 } from 'node:http2';
import { Agent, request } from 'node:https';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { gunzipSync } from 'node:zlib';
import { startTestServer, type TestServer } from '../test-server.ts';

let server: TestServer;
let agent: Agent;
let anonymous: Agent;
before(async () => {
  server = await startTestServer();
  const { ca, cert, key } = server.files;
  const tls = { ca: await readFile(ca), cert: await readFile(cert), key: await readFile(key) };
  agent = new Agent({ ...tls, keepAlive: true });
  anonymous = new Agent({ ca: tls.ca, keepAlive: true });
});
after(async () => {
  agent.destroy();
  anonymous.destroy();
  await server[Symbol.asyncDispose]();
});

interface Call {
  readonly method?: string;
  readonly headers?: Record<string, string>;
  readonly body?: unknown;
  readonly raw?: string | Buffer;
  readonly as?: Agent;
}

async function call(path: string, { method = 'GET', headers = {}, body, raw, as = agent }: Call = {}) {
  const payload = raw ?? (body === undefined ? undefined : JSON.stringify(body));
  const response = await new Promise<IncomingMessage>((resolve, reject) => {
    const type = payload === undefined ? {} : { 'content-type': 'application/json' };
    const outgoing = request(server.url + path, { method, agent: as, headers: { ...type, ...headers } }, resolve);
    outgoing.on('error', reject);
    outgoing.end(payload);
  });
  const chunks: Buffer[] = [];
  for await (const chunk of response) chunks.push(chunk as Buffer);
  const bytes = Buffer.concat(chunks);
  const json = () => JSON.parse(bytes.toString()) as Record<string, never> & { message: string; code: number };
  return { status: response.statusCode, headers: response.headers, bytes, json };
}

const maps = '/api/v1/namespaces/default/configmaps';

test('speaks HTTP/2 and HTTP/1.1 on one port', async () => {
  assert.equal((await call('/version')).status, 200);
  const { ca, cert, key } = server.files;
  const tls = { ca: await readFile(ca), cert: await readFile(cert), key: await readFile(key) };
  const session = connect2(server.url, tls);
  const stream = session.request({ ':path': '/api/v1/namespaces/default' });
  const chunks: Buffer[] = [];
  for await (const chunk of stream) chunks.push(chunk as Buffer);
  session.close();
  assert.equal(JSON.parse(Buffer.concat(chunks).toString()).kind, 'Namespace');
});

test('who shows nothing is anonymous and may see the health, but no objects', async () => {
  assert.equal((await call('/readyz', { as: anonymous })).status, 200);
  const refused = await call(maps, { as: anonymous });
  assert.equal(refused.status, 403);
  const why = 'User "system:anonymous" cannot list resource "configmaps" in API group "" in the namespace "default"';
  assert.equal(refused.json().message, `configmaps is forbidden: ${why}`);
});

test('a token that nobody signed is refused', async () => {
  const refused = await call(maps, { as: anonymous, headers: { authorization: 'Bearer nonsense' } });
  assert.equal(refused.status, 401);
});

test('a service account enters with the token it was given, until it is deleted', async () => {
  const accounts = '/api/v1/namespaces/default/serviceaccounts';
  await call(accounts, { method: 'POST', body: { metadata: { name: 'robot' } } });
  const answer = await call(`${accounts}/robot/token`, { method: 'POST', body: { spec: {} } });
  const { token } = (answer.json() as unknown as { status: { token: string } }).status;
  const whoAmI = () =>
    call('/apis/authentication.k8s.io/v1/selfsubjectreviews', {
      method: 'POST',
      body: {},
      as: anonymous,
      headers: { authorization: `Bearer ${token}` },
    });
  const review = (await whoAmI()).json() as unknown as { status: { userInfo: { username: string } } };
  assert.equal(review.status.userInfo.username, 'system:serviceaccount:default:robot');
  await call(`${accounts}/robot`, { method: 'DELETE' });
  assert.equal((await whoAmI()).status, 401);
});

test('every answer has an audit id and is not cached', async () => {
  const { headers } = await call(maps);
  assert.match(String(headers['audit-id']), /^[0-9a-f-]{36}$/);
  assert.equal(headers['cache-control'], 'no-cache, private');
});

test('a body that is too large is refused', async () => {
  const refused = await call(maps, { method: 'POST', raw: Buffer.alloc(4 << 20, 'x') }).catch((err: Error) => err);
  // The answer may be overtaken by the end of the connection while the body is still being sent.
  if (!(refused instanceof Error)) assert.equal(refused.status, 413);
});

test('a long list is packed for who asks for it', async () => {
  const data = { big: 'x'.repeat(100_000) };
  for (const name of ['big-1', 'big-2', 'big-3'])
    await call(maps, { method: 'POST', body: { metadata: { name }, data } });
  const { headers, bytes } = await call(maps, { headers: { 'accept-encoding': 'gzip' } });
  assert.equal(headers['content-encoding'], 'gzip');
  assert.ok(bytes.length < 50_000);
  const list = JSON.parse(gunzipSync(bytes).toString()) as { items: { metadata: { name: string } }[] };
  assert.ok(list.items.some(({ metadata }) => metadata.name === 'big-3'));
});

test('two hundred watchers of one change all hear it', async () => {
  const responses = await Promise.all(
    Array.from({ length: 200 }, () => {
      const path = `${maps}?watch=1&fieldSelector=metadata.name%3Dwatched`;
      return new Promise<IncomingMessage>((resolve, reject) => {
        request(server.url + path, { agent }, resolve)
          .on('error', reject)
          .end();
      });
    }),
  );
  const heard = responses.map(async (response) => {
    for await (const chunk of response) {
      response.destroy();
      return String(chunk);
    }
    return '';
  });
  await call(maps, { method: 'POST', body: { metadata: { name: 'watched' } } });
  const lines = await Promise.all(heard);
  assert.ok(lines.every((line) => line.startsWith('{"type":"ADDED","object":{"kind":"ConfigMap"')));
});

test('kubectl finds its way', async (t) => {
  const { ca, cert, key } = server.files;
  const config = {
    apiVersion: 'v1',
    kind: 'Config',
    clusters: [{ name: 'c', cluster: { server: server.url, 'certificate-authority': ca } }],
    users: [{ name: 'u', user: { 'client-certificate': cert, 'client-key': key } }],
    contexts: [{ name: 'x', context: { cluster: 'c', user: 'u' } }],
    'current-context': 'x',
  };
  const file = join(server.folder, 'kubeconfig');
  await writeFile(file, JSON.stringify(config));
  const kubectl = (...args: string[]) =>
    new Promise<string>((resolve, reject) => {
      const env = { ...process.env, KUBECONFIG: file, HOME: server.folder };
      execFile('kubectl', args, { env, timeout: 20_000 }, (err, out, text) =>
        err ? reject(new Error(text, { cause: err })) : resolve(out),
      );
    });
  try {
    await kubectl('version', '--client');
  } catch {
    t.skip('there is no kubectl on PATH');
    return;
  }
  // Its body comes as protobuf.
  assert.match(await kubectl('create', 'configmap', 'made', '--from-literal=a=b'), /configmap\/made created/);
  assert.match(await kubectl('get', 'configmap', 'made'), /NAME\s+DATA\s+AGE\nmade\s+1\s+\d+s/);
  assert.match(await kubectl('auth', 'can-i', 'delete', 'nodes'), /yes/);
  assert.match(await kubectl('explain', 'pod.spec.containers.image'), /FIELD: image <string>/);
  assert.match(await kubectl('delete', 'configmap', 'made'), /deleted/);
});

test('component statuses are computed, and their kind is said to be of yesterday', async () => {
  const list = await call('/api/v1/componentstatuses');
  const items = (list.json() as unknown as { items: { metadata: { name: string } }[] }).items;
  assert.deepEqual(
    items.map(({ metadata }) => metadata.name),
    ['controller-manager', 'etcd-0', 'scheduler'],
  );
  assert.match(String(list.headers['warning']), /v1 ComponentStatus is deprecated in v1.19\+/);
  const store = await call('/api/v1/componentstatuses/etcd-0');
  assert.deepEqual(store.json()['conditions'], [{ type: 'Healthy', status: 'True', message: 'ok' }]);
  assert.equal((await call('/api/v1/componentstatuses/nothing')).status, 404);
});
