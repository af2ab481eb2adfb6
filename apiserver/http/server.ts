// The listener: one TLS port for HTTP/2 and HTTP/1.1. A request is authenticated, routed, handed to the registry and
// answered; every failure on the way becomes a Status here and nowhere else.
import { once } from 'node:events';
import { createSecureServer, type Http2SecureServer } from 'node:http2';
import type { AddressInfo } from 'node:net';
import type { Duplex } from 'node:stream';
import type { TLSSocket } from 'node:tls';
import type { Clock } from '../../api/clock.ts';
import type { Logger } from '../../api/log.ts';
import type { Random } from '../../api/random.ts';
import { ApiError, tooManyRequests } from '../../api/status.ts';
import { authenticate } from '../authn/authenticator.ts';
import { authorizePath } from '../authz/request.ts';
import { parseOptions } from '../registry/options.ts';
import type { Registry } from '../registry/registry.ts';
import type { ApiRequest, UserInfo } from '../registry/request.ts';
import { type Req, type Res, send } from './answer.ts';
import { readBody } from './body.ts';
import { credentialsOf } from './credentials.ts';
import { jsonAnswer } from './encode.ts';
import { asApiError } from './errors.ts';
import { Metrics } from './metrics.ts';
import { type Pages, plainNotFound } from './pages.ts';
import { proxyUpgrade } from './proxy.ts';
import { respond } from './respond.ts';
import { type ResourceTarget, routeOf, type Served, verbOf } from './route.ts';

export interface TlsFiles {
  readonly cert: Buffer | string;
  readonly key: Buffer | string;
  readonly clientCa: Buffer | string;
}

export interface HttpOptions {
  readonly host: string;
  readonly port: number;
  readonly tls: TlsFiles;
}

export interface HttpDeps {
  readonly registry: Registry;
  readonly pages: Pages;
  readonly metrics: Metrics;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Logger;
}

const HEADERS_MAX = 64 * 1024;
/** Requests that may be worked on at a time, watches apart. */
const IN_FLIGHT_MAX = 600;

export class HttpServer implements AsyncDisposable {
  readonly #server: Http2SecureServer;
  readonly #deps: HttpDeps;
  readonly #served: Served;
  /** What is being answered. One signal made of two for each request would cost more than reading its body. */
  readonly #open = new Set<AbortController>();
  #stopped = false;
  readonly #sockets = new Set<Duplex>();
  /** What requests were for, once that is known. */
  readonly #asked = new WeakMap<Req, ApiRequest>();

  private constructor(server: Http2SecureServer, deps: HttpDeps) {
    this.#server = server;
    this.#deps = deps;
    this.#served = servedBy(deps.registry);
    server.on('request', (req, res) => void this.#answer(req, res));
    server.on('upgrade', (req, socket, head) => void this.#upgrade(req, socket, head));
    server.on('secureConnection', (socket) => {
      this.#sockets.add(socket);
      socket.setNoDelay(true);
      socket.once('close', () => this.#sockets.delete(socket));
    });
    // A client that leaves mid-handshake or mid-request is its own business.
    server.on('tlsClientError', () => {});
    server.on('sessionError', () => {});
    server.on('clientError', (_err, socket) => socket.destroy());
  }

  static async listen({ host, port, tls }: HttpOptions, deps: HttpDeps): Promise<HttpServer> {
    const server = createSecureServer({
      allowHTTP1: true,
      cert: tls.cert,
      key: tls.key,
      ca: tls.clientCa,
      requestCert: true,
      rejectUnauthorized: false,
      minVersion: 'TLSv1.2',
      maxHeaderListPairs: 256,
      settings: { maxConcurrentStreams: 250, maxHeaderListSize: HEADERS_MAX, initialWindowSize: 1 << 20 },
      handshakeTimeout: 10_000,
    });
    const http = new HttpServer(server, deps);
    server.listen(port, host);
    await once(server, 'listening');
    return http;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  /** New certificates for connections to come. */
  renew(tls: TlsFiles): void {
    this.#server.setSecureContext({ cert: tls.cert, key: tls.key, ca: tls.clientCa, minVersion: 'TLSv1.2' });
  }

  async #answer(req: Req, res: Res): Promise<void> {
    const gone = this.#newlyOpen();
    const { signal } = gone;
    const began = this.#deps.clock.monotonic();
    res.once('close', () => {
      this.#open.delete(gone);
      // Whoever has answered waits for nothing, and to abort costs an error with its stack.
      if (!res.writableEnded) gone.abort();
      this.#count(req, res.statusCode, began);
    });
    res.on('error', () => gone.abort());
    const { random, log } = this.#deps;
    res.setHeader('audit-id', random.uuid());
    res.setHeader('cache-control', 'no-cache, private');
    try {
      await this.#serve(req, res, signal);
    } catch (err) {
      if (signal.aborted) {
        res.destroy();
        return;
      }
      await this.#refuse(req, res, err, signal).catch((cause: unknown) => {
        log.debug({ err: cause }, 'could not answer');
        res.destroy();
      });
    }
  }

  #newlyOpen(): AbortController {
    const gone = new AbortController();
    if (this.#stopped) gone.abort();
    this.#open.add(gone);
    return gone;
  }

  #count(req: Req, code: number, began: number): void {
    const { clock, metrics } = this.#deps;
    const request = this.#asked.get(req);
    const seconds = (clock.monotonic() - began) / 1000;
    if (request === undefined) metrics.page(methodOf(req), code, seconds);
    else metrics.request(request, code, seconds);
  }

