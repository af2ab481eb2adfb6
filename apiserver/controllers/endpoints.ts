// Endpoints objects, for those who do not read endpoint slices yet.
//
//   services, pods -> service key -> decideSubsets -> create or update, delete with the service
import { itself, on, runController } from '../../api/client/controller.ts';
import { AT_REST, type Next } from '../../api/client/work-queue.ts';
import { timestamp } from '../../api/clock.ts';
import { parseKey } from '../../api/resource.ts';
import { deepEqual } from '../../api/schema/equal.ts';
import { isAlreadyExists, isNotFound } from '../../api/status.ts';
import type { Endpoints } from '../../api/types/core/endpoints.ts';
import { endpoints, pods, services } from '../../api/types/core/resources.ts';
import type { Service } from '../../api/types/core/service.ts';
import type { Controller } from './deps.ts';
import { decideSubsets } from './endpoints-decide.ts';
import { selectedBy, selectsPods } from './endpoints-of-service.ts';
import { servicesOfPod } from './services-of-pod.ts';

const MANAGED_BY = 'endpoints.kubernetes.io/managed-by';
const MANAGER = 'endpoint-controller';
const HEADLESS = 'service.kubernetes.io/headless';
const TRIGGER = 'endpoints.kubernetes.io/last-change-trigger-time';
const OVER_CAPACITY = 'endpoints.kubernetes.io/over-capacity';
const WORKERS = 5;

export const endpointsController: Controller = ({ client, informers, clock, log }) => {
  const serviceInformer = informers.of(services);
  const podInformer = informers.of(pods);
  const endpointsInformer = informers.of(endpoints);

  async function reconcile(key: string, signal: AbortSignal): Promise<Next> {
    const service = serviceInformer.get(key);
    const current = endpointsInformer.get(key);
    if (service === undefined) {
      if (current !== undefined) await remove(key, signal);
      return AT_REST;
    }
    if (!selectsPods(service)) return AT_REST; // somebody else says what stands behind it
    const selected = [...podInformer.list(service.metadata.namespace)].filter(selectedBy(service));
    const { subsets, truncated } = decideSubsets(service, selected);
    const labels = labelsOf(service);
    const { [TRIGGER]: _, [OVER_CAPACITY]: known, ...others } = current?.metadata.annotations ?? {};
    const isSame =
      current !== undefined &&
      deepEqual(current.subsets ?? [], subsets) &&
      deepEqual(current.metadata.labels ?? {}, labels) &&
      (known === 'truncated') === truncated;
    if (isSame || (current === undefined && service.metadata.deletionTimestamp !== undefined)) return AT_REST;
    const annotations = {
      ...others,
      [TRIGGER]: timestamp(clock.now()),
      ...(truncated && { [OVER_CAPACITY]: 'truncated' }),
    };
    await write(key, current, { metadata: { ...current?.metadata, labels, annotations }, subsets }, signal);
    return AT_REST;
  }

  async function write(
    key: string,
    current: Endpoints | undefined,
    { metadata, subsets }: { metadata: Partial<Endpoints['metadata']>; subsets: NonNullable<Endpoints['subsets']> },
    signal: AbortSignal,
  ): Promise<void> {
    if (current !== undefined) {
      await client.update(
        endpoints,
        { ...current, metadata: { ...current.metadata, ...metadata }, subsets },
        {},
        signal,
      );
      return;
    }
    try {
      await client.create(endpoints, { metadata: { ...metadata, ...parseKey(key) }, subsets }, {}, signal);
    } catch (err) {
      // It was there before the cache knew: its event asks for the next pass.
      if (!isAlreadyExists(err)) throw err;
    }
  }

  async function remove(key: string, signal: AbortSignal): Promise<void> {
    try {
      await client.delete(endpoints, parseKey(key), {}, signal);
    } catch (err) {
      if (!isNotFound(err)) throw err;
    }
  }

  /** Not every change of its own matters; what appears may have lost its service, what goes has to come back. */
  function cameOrWent(key: string, now: Endpoints | undefined, before: Endpoints | undefined): string[] {
    const isOurs = (now ?? before)!.metadata.labels?.[MANAGED_BY] === MANAGER;
    return now === undefined || (before === undefined && isOurs) ? [key] : [];
  }

  const sources = [
    on(serviceInformer, itself),
    on(podInformer, servicesOfPod(serviceInformer)),
    on(endpointsInformer, cameOrWent),
  ];
  return (signal) => runController({ name: 'endpoints', workers: WORKERS, sources, reconcile, clock, log }, signal);
};

function labelsOf({ metadata, spec }: Service): Record<string, string> {
  const { [HEADLESS]: _, ...labels } = metadata.labels ?? {};
  return { ...labels, [MANAGED_BY]: MANAGER, ...(spec.clusterIP === 'None' && { [HEADLESS]: '' }) };
}
