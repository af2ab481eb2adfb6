// Endpoint slices say which pods stand behind a service. Data planes and DNS read nothing else.
//
//   services, pods, nodes -> service key -> endpointGroups -> decideSlices -> create, update, remove
import { itself, on, runController } from '../../api/client/controller.ts';
import { AT_REST, type Next } from '../../api/client/work-queue.ts';
import { timestamp } from '../../api/clock.ts';
import { nameSuffix } from '../../api/random.ts';
import { keyOf, type ResourceDefinition } from '../../api/resource.ts';
import { isNotFound } from '../../api/status.ts';
import type { Pod } from '../../api/types/core/pod.ts';
import { nodes, pods, services } from '../../api/types/core/resources.ts';
import type { Service } from '../../api/types/core/service.ts';
import type { EndpointSlice } from '../../api/types/discovery/endpoint-slice.ts';
import { endpointSlices } from '../../api/types/discovery/resources.ts';
import type { Controller } from './deps.ts';
import { decideSlices, type SliceContent } from './endpoint-slice-decide.ts';
import { endpointGroups, selectedBy, selectsPods } from './endpoints-of-service.ts';
import { Expectations } from './expectations.ts';
import { ownerReference } from './ownership.ts';

export const SERVICE_NAME = 'kubernetes.io/service-name';
export const MANAGED_BY = 'endpointslice.kubernetes.io/managed-by';
const MANAGER = 'endpointslice-controller.k8s.io';
const HEADLESS = 'service.kubernetes.io/headless';
const TRIGGER = 'endpoints.kubernetes.io/last-change-trigger-time';
const WORKERS = 5;

export const endpointSliceController: Controller = ({ client, informers, clock, random, log }) => {
  const serviceInformer = informers.of(services);
  const podInformer = informers.of(pods);
  const nodeInformer = informers.of(nodes);
  const sliceInformer = informers.of(endpointSlices);
  const expectations = new Expectations(clock);
  sliceInformer.onChange((key, now, before) => {
    const service = serviceOf(now ?? before!);
    if (service === undefined) return;
    if (now !== undefined) expectations.settle(service, 'creation', key);
    else expectations.settle(service, 'deletion', key);
  });

  async function reconcile(key: string, signal: AbortSignal): Promise<Next> {
    const service = serviceInformer.get(key);
    // Slices of a service that is gone go with it: it owns them.
    if (service === undefined || !selectsPods(service) || service.metadata.deletionTimestamp !== undefined) {
      expectations.forget(key);
      return AT_REST;
    }
    if (!expectations.areSettled(key)) return AT_REST;
    const { namespace } = service.metadata;
    const selected = [...podInformer.list(namespace)].filter(selectedBy(service));
    const groups = endpointGroups(service, selected, (name) => nodeInformer.get(name));
    const own = sliceInformer.byIndex('owner', service.metadata.uid).filter(isManaged);
    const changes = decideSlices(groups, own, labelsOf(service));
    for (const content of changes.create) await create(service, content, signal);
    for (const { slice, content } of changes.update) await update(service, slice, content, signal);
    for (const slice of changes.remove) await remove(key, slice, signal);
    return AT_REST;
  }

  async function create(service: Service, content: SliceContent, signal: AbortSignal): Promise<void> {
    const { name: of, namespace } = service.metadata;
    const name = `${of}-${nameSuffix(random)}`;
    const [serviceKey, sliceKey] = [keyOf(service), `${namespace}/${name}`];
    const metadata = {
      ...{ name, generateName: `${of}-`, namespace, labels: labelsOf(service) },
      annotations: { [TRIGGER]: timestamp(clock.now()) },
      ownerReferences: [ownerReference(service, services as unknown as ResourceDefinition)],
    };
    expectations.expect(serviceKey, 'creation', sliceKey);
    try {
      await client.create(endpointSlices, { ...written(content), metadata }, {}, signal);
    } catch (err) {
      expectations.settle(serviceKey, 'creation', sliceKey);
      throw err;
    }
  }

  async function update(
    service: Service,
    slice: EndpointSlice,
    content: SliceContent,
    signal: AbortSignal,
  ): Promise<void> {
    const annotations = { ...slice.metadata.annotations, [TRIGGER]: timestamp(clock.now()) };
    const metadata = { ...slice.metadata, labels: labelsOf(service), annotations };
    await client.update(endpointSlices, { ...slice, ...written(content), metadata }, {}, signal);
  }

  async function remove(serviceKey: string, slice: EndpointSlice, signal: AbortSignal): Promise<void> {
    expectations.expect(serviceKey, 'deletion', keyOf(slice));
    try {
      await client.delete(endpointSlices, slice.metadata, { preconditions: { uid: slice.metadata.uid } }, signal);
    } catch (err) {
      expectations.settle(serviceKey, 'deletion', keyOf(slice));
      if (!isNotFound(err)) throw err;
    }
  }

  function servicesOf(_key: string, now: Pod | undefined, before: Pod | undefined): string[] {
    const { namespace } = (now ?? before)!.metadata;
    const concerned = [...serviceInformer.list(namespace)].filter((service) => {
      const selects = selectedBy(service);
      return selectsPods(service) && ((now !== undefined && selects(now)) || (before !== undefined && selects(before)));
    });
    return concerned.map(keyOf);
  }

  /** A node that appears may let its pods be published. */
  const ofNewNode = (name: string, _now: unknown, before: unknown) =>
    before !== undefined
      ? []
      : [...podInformer.list()].filter(({ spec }) => spec.nodeName === name).flatMap((pod) => servicesOf('', pod, pod));

  const sources = [
    on(serviceInformer, itself),
    on(podInformer, servicesOf),
    on(nodeInformer, ofNewNode),
    on(sliceInformer, (_key, now, before) => [serviceOf(now ?? before!)].filter((key) => key !== undefined)),
  ];
  return (signal) => runController({ name: 'endpointslice', workers: WORKERS, sources, reconcile, clock, log }, signal);
};

function labelsOf({ metadata, spec }: Service): Record<string, string> {
  const headless: Record<string, string> = spec.clusterIP === 'None' ? { [HEADLESS]: '' } : {};
  return { ...metadata.labels, ...headless, [SERVICE_NAME]: metadata.name, [MANAGED_BY]: MANAGER };
}

function isManaged({ metadata }: EndpointSlice): boolean {
  return metadata.labels?.[MANAGED_BY] === MANAGER;
}

function serviceOf({ metadata }: EndpointSlice): string | undefined {
  const name = metadata.labels?.[SERVICE_NAME];
  return name === undefined ? undefined : `${metadata.namespace}/${name}`;
}

function written({ addressType, ports, endpoints }: SliceContent) {
  return { addressType, ports: [...ports], endpoints: [...endpoints] };
}
