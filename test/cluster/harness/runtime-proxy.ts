// Stands between an agent and its containerd, on a socket of its own: passes every gRPC call on as it is (HTTP/2 frames
// and trailers), and on demand answers with an error instead, loses the answer of a call that was carried out, or drops
// and doubles the runtime's events.
import { rm } from 'node:fs/promises';
import http2 from 'node:http2';
import net from 'node:net';

export interface Fault {
  /** The last part of the path, such as `RunPodSandbox`. */
  readonly method: string;
  /** `refuse`: not carried out. `lose`: carried out, and the caller hears of an error. */
  readonly how: 'refuse' | 'lose';
  times: number;
}

const UNAVAILABLE = '14';
const EVENTS = '/containerd.services.events.v1.Events/Subscribe';
const PREFIX_BYTES = 5;

export class RuntimeProxy implements AsyncDisposable {
  faults: Fault[] = [];
  events: 'pass' | 'drop' | 'double' = 'pass';
  readonly #server: http2.Http2Server;
  readonly #sessions = new Set<http2.Http2Session>();

  private constructor(target: string) {
    this.#server = http2.createServer();
    this.#server.on('session', (session) => {
      // One for one, so that a connection that breaks behind us breaks before us.
      const behind = http2.connect('http://localhost', { createConnection: () => net.connect(target) });
      const end = () => {
        session.destroy();
        behind.destroy();
      };
      for (const each of [session, behind]) {
        this.#sessions.add(each);
        each.once('error', end).once('close', () => {
          this.#sessions.delete(each);
          end();
        });
      }
      session.on('stream', (stream, headers) => this.#pass(stream, headers, behind));
    });
  }

  static async start(listen: string, target: string): Promise<RuntimeProxy> {
    const proxy = new RuntimeProxy(target);
    await rm(listen, { force: true });
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    proxy.#server.once('error', reject).listen(listen, resolve);
    await promise;
    return proxy;
  }

  /** Faults that were not met yet. */
  get pending(): Fault[] {
    return this.faults.filter(({ times }) => times > 0);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const session of this.#sessions) session.destroy();
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#server.close(() => resolve());
    await promise;
  }

  #pass(front: http2.ServerHttp2Stream, headers: http2.IncomingHttpHeaders, behind: http2.ClientHttp2Session): void {
    const path = String(headers[':path']);
    const fault = this.pending.find(({ method }) => path.endsWith(`/${method}`));
    if (fault !== undefined) fault.times--;
    front.on('error', () => {}); // told by close as well
    if (fault?.how === 'refuse' || behind.destroyed) {
      refuse(front, fault === undefined ? 'the runtime is away' : 'refused by the test');
      return;
    }
    const { ':path': _path, ':method': method, ':scheme': _scheme, ':authority': authority, ...others } = headers;
    const back = behind.request({ ':method': method, ':path': path, ':authority': authority, ...others });
    front.pipe(back);
    front.once('close', () => back.close());
    back.on('error', () => front.close());
    if (fault !== undefined) {
      back.resume().once('end', () => refuse(front, 'the answer was lost by the test'));
      return;
    }
    let trailers: http2.IncomingHttpHeaders = {};
    back.on('trailers', (sent) => {
      trailers = sent;
    });
    back.once('response', (sent, flags) => {
      if (front.destroyed) return;
      const endStream = (flags & http2.constants.NGHTTP2_FLAG_END_STREAM) !== 0;
      front.respond(sent, endStream ? { endStream } : { waitForTrailers: true });
      if (endStream) return;
      front.once('wantTrailers', () => front.sendTrailers(trailers));
      if (path === EVENTS) this.#passEvents(back, front);
      else back.pipe(front);
    });
  }

  /** A frame is a byte, a length and the message. */
  #passEvents(back: http2.ClientHttp2Stream, front: http2.ServerHttp2Stream): void {
    let held = Buffer.alloc(0);
    back.on('data', (chunk: Buffer) => {
      held = Buffer.concat([held, chunk]);
      while (held.length >= PREFIX_BYTES && held.length >= PREFIX_BYTES + held.readUInt32BE(1)) {
        const frame = held.subarray(0, PREFIX_BYTES + held.readUInt32BE(1));
        held = held.subarray(frame.length);
        const copies = { drop: 0, pass: 1, double: 2 }[this.events];
        for (let copy = 0; copy < copies; copy++) front.write(frame);
      }
    });
    back.once('end', () => front.end());
  }
}

function refuse(front: http2.ServerHttp2Stream, why: string): void {
  if (front.destroyed || front.headersSent) return;
  const headers = { ':status': 200, 'content-type': 'application/grpc', 'grpc-status': UNAVAILABLE };
  front.respond({ ...headers, 'grpc-message': encodeURIComponent(why) }, { endStream: true });
  front.resume();
}
