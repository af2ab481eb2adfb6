// ComponentStatus: the oldest form of health.

import { kind } from '../../schema/kind.ts';
import { list, object, required, string, type TypeOf } from '../../schema/schema.ts';

export const ComponentCondition = object('io.k8s.api.core.v1.ComponentCondition', {
  type: string(1, { required, emitZero: '' }),
  status: string(2, { required, emitZero: '' }),
  message: string(3),
  error: string(4),
});
export type ComponentCondition = TypeOf<typeof ComponentCondition>;

export const ComponentStatus = kind('io.k8s.api.core.v1.ComponentStatus', {
  conditions: list(2, ComponentCondition, {
    listType: 'map',
    keys: ['type'],
    patchStrategy: 'merge',
    patchMergeKey: 'type',
  }),
});
export type ComponentStatus = TypeOf<typeof ComponentStatus>;
