// Clients that take, give or say nothing, too much or too slowly: each is ended by a limit, with a Status where one can
// still be told, and nobody else notices. The limits are shorter here than in life.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { type ClientHttp2Session, type ClientHttp2Stream, connect, constants } from 'node:http2';
import { Agent, request } from 'node:https';
import { after, before, test } from 'node:test';
import { connect as connectTls, type TLSSocket } from 'node:tls';
import { startTestServer, type TestServer } from '../../apiserver/test-server.ts';

const LIMITS = {
  requestMs: 400,
  headersMs: 300,
  idleMs: 300,
  pingEveryMs: 150,
  stalledMs: 200,
  inFlight: 8,
  arrivingBytes: 4 << 20,
};
/** More than sockets and flow control hold between two ends that do not read. */
const BIG_OBJECTS = 40;
const BIG_BYTES = 500_000;
const DEADLINE_MS = 10_000;
const MAPS = '/api/v1/namespaces/default/configmaps';

let server: TestServer;
let tls: { ca: Buffer; cert: Buffer; key: Buffer };
let session: ClientHttp2Session;

before(async () => {
  server = await startTestServer({ httpLimits: LIMITS });
  const { ca, cert, key } = server.files;
  tls = { ca: readFileSync(ca), cert: readFileSync(cert), key: readFileSync(key) };
  session = connect(server.url, tls);
  const data = { big: 'x'.repeat(BIG_BYTES) };
  for (let n = 0; n < BIG_OBJECTS; n++) {
    const body = JSON.stringify({ metadata: { name: `big-${n}`, labels: { size: 'big' } }, data });
    assert.equal((await call(session, 'POST', body)).status, 201);
  }
});
after(async () => {
  session.destroy();
  await server[Symbol.asyncDispose]();
});

const soon = () => ({ signal: AbortSignal.timeout(DEADLINE_MS) });

function open(on: ClientHttp2Session, method: string, path = MAPS): ClientHttp2Stream {
  const stream = on.request(
    { ':method': method, ':path': path, 'content-type': 'application/json' },
    { endStream: method === 'GET' },
  );
  stream.on('error', () => {});
  return stream;
}

async function answerOf(stream: ClientHttp2Stream): Promise<{ status: number; reason?: string; message?: string }> {
  const [headers] = (await once(stream, 'response', soon())) as [Record<string, number>];
  const chunks: Buffer[] = [];
  stream.on('data', (chunk: Buffer) => chunks.push(chunk));
  if (!stream.readableEnded) await once(stream, 'end', soon());
  return { ...(JSON.parse(Buffer.concat(chunks).toString()) as object), status: Number(headers[':status']) };
}

function call(on: ClientHttp2Session, method: string, body: string): ReturnType<typeof answerOf> {
  const stream = open(on, method);
  stream.end(body);
  return answerOf(stream);
}

async function withSession(use: (own: ClientHttp2Session) => Promise<void>, options: object = tls): Promise<void> {
  const own = connect(server.url, options);
  own.on('error', () => {});
  try {
    await use(own);
  } finally {
    own.destroy();
  }
}

/** A connection on which whatever is wanted is said, and nothing more. */
async function raw(protocol: 'h2' | 'http/1.1', text: string | Buffer): Promise<TLSSocket> {
  const { hostname: host, port } = new URL(server.url);
  const socket = connectTls({ host, port: Number(port), ...tls, ALPNProtocols: [protocol] });
  socket.on('error', () => {});
  await once(socket, 'secureConnect', soon());
  socket.write(text);
  return socket;
}

async function isServing(): Promise<void> {
  await withSession(async (own) => {
    const stream = open(own, 'GET', `${MAPS}/big-0`);
    assert.equal((await answerOf(stream)).status, 200);
  });
}

