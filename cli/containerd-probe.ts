// Asks a containerd over its socket whether CRI is served: one gRPC call by hand over node:http2, because the process
// that starts containerd has no other use for a gRPC library.
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

export async function probeCri(socket: string, signal: AbortSignal): Promise<Probe> {
  signal.throwIfAborted();
  try {
    const { status, message, body } = await callVersion(socket, signal);
    if (status === OK) return { is: 'ready', ...versionOf(body) };
    if (status === UNIMPLEMENTED) return { is: 'broken', why: message };
    return { is: 'notYet', why: message };
  } catch (cause) {
    signal.throwIfAborted();
    return { is: 'notYet', why: cause instanceof Error ? cause.message : String(cause) };
  }
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

async function callVersion(socket: string, signal: AbortSignal): Promise<Answer> {
  const { promise, resolve, reject } = Promise.withResolvers<Answer>();
  const session: ClientHttp2Session = connect('http://localhost', { createConnection: () => createConnection(socket) });
  session.once('error', reject);
  const stream = session.request(
    {
      ':method': 'POST',
      ':path': '/runtime.v1.RuntimeService/Version',
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
  stream.end(Buffer.alloc(5)); // an uncompressed message of length 0: the empty VersionRequest
  try {
    return await promise;
  } finally {
    session.destroy();
  }
}

/** VersionResponse: runtime_name = 2, runtime_version = 3, strings all. */
function versionOf(body: Buffer): { runtime: string; version: string } {
  const fields = new Map<number, string>();
  let at = 5; // past the frame's flag and length
  while (at + 1 < body.length) {
    const tag = body[at]!;
    const length = body[at + 1]!; // every string in this answer is far below 128 bytes
    fields.set(tag >> 3, body.toString('utf8', at + 2, at + 2 + length));
    at += 2 + length;
  }
  return { runtime: fields.get(2) ?? '', version: fields.get(3) ?? '' };
}
