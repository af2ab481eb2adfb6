// The condition that newer kinds share.
import { int64, object, required, string, type TypeOf, time } from '../../schema/schema.ts';

export const Condition = object('io.k8s.apimachinery.pkg.apis.meta.v1.Condition', {
  type: string(1, { required, emitZero: '' }),
  status: string(2, { required, emitZero: '' }),
  observedGeneration: int64(3),
  lastTransitionTime: time(4, { required, emitZero: null }),
  reason: string(5, { required, emitZero: '' }),
  message: string(6, { required, emitZero: '' }),
});
export type Condition = TypeOf<typeof Condition>;
