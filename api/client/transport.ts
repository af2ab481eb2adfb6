// One HTTP/2 connection to the API server, made again when it breaks. Requests and watches share it; a peer that
// stops answering is noticed by pings, so that a watch never hangs on a dead connection.
import { type ClientHttp2Session, type ClientHttp2Stream, connect, constants } from 'node:http2';
import type { Clock } from '../clock.ts';

export interface Credentials {
  readonly ca: string | Buffer;
  readonly cert?: string | Buffer;
  readonly key?: string | Buffer;
  readonly token?: string;
}

export interface TransportOptions {
  /** https://host:port */
  readonly server: string;
  /** Asked for each new connection, so that rotated certificates and tokens are taken up. */
  readonly credentials: () => Credentials;
  readonly userAgent: string;
  readonly clock: Clock;
}

export interface HttpRequest {
  readonly method: string;
  readonly path: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: Buffer;
}

export interface HttpResponse {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly body: AsyncIterable<Buffer>;
}

/** The server could not be reached or the connection broke: nothing is known of the request's fate. */
export class ConnectionError extends Error {}

const PING_EVERY_MS = 10_000;
const PING_TIMEOUT_MS = 10_000;
const CONNECT_TIMEOUT_MS = 10_000;

export class Transport implements AsyncDisposable {
  readonly #options: TransportOptions;
  readonly #closing = new AbortController();
  #session: ClientHttp2Session | undefined;
  #pinger: Promise<void> | undefined;

  constructor(options: TransportOptions) {
    this.#options = options;
  }

  async request(request: HttpRequest, signal: AbortSignal): Promise<HttpResponse> {
    signal.throwIfAborted();
    this.#closing.signal.throwIfAborted();
    const { token } = this.#options.credentials();
    const headers = {
      ':method': request.method,
      ':path': request.path,
      'user-agent': this.#options.userAgent,
      ...(token !== undefined && { authorization: `Bearer ${token}` }),
      ...(request.body !== undefined && { 'content-length': String(request.body.length) }),
      ...request.headers,
    };
    let stream: ClientHttp2Stream;
    try {
      stream = this.#connected().request(headers, { endStream: request.body === undefined });
    } catch (cause) {
      throw new ConnectionError(`cannot reach ${this.#options.server}`, { cause });
    }
    if (request.body !== undefined) stream.end(request.body);
    return this.#answer(stream, signal);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#closing.abort(new Error('the client is closed'));
    this.#session?.destroy();
    await this.#pinger;
  }

  #answer(stream: ClientHttp2Stream, signal: AbortSignal): Promise<HttpResponse> {
    const { promise, resolve, reject } = Promise.withResolvers<HttpResponse>();
    const abort = () => stream.close(constants.NGHTTP2_CANCEL);
    signal.addEventListener('abort', abort, { once: true });
    const failed = (cause?: unknown) =>
      reject(
        signal.aborted ? signal.reason : new ConnectionError(`connection to ${this.#options.server} broke`, { cause }),
      );
    stream.once('response', (headers) => {
      resolve({ status: Number(headers[':status']), headers, body: bodyOf(stream, signal, this.#options.server) });
    });
    stream.on('error', failed);
    stream.once('close', () => {
      signal.removeEventListener('abort', abort);
      failed();
    });
    return promise;
  }

  #connected(): ClientHttp2Session {
    const known = this.#session;
    if (known !== undefined && !known.closed && !known.destroyed) return known;
    const { ca, cert, key } = this.#options.credentials();
    const session = connect(this.#options.server, { ca, cert, key, settings: { enablePush: false } });
    session.setTimeout(CONNECT_TIMEOUT_MS, () => session.connecting && session.destroy(new Error('no answer')));
    // Streams report failures to those who wait for them; the session's own event needs an ear or ends the process.
    session.on('error', () => session.destroy());
    session.once('connect', () => session.setTimeout(0));
    this.#session = session;
    this.#pinger ??= this.#ping();
    return session;
  }

  async #ping(): Promise<void> {
    const { clock } = this.#options;
    const { signal } = this.#closing;
    while (!signal.aborted) {
      await clock.sleep(PING_EVERY_MS, signal).catch(() => undefined);
      const session = this.#session;
      if (signal.aborted || session === undefined || session.destroyed || session.connecting) continue;
      using _deadline = clock.after(PING_TIMEOUT_MS, () => session.destroy(new Error('no answer to a ping')));
      await new Promise<void>((resolve) => {
        session.once('close', resolve);
        if (!session.ping(() => resolve())) resolve();
      });
    }
  }
}

async function* bodyOf(stream: ClientHttp2Stream, signal: AbortSignal, server: string): AsyncGenerator<Buffer> {
  try {
    for await (const chunk of stream) yield chunk as Buffer;
  } catch (cause) {
    signal.throwIfAborted();
    throw new ConnectionError(`connection to ${server} broke`, { cause });
  } finally {
    if (!stream.closed) stream.close(constants.NGHTTP2_CANCEL);
  }
  signal.throwIfAborted();
}
