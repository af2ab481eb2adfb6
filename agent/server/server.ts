// Port 10250: who asks is known and allowed before anything is looked up, then the request goes to its handler. Logs
// and pages are answers, exec and its like are connections that are taken over.
import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer, type Server } from 'node:https';
import type { AddressInfo, Socket } from 'node:net';
import type { TLSSocket } from 'node:tls';
import { subjectOf } from '../../api/pki/x509.ts';
import type { AgentConfig } from '../config.ts';
import { Access, type Credentials, type Reviews } from './access.ts';
import { problemOf, refuse, send, sendProblem } from './answer.ts';
import { checkpoint } from './checkpoint.ts';
import { containerLogs } from './container-logs.ts';
import type { ServerDeps } from './deps.ts';
import { nodeLogs } from './node-logs.ts';
import type { Pages } from './pages.ts';
import { Problem } from './problem.ts';
import { type Route, routeOf, type StreamRoute } from './route.ts';
import { Slots } from './slots.ts';
import { run, stream } from './streams.ts';
import { type CertificateSource, readTls, watchTls } from './tls-files.ts';

const CONNECTIONS_MAX = 2_000;
const FOLLOWERS_MAX = 1_000;
/** As Go's default: a long script may be part of an exec's address. */
const HEADERS_MAX_BYTES = 1024 * 1024;
const HEADERS_MS = 30_000;
const NODE_LOGS = '/var/log';
const HANDSHAKE_MS = 10_000;

export interface ServerOptions extends ServerDeps {
  readonly config: Pick<AgentConfig, 'nodeName' | 'kubelet' | 'kubeletDir'>;
  readonly reviews: Reviews;
  readonly pages: Pages;
  /** What the port presents; the files of `config` when absent. */
  readonly certificate?: CertificateSource;
  /** For exec, attach and port-forward. */
  readonly streams: Slots;
}

export class KubeletServer implements AsyncDisposable {
  readonly #options: ServerOptions;
  readonly #server: Server;
  readonly #access: Access;
  readonly #stop = new AbortController();
  readonly #ending: AbortSignal;
  readonly #followers = new Slots(FOLLOWERS_MAX, 'log readers');
  readonly #sockets = new Set<Socket>();
  readonly #under = new Set<Promise<void>>();
  #reloading: Promise<void> = Promise.resolve();

  private constructor(options: ServerOptions, server: Server, signal: AbortSignal) {
    this.#options = options;
    this.#ending = AbortSignal.any([signal, this.#stop.signal]);
    this.#server = server;
    this.#access = new Access(options.reviews, options.config.nodeName, options.clock);
  }

