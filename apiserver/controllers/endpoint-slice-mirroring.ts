// Endpoints that somebody wrote by hand, for services without a selector, as slices: data planes read nothing else.
//
//   endpoints, services -> key -> mirroredGroups -> decideSlices -> create, update, remove
import { itself, on, runController } from '../../api/client/controller.ts';
import { AT_REST, type Next } from '../../api/client/work-queue.ts';
import { nameSuffix } from '../../api/random.ts';
import { keyOf, type ResourceDefinition } from '../../api/resource.ts';
import { isNotFound } from '../../api/status.ts';
import type { Endpoints } from '../../api/types/core/endpoints.ts';
import { endpoints, services } from '../../api/types/core/resources.ts';
import type { EndpointSlice } from '../../api/types/discovery/endpoint-slice.ts';
import { endpointSlices } from '../../api/types/discovery/resources.ts';
import type { Controller } from './deps.ts';
import { decideSlices, type SliceContent } from './endpoint-slice-decide.ts';
import { isMirrored, mirroredGroups } from './endpoint-slice-mirroring-decide.ts';
import { Expectations } from './expectations.ts';
import { controllerOf, ownerReference } from './ownership.ts';

const SERVICE_NAME = 'kubernetes.io/service-name';
const MANAGED_BY = 'endpointslice.kubernetes.io/managed-by';
const MANAGER = 'endpointslicemirroring-controller.k8s.io';
const NOT_COPIED = ['kubectl.kubernetes.io/last-applied-configuration'];

export const endpointSliceMirroringController: Controller = ({ client, informers, clock, random, log }) => {
  const endpointsInformer = informers.of(endpoints);
  const serviceInformer = informers.of(services);
  const sliceInformer = informers.of(endpointSlices);
  const expectations = new Expectations(clock);
  sliceInformer.onChange((sliceKey, now, before) => {
    for (const key of itsEndpoints(sliceKey, now, before))
      expectations.settle(key, now === undefined ? 'deletion' : 'creation', sliceKey);
  });

  async function reconcile(key: string, signal: AbortSignal): Promise<Next> {
    const source = endpointsInformer.get(key);
    if (source === undefined || source.metadata.deletionTimestamp !== undefined) {
      expectations.forget(key);
      return AT_REST; // the slices it owned go with it
    }
    if (!expectations.areSettled(key)) return AT_REST;
    const own = sliceInformer.byIndex('owner', source.metadata.uid).filter(isManaged);
    const groups = isMirrored(source, serviceInformer.get(key)) ? mirroredGroups(source) : [];
    const { create, update, remove } =
      groups.length > 0 ? decideSlices(groups, own, labelsOf(source)) : { create: [], update: [], remove: own };
    for (const content of create) await createSlice(source, content, signal);
    for (const { slice, content } of update) {
      const metadata = { ...slice.metadata, labels: labelsOf(source), annotations: annotationsOf(source) };
      await client.update(endpointSlices, { ...slice, ...written(content), metadata }, {}, signal);
    }
    for (const slice of remove) await removeSlice(key, slice, signal);
    return AT_REST;
  }

  async function createSlice(source: Endpoints, content: SliceContent, signal: AbortSignal): Promise<void> {
    const { name: of, namespace } = source.metadata;
    const name = `${of}-${nameSuffix(random)}`;
    const metadata = {
      ...{ name, generateName: `${of}-`, namespace, labels: labelsOf(source), annotations: annotationsOf(source) },
      ownerReferences: [ownerReference(source, endpoints as unknown as ResourceDefinition)],
    };
    const sliceKey = `${namespace}/${name}`;
    expectations.expect(keyOf(source), 'creation', sliceKey);
    try {
      await client.create(endpointSlices, { ...written(content), metadata }, {}, signal);
    } catch (err) {
      expectations.settle(keyOf(source), 'creation', sliceKey);
      throw err;
    }
  }

  async function removeSlice(key: string, slice: EndpointSlice, signal: AbortSignal): Promise<void> {
    expectations.expect(key, 'deletion', keyOf(slice));
    try {
      await client.delete(endpointSlices, slice.metadata, { preconditions: { uid: slice.metadata.uid } }, signal);
    } catch (err) {
      expectations.settle(key, 'deletion', keyOf(slice));
      if (!isNotFound(err)) throw err;
    }
  }

  const sources = [on(endpointsInformer, itself), on(serviceInformer, itself), on(sliceInformer, itsEndpoints)];
  return (signal) => runController({ name: 'endpointslice-mirroring', sources, reconcile, clock, log }, signal);
};

function isManaged({ metadata }: EndpointSlice): boolean {
  return metadata.labels?.[MANAGED_BY] === MANAGER;
}

function itsEndpoints(_key: string, now: EndpointSlice | undefined, before: EndpointSlice | undefined): string[] {
  const slice = (now ?? before)!;
  const owner = controllerOf(slice);
  return owner?.kind === 'Endpoints' && isManaged(slice) ? [`${slice.metadata.namespace}/${owner.name}`] : [];
}

function labelsOf({ metadata }: Endpoints): Record<string, string> {
  return { ...metadata.labels, [SERVICE_NAME]: metadata.name, [MANAGED_BY]: MANAGER };
}

function annotationsOf({ metadata }: Endpoints): Record<string, string> {
  return Object.fromEntries(Object.entries(metadata.annotations ?? {}).filter(([key]) => !NOT_COPIED.includes(key)));
}

function written({ addressType, ports, endpoints }: SliceContent) {
  return { addressType, ports: [...ports], endpoints: [...endpoints] };
}
