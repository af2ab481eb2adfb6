// One HTTP/2 connection: usable from the server's first settings until it closes or says that it is going away.
// Pings look after it, so that no watch hangs on a peer that is gone.
import { type ClientHttp2Session, type ClientHttp2Stream, connect, type OutgoingHttpHeaders } from 'node:http2';
import type { Socket } from 'node:net';
import type { Clock } from '../clock.ts';

export interface Credentials {
  readonly ca: string | Buffer;
  readonly cert?: string | Buffer;
  readonly key?: string | Buffer;
  readonly token?: string;
}

const PING_EVERY_MS = 10_000;
const PING_TIMEOUT_MS = 10_000;
const CONNECT_TIMEOUT_MS = 10_000;
/** A session that is going away cannot be pinged. No request takes longer than this, and watches go on elsewhere. */
const EMPTYING_MAX_MS = 30_000;

export class Connection implements AsyncDisposable {
  readonly #session: ClientHttp2Session;
  readonly #gone = Promise.withResolvers<void>();
  readonly #closed = new AbortController();
  #open = 0;
  #cause: unknown;
  #socket: Socket | undefined;

  private constructor(session: ClientHttp2Session) {
    this.#session = session;
    // Streams report failures to those who wait for them; the session's own event needs an ear or ends the process.
    session.on('error', (err) => {
      this.#cause = err;
    });
    session.once('connect', (_session, socket) => {
      this.#socket = socket;
    });
    session.once('close', () => {
      this.#closed.abort();
      this.#gone.resolve();
    });
  }

  /** Resolves when the server has said how many streams it takes. */
  static async open(server: string, { ca, cert, key }: Credentials, clock: Clock, signal: AbortSignal) {
    const session = connect(server, { ca, cert, key, settings: { enablePush: false } });
    const connection = new Connection(session);
    using _deadline = clock.after(CONNECT_TIMEOUT_MS, () => connection.#end(new Error('no answer')));
    const ready = Promise.withResolvers<void>();
    const abort = () => connection.#end(signal.reason);
    signal.addEventListener('abort', abort, { once: true });
    session.once('remoteSettings', () => ready.resolve());
    try {
      await Promise.race([ready.promise, connection.#gone.promise]);
    } finally {
      signal.removeEventListener('abort', abort);
    }
    if (session.destroyed) throw connection.#cause ?? new Error('closed by the server');
    session.once('goaway', () => {
      connection.#emptied(clock, 'the server is going away');
    });
    void connection.#keepAlive(clock, connection.#closed.signal);
    return connection;
  }

  /** Whether one more stream starts at once. Beyond the server's limit it would wait for another to end. */
  get hasRoom(): boolean {
    return this.isOpen && this.#open < (this.#session.remoteSettings.maxConcurrentStreams ?? Number.POSITIVE_INFINITY);
  }

  /** False also for one that is only being emptied. */
  get isOpen(): boolean {
    return !this.#session.closed && !this.#session.destroyed;
  }

  get isIdle(): boolean {
    return this.#open === 0;
  }

  /** Resolves when the connection has closed, whoever did it. */
  get gone(): Promise<void> {
    return this.#gone.promise;
  }

  request(headers: OutgoingHttpHeaders, options: { endStream: boolean }, ended: () => void): ClientHttp2Stream {
    const stream = this.#session.request(headers, options);
    this.#open++;
    stream.once('close', () => {
      this.#open--;
      ended();
    });
    return stream;
  }

  /** Takes no more streams and ends soon, also for those who watch: they go on elsewhere. */
  retire(clock: Clock): void {
    this.close();
    this.#emptied(clock, 'replaced by a new connection');
  }

  /** Takes no more streams; ends when the last one has. */
  close(): void {
    this.#session.close();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    // With a reason: the streams of a session destroyed without one end as if they were complete.
    this.#end(new Error('the client is closed'));
    await this.#gone.promise;
  }

  #end(reason: Error): void {
    this.#session.destroy(reason);
    // A session that was being emptied waits for its peer to close, who may be gone.
    this.#socket?.destroy();
  }

  #emptied(clock: Clock, why: string): void {
    const late = clock.after(EMPTYING_MAX_MS, () => this.#end(new Error(why)));
    this.#session.once('close', () => late[Symbol.dispose]());
  }

  async #keepAlive(clock: Clock, signal: AbortSignal): Promise<void> {
    const session = this.#session;
    while (!signal.aborted) {
      await clock.sleep(PING_EVERY_MS, signal).catch(() => undefined);
      if (session.destroyed || session.closed) return;
      using _deadline = clock.after(PING_TIMEOUT_MS, () => this.#end(new Error('no answer to a ping')));
      const { promise, resolve } = Promise.withResolvers<void>();
      // A ping that is cut off by the end of the session is called back, too.
      if (!session.ping(() => resolve())) resolve();
      await promise;
    }
  }
}