  /** Returns when connections are accepted. */
  static async start(options: ServerOptions, signal: AbortSignal): Promise<KubeletServer> {
    const { kubelet } = options.config;
    const tls = await readTls(kubelet, options.certificate);
    const server = createServer({
      ...tls,
      requestCert: true,
      // Tokens come without a certificate; one that is not believed is noticed in #credentials.
      rejectUnauthorized: false,
      ALPNProtocols: ['http/1.1'],
      handshakeTimeout: HANDSHAKE_MS,
      maxHeaderSize: HEADERS_MAX_BYTES,
      headersTimeout: HEADERS_MS,
      requestTimeout: HEADERS_MS,
      shouldUpgradeCallback: ({ url }) => isStream(routeOf(pathOf(url))?.route),
    });
    server.maxConnections = CONNECTIONS_MAX;
    const self = new KubeletServer(options, server, signal);
    self.#listen();
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject);
      server.listen({ host: kubelet.bindAddress, port: kubelet.port }, resolve);
    });
    server.removeAllListeners('error');
    server.on('error', (err) => options.log.error({ err }, 'listener failed'));
    const take = (found: typeof tls) => server.setSecureContext(found);
    self.#reloading = watchTls(kubelet, tls, take, options, self.#ending);
    return self;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  async [Symbol.asyncDispose]() {
    this.#stop.abort(new Error('the server ends'));
    this.#server.close();
    for (const socket of this.#sockets) socket.destroy();
    await Promise.allSettled([...this.#under, this.#reloading]);
  }

  #listen(): void {
    const server = this.#server;
    server.on('secureConnection', (socket: TLSSocket) => {
      this.#sockets.add(socket);
      socket.once('close', () => this.#sockets.delete(socket));
      // Whoever uses the connection sees its end; the event itself needs an ear.
      socket.on('error', () => {});
    });
    server.on('request', (req, res) => this.#track(this.#request(req, res)));
    server.on('upgrade', (req, socket, head) => this.#track(this.#upgrade(req, socket as Socket, head)));
    server.on('clientError', (_err, socket) => {
      if (socket.writable) socket.end('HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n');
      else socket.destroy();
    });
  }

  #track(work: Promise<void>): void {
    const tracked = work.finally(() => this.#under.delete(tracked));
    this.#under.add(tracked);
  }

  async #request(req: IncomingMessage, res: ServerResponse): Promise<void> {
    const { log, pages, config } = this.#options;
    const gone = new AbortController();
    res.once('close', () => gone.abort(new Error('the client has gone')));
    const signal = AbortSignal.any([gone.signal, this.#ending]);
    try {
      const { route, query } = await this.#admit(req, signal);
      if (isStream(route)) throw new Problem(400, 'Upgrade request required');
      switch (route.to) {
        case 'page':
          return send(req, res, await pages.answer(route.page, signal));
        case 'run':
          return await run(req, res, route.target, query, this.#options, signal);
        case 'checkpoint':
          return send(req, res, await checkpoint(route.target, query, config.kubeletDir, this.#options, signal));
        case 'nodeLogs':
          return await nodeLogs(req, res, NODE_LOGS, route.path, signal);
        case 'containerLogs': {
          using _slot = this.#followers.take();
          return await containerLogs(req, res, route.target, query, this.#options, signal);
        }
        default:
          route satisfies never;
      }
    } catch (err) {
      // Half an answer cannot be turned into an error: the client sees that it was cut off.
      if (res.headersSent || signal.aborted) res.destroy();
      else sendProblem(req, res, problemOf(err, log));
    }
  }

  async #upgrade(req: IncomingMessage, socket: Socket, head: Buffer): Promise<void> {
    const gone = new AbortController();
    socket.once('close', () => gone.abort(new Error('the client has gone')));
    const signal = AbortSignal.any([gone.signal, this.#ending]);
    try {
      const { route, query } = await this.#admit(req, signal);
      using _slot = this.#options.streams.take();
      await stream(req, socket, head, route as StreamRoute, query, this.#options, signal);
    } catch (err) {
      if (signal.aborted || socket.destroyed) socket.destroy();
      else refuse(socket, problemOf(err, this.#options.log));
    }
  }

  async #admit(req: IncomingMessage, signal: AbortSignal): Promise<{ route: Route; query: URLSearchParams }> {
    const method = req.method ?? 'GET';
    const path = pathOf(req.url);
    const user = await this.#access.check(credentialsOf(req), method, path, signal);
    const found = routeOf(path);
    if (found === undefined) throw new Problem(404, '404 page not found\n');
    if (!found.methods.includes(method)) throw new Problem(405, '405: Method Not Allowed');
    this.#options.log.debug({ method, path, user: user.name }, 'request');
    return { route: found.route, query: new URLSearchParams(req.url?.slice(path.length)) };
  }
}

function isStream(route: Route | undefined): route is StreamRoute {
  return route?.to === 'exec' || route?.to === 'attach' || route?.to === 'portForward';
}

function pathOf(url = '/'): string {
  const query = url.indexOf('?');
  return query < 0 ? url : url.slice(0, query);
}

function credentialsOf(req: IncomingMessage): Credentials {
  const socket = req.socket as TLSSocket;
  const [scheme, token] = req.headers.authorization?.split(' ', 2) ?? [];
  const bearer = scheme?.toLowerCase() === 'bearer' ? token : undefined;
  const certificate = socket.authorized ? socket.getPeerX509Certificate() : undefined;
  if (certificate === undefined) return { token: bearer };
  const { commonName, organizations } = subjectOf(certificate.raw);
  // A certificate without a name says nothing about who it is.
  return commonName === '' ? { token: bearer } : { certificate: { name: commonName, groups: organizations } };
}
