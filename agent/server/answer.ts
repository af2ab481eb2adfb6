// Answers: pages as they are, problems as one line of text, for requests and for connections that wanted to be
// upgraded alike.
import { type IncomingMessage, type ServerResponse, STATUS_CODES } from 'node:http';
import type { Duplex } from 'node:stream';
import type { Logger } from '../../api/log.ts';
import { CriError } from '../cri/call.ts';
import { Problem } from './problem.ts';

export interface Answer {
  readonly type: string;
  readonly body: string | Buffer;
}

export const text = (body: string): Answer => ({ type: 'text/plain; charset=utf-8', body });
export const json = (value: unknown): Answer => ({ type: 'application/json', body: JSON.stringify(value) });

export function send(req: IncomingMessage, res: ServerResponse, { type, body }: Answer, code = 200): void {
  const bytes = Buffer.from(body);
  res.writeHead(code, { 'content-type': type, 'content-length': bytes.length });
  res.end(req.method === 'HEAD' ? undefined : bytes);
}

/** Whatever was thrown, as the client is told it. What nobody foresaw is logged, and told without its insides. */
export function problemOf(err: unknown, log: Logger): Problem {
  if (err instanceof Problem) return err;
  if (err instanceof CriError) return new Problem(CRI_CODES[err.code] ?? 500, err.detail, {}, { cause: err });
  log.error({ err }, 'request failed');
  return new Problem(500, 'internal error', {}, { cause: err });
}
const CRI_CODES: Readonly<Record<string, number>> = { NOT_FOUND: 404, RESOURCE_EXHAUSTED: 429, UNAVAILABLE: 503 };

export function sendProblem(req: IncomingMessage, res: ServerResponse, { code, message, headers }: Problem): void {
  for (const [name, value] of Object.entries(headers)) res.setHeader(name, value);
  const type = message.startsWith('{') ? 'application/json' : 'text/plain; charset=utf-8';
  send(req, res, { type, body: message }, code);
}

/** On a connection that was to be upgraded, and now is not: it ends with the answer. */
export function refuse(socket: Duplex, { code, message, headers }: Problem): void {
  const body = Buffer.from(message);
  const head = [
    `HTTP/1.1 ${code} ${STATUS_CODES[code] ?? ''}`,
    'Content-Type: text/plain; charset=utf-8',
    `Content-Length: ${body.length}`,
    'Connection: close',
    ...Object.entries(headers).map(([name, value]) => `${name}: ${value}`),
  ].join('\r\n');
  // What the client sends meanwhile is read and dropped: a reset would take the answer with it.
  socket.resume();
  socket.end(Buffer.concat([Buffer.from(`${head}\r\n\r\n`), body]), () => socket.destroy());
}