  async #refuse(req: Req, res: Res, err: unknown, signal: AbortSignal): Promise<void> {
    const { log } = this.#deps;
    const error = asApiError(err);
    if (error.code >= 500 && error.cause !== undefined) log.error({ err: error.cause, url: req.url }, 'request failed');
    if (res.headersSent) {
      res.destroy();
      return;
    }
    const retryAfter = error.details?.retryAfterSeconds;
    const headers: Record<string, string> = retryAfter === undefined ? {} : { 'retry-after': String(retryAfter) };
    // What is left of the body is not wanted, nor is a connection on which it would have to be waited for.
    if (error.code === 413 && req.httpVersionMajor === 1) headers['connection'] = 'close';
    req.resume();
    await send(req, res, { ...jsonAnswer(error.code, error.toStatus()), headers }, signal);
  }

  async #serve(req: Req, res: Res, signal: AbortSignal): Promise<void> {
    const { registry, pages } = this.#deps;
    const { path, query } = splitUrl(req.url ?? '/');
    const user = authenticate(credentialsOf(req), registry);
    const target = routeOf(path, this.#served);
    if (target.type === 'resource') {
      const request = await this.#requestOf(req, target, query, user, signal);
      this.#asked.set(req, request);
      await this.#bounded(request, () => respond(req, res, request, registry));
      return;
    }
    authorizePath(registry.authorizer, user, (req.method ?? 'GET').toLowerCase(), path);
    const page = await pages.answer(target, path, query, req, signal);
    await send(req, res, page ?? plainNotFound(), signal);
  }

  /** Conversations last as long as they last; of all else so many at a time. */
  async #bounded(request: ApiRequest, run: () => Promise<void>): Promise<void> {
    const { metrics, registry } = this.#deps;
    const kind = Metrics.isMutating(request) ? 'writing' : 'reading';
    const open = registry.isConversation(request) ? 'conversations' : kind;
    if (metrics.inFlight >= IN_FLIGHT_MAX && open !== 'conversations') {
      throw tooManyRequests('too many requests, please try again later', 1);
    }
    metrics[open]++;
    try {
      await run();
    } finally {
      metrics[open]--;
    }
  }

  async #requestOf(
    req: Req,
    target: ResourceTarget,
    query: URLSearchParams,
    user: UserInfo,
    signal: AbortSignal,
  ): Promise<ApiRequest> {
    const verb = verbOf(req.method ?? 'GET', target, query);
    const contentType = String(req.headers['content-type'] ?? '');
    const hasBody = verb !== 'get' && verb !== 'list' && verb !== 'watch';
    const options = parseOptions(verb, query, contentType);
    const bytes = hasBody ? await readBody(req) : undefined;
    const { resource, namespace, name, subresource, subpath } = target;
    const agent = agentOf(req);
    const body = bytes && { bytes, contentType };
    return { verb, resource, namespace, name, subresource, subpath, options, body, user, agent, warnings: [], signal };
  }

  /** exec, attach, port-forward, proxied WebSockets: HTTP/1.1 only. */
  async #upgrade(req: Req, socket: Duplex, head: Buffer): Promise<void> {
    const gone = this.#newlyOpen();
    const { signal } = gone;
    socket.once('close', () => {
      this.#open.delete(gone);
      gone.abort();
    });
    socket.on('error', () => gone.abort());
    try {
      const { registry } = this.#deps;
      const { path, query } = splitUrl(req.url ?? '/');
      const user = authenticate(credentialsOf(req, socket as TLSSocket), registry);
      const target = routeOf(path, this.#served);
      if (target.type !== 'resource') throw new ApiError(404, 'NotFound', 'nothing to upgrade here', {});
      const verb = verbOf(req.method ?? 'GET', target, query);
      const { resource, namespace, name, subresource, subpath } = target;
      const options = parseOptions(verb, query);
      const warnings: string[] = [];
      const agent = agentOf(req);
      const request = { verb, resource, namespace, name, subresource, subpath, options, user, agent, warnings, signal };
      const response = await registry.handle(request);
      if (response.type !== 'connect') throw new ApiError(400, 'BadRequest', 'Upgrade request required');
      await proxyUpgrade(req, socket, head, response, registry.nodes, signal);
    } catch (err) {
      refuseUpgrade(socket, asApiError(err));
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stopped = true;
    for (const gone of this.#open) gone.abort();
    const closed = once(this.#server, 'close');
    this.#server.close();
    for (const socket of this.#sockets) socket.destroy();
    await closed;
  }
}

function refuseUpgrade(socket: Duplex, error: ApiError): void {
  if (!socket.writable) return;
  const body = JSON.stringify(error.toStatus());
  const head = [
    `HTTP/1.1 ${error.code} ${error.reason || 'Error'}`,
    'content-type: application/json',
    `content-length: ${Buffer.byteLength(body)}`,
    'connection: close',
  ];
  socket.end(`${head.join('\r\n')}\r\n\r\n${body}`);
}

const METHODS = new Set(['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS']);

/** Clients may say anything; what is counted by name is bounded. */
function methodOf({ method = '' }: Req): string {
  return METHODS.has(method) ? method : 'OTHER';
}

function splitUrl(url: string): { path: string; query: URLSearchParams } {
  const at = url.indexOf('?');
  const path = at < 0 ? url : url.slice(0, at);
  return { path, query: new URLSearchParams(at < 0 ? '' : url.slice(at + 1)) };
}

/** The client's own name, without version: its default field manager. */
function agentOf(req: Req): string {
  const text = String(req.headers['user-agent'] ?? 'unknown');
  return text.split('/', 1)[0]!.slice(0, 128);
}

function servedBy(registry: Registry): Served {
  return {
    find: (group, plural, version) => registry.find(group, plural, version),
    hasGroup: (group) => registry.hasGroup(group),
    hasVersion: (group, version) => registry.hasVersion(group, version),
    isCustomGroup: (group) => registry.isCustomGroup(group),
  };
}
