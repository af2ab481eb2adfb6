// The listener: one TLS port for HTTP/2 and HTTP/1.1. A request is authenticated, routed, handed to the registry and
// answered; every failure on the way becomes a Status here and nowhere else.
import { once } from 'node:events';
import type { ServerOptions } from 'node:http';
import { constants, createSecureServer, type Http2SecureServer, type SecureServerOptions } from 'node:http2';
import type { AddressInfo } from 'node:net';
import type { Duplex } from 'node:stream';
import type { TLSSocket } from 'node:tls';
import type { Clock } from '../../api/clock.ts';
import type { Logger } from '../../api/log.ts';
import type { Random } from '../../api/random.ts';
import { ApiError, badRequest, tooManyRequests } from '../../api/status.ts';
import { ANONYMOUS, authenticate } from '../authn/authenticator.ts';
import { authorizePath, authorizeRequest } from '../authz/request.ts';
import { parseOptions } from '../registry/options.ts';
import type { Registry } from '../registry/registry.ts';
import type { ApiRequest, UserInfo } from '../registry/request.ts';
import { type Req, type Res, send } from './answer.ts';
import { Bodies } from './body.ts';
import { Connections } from './connections.ts';
import { credentialsOf } from './credentials.ts';
import { jsonAnswer } from './encode.ts';
import { asApiError } from './errors.ts';
import { HEADERS_MAX, HTTP_LIMITS, type HttpLimits } from './limits.ts';
import { Metrics } from './metrics.ts';
import { type Pages, plainNotFound } from './pages.ts';
import { proxyUpgrade } from './proxy.ts';
import { respond } from './respond.ts';
import { type ResourceTarget, routeOf, type Served, verbOf } from './route.ts';
import { Backlog } from './watch-stream.ts';

export interface TlsFiles {
  readonly cert: Buffer | string;
  readonly key: Buffer | string;
  readonly clientCa: Buffer | string;
}

export interface HttpOptions {
  readonly host: string;
  readonly port: number;
  readonly tls: TlsFiles;
  readonly limits?: Partial<HttpLimits>;
}

export interface HttpDeps {
  readonly registry: Registry;
  readonly pages: Pages;
  readonly metrics: Metrics;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Logger;
}

/** How often Node looks for requests of HTTP/1.1 whose time is over. */
const LOOKS_PER_LIMIT = 8;
/** Beyond the time a request has, so that it is told so before its connection is cut. */
const CUT_AFTER_MS = 5_000;
/** For the rest of a body whose request has been answered. */
const LINGER_MS = 3_000;

export class HttpServer implements AsyncDisposable {
  readonly #server: Http2SecureServer;
  readonly #deps: HttpDeps;
  readonly #served: Served;
  /** What is being answered. One signal made of two for each request would cost more than reading its body. */
  readonly #open = new Set<AbortController>();
  #stopped = false;
  readonly #limits: HttpLimits;
  readonly #connections: Connections;
  readonly #bodies: Bodies;
  readonly #backlog: Backlog;
  /** What requests were for, once that is known. */
  readonly #asked = new WeakMap<Req, ApiRequest>();

  private constructor(server: Http2SecureServer, limits: HttpLimits, deps: HttpDeps) {
    this.#server = server;
    this.#deps = deps;
    this.#limits = limits;
    this.#connections = new Connections(server, limits, deps.clock);
    this.#bodies = new Bodies(limits.arrivingBytes);
    this.#backlog = new Backlog(limits, deps.clock);
    this.#served = servedBy(deps.registry);
    server.on('request', (req, res) => void this.#answer(req, res));
    server.on('upgrade', (req, socket, head) => void this.#upgrade(req, socket, head));
    // A client that leaves mid-handshake or mid-request is its own business.
    server.on('tlsClientError', () => {});
    server.on('sessionError', () => {});
    server.on('clientError', (err, socket) => refuseMalformed(err, socket));
  }

  static async listen(options: HttpOptions, deps: HttpDeps): Promise<HttpServer> {
    const { host, port, tls } = options;
    const limits: HttpLimits = { ...HTTP_LIMITS, ...options.limits };
    const server = createSecureServer({
      allowHTTP1: true,
      cert: tls.cert,
      key: tls.key,
      ca: tls.clientCa,
      requestCert: true,
      rejectUnauthorized: false,
      minVersion: 'TLSv1.2',
      maxHeaderListPairs: 256,
      settings: {
        maxConcurrentStreams: limits.streamsPerConnection,
        maxHeaderListSize: HEADERS_MAX,
        initialWindowSize: 1 << 20,
      },
      handshakeTimeout: 10_000,
      http1Options: http1Options(limits),
    });
    server.maxConnections = limits.connections;
    const http = new HttpServer(server, limits, deps);
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
    // Until the answer has arrived: who asks and does not read is a burden too.
    const time = this.#deps.clock.after(this.#limits.requestMs, () => {
      gone.abort(timedOut());
      if (res.headersSent) res.destroy();
    });
    res.once('close', () => {
      time[Symbol.dispose]();
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
      await this.#serve(req, res, time, signal);
    } catch (caught) {
      const err: unknown = signal.aborted ? signal.reason : caught;
      if (signal.aborted && !(err instanceof ApiError)) {
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
    if (!req.complete) this.#letGo(req, res);
    req.resume();
    await send(req, res, { ...jsonAnswer(error.code, error.toStatus()), headers }, signal);
  }

  /** What is left of the body is not wanted: it gets a moment, in which the answer arrives, and is cut off then. */
  #letGo(req: Req, res: Res): void {
    const cut = this.#deps.clock.after(LINGER_MS, () => {
      if (req.complete) return;
      if ('stream' in res) res.stream.close(constants.NGHTTP2_NO_ERROR);
      else req.socket.destroy();
    });
    req.once('close', () => cut[Symbol.dispose]());
  }

