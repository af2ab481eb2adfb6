// The server process: store, caches, registry, HTTP, and beside them the scheduler and the controllers, which know
// nothing but a client. What is opened last closes first, on every way out.
import type { Clock } from '../api/clock.ts';
import { keepIdleMemorySmall } from '../api/idle-memory.ts';
import type { Logger } from '../api/log.ts';
import type { Random } from '../api/random.ts';
import { Caches } from './cache/caches.ts';
import { DecodedStore } from './cache/decoded.ts';
import type { ServerConfig } from './config.ts';
import { runCrdController } from './extensions/crd-controller.ts';
import { CustomResources } from './extensions/custom-resources.ts';
import { Metrics } from './http/metrics.ts';
import { HttpServer } from './http/server.ts';
import { serverPages } from './http/server-pages.ts';
import { openRegistry } from './open-registry.ts';
import { openStore } from './open-store.ts';
import { serverParts } from './parts.ts';
import { PkiFiles } from './pki-files.ts';
import { bootstrap } from './registry/bootstrap.ts';
import { SERVER_ITSELF } from './registry/identities.ts';
import { InProcessClient } from './registry/in-process-client.ts';
import { keepKubernetesService, publishKubernetesService } from './registry/kubernetes-service.ts';
import { NodeStats } from './registry/node-stats.ts';
import { serveMetrics } from './registry/resources/metrics/metrics.ts';
import { autoCompact, COMPACTION } from './store/auto-compact.ts';
import { meter } from './store/metered.ts';

export interface ServerDeps {
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Logger;
  /** Collects V8's nursery, where the process was started so that it can. */
  readonly collectNursery?: (() => void) | undefined;
  /** Told once the listener answers. */
  readonly onListening?: (address: { port: number }) => void;
}

const DECODED_MAX_BYTES = 16 << 20;

export async function runServer(config: ServerConfig, deps: ServerDeps, signal: AbortSignal): Promise<void> {
  const { clock, random, log } = deps;
  const pki = await PkiFiles.read(config.pki);
  const failed = new AbortController();
  const until = AbortSignal.any([signal, failed.signal]);
  await using store = await openStore(config.store, { clock, log, onFatal: (err) => failed.abort(err) }, until);
  using metrics = new Metrics(clock.now());
  meter(store, clock, (operation, seconds) => metrics.store(operation, seconds));
  await using caches = new Caches({ store, clock, log, decoded: new DecodedStore(DECODED_MAX_BYTES) });
  const { serviceAccountKey } = pki;
  const settings = { ...config, serviceAccountKey, nodes: pki };
  const registry = await openRegistry(settings, { store, caches, clock, random, log }, until);
  const own = new InProcessClient(registry, SERVER_ITSELF);
  const customResources = new CustomResources(registry);
  customResources.follow(until);
  await registry.ready(until);
  let started = false;
  const vitals = {
    store: (asked: AbortSignal) => registry.storeAnswers(asked),
    started: () => started,
    // The registry opened only when every kind could be read.
    cached: () => true,
    ending: () => until.aborted,
  };
  metrics.objects = () => registry.counts();
  const serverAddress = `${config.advertiseAddress}:${config.port}`;
  const pages = serverPages({ registry, vitals, metrics, serverAddress });
  const { bindAddress: host, port, httpLimits: limits } = config;
  const listen = { host, port, tls: pki.serving, limits };
  await bootstrap(own, { clientCa: pki.serving.clientCa.toString() }, until);
  await using http = await HttpServer.listen(listen, { registry, pages, metrics, clock, random, log });
  const clusterIP = registry.supplies.addresses[0]!.addressOf(1);
  const reached = { address: config.advertiseAddress, port: http.port, clusterIP };
  await publishKubernetesService(own, reached, until);
  started = true;
  log.info({ port: http.port }, 'serving the API');
  deps.onListening?.({ port: http.port });
  const parts = serverParts(config, { registry, rootCa: pki.rootCa, authority: pki.authority, ...deps }, until);
  const compaction = autoCompact(store, COMPACTION, clock, log, until);
  const definitions = runCrdController({ client: own, customResources, clock, log }, until);
  const renewal = pki.follow((serving) => http.renew(serving), clock, log, until);
  const service = keepKubernetesService(own, reached, { clock, log }, until);
  const memory = deps.collectNursery && keepIdleMemorySmall({ nursery: deps.collectNursery }, clock, until);
  const measuring = serveMetrics(registry, new NodeStats(pki, clock), until);
  await Promise.all([...parts, memory, measuring, service, compaction, renewal, definitions, ended(until)]);
  failed.signal.throwIfAborted();
}

function ended(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    signal.addEventListener('abort', () => resolve(), { once: true });
  });
}
