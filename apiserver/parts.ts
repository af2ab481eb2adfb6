// The parts of the server beside the API: each gets clients with identities of their own and nothing else.
import type { Clock } from '../api/clock.ts';
import type { Logger } from '../api/log.ts';
import type { Authority } from '../api/pki/x509.ts';
import type { Random } from '../api/random.ts';
import { LEGACY_ISSUER } from './authn/tokens.ts';
import type { ServerConfig } from './config.ts';
import type { TokenHolder } from './controllers/deps.ts';
import { identityOf } from './registry/identities.ts';
import { InProcessClient } from './registry/in-process-client.ts';
import type { Registry } from './registry/registry.ts';

export interface PartDeps {
  readonly registry: Registry;
  readonly rootCa: string;
  readonly authority: (() => Authority) | undefined;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Logger;
}

/** What runs until the signal aborts. */
export function serverParts(config: ServerConfig, deps: PartDeps, signal: AbortSignal): Promise<void>[] {
  const parts: Promise<void>[] = [];
  if (config.run.includes('scheduler')) parts.push(scheduler(deps, signal));
  if (config.run.includes('controllers')) parts.push(controllers(config, deps, signal));
  return parts;
}

async function scheduler({ registry, clock, random, log }: PartDeps, signal: AbortSignal): Promise<void> {
  const { runScheduler } = await import('./scheduler/scheduler.ts');
  const client = new InProcessClient(registry, identityOf('system:kube-scheduler'));
  await runScheduler({ client, clock, random, log }, signal);
}

async function controllers(
  { clusterCidrs, serviceCidrs, advertiseAddress, localNode, signingDurationMs }: ServerConfig,
  { registry, rootCa, authority, clock, random, log }: PartDeps,
  signal: AbortSignal,
): Promise<void> {
  const { runControllers } = await import('./controllers/manager.ts');
  const as = (user: string) => new InProcessClient(registry, identityOf(user));
  const reader = as('system:kube-controller-manager');
  // This one has no account of its own: what it hands out are tokens of accounts.
  const clientFor = (name: string) =>
    name === 'tokens-controller' ? reader : as(`system:serviceaccount:kube-system:${name}`);
  const reserved = { serviceCidrs, apiAddress: advertiseAddress, localNode };
  const signing = authority && { signing: { authority, durationMs: signingDurationMs } };
  const signToken = ({ namespace, account, secret }: TokenHolder) =>
    registry.tokens.issue({
      ...{ iss: LEGACY_ISSUER, sub: `system:serviceaccount:${namespace}:${account.name}` },
      'kubernetes.io/serviceaccount/namespace': namespace,
      'kubernetes.io/serviceaccount/secret.name': secret,
      'kubernetes.io/serviceaccount/service-account.name': account.name,
      'kubernetes.io/serviceaccount/service-account.uid': account.uid,
    });
  const settings = { rootCa, clusterCidrs, reserved, signToken, ...signing };
  await runControllers({ reader, clientFor, settings, clock, random, log }, signal);
}
