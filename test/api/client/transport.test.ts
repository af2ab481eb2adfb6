import assert from 'node:assert/strict';
import { once } from 'node:events';
import {
  constants,
  createServer,
  type Http2Server,
  type ServerHttp2Session,
  type ServerHttp2Stream,
  type Settings,
} from 'node:http2';
import { type AddressInfo, createServer as createTcpServer } from 'node:net';
import { test } from 'node:test';
import { ConnectionError, type HttpResponse, Transport } from '../../../api/client/transport.ts';
import type { Clock } from '../../../api/clock.ts';
import { systemClock } from '../../../api/system.ts';
import { waitFor } from '../../cluster/harness/wait.ts';
import { VirtualClock } from '../../sim/virtual-clock.ts';
import { FrozenProxy } from './frozen-proxy.ts';

const never = new AbortController().signal;
const QUICK = { timeoutMs: 5_000, intervalMs: 1 };
/** A request that would hang fails the test, instead of hanging it. */
const soon = () => AbortSignal.timeout(5_000);

/** Answers /watch with a body that stays open, /half with half of what it announces, everything else at once. */
class TestServer implements AsyncDisposable {
  readonly sessions = new Set<ServerHttp2Session>();
  readonly streams: ServerHttp2Stream[] = [];
  pings = 0;
  #server: Http2Server;

  private constructor(server: Http2Server) {
    this.#server = server;
    server.on('session', (session) => {
      this.sessions.add(session);
      session.on('ping', () => this.pings++);
      session.on('error', () => undefined);
      session.on('close', () => this.sessions.delete(session));
    });
    server.on('stream', (stream: ServerHttp2Stream, headers) => {
      this.streams.push(stream);
      stream.on('error', () => undefined);
      if (stream.closed) return;
      const path = headers[':path'];
      if (path === '/half') {
        stream.respond({ ':status': 200, 'content-length': '100' });
        stream.write('half');
        return;
      }
      stream.respond({ ':status': 200 });
      if (path === '/watch') stream.write('first\n');
      else stream.end('answer');
    });
  }

  static async listen(port = 0, settings: Settings = {}): Promise<TestServer> {
    const server = createServer({ settings });
    const self = new TestServer(server);
    server.listen(port, '127.0.0.1');
    await once(server, 'listening');
    return self;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const session of this.sessions) session.destroy();
    this.#server.close();
    await once(this.#server, 'close');
  }
}

function transportTo(port: number, clock: Clock = systemClock): Transport {
  return new Transport({
    server: `http://127.0.0.1:${port}`,
    credentials: () => ({ ca: '' }),
    userAgent: 'test',
    clock,
  });
}

async function textOf({ body }: HttpResponse): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of body) chunks.push(chunk);
  return Buffer.concat(chunks).toString();
}

const get = async (transport: Transport, path = '/') =>
  textOf(await transport.request({ method: 'GET', path }, soon()));

/** A watch that has begun; what it ends with is asked for later. */
async function watching(transport: Transport, signal: AbortSignal = never) {
  const { body } = await transport.request({ method: 'GET', path: '/watch' }, signal);
  const reader = body[Symbol.asyncIterator]();
  assert.equal(String((await reader.next()).value), 'first\n');
  const end = reader.next().then(
    ({ done }) => (done ? 'ended' : 'more'),
    (err: unknown) => err,
  );
  return { end };
}

test('a request after the server started anew gets a new connection, and a watch of before hears of it', async () => {
  let server = await TestServer.listen();
  const { port } = server;
  await using transport = transportTo(port);
  const { end } = await watching(transport);
  await server[Symbol.asyncDispose]();
  assert.ok((await end) instanceof ConnectionError);
  await assert.rejects(
    get(transport),
    (err: Error) => err instanceof ConnectionError && /cannot reach http/.test(err.message),
  );
  server = await TestServer.listen(port);
  await using _server = server;
  assert.equal(await get(transport), 'answer');
});

test('an answer cut off in the middle is a broken connection, not a short answer', async () => {
  await using server = await TestServer.listen();
  await using transport = transportTo(server.port);
  const { body } = await transport.request({ method: 'GET', path: '/half' }, soon());
  const reader = body[Symbol.asyncIterator]();
  assert.equal(String((await reader.next()).value), 'half');
  for (const session of server.sessions) session.destroy();
  await assert.rejects(reader.next(), ConnectionError);
});

test('an answer whose stream the server takes back is a broken connection', async () => {
  await using server = await TestServer.listen();
  await using transport = transportTo(server.port);
  const { end } = await watching(transport);
  server.streams[0]!.destroy(new Error('too slow'));
  assert.ok((await end) instanceof ConnectionError);
});

test('watches beyond what the server allows on one connection keep nobody from being answered', async () => {
  await using server = await TestServer.listen(0, { maxConcurrentStreams: 4 });
  await using transport = transportTo(server.port);
  await Promise.all(Array.from({ length: 10 }, () => watching(transport, soon())));
  assert.equal(await get(transport), 'answer');
  assert.equal(server.sessions.size, 3);
});

test('connections that were needed for a moment only are closed again', async () => {
  await using server = await TestServer.listen(0, { maxConcurrentStreams: 4 });
  await using transport = transportTo(server.port);
  const stop = new AbortController();
  await Promise.all(Array.from({ length: 10 }, () => watching(transport, stop.signal)));
  stop.abort();
  await waitFor('one connection', () => server.sessions.size === 1, QUICK);
  assert.equal(await get(transport), 'answer');
});

