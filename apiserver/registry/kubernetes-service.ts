// The way from pods to this server: the service `default/kubernetes` and its endpoints, kept as they should be.
import type { Client } from '../../api/client/client.ts';
import type { Clock } from '../../api/clock.ts';
import type { Logger } from '../../api/log.ts';
import type { ResourceDefinition } from '../../api/resource.ts';
import { deepEqual } from '../../api/schema/equal.ts';
import type { KubeObject } from '../../api/schema/kind.ts';
import { isAlreadyExists, isConflict, isNotFound } from '../../api/status.ts';
import { endpoints, services } from '../../api/types/core/resources.ts';
import { endpointSlices } from '../../api/types/discovery/resources.ts';

export interface OwnAddress {
  readonly address: string;
  readonly port: number;
  /** The first address of the service range. */
  readonly clusterIP: string;
}

const EVERY_MS = 10_000;
const key = { namespace: 'default', name: 'kubernetes' };

export async function publishKubernetesService(client: Client, own: OwnAddress, signal: AbortSignal): Promise<void> {
  const ports = [{ name: 'https', port: own.port, protocol: 'TCP' }];
  const labels = { component: 'apiserver', provider: 'kubernetes' };
  const service = {
    metadata: { ...key, labels },
    spec: {
      type: 'ClusterIP',
      clusterIP: own.clusterIP,
      clusterIPs: [own.clusterIP],
      ports: [{ name: 'https', port: 443, protocol: 'TCP', targetPort: own.port }],
      sessionAffinity: 'None',
    },
  };
  const mirrored = { 'endpointslice.kubernetes.io/skip-mirror': 'true' };
  await keep(client, services, service, 'spec', signal);
  const addresses = [{ ip: own.address }];
  await keep(
    client,
    endpoints,
    { metadata: { ...key, labels: mirrored }, subsets: [{ addresses, ports }] },
    'subsets',
    signal,
  );
  const slice = {
    metadata: { ...key, labels: { 'kubernetes.io/service-name': key.name } },
    addressType: own.address.includes(':') ? 'IPv6' : 'IPv4',
    endpoints: [{ addresses: [own.address], conditions: { ready: true } }],
    ports,
  };
  await keep(client, endpointSlices, slice, 'endpoints', signal);
}

/** Puts back what somebody deleted or changed, now and then: `kubectl delete service --all` takes it along. */
export async function keepKubernetesService(
  client: Client,
  own: OwnAddress,
  { clock, log }: { clock: Clock; log: Logger },
  signal: AbortSignal,
): Promise<void> {
  while (!signal.aborted) {
    await clock.sleep(EVERY_MS, signal).catch(() => {}); // woken early only to end
    if (signal.aborted) return;
    try {
      await publishKubernetesService(client, own, signal);
    } catch (err) {
      if (!signal.aborted) log.warn({ err }, 'the service of this API is not up to date');
    }
  }
}

/** Makes it, or sets this part of what is there. */
async function keep<T extends KubeObject>(
  client: Client,
  of: ResourceDefinition<T>,
  wanted: object,
  part: string,
  signal: AbortSignal,
): Promise<void> {
  try {
    const there = (await client.get(of, key, {}, signal)) as T & Record<string, unknown>;
    const target = (wanted as Record<string, unknown>)[part];
    // An address that was given stays: only the service's ports may change under it.
    const next = {
      ...there,
      [part]: part === 'spec' ? { ...(there[part] as object), ports: (target as { ports: unknown }).ports } : target,
    };
    if (!deepEqual(next, there)) await client.update(of, next as T, {}, signal);
  } catch (err) {
    if (isConflict(err)) return;
    if (!isNotFound(err)) throw err;
    await client.create(of, wanted as never, {}, signal).catch((other: unknown) => {
      if (!isAlreadyExists(other)) throw other;
    });
  }
}
