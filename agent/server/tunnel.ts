// A client's upgrade, carried to the runtime's streaming server: its headers once, then bytes in both directions,
// each as fast as its reader, as they are or translated. What one end closes, the other end sees.
import type { IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import { type Duplex, Transform } from 'node:stream';
import type { Clock } from '../../api/clock.ts';
import { dial } from './dial.ts';
import type { Said, Translation } from './translation.ts';
import { acceptance, closeFrame } from './websocket.ts';

/** As upstream: a stream on which nothing happens for this long is given up. */
const IDLE_MS = 4 * 60 * 60_000;
/** A client that vanished without a word is noticed this way. */
const KEEPALIVE_MS = 30_000;
/** After one end has closed, how long the other may take to do so. */
const LINGER_MS = 10_000;
const HELD_BACK = new Set(['host', 'authorization', 'cookie', 'content-length', 'transfer-encoding']);

export interface Upgrade {
  readonly req: IncomingMessage;
  readonly client: Socket;
  readonly head: Buffer;
}

export async function tunnel(
  { req, client, head }: Upgrade,
  target: URL,
  translation: Translation | undefined,
  clock: Clock,
  signal: AbortSignal,
): Promise<void> {
  const headers = translation === undefined ? forwarded(req) : asked(translation);
  const method = translation === undefined ? req.method : 'POST';
  // Before the runtime is asked: a request that cannot become a WebSocket must not start a command.
  const accepted = translation && acceptance(req.headers['sec-websocket-key'], translation.protocol);
  const { answer, runtime, rest } = await dial(target, method, headers, clock, signal);
  try {
    for (const socket of [client, runtime]) socket.setKeepAlive(true, KEEPALIVE_MS);
    client.setNoDelay(true);
    client.setTimeout(IDLE_MS, () => client.destroy());
    client.write(accepted ?? headOf(answer));
    for (const frame of translation?.opening() ?? []) runtime.write(frame);
    client.unshift(head);
    runtime.unshift(rest);
    await both(client, runtime, translation && through(client, runtime, translation), clock, signal);
  } finally {
    runtime.destroy();
    client.destroy();
  }
}

/** As pairs, in order, repeated ones repeated: of X-Stream-Protocol-Version, old servers read one per line only. */
function forwarded({ rawHeaders }: IncomingMessage): string[] {
  const lines: string[] = [];
  for (let i = 0; i < rawHeaders.length; i += 2) {
    const [name, value] = [rawHeaders[i]!, rawHeaders[i + 1]!];
    const key = name.toLowerCase();
    if (HELD_BACK.has(key)) continue;
    const values = key === 'x-stream-protocol-version' ? value.split(',').map((each) => each.trim()) : [value];
    for (const each of values) lines.push(name, each);
  }
  return lines;
}

function asked({ version }: Translation): string[] {
  return ['Connection', 'Upgrade', 'Upgrade', 'SPDY/3.1', 'X-Stream-Protocol-Version', version];
}

function headOf({ statusMessage, rawHeaders }: IncomingMessage): string {
  const lines = [`HTTP/1.1 101 ${statusMessage}`];
  for (let i = 0; i < rawHeaders.length; i += 2) lines.push(`${rawHeaders[i]}: ${rawHeaders[i + 1]}`);
  return `${lines.join('\r\n')}\r\n\r\n`;
}

interface Through {
  readonly inward: Transform;
  readonly outward: Transform;
}

/** Answers such as pongs go straight to who waits for them. */
function through(client: Socket, runtime: Socket, translation: Translation): Through {
  const translating = (say: (chunk: Buffer) => Said, main: 'toClient' | 'toRuntime', end?: Buffer) =>
    new Transform({
      transform(chunk: Buffer, _encoding, done) {
        const said = attempt(() => say(chunk));
        if (said instanceof Error) return done(said);
        for (const bytes of said[main]) this.push(bytes);
        const aside = main === 'toClient' ? said.toRuntime : said.toClient;
        for (const bytes of aside) (main === 'toClient' ? runtime : client).write(bytes);
        if (said.over) client.destroySoon();
        done();
      },
      flush: (done) => done(null, end),
    });
  return {
    inward: translating((chunk) => translation.fromClient(chunk), 'toRuntime'),
    outward: translating((chunk) => translation.fromRuntime(chunk), 'toClient', closeFrame()),
  };
}

function attempt<T>(work: () => T): T | Error {
  try {
    return work();
  } catch (err) {
    return err as Error;
  }
}

/**
 * Ends when the client's connection has. What the runtime said last still reaches the client; what the client says
 * after that is dropped.
 */
async function both(
  client: Duplex,
  runtime: Duplex,
  translated: Through | undefined,
  clock: Clock,
  signal: AbortSignal,
): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  using timers = new DisposableStack();
  const linger = () => {
    if (!timers.disposed) timers.use(clock.after(LINGER_MS, resolve));
  };
  const { inward, outward } = translated ?? { inward: runtime, outward: client };
  client.once('close', resolve);
  client.once('end', linger);
  runtime.once('close', () => {
    client.unpipe(inward);
    client.resume(); // unread bytes would turn the end into a reset
    outward.end();
    linger();
  });
  // Errors of sockets are followed by 'close'; what cannot be translated ends the conversation.
  for (const socket of [client, runtime]) socket.on('error', () => {});
  client.pipe(inward);
  runtime.pipe(outward);
  if (translated !== undefined) {
    for (const side of [inward, outward]) side.once('error', () => resolve());
    inward.pipe(runtime);
    outward.pipe(client);
  }
  signal.addEventListener('abort', () => resolve(), { once: true });
  if (!signal.aborted && !client.destroyed) await promise;
}
