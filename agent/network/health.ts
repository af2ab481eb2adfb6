// agent/network: answers load balancers. Port 10256 says whether this node's rules are in place; each Service with
// externalTrafficPolicy Local has a port of its own that says how many endpoints are on this node.
import { once } from 'node:events';
import { createServer, type Server, type ServerResponse } from 'node:http';
import type { Clock } from '../../api/clock.ts';
import { timestamp } from '../../api/clock.ts';
import type { Logger } from '../../api/log.ts';
import type { ServiceEntry } from './view-index.ts';

export interface LocalCount {
  readonly namespace: string;
  readonly name: string;
  readonly localEndpoints: number;
}

/** By port: the Services that want one, and how many ready endpoints each has here. Pure. */
export function healthCheckPorts(entries: Iterable<ServiceEntry>, nodeName: string): Map<number, LocalCount> {
  const ports = new Map<number, LocalCount>();
  for (const { service, slices } of entries) {
    const { healthCheckNodePort, externalLocal, type, namespace, name } = service;
    if (healthCheckNodePort === undefined || !externalLocal || type !== 'LoadBalancer') continue;
    const local = slices.flatMap(({ endpoints }) =>
      endpoints.filter((e) => e.nodeName === nodeName && e.ready).map(({ addresses }) => addresses[0]),
    );
    ports.set(healthCheckNodePort, { namespace, name, localEndpoints: new Set(local).size });
  }
  return ports;
}

export interface HealthOptions {
  readonly bindAddress: string;
  /** 0 switches the node's own answer off. */
  readonly port: number;
  readonly clock: Clock;
  readonly log: Logger;
}

export class HealthServers implements AsyncDisposable {
  readonly #options: HealthOptions;
  readonly #servers = new Map<number, Server>();
  #counts: ReadonlyMap<number, LocalCount> = new Map();
  /** Whether the tables agree with the API; whoever knows sets it. */
  healthy: () => boolean = () => false;

  constructor(options: HealthOptions) {
    this.#options = options;
    if (options.port > 0) this.#listen(options.port, (path, response) => this.#node(path, response));
  }

  /** Opens and closes ports as the Services want them. */
  update(counts: ReadonlyMap<number, LocalCount>): void {
    this.#counts = counts;
    for (const [port, server] of this.#servers) {
      if (port === this.#options.port || counts.has(port)) continue;
      this.#servers.delete(port);
      server.close();
      server.closeAllConnections();
    }
    for (const port of counts.keys()) {
      if (!this.#servers.has(port)) this.#listen(port, (_, response) => this.#service(port, response));
    }
  }

  #listen(port: number, answer: (path: string, response: ServerResponse) => void): void {
    const server = createServer((request, response) => answer(request.url ?? '/', response));
    server.maxConnections = 256;
    server.requestTimeout = 5_000;
    // Tried again when the Services change next; until then a balancer sees a closed port, which is true enough.
    server.on('error', (err) => {
      this.#options.log.warn({ err, port }, 'health check port cannot be opened');
      if (this.#servers.get(port) === server) this.#servers.delete(port);
    });
    this.#servers.set(port, server);
    server.listen(port, this.#options.bindAddress);
  }

  #node(path: string, response: ServerResponse): void {
    const now = timestamp(this.#options.clock.now());
    if (!/^\/(healthz|livez)(\?|$)/.test(path)) send(response, 404, { error: `no ${path} here` });
    else send(response, this.healthy() ? 200 : 503, { lastUpdated: now, currentTime: now, nodeEligible: true });
  }

  #service(port: number, response: ServerResponse): void {
    const { namespace = '', name = '', localEndpoints = 0 } = this.#counts.get(port) ?? {};
    const body = { service: { namespace, name }, localEndpoints, serviceProxyHealthy: this.healthy() };
    send(response, localEndpoints > 0 ? 200 : 503, body);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const servers = [...this.#servers.values()];
    this.#servers.clear();
    await Promise.all(
      servers.map(async (server) => {
        if (!server.listening) return;
        const closed = once(server, 'close');
        server.close();
        server.closeAllConnections();
        await closed;
      }),
    );
  }
}

function send(response: ServerResponse, status: number, body: unknown): void {
  response.writeHead(status, { 'content-type': 'application/json' });
  response.end(JSON.stringify(body));
}
