// Scale: the number of replicas of anything.

import { kind } from '../../schema/kind.ts';
import { field, int32, object, required, string, type TypeOf } from '../../schema/schema.ts';

export const ScaleSpec = object('io.k8s.api.autoscaling.v1.ScaleSpec', {
  replicas: int32(1, { default: 0 }),
});
export type ScaleSpec = TypeOf<typeof ScaleSpec>;

export const ScaleStatus = object('io.k8s.api.autoscaling.v1.ScaleStatus', {
  replicas: int32(1, { required, emitZero: 0 }),
  selector: string(2),
});
export type ScaleStatus = TypeOf<typeof ScaleStatus>;

export const Scale = kind('io.k8s.api.autoscaling.v1.Scale', {
  spec: field(2, ScaleSpec, { emitZero: {} }),
  status: field(3, ScaleStatus, { emitZero: {} }),
});
export type Scale = TypeOf<typeof Scale>;
