// Lease: a sign of life, and a lock.

import { kind } from '../../schema/kind.ts';
import { field, int32, microTime, object, ptr, string, type TypeOf } from '../../schema/schema.ts';

export const LeaseSpec = object('io.k8s.api.coordination.v1.LeaseSpec', {
  holderIdentity: string(1, { ptr }),
  leaseDurationSeconds: int32(2, { ptr }),
  acquireTime: microTime(3, { ptr }),
  renewTime: microTime(4, { ptr }),
  leaseTransitions: int32(5, { ptr }),
  strategy: string(6, { ptr }),
  preferredHolder: string(7, { ptr }),
});
export type LeaseSpec = TypeOf<typeof LeaseSpec>;

export const Lease = kind('io.k8s.api.coordination.v1.Lease', {
  spec: field(2, LeaseSpec, { emitZero: {} }),
});
export type Lease = TypeOf<typeof Lease>;
