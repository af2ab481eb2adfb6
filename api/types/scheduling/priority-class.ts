// PriorityClass: how much a pod matters.

import { kind } from '../../schema/kind.ts';
import { boolean, int32, ptr, string, type TypeOf } from '../../schema/schema.ts';

export const PriorityClass = kind(
  'io.k8s.api.scheduling.v1.PriorityClass',
  {
    value: int32(2, { emitZero: 0 }),
    globalDefault: boolean(3),
    description: string(4),
    preemptionPolicy: string(5, { ptr, enum: ['Never', 'PreemptLowerPriority'] }),
  },
  {
    defaults(value) {
      value.preemptionPolicy ??= 'PreemptLowerPriority';
    },
  },
);
export type PriorityClass = TypeOf<typeof PriorityClass>;
