// Endpoints: the older list of what stands behind a service.

import { kind } from '../../schema/kind.ts';
import { field, int32, list, object, ptr, required, string, type TypeOf } from '../../schema/schema.ts';
import { ObjectReference } from './references.ts';

export const EndpointAddress = object(
  'io.k8s.api.core.v1.EndpointAddress',
  {
    ip: string(1, { required, emitZero: '' }),
    targetRef: field(2, ObjectReference, { ptr }),
    hostname: string(3),
    nodeName: string(4, { ptr }),
  },
  { mapType: 'atomic' },
);
export type EndpointAddress = TypeOf<typeof EndpointAddress>;

export const EndpointPort = object(
  'io.k8s.api.core.v1.EndpointPort',
  {
    name: string(1),
    port: int32(2, { required, emitZero: 0 }),
    protocol: string(3, { enum: ['SCTP', 'TCP', 'UDP'] }),
    appProtocol: string(4, { ptr }),
  },
  { mapType: 'atomic' },
);
export type EndpointPort = TypeOf<typeof EndpointPort>;

export const EndpointSubset = object('io.k8s.api.core.v1.EndpointSubset', {
  addresses: list(1, EndpointAddress, { listType: 'atomic' }),
  notReadyAddresses: list(2, EndpointAddress, { listType: 'atomic' }),
  ports: list(3, EndpointPort, { listType: 'atomic' }),
});
export type EndpointSubset = TypeOf<typeof EndpointSubset>;

export const Endpoints = kind(
  'io.k8s.api.core.v1.Endpoints',
  {
    subsets: list(2, EndpointSubset, { listType: 'atomic' }),
  },
  {
    defaults(value) {
      for (const { ports } of value.subsets ?? []) for (const port of ports ?? []) port.protocol ||= 'TCP';
    },
  },
);
export type Endpoints = TypeOf<typeof Endpoints>;
