// Bad input from outside: every request is answered with a 4xx and a Status, the process lives on, and memory stays
// bounded. Over a real connection, for what is tested is the whole way in.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { Agent, request } from 'node:https';
import { after, before, test } from 'node:test';
import { connect, type TLSSocket } from 'node:tls';
import { gzipSync } from 'node:zlib';
import fc from 'fast-check';
import { encodeObject } from '../../../api/schema/protobuf-envelope.ts';
import { ConfigMap } from '../../../api/types/core/config-map.ts';
import { startTestServer, type TestServer } from '../test-server.ts';

interface Answer {
  readonly status: number;
  readonly body: { kind?: string; reason?: string; message?: string };
}

let server: TestServer;
let agent: Agent;
before(async () => {
  server = await startTestServer();
  const { ca, cert, key } = server.files;
  agent = new Agent({ ca: readFileSync(ca), cert: readFileSync(cert), key: readFileSync(key), keepAlive: true });
});
after(async () => {
  agent.destroy();
  await server[Symbol.asyncDispose]();
});

function send(
  method: string,
  path: string,
  body: Buffer | string = '',
  contentType = 'application/json',
): Promise<Answer> {
  const { promise, resolve, reject } = Promise.withResolvers<Answer>();
  const outgoing = request(
    `${server.url}${path}`,
    { method, agent, headers: { 'content-type': contentType } },
    (incoming) => {
      const chunks: Buffer[] = [];
      incoming.on('data', (chunk: Buffer) => chunks.push(chunk));
      incoming.once('end', () => {
        const text = Buffer.concat(chunks).toString();
        const isJson = incoming.headers['content-type']?.startsWith('application/json');
        resolve({
          status: incoming.statusCode!,
          body: isJson ? (JSON.parse(text) as Answer['body']) : { message: text },
        });
      });
      incoming.once('error', reject);
    },
  );
  outgoing.once('error', reject);
  outgoing.end(body);
  return promise;
}

const MAPS = '/api/v1/namespaces/default/configmaps';
const map = (data: string) => `{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"x"},"data":${data}}`;
const nested = (open: string, close: string, depth: number) => open.repeat(depth) + close.repeat(depth);

function refused({ status, body }: Answer): void {
  assert.ok(status >= 400 && status < 500, `${status} ${JSON.stringify(body).slice(0, 200)}`);
  assert.equal(body.kind, 'Status');
}

const bodies: [string, Buffer | string, string?][] = [
  ['an empty body', ''],
  ['half a document', map('{"a":"b"}').slice(0, 40)],
  ['JSON nested ten thousand deep', map(nested('{"a":', '}', 10_000).replace('{"a":}', '{}'))],
  ['lists nested ten thousand deep', nested('[', ']', 10_000)],
  ['more than three megabytes', map(`{"a":"${'x'.repeat(3 << 20)}"}`)],
  [
    'bytes that are no UTF-8',
    Buffer.concat([Buffer.from('{"kind":"'), Buffer.from([0xff, 0xfe, 0x80]), Buffer.from('"}')]),
  ],
  ['a list where an object belongs', '[]'],
  ['a bare word', 'hello'],
  ['another kind', '{"apiVersion":"v1","kind":"Secret","metadata":{"name":"x"}}'],
  ['a kind nobody knows', '{"apiVersion":"v9","kind":"Frob"}'],
  ['YAML that is none', 'a: [', 'application/yaml'],
  ['YAML that multiplies itself', bomb(), 'application/yaml'],
  ['YAML nested ten thousand deep', nested('[', ']', 10_000), 'application/yaml'],
  ['protobuf without its magic', Buffer.from([1, 2, 3, 4, 5]), 'application/vnd.kubernetes.protobuf'],
  ['protobuf with nothing behind its magic', Buffer.from('k8s\0'), 'application/vnd.kubernetes.protobuf'],
  [
    'protobuf that promises more than it has',
    Buffer.from('k8s\0\n\xff\xff\xff\x7f', 'latin1'),
    'application/vnd.kubernetes.protobuf',
  ],
  ['a media type nobody speaks', '{}', 'text/frob'],
  ['a hundred megabytes, packed', gzipSync(Buffer.alloc(100 << 20, ' '), { level: 9 })],
  ['a megabyte of opening brackets', '['.repeat(1 << 20)],
  [
    'protobuf with groups nested ten thousand deep',
    Buffer.concat([Buffer.from('k8s\0'), Buffer.alloc(10_000, 0x0b)]),
    'application/vnd.kubernetes.protobuf',
  ],
];

