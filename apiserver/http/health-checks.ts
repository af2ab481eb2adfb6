// What /healthz, /livez and /readyz look at, under the names that monitoring knows. Several names stand for one thing
// here: what upstream starts in many hooks is one start, and one set of caches, in this server.
import type { HealthCheck } from './health.ts';

export interface Vitals {
  /** The store answers. */
  readonly store: (signal: AbortSignal) => Promise<boolean>;
  /** Everything the server writes at its start is written. */
  readonly started: () => boolean;
  /** Every kind can be read. */
  readonly cached: () => boolean;
  readonly ending: () => boolean;
}

type Vital = 'alive' | 'store' | 'started' | 'cached';

const HOOKS: readonly (readonly [name: string, vital: Vital])[] = [
  ['poststarthook/start-apiserver-admission-initializer', 'cached'],
  ['poststarthook/generic-apiserver-start-informers', 'cached'],
  ['poststarthook/priority-and-fairness-config-consumer', 'started'],
  ['poststarthook/priority-and-fairness-filter', 'started'],
  ['poststarthook/storage-object-count-tracker-hook', 'cached'],
  ['poststarthook/start-apiextensions-informers', 'cached'],
  ['poststarthook/start-apiextensions-controllers', 'started'],
  ['poststarthook/crd-informer-synced', 'cached'],
  ['poststarthook/start-system-namespaces-controller', 'started'],
  ['poststarthook/peer-endpoint-reconciler-controller', 'started'],
  ['poststarthook/start-cluster-authentication-info-controller', 'started'],
  ['poststarthook/start-kube-apiserver-identity-lease-controller', 'started'],
  ['poststarthook/start-kube-apiserver-identity-lease-garbage-collector', 'started'],
  ['poststarthook/storage-readiness', 'store'],
  ['poststarthook/start-legacy-token-tracking-controller', 'started'],
  ['poststarthook/start-service-ip-repair-controllers', 'started'],
  ['poststarthook/rbac/bootstrap-roles', 'started'],
  ['poststarthook/scheduling/bootstrap-system-priority-classes', 'started'],
  ['poststarthook/priority-and-fairness-config-producer', 'started'],
  ['poststarthook/bootstrap-controller', 'started'],
  ['poststarthook/start-kubernetes-service-cidr-controller', 'started'],
  ['poststarthook/start-kube-aggregator-informers', 'cached'],
  ['poststarthook/apiservice-status-local-available-controller', 'started'],
  ['poststarthook/apiservice-status-remote-available-controller', 'started'],
  ['poststarthook/apiservice-registration-controller', 'started'],
  ['poststarthook/apiservice-wait-for-first-sync', 'cached'],
  ['poststarthook/apiservice-discovery-controller', 'started'],
  ['poststarthook/kube-apiserver-autoregistration', 'started'],
  ['autoregister-completion', 'started'],
  ['poststarthook/apiservice-openapi-controller', 'started'],
  ['poststarthook/apiservice-openapiv3-controller', 'started'],
];

export const HEALTH_ENDPOINTS = ['healthz', 'livez', 'readyz'] as const;

export function healthChecks(vitals: Vitals): Record<(typeof HEALTH_ENDPOINTS)[number], readonly HealthCheck[]> {
  const of: Record<Vital, HealthCheck['check']> = {
    alive: () => true,
    store: onePerBurst(vitals.store),
    started: vitals.started,
    cached: vitals.cached,
  };
  const named = ([name, vital]: readonly [string, Vital]): HealthCheck => ({ name, check: of[vital] });
  const basic = [named(['ping', 'alive']), named(['log', 'alive'])];
  const hooks = HOOKS.map(named);
  const healthy = [...basic, named(['loopback-serving-certificate', 'alive']), named(['etcd', 'store']), ...hooks];
  const shutdown = { name: 'shutdown', check: () => !vitals.ending() };
  return {
    healthz: healthy,
    livez: healthy,
    readyz: [...basic, named(['informer-sync', 'cached']), ...hooks, shutdown],
  };
}

/** Checks that are asked for at the same time share one question. */
function onePerBurst(ask: Vitals['store']): HealthCheck['check'] {
  let asking: Promise<boolean> | undefined;
  return (signal) => {
    asking ??= ask(signal).finally(() => {
      asking = undefined;
    });
    return asking;
  };
}