test('a body that comes a byte at a time is refused with a Timeout when its time is over, HTTP/2', async () => {
  await withSession(async (own) => {
    const stream = open(own, 'POST');
    const dripping = setInterval(() => stream.write(' '), 20);
    const answer = await answerOf(stream).finally(() => clearInterval(dripping));
    assert.deepEqual(
      [answer.status, answer.reason, answer.message],
      [504, 'Timeout', 'Timeout: request did not complete within the allotted timeout'],
    );
    if (!stream.closed) await once(stream, 'close', soon());
    assert.equal(stream.rstCode, constants.NGHTTP2_NO_ERROR);
  });
});

test('a body that comes a byte at a time is refused with a Timeout when its time is over, HTTP/1.1', async () => {
  const agent = new Agent({ ...tls, keepAlive: true });
  const outgoing = request(`${server.url}${MAPS}`, { method: 'POST', agent });
  const dripping = setInterval(() => outgoing.write(' '), 20);
  outgoing.on('error', () => {});
  const [incoming] = await once(outgoing, 'response', soon());
  assert.equal(incoming.statusCode, 504);
  incoming.resume();
  const socket = outgoing.socket!;
  if (!socket.destroyed) await once(socket, 'close', soon());
  clearInterval(dripping);
  agent.destroy();
});

test('a list that nobody reads is cut off, and takes no place of those who work', async () => {
  await withSession(async (own) => {
    // Twice as many as may be worked on at a time.
    const streams = Array.from({ length: 2 * LIMITS.inFlight }, () => open(own, 'GET'));
    await Promise.all(streams.slice(0, LIMITS.inFlight).map((stream) => once(stream, 'response', soon())));
    await isServing();
    await Promise.all(streams.map((stream) => stream.closed || once(stream, 'close', soon())));
  });
});

test('a list that nobody reads is cut off, HTTP/1.1', async () => {
  const socket = await raw('http/1.1', `GET ${MAPS} HTTP/1.1\r\nhost: x\r\n\r\n`);
  await once(socket, 'readable', soon());
  const began = performance.now();
  while (performance.now() - began < 3 * LIMITS.requestMs) await new Promise((resolve) => setTimeout(resolve, 50));
  let got = 0;
  socket.on('data', (chunk: Buffer) => {
    got += chunk.length;
  });
  await once(socket, 'close', soon());
  assert.ok(got < (BIG_OBJECTS * BIG_BYTES) / 2, `${got} bytes were still there`);
});

test('a watch whose beginning nobody reads is cut off', async () => {
  await withSession(async (own) => {
    const stream = open(own, 'GET', `${MAPS}?watch=1&resourceVersion=0`);
    await once(stream, 'response', soon());
    await once(stream, 'close', soon());
    await isServing();
  });
});

test('a watch whose news nobody reads is cut off, and the writer waits for nobody', async () => {
  await withSession(async (own) => {
    const stream = open(own, 'GET', `${MAPS}?watch=1&fieldSelector=metadata.name%3Dnews`);
    await once(stream, 'response', soon());
    const body = (n: number) => JSON.stringify({ metadata: { name: 'news' }, data: { n: `${n}`.repeat(BIG_BYTES) } });
    await withSession(async (writer) => {
      assert.equal((await call(writer, 'POST', body(0))).status, 201);
      for (let n = 1; n < 10; n++) {
        const put = open(writer, 'PUT', `${MAPS}/news`);
        put.end(body(n));
        assert.equal((await answerOf(put)).status, 200);
      }
    });
    if (!stream.closed) await once(stream, 'close', soon());
  });
});