  async #serve(req: Req, res: Res, time: Disposable, signal: AbortSignal): Promise<void> {
    const { registry, pages } = this.#deps;
    const { path, query } = splitUrl(req.url ?? '/');
    const user = authenticate(credentialsOf(req), registry);
    const coding = req.headers['transfer-encoding'] ?? 'chunked';
    if (coding !== 'chunked') throw new ApiError(501, '', `Unsupported transfer encoding: ${JSON.stringify(coding)}`);
    const target = routeOf(path, this.#served);
    if (target.type === 'resource') {
      const request = await this.#requestOf(req, target, query, user, signal);
      this.#asked.set(req, request);
      if (registry.isConversation(request)) time[Symbol.dispose](); // it lasts as long as it lasts
      const leave = this.#enter(request);
      try {
        await respond(req, res, request, { registry, backlog: this.#backlog, handled: leave });
      } finally {
        leave();
      }
      return;
    }
    authorizePath(registry.authorizer, user, (req.method ?? 'GET').toLowerCase(), path);
    const page = await pages.answer(target, path, query, req, signal);
    await send(req, res, page ?? plainNotFound(), signal);
  }

  /** A place among those that are worked on; the function gives it back. Conversations are only counted. */
  #enter(request: ApiRequest): () => void {
    const { metrics, registry } = this.#deps;
    const kind = Metrics.isMutating(request) ? 'writing' : 'reading';
    const open = registry.isConversation(request) ? 'conversations' : kind;
    if (metrics.inFlight >= this.#limits.inFlight && open !== 'conversations') {
      throw tooManyRequests('too many requests, please try again later', 1);
    }
    metrics[open]++;
    let isIn = true;
    return () => {
      if (isIn) metrics[open]--;
      isIn = false;
    };
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
    const { resource, namespace, name, subresource, subpath } = target;
    const agent = agentOf(req);
    const request = { verb, resource, namespace, name, subresource, subpath, options, user, agent, signal };
    if (!hasBody) return { ...request, body: undefined, warnings: [] };
    // Whoever may be anybody is asked about the right to write before memory is given to what he writes.
    if (user === ANONYMOUS) authorizeRequest(this.#deps.registry.authorizer, { ...request, warnings: [] });
    const bytes = await this.#bodies.read(req, signal);
    return { ...request, body: { bytes, contentType }, warnings: [] };
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
    this.#connections[Symbol.dispose]();
    await closed;
  }
}

/** What is no HTTP/1.1 is told so, as far as it listens; who took too long or left is not. */
function refuseMalformed(err: Error & { code?: string }, socket: Duplex): void {
  const code = err.code ?? '';
  if (!code.startsWith('HPE_')) socket.destroy();
  else if (code === 'HPE_HEADER_OVERFLOW') {
    refuseUpgrade(socket, new ApiError(431, '', 'Request Header Fields Too Large'));
  } else refuseUpgrade(socket, badRequest(`Bad Request: ${err.message}`));
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

/** Node takes all of its HTTP/1.1 options here, its types know of fewer. */
function http1Options({ headersMs, requestMs, idleMs }: HttpLimits): Http1Options {
  const options: ServerOptions = {
    headersTimeout: Math.min(headersMs, requestMs),
    requestTimeout: requestMs + CUT_AFTER_MS,
    keepAliveTimeout: idleMs,
    connectionsCheckingInterval: Math.ceil(Math.min(headersMs, requestMs) / LOOKS_PER_LIMIT),
    maxHeaderSize: HEADERS_MAX,
  };
  return options;
}

/** In upstream's words. */
function timedOut(): ApiError {
  return new ApiError(504, 'Timeout', 'Timeout: request did not complete within the allotted timeout', {});
}

type Http1Options = SecureServerOptions['http1Options'];

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
