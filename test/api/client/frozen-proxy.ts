// A TCP relay that can stop carrying bytes without closing anything: what a lost host or a firewall that forgot
// looks like from the client.
import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';

export class FrozenProxy implements AsyncDisposable {
  readonly #server: Server;
  readonly #pairs: (readonly [Socket, Socket])[] = [];

  private constructor(server: Server) {
    this.#server = server;
  }

  static async to(port: number): Promise<FrozenProxy> {
    const server = createServer((near) => {
      const far = connect(port, '127.0.0.1');
      near.pipe(far).pipe(near);
      for (const [socket, other] of [
        [near, far],
        [far, near],
      ] as const) {
        socket.on('error', () => other.destroy());
        socket.on('close', () => other.destroy());
      }
      proxy.#pairs.push([near, far]);
    });
    const proxy = new FrozenProxy(server);
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    return proxy;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  get connections(): number {
    return this.#pairs.length;
  }

  /** Connections made until now go silent; later ones are carried. */
  freeze(): void {
    for (const [near, far] of this.#pairs) {
      near.unpipe(far).pause();
      far.unpipe(near).pause();
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const sockets of this.#pairs) for (const socket of sockets) socket.destroy();
    this.#server.close();
    await once(this.#server, 'close');
  }
}