/** Nine levels of nine references each. */
function bomb(): string {
  const levels = ['a: &a ["x","x","x","x","x","x","x","x","x"]'];
  for (const [name, of] of ['ba', 'cb', 'dc', 'ed', 'fe', 'gf', 'hg', 'ih'].map((pair) => [...pair])) {
    levels.push(`${name}: &${name} [${Array.from({ length: 9 }, () => `*${of}`).join(',')}]`);
  }
  return levels.join('\n');
}

for (const [what, body, contentType] of bodies) {
  test(`${what} as a body is refused with a Status`, async () => refused(await send('POST', MAPS, body, contentType)));
}

test('a key called __proto__ is data and pollutes nothing', async () => {
  const { status, body } = await send('POST', MAPS, map('{"__proto__":"x","constructor":"y"}'));
  assert.equal(status, 201, JSON.stringify(body));
  assert.equal(({} as { x?: unknown }).x, undefined);
  const labels =
    '{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"p","labels":{"__proto__":{"polluted":"yes"}}}}';
  refused(await send('POST', MAPS, labels));
  assert.equal(({} as { polluted?: unknown }).polluted, undefined);
});

test('a duplicate key is refused where fields are checked strictly', async () => {
  const twice = '{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"d","name":"e"}}';
  refused(await send('POST', `${MAPS}?fieldValidation=Strict`, twice));
});

const patches: [string, string, string][] = [
  ['a JSON patch that is an object', '{}', 'application/json-patch+json'],
  ['a JSON patch with a bad path', '[{"op":"add","path":"no-slash","value":1}]', 'application/json-patch+json'],
  ['a merge patch that is a list', '[]', 'application/merge-patch+json'],
  ['a strategic patch that is a word', '"x"', 'application/strategic-merge-patch+json'],
  ['an apply without a manager', map('{}'), 'application/apply-patch+yaml'],
  [
    'a JSON patch of 10,001 operations',
    `[${Array(10_001).fill('{"op":"test","path":"/a"}').join()}]`,
    'application/json-patch+json',
  ],
  ['a JSON patch that doubles what it copies, 40 times', copies(40), 'application/json-patch+json'],
  [
    'a JSON patch nested ten thousand deep',
    `[{"op":"add","path":"/data","value":${nested('[', ']', 10_000)}}]`,
    'application/json-patch+json',
  ],
  [
    'a merge patch nested ten thousand deep',
    nested('{"a":', '}', 10_000).replace(':}', ':1}'),
    'application/merge-patch+json',
  ],
  [
    'a strategic patch nested ten thousand deep',
    nested('{"a":', '}', 10_000).replace(':}', ':1}'),
    'application/strategic-merge-patch+json',
  ],
  [
    'a merge patch of more than three megabytes',
    `{"data":{"a":"${'x'.repeat(3 << 20)}"}}`,
    'application/merge-patch+json',
  ],
  ['an apply nested ten thousand deep', nested('[', ']', 10_000), 'application/apply-patch+yaml'],
  ['an apply that multiplies itself', bomb(), 'application/apply-patch+yaml'],
  [
    'a merge patch of a prototype',
    '{"metadata":{"labels":{"__proto__":{"polluted":"yes"}}}}',
    'application/merge-patch+json',
  ],
];
for (const [what, body, contentType] of patches) {
  test(`${what} is refused with a Status`, async () => {
    await send('POST', MAPS, map('{"a":"b"}'));
    const manager = contentType.startsWith('application/apply') && !what.includes('manager') ? '?fieldManager=m' : '';
    refused(await send('PATCH', `${MAPS}/x${manager}`, body, contentType));
    assert.equal(({} as { polluted?: unknown }).polluted, undefined);
  });
}

function copies(times: number): string {
  const copy = (n: number) => ({ op: 'copy', from: '/data', path: `/data/k${n}` });
  return JSON.stringify(Array.from({ length: times }, (_, n) => copy(n)));
}

/** Everything that comes back for what was said. */
async function raw(text: string): Promise<string> {
  const { hostname: host, port } = new URL(server.url);
  const { ca, cert, key } = server.files;
  const tls = { ca: readFileSync(ca), cert: readFileSync(cert), key: readFileSync(key) };
  const { promise, resolve } = Promise.withResolvers<string>();
  const socket: TLSSocket = connect({ host, port: Number(port), ...tls, ALPNProtocols: ['http/1.1'] });
  let heard = '';
  socket.on('data', (chunk: Buffer) => {
    heard += String(chunk);
  });
  socket.on('error', () => {});
  socket.once('close', () => resolve(heard));
  socket.write(text);
  return promise;
}

