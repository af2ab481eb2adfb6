// Asks a containerd over its socket whether CRI is served and has an image: two gRPC calls by hand over node:http2,
// because the process that starts containerd has no other use for a gRPC library.
import { type ClientHttp2Session, connect } from 'node:http2';
import { createConnection } from 'node:net';

export type Probe =
  | { is: 'ready'; runtime: string; version: string }
  /** Nobody listens yet, or CRI is still recovering its state. */
  | { is: 'notYet'; why: string }
  /** containerd serves, but without CRI: its plugin failed to load. */
  | { is: 'broken'; why: string };

const OK = '0';
const UNIMPLEMENTED = '12';
const MESSAGE_MAX_BYTES = 4096;
const FRAME_HEAD_BYTES = 5;

export async function probeCri(socket: string, signal: AbortSignal): Promise<Probe> {
  signal.throwIfAborted();
  try {
    const { status, message, body } = await unary(
      socket,
      '/runtime.v1.RuntimeService/Version',
      Buffer.alloc(0),
      signal,
    );
    if (status === OK) return { is: 'ready', ...versionOf(body) };
    if (status === UNIMPLEMENTED) return { is: 'broken', why: message };
    return { is: 'notYet', why: message };
  } catch (cause) {
    signal.throwIfAborted();
    return { is: 'notYet', why: cause instanceof Error ? cause.message : String(cause) };
  }
}

/** CRI learns of what other tools import by events, a moment later. */
export async function criHasImage(socket: string, ref: string, signal: AbortSignal): Promise<boolean> {
  // ImageStatusRequest: image = 1, in it image = 1.
  const request = field(1, field(1, Buffer.from(ref)));
  const { status, body } = await unary(socket, '/runtime.v1.ImageService/ImageStatus', request, signal);
  // ImageStatusResponse: image = 1, left out where there is none.
  return status === OK && body[FRAME_HEAD_BYTES] === tagOf(1);
}

/** Whether anything at all accepts connections on the socket. */
export async function socketAnswers(socket: string): Promise<boolean> {
  const connection = createConnection(socket);
  const { promise, resolve } = Promise.withResolvers<boolean>();
  connection.once('connect', () => resolve(true));
  connection.once('error', () => resolve(false));
  const answers = await promise;
  connection.destroy();
  return answers;
}

interface Answer {
  status: string;
  message: string;
  body: Buffer;
}

async function unary(socket: string, path: string, message: Buffer, signal: AbortSignal): Promise<Answer> {
  const { promise, resolve, reject } = Promise.withResolvers<Answer>();
  const session: ClientHttp2Session = connect('http://localhost', { createConnection: () => createConnection(socket) });
  session.once('error', reject);
  const stream = session.request(
    {
      ':method': 'POST',
      ':path': path,
      'content-type': 'application/grpc',
      te: 'trailers',
    },
    { signal },
  );
  const chunks: Buffer[] = [];
  let headers: Record<string, unknown> = {};
  // An error without a body comes as one block of headers, everything else ends with trailers.
  stream.once('response', (block) => {
    headers = block;
  });
  stream.once('trailers', (block) => {
    headers = { ...headers, ...block };
  });
  stream.on('data', (chunk: Buffer) => {
    if (chunks.reduce((sum, each) => sum + each.length, 0) < MESSAGE_MAX_BYTES) chunks.push(chunk);
  });
  stream.once('error', reject);
  stream.once('close', () =>
    resolve({
      status: String(headers['grpc-status'] ?? 'none'),
      message: decodeURIComponent(String(headers['grpc-message'] ?? 'the connection closed without an answer')),
      body: Buffer.concat(chunks),
    }),
  );
  const head = Buffer.alloc(FRAME_HEAD_BYTES); // a flag, here for uncompressed, and the length
  head.writeUInt32BE(message.length, 1);
  stream.end(Buffer.concat([head, message]));
  try {
    return await promise;
  } finally {
    session.destroy();
  }
}

/** Protobuf's wire form of a string or message. Image references are longer than one byte of length can tell. */
function field(number: number, value: Buffer): Buffer {
  const length: number[] = [];
  for (let rest = value.length; length.length === 0 || rest > 0; rest >>= 7) length.push((rest & 0x7f) | 0x80);
  length[length.length - 1]! &= 0x7f;
  return Buffer.concat([Buffer.from([tagOf(number), ...length]), value]);
}

function tagOf(number: number): number {
  return (number << 3) | 2; // wire type 2: length-delimited
}

/** VersionResponse: runtime_name = 2, runtime_version = 3, strings all. */
function versionOf(body: Buffer): { runtime: string; version: string } {
  const fields = new Map<number, string>();
  let at = FRAME_HEAD_BYTES;
  while (at + 1 < body.length) {
    const tag = body[at]!;
    const length = body[at + 1]!; // every string in this answer is far below 128 bytes
    fields.set(tag >> 3, body.toString('utf8', at + 2, at + 2 + length));
    at += 2 + length;
  }
  return { runtime: fields.get(2) ?? '', version: fields.get(3) ?? '' };
}
