// The connections of the listener: who is there, who is gone without a word, who asks for nothing. HTTP/2 peers are
// pinged; of HTTP/1.1 Node's own timeouts and the keepalive of TCP take care.
import type { Http2SecureServer, ServerHttp2Session } from 'node:http2';
import type { TLSSocket } from 'node:tls';
import type { Clock } from '../../api/clock.ts';
import type { HttpLimits } from './limits.ts';

const KEEPALIVE_AFTER_MS = 15_000;

interface Session {
  streams: number;
  /** When the last stream ended. */
  idleSince: number;
  /** A ping is under way. */
  asked: boolean;
}

export class Connections implements Disposable {
  readonly #sockets = new Set<TLSSocket>();
  readonly #sessions = new Map<ServerHttp2Session, Session>();
  readonly #clock: Clock;
  readonly #limits: HttpLimits;
  #timer: Disposable;

  constructor(server: Http2SecureServer, limits: HttpLimits, clock: Clock) {
    this.#clock = clock;
    this.#limits = limits;
    server.on('secureConnection', (socket: TLSSocket) => {
      this.#sockets.add(socket);
      socket.setNoDelay(true);
      socket.setKeepAlive(true, KEEPALIVE_AFTER_MS);
      socket.once('close', () => this.#sockets.delete(socket));
    });
    server.on('session', (session) => this.#take(session));
    this.#timer = this.#next();
  }

  #take(session: ServerHttp2Session): void {
    const state: Session = { streams: 0, idleSince: this.#clock.monotonic(), asked: false };
    this.#sessions.set(session, state);
    session.once('close', () => this.#sessions.delete(session));
    session.on('stream', (stream) => {
      state.streams++;
      stream.once('close', () => {
        state.streams--;
        state.idleSince = this.#clock.monotonic();
      });
    });
  }

  #next(): Disposable {
    const { pingEveryMs, idleMs } = this.#limits;
    return this.#clock.after(Math.min(pingEveryMs, idleMs), () => {
      this.#timer = this.#next();
      for (const [session, state] of this.#sessions) this.#look(session, state);
    });
  }

  #look(session: ServerHttp2Session, state: Session): void {
    if (session.destroyed) return;
    if (state.asked) {
      session.destroy();
      return;
    }
    // Whoever has just been told to go gets one round to do so.
    if (state.streams === 0 && this.#clock.monotonic() - state.idleSince >= this.#limits.idleMs) session.close();
    if (session.closed) return;
    state.asked = true;
    const heard = () => {
      state.asked = false;
    };
    if (!session.ping(heard)) session.destroy();
  }

  [Symbol.dispose](): void {
    this.#timer[Symbol.dispose]();
    for (const socket of this.#sockets) socket.destroy();
  }
}
