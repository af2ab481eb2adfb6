// A client's upgrade, carried to the runtime's streaming server: its headers once, then bytes in both directions,
// each as fast as its reader. What one end closes, the other end sees.
import { request as httpRequest, type IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import type { Clock } from '../../api/clock.ts';
import { Problem } from './problem.ts';

const CONNECT_MS = 10_000;
/** As upstream: a stream on which nothing happens for this long is given up. */
const IDLE_MS = 4 * 60 * 60_000;
/** A client that vanished without a word is noticed this way. */
const KEEPALIVE_MS = 30_000;
/** After one end has closed, how long the other may take to do so. */
const LINGER_MS = 10_000;
const HELD_BACK = new Set(['host', 'authorization', 'cookie', 'content-length', 'transfer-encoding']);

export async function tunnel(
  req: IncomingMessage,
  client: Socket,
  head: Buffer,
  target: URL,
  clock: Clock,
  signal: AbortSignal,
): Promise<void> {
  const { answer, runtime, rest } = await dial(req, target, clock, signal);
  try {
    for (const socket of [client, runtime]) socket.setKeepAlive(true, KEEPALIVE_MS);
    client.setNoDelay(true);
    client.setTimeout(IDLE_MS, () => client.destroy());
    client.write(Buffer.concat([Buffer.from(headOf(answer)), rest]));
    if (head.length > 0) runtime.write(head);
    await both(client, runtime, clock, signal);
  } finally {
    runtime.destroy();
    client.destroy();
  }
}

interface Dialled {
  readonly answer: IncomingMessage;
  readonly runtime: Socket;
  readonly rest: Buffer;
}

async function dial(req: IncomingMessage, target: URL, clock: Clock, signal: AbortSignal): Promise<Dialled> {
  const late = new AbortController();
  using _deadline = clock.after(CONNECT_MS, () => late.abort(new Error(`no answer within ${CONNECT_MS} ms`)));
  const { promise, resolve, reject } = Promise.withResolvers<Dialled>();
  const outgoing = httpRequest(target, {
    agent: false,
    method: req.method,
    headers: ['Host', target.host, ...forwarded(req)],
    signal: AbortSignal.any([signal, late.signal]),
  });
  outgoing.once('upgrade', (answer, runtime, rest) => resolve({ answer, runtime, rest }));
  outgoing.once('response', (answer) => refused(answer).then(reject, reject));
  outgoing.on('error', reject);
  outgoing.end();
  try {
    return await promise;
  } catch (err) {
    signal.throwIfAborted();
    if (err instanceof Problem) throw err;
    const why = late.signal.aborted ? late.signal.reason : err;
    throw new Problem(
      502,
      `cannot reach the runtime's streaming server: ${(why as Error).message}`,
      {},
      { cause: err },
    );
  }
}

const REFUSAL_MAX_BYTES = 4_096;

/** What the runtime says instead of upgrading, told as it was said. */
async function refused(answer: IncomingMessage): Promise<Problem> {
  let body = '';
  for await (const chunk of answer) {
    body += chunk;
    if (body.length > REFUSAL_MAX_BYTES) break;
  }
  const code = answer.statusCode ?? 502;
  return new Problem(
    code < 400 ? 502 : code,
    body.slice(0, REFUSAL_MAX_BYTES).trim() || `the runtime answered ${code}`,
  );
}

/** As pairs, in order, repeated ones repeated: of X-Stream-Protocol-Version, old servers read one per line only. */
function forwarded({ rawHeaders }: IncomingMessage): string[] {
  // Without a length Node would announce chunks, and the end of a body that is none would begin the stream.
  const lines: string[] = ['Content-Length', '0'];
  for (let i = 0; i < rawHeaders.length; i += 2) {
    const [name, value] = [rawHeaders[i]!, rawHeaders[i + 1]!];
    const key = name.toLowerCase();
    if (HELD_BACK.has(key)) continue;
    const values = key === 'x-stream-protocol-version' ? value.split(',').map((each) => each.trim()) : [value];
    for (const each of values) lines.push(name, each);
  }
  return lines;
}

function headOf({ statusMessage, rawHeaders }: IncomingMessage): string {
  const lines = [`HTTP/1.1 101 ${statusMessage}`];
  for (let i = 0; i < rawHeaders.length; i += 2) lines.push(`${rawHeaders[i]}: ${rawHeaders[i + 1]}`);
  return `${lines.join('\r\n')}\r\n\r\n`;
}

/**
 * Ends when the client's connection has. What the runtime said last still reaches the client; what the client says
 * after that is dropped.
 */
async function both(client: Duplex, runtime: Duplex, clock: Clock, signal: AbortSignal): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  using timers = new DisposableStack();
  const linger = () => {
    if (!timers.disposed) timers.use(clock.after(LINGER_MS, resolve));
  };
  client.once('close', resolve);
  client.once('end', linger);
  runtime.once('close', () => {
    client.unpipe(runtime);
    client.resume(); // unread bytes would turn the end into a reset
    client.end();
    linger();
  });
  // Errors are followed by 'close'.
  for (const socket of [client, runtime]) socket.on('error', () => {});
  client.pipe(runtime);
  runtime.pipe(client);
  signal.addEventListener('abort', () => resolve(), { once: true });
  if (!signal.aborted && !client.destroyed) await promise;
}
