// The resources of discovery.k8s.io/v1.
import type { ResourceDefinition } from '../../resource.ts';
import { AGE, ALL_VERBS, NAME, text } from '../resource-parts.ts';
import { EndpointSlice } from './endpoint-slice.ts';

export const endpointSlices: ResourceDefinition<EndpointSlice> = {
  group: 'discovery.k8s.io',
  version: 'v1',
  kind: 'EndpointSlice',
  listKind: 'EndpointSliceList',
  plural: 'endpointslices',
  singular: 'endpointslice',
  namespaced: true,
  verbs: ALL_VERBS,
  schema: EndpointSlice,
  subresources: {},
  columns: [NAME, text('AddressType', 'addressType'), text('Ports'), text('Endpoints'), AGE],
};

export const discoveryResources: readonly ResourceDefinition[] = [endpointSlices];