test('a watch that is read lives on, however long nothing happens', async () => {
  await withSession(async (own) => {
    const stream = open(own, 'GET', `${MAPS}?watch=1&fieldSelector=metadata.name%3Dlate&resourceVersion=0`);
    await once(stream, 'response', soon());
    // All limits are over by then.
    await new Promise((resolve) => setTimeout(resolve, 1_000));
    const heard = once(stream, 'data', soon());
    await call(own, 'POST', JSON.stringify({ metadata: { name: 'late' } }));
    assert.match(String((await heard)[0]), /^{"type":"ADDED"/);
  });
});

const silent: [string, 'h2' | 'http/1.1', string | Buffer][] = [
  ['says nothing', 'http/1.1', ''],
  ['says half a head', 'http/1.1', `GET ${MAPS} HTTP/1.1\r\nhost:`],
  ['asks once and never again', 'http/1.1', 'GET /version HTTP/1.1\r\nhost: x\r\n\r\n'],
  ['says nothing', 'h2', ''],
  ['introduces itself and never answers a ping', 'h2', preface()],
];

function preface(): Buffer {
  const settings = Buffer.from([0, 0, 0, 4, 0, 0, 0, 0, 0]);
  return Buffer.concat([Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'), settings]);
}
for (const [what, protocol, text] of silent) {
  test(`a connection that ${what} is closed, ${protocol}`, async () => {
    const socket = await raw(protocol, text);
    socket.resume();
    if (!socket.destroyed) await once(socket, 'close', soon());
  });
}

test('an idle connection of HTTP/2 is told to go, not broken', async () => {
  await withSession(async (own) => {
    await answerOf(open(own, 'GET', '/version'));
    await once(own, 'goaway', soon());
  });
});

test('bodies that never end make room for those that do', async () => {
  await withSession(async (own) => {
    // Each within its limit, all of them over what may be arriving.
    const slow = Array.from({ length: 8 }, () => open(own, 'POST'));
    for (const stream of slow) stream.write('x'.repeat(700_000));
    const refused = await answerOf(slow[0]!);
    assert.deepEqual([refused.status, refused.reason], [429, 'TooManyRequests']);
    assert.equal((await call(own, 'POST', '{"metadata":{"name":"through"}}')).status, 201);
  });
});

test('whoever is nobody is refused before what he sends is taken', async () => {
  await withSession(
    async (own) => {
      const stream = open(own, 'POST');
      stream.write('x');
      assert.equal((await answerOf(stream)).status, 403);
    },
    { ca: tls.ca },
  );
});

for (const [what, headers] of [
  ['in chunks', {}],
  ['of a length that is said', { 'content-length': String(4 << 20) }],
] as const) {
  test(`a body that is too large is refused with 413, ${what}, before it has ended`, async () => {
    const outgoing = request(`${server.url}${MAPS}`, { method: 'POST', agent: false, headers, ...tls });
    outgoing.on('error', () => {});
    outgoing.write(Buffer.alloc((3 << 20) + 1, 'x'));
    const [incoming] = await once(outgoing, 'response', soon());
    assert.equal(incoming.statusCode, 413);
    let text = '';
    for await (const chunk of incoming) text += String(chunk);
    assert.equal((JSON.parse(text) as { message: string }).message, 'Request entity too large: limit is 3145728');
    outgoing.destroy();
  });
}

test('streams that are opened and reset without end cost their connection', { timeout: DEADLINE_MS }, async () => {
  await withSession(async (own) => {
    const gone = Promise.withResolvers<void>();
    own.once('close', gone.resolve);
    const flood = () => {
      for (let n = 0; n < 200 && !own.closed && !own.destroyed; n++) {
        open(own, 'GET').close(constants.NGHTTP2_CANCEL);
      }
      if (!own.destroyed) setTimeout(flood, 5);
    };
    flood();
    await gone.promise;
  });
  await isServing();
});

test('heads that are too large are refused', async () => {
  const big = await raw('http/1.1', `GET /version HTTP/1.1\r\nhost: x\r\nx: ${'y'.repeat(70_000)}\r\n\r\n`);
  big.resume();
  await once(big, 'close', soon());
  await withSession(async (own) => {
    const stream = own.request({ ':path': '/version', x: 'y'.repeat(70_000) });
    stream.on('error', () => {});
    const told = await Promise.race([
      new Promise((resolve) => stream.once('response', (headers) => resolve(headers[':status']))),
      new Promise((resolve) => stream.once('close', () => resolve('closed'))),
    ]);
    assert.ok(told === 431 || told === 'closed', String(told));
  });
  await isServing();
});
