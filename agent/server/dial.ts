// A connection to the runtime's streaming server, upgraded as asked; or why not, in its words.
import { request as httpRequest, type IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import type { Clock } from '../../api/clock.ts';
import { Problem } from './problem.ts';

const CONNECT_MS = 10_000;

export interface Dialled {
  readonly answer: IncomingMessage;
  readonly runtime: Socket;
  readonly rest: Buffer;
}

/** `headers`: names and values in turns. */
export async function dial(
  target: URL,
  method: string | undefined,
  headers: readonly string[],
  clock: Clock,
  signal: AbortSignal,
): Promise<Dialled> {
  const late = new AbortController();
  using _deadline = clock.after(CONNECT_MS, () => late.abort(new Error(`no answer within ${CONNECT_MS} ms`)));
  const { promise, resolve, reject } = Promise.withResolvers<Dialled>();
  const outgoing = httpRequest(target, {
    agent: false,
    method,
    // Without a length Node would announce chunks, and the end of a body that is none would begin the stream.
    headers: ['Host', target.host, 'Content-Length', '0', ...headers],
    signal: AbortSignal.any([signal, late.signal]),
  });
  outgoing.once('upgrade', (answer, runtime, rest) => resolve({ answer, runtime: runtime as Socket, rest }));
  outgoing.once('response', (answer) => refused(answer).then(reject, reject));
  outgoing.on('error', reject);
  outgoing.end();
  try {
    return await promise;
  } catch (err) {
    signal.throwIfAborted();
    if (err instanceof Problem) throw err;
    const why = late.signal.aborted ? late.signal.reason : err;
    const message = `cannot reach the runtime's streaming server: ${(why as Error).message}`;
    throw new Problem(502, message, {}, { cause: err });
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
