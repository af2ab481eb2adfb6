// Deletes bootstrap tokens whose time is over.
import { on, runController } from '../../api/client/controller.ts';
import { AT_REST, type Next } from '../../api/client/work-queue.ts';
import { isNotFound } from '../../api/status.ts';
import type { Secret } from '../../api/types/core/config-map.ts';
import { secrets } from '../../api/types/core/resources.ts';
import type { Controller } from './deps.ts';
import { parseTime } from './times.ts';

const TYPE = 'bootstrap.kubernetes.io/token';
const NAMESPACE = 'kube-system';

export const tokenCleaner: Controller = ({ client, informers, clock, log }) => {
  const informer = informers.of(secrets);

  async function reconcile(key: string, signal: AbortSignal): Promise<Next> {
    const secret = informer.get(key);
    const waitMs = secret && remainingMs(secret, clock.now());
    if (secret === undefined || waitMs === undefined) return AT_REST;
    if (waitMs > 0) return { afterMs: waitMs };
    const { name, uid } = secret.metadata;
    await client
      .delete(secrets, { namespace: NAMESPACE, name }, { preconditions: { uid } }, signal)
      .catch((err) => isNotFound(err) || Promise.reject(err));
    log.info({ secret: name }, 'bootstrap token expired');
    return AT_REST;
  }

  const tokens = (key: string, now: Secret | undefined) => (now?.type === TYPE ? [key] : []);
  const sources = [on(informer, tokens)];
  return (signal) => runController({ name: 'token-cleaner', workers: 1, sources, reconcile, clock, log }, signal);
};

/** Until the token may go; undefined for one that stays, and for other secrets. */
export function remainingMs({ metadata, type, data }: Secret, nowMs: number): number | undefined {
  if (type !== TYPE || metadata.namespace !== NAMESPACE || metadata.deletionTimestamp !== undefined) return undefined;
  const endMs = parseTime(Buffer.from(data?.['expiration'] ?? '', 'base64').toString());
  return endMs === undefined ? undefined : Math.max(0, endMs - nowMs);
}
