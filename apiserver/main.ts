// The server process: store, caches, registry, HTTP, and beside them the scheduler and the controllers, which know
// nothing but a client. What is opened last closes first, on every way out.
import { readFile } from 'node:fs/promises';
import type { Clock } from '../api/clock.ts';
import type { Logger } from '../api/log.ts';
import type { Random } from '../api/random.ts';
import { builtinResources } from '../api/types/resources.ts';
import { AdmissionChain } from './admission/admission.ts';
import { admissionPlugins } from './admission/plugins.ts';
import { TokenIssuer } from './authn/tokens.ts';
import { chainOf, masters } from './authz/authorizer.ts';
import { RbacAuthorizer } from './authz/rbac.ts';
import { Caches } from './cache/caches.ts';
import { DecodedStore } from './cache/decoded.ts';
import type { ServerConfig, StoreConfig } from './config.ts';
import { runControllers } from './controllers/manager.ts';
import { HttpServer } from './http/server.ts';
import { serverPages } from './http/server-pages.ts';
import { componentIdentity, controllerIdentity, InProcessClient } from './registry/in-process-client.ts';
import { projectionOf } from './registry/projection.ts';
import { Registry } from './registry/registry.ts';
import { strategyOf } from './registry/resources/index.ts';
import { addressRange, NumberSupply } from './registry/supplies.ts';
import { autoCompact, COMPACTION } from './store/auto-compact.ts';
import { MemoryStore } from './store/memory.ts';
import type { Store } from './store/store.ts';

export interface ServerDeps {
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Logger;
  /** Told once the listener answers. */
  readonly onListening?: (address: { port: number }) => void;
}

const DECODED_MAX_BYTES = 64 << 20;

export async function runServer(config: ServerConfig, deps: ServerDeps, asked: AbortSignal): Promise<void> {
  const { clock, random, log } = deps;
  const { pki } = config;
  const failed = new AbortController();
  const signal = AbortSignal.any([asked, failed.signal]);
  await using store = await openStore(config.store, deps, (error) => failed.abort(error));
  const decoded = new DecodedStore(DECODED_MAX_BYTES);
  await using caches = new Caches({ store, clock, log, decoded });
  const rbac = new RbacAuthorizer(() => registry);
  const registry: Registry = new Registry({
    ...{ clock, random, log, store },
    admission: new AdmissionChain(admissionPlugins),
    authorizer: chainOf([masters, rbac]),
    tokens: new TokenIssuer(await readFile(pki.serviceAccountKeyFile, 'utf8'), config.serviceAccountIssuer),
    supplies: {
      addresses: config.serviceCidrs.map((cidr) => addressRange(cidr, random)),
      nodePorts: new NumberSupply(config.nodePortRange.from, config.nodePortRange.to, random),
    },
    nodes: { tls: await kubeletTls(config) },
    openCache: (definition, prefix) =>
      caches.open({ prefix, namespaced: definition.namespaced, project: projectionOf(definition) }),
  });
  for (const definition of builtinResources) registry.serve(definition, strategyOf(definition));
  await registry.ready(signal);
  rbac.follow(signal);
  const [cert, key, clientCa] = await Promise.all(
    [pki.certFile, pki.keyFile, pki.clientCaFile].map((file) => readFile(file)),
  );
  const listen = { host: config.bindAddress, port: config.port, tls: { cert: cert!, key: key!, clientCa: clientCa! } };
  await using http = await HttpServer.listen(listen, { registry, pages: serverPages(registry), clock, random, log });
  log.info({ port: http.port }, 'serving the API');
  deps.onListening?.({ port: http.port });
  const loops = [aborted(signal), autoCompact(store, COMPACTION, clock, log, signal)];
  if (config.run.includes('controllers')) loops.push(controllers(config, registry, deps, signal));
  await Promise.all(loops);
  failed.signal.throwIfAborted();
}

async function controllers(
  config: ServerConfig,
  registry: Registry,
  { clock, random, log }: ServerDeps,
  signal: AbortSignal,
): Promise<void> {
  const reader = new InProcessClient(registry, componentIdentity('kube-controller-manager'));
  const clientFor = (name: string) => new InProcessClient(registry, controllerIdentity(name));
  const settings = { rootCa: await readFile(config.pki.rootCaFile, 'utf8'), clusterCidrs: config.clusterCidrs };
  await runControllers({ reader, clientFor, settings, clock, random, log }, signal);
}

function aborted(signal: AbortSignal): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  if (signal.aborted) resolve();
  signal.addEventListener('abort', () => resolve(), { once: true });
  return promise;
}

async function openStore(
  config: StoreConfig,
  { clock, log }: ServerDeps,
  fatal: (error: Error) => void,
): Promise<Store> {
  switch (config.kind) {
    case 'memory':
      return new MemoryStore(clock);
    case 'embedded': {
      const { EmbeddedStore } = await import('./store/embedded.ts');
      return EmbeddedStore.open({ path: config.path, clock, log, onFatal: fatal });
    }
    case 'etcd': {
      const { EtcdStore } = await import('./store/etcd.ts');
      return EtcdStore.open({ ...config, clock, log });
    }
    default:
      return config satisfies never;
  }
}

async function kubeletTls({ pki }: ServerConfig) {
  const files = [pki.kubeletClientCertFile, pki.kubeletClientKeyFile, pki.kubeletCaFile];
  const [cert, key, ca] = await Promise.all(files.map((file) => readFile(file)));
  return { cert: cert!, key: key!, ca: ca! };
}
