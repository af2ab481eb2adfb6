// Answers on the wire: status line, headers and chunks, with the pace of the reader. HTTP/1.1 and HTTP/2 alike.

import { once } from 'node:events';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Http2ServerRequest, Http2ServerResponse } from 'node:http2';
import { createGzip } from 'node:zlib';

export type Req = IncomingMessage | Http2ServerRequest;
export type Res = ServerResponse | Http2ServerResponse;

export interface Answer {
  readonly code: number;
  /** Absent where there is no content. */
  readonly contentType?: string;
  readonly headers?: Readonly<Record<string, string | string[]>>;
  /** In order; nothing is copied before it is written. */
  readonly chunks: Iterable<Buffer>;
  /** In bytes; unknown when absent. */
  readonly length?: number;
}

/** Chunks are joined up to this size: a write costs more than a copy. */
const PIECE = 64 * 1024;
/** What is packed goes to a thread and back each time. */
const PACKED_AT_ONCE = 256 * 1024;
/** Smaller answers are not worth packing. */
const GZIP_MIN = 128 * 1024;

export async function send(req: Req, res: Res, answer: Answer, signal: AbortSignal): Promise<void> {
  const { code, contentType, headers, chunks, length } = answer;
  const packs = (length ?? GZIP_MIN) >= GZIP_MIN && acceptsGzip(req) && code === 200;
  writeHead(res, code, {
    ...(contentType !== undefined && { 'content-type': contentType }),
    ...headers,
    ...(packs
      ? { 'content-encoding': 'gzip', vary: 'Accept-Encoding' }
      : length !== undefined && { 'content-length': String(length) }),
  });
  if (req.method === 'HEAD') {
    res.end();
    return;
  }
  if (packs) await sendPacked(res, chunks, signal);
  else await sendPieces(res, chunks, signal);
}

/** One signature for both protocols, whose types do not agree. */
export function writeHead(res: Res, code: number, headers: Record<string, string | string[]>): void {
  (res as ServerResponse).writeHead(code, headers);
}

export function write(res: Res, bytes: Buffer): boolean {
  return (res as ServerResponse).write(bytes);
}

function acceptsGzip(req: Req): boolean {
  return /\bgzip\b(?!\s*;\s*q=0(\.0*)?\s*(,|$))/.test(String(req.headers['accept-encoding'] ?? ''));
}

function* pieces(chunks: Iterable<Buffer>, min = PIECE): Iterable<Buffer> {
  let waiting: Buffer[] = [];
  let size = 0;
  for (const chunk of chunks) {
    waiting.push(chunk);
    size += chunk.length;
    if (size < min) continue;
    yield waiting.length === 1 ? chunk : Buffer.concat(waiting, size);
    waiting = [];
    size = 0;
  }
  if (size > 0) yield waiting.length === 1 ? waiting[0]! : Buffer.concat(waiting, size);
}

async function sendPieces(res: Res, chunks: Iterable<Buffer>, signal: AbortSignal): Promise<void> {
  let last: Buffer | undefined;
  for (const piece of pieces(chunks)) {
    if (last !== undefined && !write(res, last)) await once(res, 'drain', { signal });
    last = piece;
  }
  // The last piece goes with the end, in one frame.
  if (last === undefined) res.end();
  else res.end(last);
}

async function sendPacked(res: Res, chunks: Iterable<Buffer>, signal: AbortSignal): Promise<void> {
  const gzip = createGzip({ level: 1, chunkSize: PIECE });
  const fed = (async () => {
    for (const piece of pieces(chunks, PACKED_AT_ONCE)) if (!gzip.write(piece)) await once(gzip, 'drain', { signal });
    gzip.end();
  })();
  for await (const packed of gzip as AsyncIterable<Buffer>) {
    if (!write(res, packed)) await once(res, 'drain', { signal });
  }
  await fed;
  res.end();
}
