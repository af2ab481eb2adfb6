// PriorityLevelConfiguration: how many requests of a level run at once.

import { kind } from '../../schema/kind.ts';
import { field, int32, list, object, ptr, required, string, type TypeOf, time } from '../../schema/schema.ts';

export const QueuingConfiguration = object(
  'io.k8s.api.flowcontrol.v1.QueuingConfiguration',
  {
    queues: int32(1, { emitZero: 0 }),
    handSize: int32(2, { emitZero: 0 }),
    queueLengthLimit: int32(3, { emitZero: 0 }),
  },
  {
    defaults(value) {
      value.handSize ||= 8;
      value.queues ||= 64;
      value.queueLengthLimit ||= 50;
    },
  },
);
export type QueuingConfiguration = TypeOf<typeof QueuingConfiguration>;

export const LimitResponse = object(
  'io.k8s.api.flowcontrol.v1.LimitResponse',
  {
    type: string(1, { required, emitZero: '' }),
    queuing: field(2, QueuingConfiguration, { ptr }),
  },
  { unions: [{ discriminator: 'type', fields: { queuing: 'Queuing' } }] },
);
export type LimitResponse = TypeOf<typeof LimitResponse>;

export const LimitedPriorityLevelConfiguration = object(
  'io.k8s.api.flowcontrol.v1.LimitedPriorityLevelConfiguration',
  {
    nominalConcurrencyShares: int32(1, { ptr, emitZero: null }),
    limitResponse: field(2, LimitResponse, { emitZero: {} }),
    lendablePercent: int32(3, { ptr }),
    borrowingLimitPercent: int32(4, { ptr }),
  },
  {
    defaults(value) {
      value.nominalConcurrencyShares ??= 30;
      value.lendablePercent ??= 0;
    },
  },
);
export type LimitedPriorityLevelConfiguration = TypeOf<typeof LimitedPriorityLevelConfiguration>;

export const ExemptPriorityLevelConfiguration = object(
  'io.k8s.api.flowcontrol.v1.ExemptPriorityLevelConfiguration',
  {
    nominalConcurrencyShares: int32(1, { ptr }),
    lendablePercent: int32(2, { ptr }),
  },
  {
    defaults(value) {
      value.nominalConcurrencyShares ??= 0;
      value.lendablePercent ??= 0;
    },
  },
);
export type ExemptPriorityLevelConfiguration = TypeOf<typeof ExemptPriorityLevelConfiguration>;

export const PriorityLevelConfigurationSpec = object(
  'io.k8s.api.flowcontrol.v1.PriorityLevelConfigurationSpec',
  {
    type: string(1, { required, emitZero: '' }),
    limited: field(2, LimitedPriorityLevelConfiguration, { ptr }),
    exempt: field(3, ExemptPriorityLevelConfiguration, { ptr }),
  },
  { unions: [{ discriminator: 'type', fields: { exempt: 'Exempt', limited: 'Limited' } }] },
);
export type PriorityLevelConfigurationSpec = TypeOf<typeof PriorityLevelConfigurationSpec>;

export const PriorityLevelConfigurationCondition = object(
  'io.k8s.api.flowcontrol.v1.PriorityLevelConfigurationCondition',
  {
    type: string(1),
    status: string(2),
    lastTransitionTime: time(3, { emitZero: null }),
    reason: string(4),
    message: string(5),
  },
);
export type PriorityLevelConfigurationCondition = TypeOf<typeof PriorityLevelConfigurationCondition>;

export const PriorityLevelConfigurationStatus = object('io.k8s.api.flowcontrol.v1.PriorityLevelConfigurationStatus', {
  conditions: list(1, PriorityLevelConfigurationCondition, {
    listType: 'map',
    keys: ['type'],
    patchStrategy: 'merge',
    patchMergeKey: 'type',
  }),
});
export type PriorityLevelConfigurationStatus = TypeOf<typeof PriorityLevelConfigurationStatus>;

export const PriorityLevelConfiguration = kind('io.k8s.api.flowcontrol.v1.PriorityLevelConfiguration', {
  spec: field(2, PriorityLevelConfigurationSpec, { emitZero: {} }),
  status: field(3, PriorityLevelConfigurationStatus, { emitZero: {} }),
});
export type PriorityLevelConfiguration = TypeOf<typeof PriorityLevelConfiguration>;
