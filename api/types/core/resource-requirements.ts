// Requests, limits and claims.

import { roundResources } from '../../quantity.ts';
import { aQuantity, list, map, object, required, string, type TypeOf } from '../../schema/schema.ts';

export const ResourceClaim = object('io.k8s.api.core.v1.ResourceClaim', {
  name: string(1, { required, emitZero: '' }),
  request: string(2),
});
export type ResourceClaim = TypeOf<typeof ResourceClaim>;

export const ResourceRequirements = object(
  'io.k8s.api.core.v1.ResourceRequirements',
  {
    limits: map(1, aQuantity),
    requests: map(2, aQuantity),
    claims: list(3, ResourceClaim, { listType: 'map', keys: ['name'] }),
  },
  {
    defaults(value) {
      roundResources(value.limits);
      roundResources(value.requests);
    },
  },
);
export type ResourceRequirements = TypeOf<typeof ResourceRequirements>;

export const VolumeResourceRequirements = object(
  'io.k8s.api.core.v1.VolumeResourceRequirements',
  {
    limits: map(1, aQuantity),
    requests: map(2, aQuantity),
  },
  {
    defaults(value) {
      roundResources(value.limits);
      roundResources(value.requests);
    },
  },
);
export type VolumeResourceRequirements = TypeOf<typeof VolumeResourceRequirements>;
