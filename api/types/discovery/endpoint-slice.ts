// EndpointSlice: some of the addresses behind a service.

import { kind } from '../../schema/kind.ts';
import {
  aString,
  boolean,
  field,
  int32,
  list,
  map,
  object,
  ptr,
  required,
  string,
  type TypeOf,
} from '../../schema/schema.ts';
import { ObjectReference } from '../core/references.ts';

export const EndpointConditions = object('io.k8s.api.discovery.v1.EndpointConditions', {
  ready: boolean(1, { ptr }),
  serving: boolean(2, { ptr }),
  terminating: boolean(3, { ptr }),
});
export type EndpointConditions = TypeOf<typeof EndpointConditions>;

export const ForZone = object('io.k8s.api.discovery.v1.ForZone', {
  name: string(1, { required, emitZero: '' }),
});
export type ForZone = TypeOf<typeof ForZone>;

export const ForNode = object('io.k8s.api.discovery.v1.ForNode', {
  name: string(1, { required, emitZero: '' }),
});
export type ForNode = TypeOf<typeof ForNode>;

export const EndpointHints = object('io.k8s.api.discovery.v1.EndpointHints', {
  forZones: list(1, ForZone, { listType: 'atomic' }),
  forNodes: list(2, ForNode, { listType: 'atomic' }),
});
export type EndpointHints = TypeOf<typeof EndpointHints>;

export const Endpoint = object('io.k8s.api.discovery.v1.Endpoint', {
  addresses: list(1, aString, { required, emitZero: null, listType: 'set' }),
  conditions: field(2, EndpointConditions, { emitZero: {} }),
  hostname: string(3, { ptr }),
  targetRef: field(4, ObjectReference, { ptr }),
  deprecatedTopology: map(5, aString),
  nodeName: string(6, { ptr }),
  zone: string(7, { ptr }),
  hints: field(8, EndpointHints, { ptr }),
});
export type Endpoint = TypeOf<typeof Endpoint>;

export const EndpointPort = object(
  'io.k8s.api.discovery.v1.EndpointPort',
  {
    name: string(1, { ptr }),
    protocol: string(2, { ptr, enum: ['SCTP', 'TCP', 'UDP'] }),
    port: int32(3, { ptr }),
    appProtocol: string(4, { ptr }),
  },
  {
    mapType: 'atomic',
    defaults(value) {
      value.name ??= '';
      value.protocol ??= 'TCP';
    },
  },
);
export type EndpointPort = TypeOf<typeof EndpointPort>;

export const EndpointSlice = kind('io.k8s.api.discovery.v1.EndpointSlice', {
  endpoints: list(2, Endpoint, { emitZero: null, listType: 'atomic' }),
  ports: list(3, EndpointPort, { emitZero: null, listType: 'atomic' }),
  addressType: string(4, { required, emitZero: '', enum: ['FQDN', 'IPv4', 'IPv6'] }),
});
export type EndpointSlice = TypeOf<typeof EndpointSlice>;
