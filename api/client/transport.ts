// The way to the API server: HTTP/2 connections that requests and watches share, made when they are needed and made
// again when they break. One is enough until the server's limit of streams is reached.
import { once } from 'node:events';
import { type ClientHttp2Stream, constants } from 'node:http2';
import type { Clock } from '../clock.ts';
import { Connection, type Credentials } from './connection.ts';

export type { Credentials } from './connection.ts';

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

/** The server did not look at the request (RFC 9113, 8.7): asking again repeats nothing. */
class RefusedError extends ConnectionError {}

const REFUSALS_MAX = 3;
/** Beyond these, requests wait for a stream to end. */
const CONNECTIONS_MAX = 8;

export class Transport implements AsyncDisposable {
  readonly #options: TransportOptions;
  readonly #closing = new AbortController();
  /** Also those that are only being emptied: they have watches to be ended. */
  readonly #connections = new Set<Connection>();
  #dialing: Promise<void> | undefined;

  constructor(options: TransportOptions) {
    this.#options = options;
  }

  async request(request: HttpRequest, signal: AbortSignal): Promise<HttpResponse> {
    for (let refusals = 0; ; refusals++) {
      try {
        return await this.#once(request, signal);
      } catch (err) {
        if (!(err instanceof RefusedError) || refusals === REFUSALS_MAX) throw err;
      }
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#closing.abort(new Error('the client is closed'));
    await this.#dialing?.catch(() => undefined);
    await Promise.all(Array.from(this.#connections, (connection) => connection[Symbol.asyncDispose]()));
  }

  /** Requests from now on go over new connections, with the credentials there are now; the old ones are emptied. */
  renew(): void {
    for (const connection of this.#open()) connection.retire(this.#options.clock);
  }

  async #once(request: HttpRequest, signal: AbortSignal): Promise<HttpResponse> {
    const { token } = this.#options.credentials();
    const headers = {
      ':method': request.method,
      ':path': request.path,
      'user-agent': this.#options.userAgent,
      ...(token !== undefined && { authorization: `Bearer ${token}` }),
      ...(request.body !== undefined && { 'content-length': String(request.body.length) }),
      ...request.headers,
    };
    let connection = this.#free(signal);
    // Several may have waited for the same connection and filled it.
    for (; connection === undefined; connection = this.#free(signal)) await this.#another(signal);
    const stream = connection.request(headers, { endStream: request.body === undefined }, () => this.#tidy());
    if (request.body !== undefined) stream.end(request.body);
    return this.#answer(stream, signal);
  }

  #free(signal: AbortSignal): Connection | undefined {
    signal.throwIfAborted();
    this.#closing.signal.throwIfAborted();
    const open = this.#open();
    return open.find(({ hasRoom }) => hasRoom) ?? (open.length < CONNECTIONS_MAX ? undefined : open[0]);
  }

  #open(): Connection[] {
    return [...this.#connections].filter(({ isOpen }) => isOpen);
  }

  async #another(signal: AbortSignal): Promise<void> {
    this.#dialing ??= this.#dial().finally(() => {
      this.#dialing = undefined;
    });
    await orAborted(this.#dialing, signal);
  }

  async #dial(): Promise<void> {
    const { server, credentials, clock } = this.#options;
    try {
      const connection = await Connection.open(server, credentials(), clock, this.#closing.signal);
      this.#connections.add(connection);
      void connection.gone.then(() => this.#connections.delete(connection));
    } catch (cause) {
      throw new ConnectionError(`cannot reach ${server}`, { cause });
    }
  }

  /** Closes what a moment of many requests left over. */
  #tidy(): void {
    for (const connection of this.#open().slice(1)) if (connection.isIdle) connection.close();
  }

  #answer(stream: ClientHttp2Stream, signal: AbortSignal): Promise<HttpResponse> {
    const { server } = this.#options;
    const { promise, resolve, reject } = Promise.withResolvers<HttpResponse>();
    const abort = () => stream.close(constants.NGHTTP2_CANCEL);
    signal.addEventListener('abort', abort, { once: true });
    const failed = (cause?: unknown) => {
      const Failure = stream.rstCode === constants.NGHTTP2_REFUSED_STREAM ? RefusedError : ConnectionError;
      reject(signal.aborted ? signal.reason : new Failure(`connection to ${server} broke`, { cause }));
    };
    stream.once('response', (headers) => {
      resolve({ status: Number(headers[':status']), headers, body: bodyOf(stream, signal, server) });
    });
    stream.on('error', failed);
    stream.once('close', () => {
      signal.removeEventListener('abort', abort);
      failed();
    });
    return promise;
  }
}

async function* bodyOf(stream: ClientHttp2Stream, signal: AbortSignal, server: string): AsyncGenerator<Buffer> {
  let cause: unknown;
  try {
    for await (const chunk of stream) yield chunk as Buffer;
    if (!stream.closed) await once(stream, 'close');
  } catch (err) {
    cause = err;
  } finally {
    if (!stream.closed) stream.close(constants.NGHTTP2_CANCEL);
  }
  signal.throwIfAborted();
  // A stream that its server or a dying session takes back ends like one that is complete; only the code differs.
  if (cause !== undefined || stream.rstCode !== constants.NGHTTP2_NO_ERROR) {
    throw new ConnectionError(`connection to ${server} broke`, { cause });
  }
}

async function orAborted(work: Promise<void>, signal: AbortSignal): Promise<void> {
  const aborted = Promise.withResolvers<never>();
  const abort = () => aborted.reject(signal.reason);
  signal.addEventListener('abort', abort, { once: true });
  try {
    await Promise.race([work, aborted.promise]);
  } finally {
    signal.removeEventListener('abort', abort);
  }
}
