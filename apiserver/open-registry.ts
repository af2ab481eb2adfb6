// The registry over a store: its caches, authorizers, admission and everything it serves. What main.ts runs and what
// tests run is this same composition.
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
import type { Caches } from './cache/caches.ts';
import type { NodeConnections } from './registry/node-connections.ts';
import { projectionOf } from './registry/projection.ts';
import { Registry } from './registry/registry.ts';
import { takeForAll } from './registry/resources/core/services.ts';
import { strategyOf } from './registry/resources/index.ts';
import { addressRange, NumberSupply } from './registry/supplies.ts';
import type { Store } from './store/store.ts';

export interface RegistryConfig {
  readonly serviceCidrs: readonly string[];
  readonly nodePortRange: { readonly from: number; readonly to: number };
  readonly serviceAccountIssuer: string;
  /** PEM of the key that signs service account tokens. */
  readonly serviceAccountKey: string;
  readonly nodes: NodeConnections;
  readonly run?: readonly string[];
}

export interface RegistryDeps {
  readonly store: Store;
  readonly caches: Caches;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Logger;
}

/** Resolves when every kind can be read. What it follows, it follows until the signal aborts. */
export async function openRegistry(
  { serviceCidrs, nodePortRange, serviceAccountIssuer, serviceAccountKey, nodes, run }: RegistryConfig,
  { store, caches, clock, random, log }: RegistryDeps,
  signal: AbortSignal,
): Promise<Registry> {
  const ofNodes = new NodeAuthorizer(() => registry);
  const rbac = new RbacAuthorizer(() => registry);
  const registry: Registry = new Registry({
    ...{ clock, random, log, store, nodes, runs: run },
    admission: new AdmissionChain(admissionPlugins),
    authorizer: chainOf([masters, ofNodes, rbac]),
    tokens: new TokenIssuer(serviceAccountKey, serviceAccountIssuer),
    supplies: {
      addresses: serviceCidrs.map((cidr) => addressRange(cidr, random)),
      nodePorts: new NumberSupply(nodePortRange.from, nodePortRange.to, random),
    },
    openCache: (definition, prefix) =>
      caches.open({ prefix, namespaced: definition.namespaced, project: projectionOf(definition) }),
    closeCache: (prefix) =>
      void caches.close(prefix).catch((err) => log.error({ err, prefix }, 'cannot close a cache')),
  });
  for (const definition of builtinResources) registry.serve(definition, strategyOf(definition));
  await registry.ready(signal);
  ofNodes.follow(signal);
  rbac.follow(signal);
  takeForAll(registry);
  return registry;
}