test('renewed credentials are shown by new connections, and what goes on over old ones is ended soon', async () => {
  await using server = await TestServer.listen();
  const clock = new VirtualClock();
  const asked: string[] = [];
  const credentials = () => {
    asked.push('asked');
    return { ca: '' };
  };
  const url = `http://127.0.0.1:${server.port}`;
  await using transport = new Transport({ server: url, credentials, userAgent: 'test', clock });
  const { end } = await watching(transport);
  const before = asked.length;
  transport.renew();
  assert.equal(await get(transport), 'answer');
  assert.ok(asked.length > before + 1, 'a new connection was made');
  assert.equal(server.sessions.size, 2);
  await clock.advance(30_000);
  assert.ok((await end) instanceof ConnectionError);
  await waitFor('one connection', () => server.sessions.size === 1, QUICK);
});

test('a server that says it is going away serves what it has begun, and gets nothing new', async () => {
  await using server = await TestServer.listen();
  await using transport = transportTo(server.port);
  const { end } = await watching(transport);
  const [leaving] = server.sessions;
  leaving!.goaway(constants.NGHTTP2_NO_ERROR);
  await waitFor(
    'another connection',
    async () => (await get(transport)) === 'answer' && server.sessions.size === 2,
    QUICK,
  );
  server.streams[0]!.end('last');
  assert.equal(await end, 'more');
});

test('a stream that the server refused unseen is asked for again', async () => {
  await using server = await TestServer.listen();
  await using transport = transportTo(server.port);
  await get(transport);
  const [session] = server.sessions;
  session!.prependOnceListener('stream', (stream: ServerHttp2Stream) => stream.close(constants.NGHTTP2_REFUSED_STREAM));
  assert.equal(await get(transport), 'answer');
});

test('a connection that carries nothing any more is noticed by its watch, and left for a new one', async () => {
  await using server = await TestServer.listen();
  await using proxy = await FrozenProxy.to(server.port);
  const clock = new VirtualClock();
  await using transport = transportTo(proxy.port, clock);
  const { end } = await watching(transport);
  proxy.freeze();
  await clock.advance(20_000);
  assert.ok((await end) instanceof ConnectionError);
  assert.equal(await get(transport), 'answer');
  assert.equal(proxy.connections, 2);
});

test('a connection that is only being emptied is given up when it does not come to its end', async () => {
  await using server = await TestServer.listen();
  await using proxy = await FrozenProxy.to(server.port);
  const clock = new VirtualClock();
  await using transport = transportTo(proxy.port, clock);
  const { end } = await watching(transport);
  const [leaving] = server.sessions;
  leaving!.goaway(constants.NGHTTP2_NO_ERROR);
  await waitFor(
    'another connection',
    async () => (await get(transport)) === 'answer' && server.sessions.size === 2,
    QUICK,
  );
  proxy.freeze();
  await clock.advance(30_000);
  assert.ok((await end) instanceof ConnectionError);
});

test('a connection that lives on pings for ever without gathering listeners', async () => {
  await using server = await TestServer.listen();
  const clock = new VirtualClock();
  await using transport = transportTo(server.port, clock);
  const warnings: string[] = [];
  const hear = (warning: Error) => warnings.push(warning.message);
  process.on('warning', hear);
  await watching(transport);
  for (let pings = 1; pings <= 15; pings++) {
    await clock.advance(10_000);
    await waitFor(`ping ${pings}`, () => server.pings === pings, QUICK);
  }
  process.off('warning', hear);
  assert.deepEqual(warnings, []);
});

test('a server that takes the connection and says nothing is given up after ten seconds', async () => {
  const silent = createTcpServer().listen(0, '127.0.0.1');
  await once(silent, 'listening');
  const { port } = silent.address() as AddressInfo;
  const clock = new VirtualClock();
  await using transport = transportTo(port, clock);
  const asked = transport.request({ method: 'GET', path: '/' }, soon());
  const outcome = asked.catch((err: unknown) => err);
  const [socket] = await once(silent, 'connection');
  await clock.advance(10_000);
  assert.ok((await outcome) instanceof ConnectionError);
  socket.destroy();
  silent.close();
});

test('who gives up gets his own reason, before the connection is there and after', async () => {
  await using server = await TestServer.listen();
  await using transport = transportTo(server.port);
  const reason = new Error('changed my mind');
  for (const path of ['/', '/watch']) {
    const stop = new AbortController();
    const asked = transport.request({ method: 'GET', path }, stop.signal);
    stop.abort(reason);
    await assert.rejects(asked, reason);
  }
  const stop = new AbortController();
  const { end } = await watching(transport, stop.signal);
  stop.abort(reason);
  assert.equal(await end, reason);
});

test('closing ends every watch and every connection, also those that were being emptied', async () => {
  await using server = await TestServer.listen(0, { maxConcurrentStreams: 1 });
  const transport = transportTo(server.port);
  const ends = [await watching(transport), await watching(transport)];
  for (const session of server.sessions) session.goaway(constants.NGHTTP2_NO_ERROR);
  await transport[Symbol.asyncDispose]();
  for (const { end } of ends) assert.ok((await end) instanceof Error);
  await waitFor('no connection', () => server.sessions.size === 0, QUICK);
  await assert.rejects(get(transport), /closed/);
});
