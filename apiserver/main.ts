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
import { NodeAuthorizer } from './authz/node.ts';
import { RbacAuthorizer } from './authz/rbac.ts';
import { Caches } from './cache/caches.ts';
import { DecodedStore } from './cache/decoded.ts';
import type { ServerConfig } from './config.ts';
import { HttpServer } from './http/server.ts';
import { serverPages } from './http/server-pages.ts';
import { openStore } from './open-store.ts';
import { serverParts } from './parts.ts';
import { bootstrap } from './registry/bootstrap.ts';
import { SERVER_ITSELF } from './registry/identities.ts';
import { InProcessClient } from './registry/in-process-client.ts';
import { publishKubernetesService } from './registry/kubernetes-service.ts';
import { projectionOf } from './registry/projection.ts';
import { Registry } from './registry/registry.ts';
import { takeForAll } from './registry/resources/core/services.ts';
import { strategyOf } from './registry/resources/index.ts';
import { addressRange, NumberSupply } from './registry/supplies.ts';

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
  const pki = await readPki(config);
  const failed = new AbortController();
  const until = AbortSignal.any([signal, failed.signal]);
  await using store = await openStore(config.store, { clock, log, onFatal: (err) => failed.abort(err) }, until);
  await using caches = new Caches({ store, clock, log, decoded: new DecodedStore(DECODED_MAX_BYTES) });
  const addresses = config.serviceCidrs.map((cidr) => addressRange(cidr, random));
  const nodes = new NodeAuthorizer(() => registry);
  const rbac = new RbacAuthorizer(() => registry);
  const registry: Registry = new Registry({
    ...{ clock, random, log, store },
    admission: new AdmissionChain(admissionPlugins),
    authorizer: chainOf([masters, nodes, rbac]),
    tokens: new TokenIssuer(pki.serviceAccountKey, config.serviceAccountIssuer),
    supplies: { addresses, nodePorts: new NumberSupply(config.nodePortRange.from, config.nodePortRange.to, random) },
    nodes: { tls: pki.kubelet },
    openCache: (definition, prefix) =>
      caches.open({ prefix, namespaced: definition.namespaced, project: projectionOf(definition) }),
  });
  for (const definition of builtinResources) registry.serve(definition, strategyOf(definition));
  await registry.ready(until);
  nodes.follow(until);
  rbac.follow(until);
  takeForAll(registry);
  const own = new InProcessClient(registry, SERVER_ITSELF);
  let started = false;
  const checks = [
    { name: 'ping', check: () => true },
    { name: 'log', check: () => true },
    { name: 'etcd', check: async (asked: AbortSignal) => (await store.latestRevision(asked)) > 0 },
    { name: 'poststarthook/bootstrap', check: () => started },
    { name: 'shutdown', check: () => !until.aborted },
  ];
  const serverAddress = `${config.advertiseAddress}:${config.port}`;
  const pages = serverPages({ registry, checks, serverAddress });
  const listen = { host: config.bindAddress, port: config.port, tls: pki.serving };
  await bootstrap(own, { clientCa: pki.serving.clientCa.toString() }, until);
  await using http = await HttpServer.listen(listen, { registry, pages, clock, random, log });
  const clusterIP = addresses[0]!.addressOf(1);
  await publishKubernetesService(own, { address: config.advertiseAddress, port: http.port, clusterIP }, until);
  started = true;
  log.info({ port: http.port }, 'serving the API');
  deps.onListening?.({ port: http.port });
  await Promise.all([...serverParts(config, { registry, rootCa: pki.rootCa, ...deps }, until), ended(until)]);
  failed.signal.throwIfAborted();
}

function ended(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    signal.addEventListener('abort', () => resolve(), { once: true });
  });
}

async function readPki({ pki }: ServerConfig) {
  const [cert, key, clientCa, kubeletCert, kubeletKey, kubeletCa] = await Promise.all(
    [
      pki.certFile,
      pki.keyFile,
      pki.clientCaFile,
      pki.kubeletClientCertFile,
      pki.kubeletClientKeyFile,
      pki.kubeletCaFile,
    ].map((file) => readFile(file)),
  );
  return {
    serving: { cert: cert!, key: key!, clientCa: clientCa! },
    kubelet: { cert: kubeletCert!, key: kubeletKey!, ca: kubeletCa! },
    rootCa: await readFile(pki.rootCaFile, 'utf8'),
    serviceAccountKey: await readFile(pki.serviceAccountKeyFile, 'utf8'),
  };
}