const head = `POST ${MAPS} HTTP/1.1\r\nhost: x\r\nconnection: close\r\ncontent-type: application/json\r\n`;
const chunks = `2\r\n{}\r\n0\r\n\r\n`;
const malformed: [string, string, number][] = [
  ['a length beside chunks', `${head}content-length: 5\r\ntransfer-encoding: chunked\r\n\r\n${chunks}`, 400],
  ['two lengths', `${head}content-length: 5\r\ncontent-length: 6\r\n\r\n{}`, 400],
  ['a length below nothing', `${head}content-length: -1\r\n\r\n{}`, 400],
  ['a transfer coding that is not chunked', `${head}transfer-encoding: identity\r\n\r\n{}`, 400],
  ['a transfer coding that is not only chunked', `${head}transfer-encoding: gzip, chunked\r\n\r\n${chunks}`, 501],
  ['chunks of no size', `${head}transfer-encoding: chunked\r\n\r\nzz\r\n{}\r\n0\r\n\r\n`, 400],
  ['a header with a line of its own inside', `GET / HTTP/1.1\r\nhost: x\r\n bad\x00: y\r\n\r\n`, 400],
  ['a header of 70,000 letters', `GET / HTTP/1.1\r\nhost: x\r\nx: ${'y'.repeat(70_000)}\r\n\r\n`, 431],
  ['what is no HTTP', 'HELLO\r\n\r\n', 400],
];
for (const [what, text, code] of malformed) {
  test(`${what} is refused with ${code} and a Status`, async () => {
    const answer = await raw(text);
    assert.match(answer, new RegExp(`^HTTP/1.1 ${code} `));
    assert.equal((JSON.parse(answer.slice(answer.indexOf('\r\n\r\n') + 4)) as { kind: string }).kind, 'Status');
  });
}

const queries = [
  'labelSelector=a in (b',
  'labelSelector==',
  'labelSelector=a,,b',
  `labelSelector=${'x'.repeat(5000)}`,
  'fieldSelector=spec.frob=1',
  'fieldSelector=no-equals',
  'limit=-1x',
  'continue=garbage',
  'resourceVersion=abc',
  'resourceVersionMatch=Exact',
  'timeoutSeconds=abc&watch=1',
];
for (const query of queries) {
  test(`a list with ${query.slice(0, 40)} is refused with a Status`, async () => {
    refused(await send('GET', `${MAPS}?${query.replaceAll(' ', '%20').replaceAll('(', '%28')}`));
  });
}

test('whatever is done to a good protobuf body, the server answers and lives', async () => {
  const metadata = { name: 'fuzz', labels: { a: 'b' } };
  const object = { apiVersion: 'v1', kind: 'ConfigMap', metadata, data: { key: 'value' } };
  const good = encodeObject(ConfigMap, object);
  const change = fc.record({ at: fc.nat(good.length - 1), to: fc.nat(255) });
  await fc.assert(
    fc.asyncProperty(fc.array(change, { minLength: 1, maxLength: 4 }), fc.nat(good.length), async (changes, length) => {
      const bytes = Buffer.from(good);
      for (const { at, to } of changes) bytes[at] = to;
      const { status } = await send(
        'POST',
        `${MAPS}?dryRun=All`,
        bytes.subarray(0, length),
        'application/vnd.kubernetes.protobuf',
      );
      assert.ok(status < 500, String(status));
    }),
    { numRuns: 100 },
  );
});

test('whatever is done to a good JSON body, the server answers and lives', async () => {
  const good = Buffer.from(map('{"key":"value","other":"\\u00e9"}'));
  const change = fc.record({ at: fc.nat(good.length - 1), to: fc.nat(255) });
  await fc.assert(
    fc.asyncProperty(fc.array(change, { minLength: 1, maxLength: 4 }), async (changes) => {
      const bytes = Buffer.from(good);
      for (const { at, to } of changes) bytes[at] = to;
      const { status } = await send('POST', `${MAPS}?dryRun=All`, bytes);
      assert.ok(status < 500, String(status));
    }),
    { numRuns: 100 },
  );
});

test('after all of that the server is ready and holds no more memory than before a reasonable bound', async () => {
  const { status } = await send('GET', '/readyz');
  assert.equal(status, 200);
  assert.ok(process.memoryUsage().rss < 1 << 30);
});
