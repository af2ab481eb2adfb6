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
import { HttpServer } from './http/server.ts';
import { serverPages } from './http/server-pages.ts';
import { projectionOf } from './registry/projection.ts';
import { Registry } from './registry/registry.ts';
import { strategyOf } from './registry/resources/index.ts';
import { addressRange, NumberSupply } from './registry/supplies.ts';
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

export async function runServer(config: ServerConfig, deps: ServerDeps, signal: AbortSignal): Promise<void> {
  const { clock, random, log } = deps;
  const { pki } = config;
  await using store = await openStore(config.store, deps);
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
  await new Promise<void>((resolve) => {
    if (signal.aborted) resolve();
    signal.addEventListener('abort', () => resolve(), { once: true });
  });
}

async function openStore(config: StoreConfig, { clock }: ServerDeps): Promise<Store> {
  switch (config.kind) {
    case 'memory':
      return new MemoryStore(clock);
    default:
      throw new Error(`no store of kind ${config.kind}`);
  }
}

async function kubeletTls({ pki }: ServerConfig) {
  const files = [pki.kubeletClientCertFile, pki.kubeletClientKeyFile, pki.kubeletCaFile];
  const [cert, key, ca] = await Promise.all(files.map((file) => readFile(file)));
  return { cert: cert!, key: key!, ca: ca! };
}
