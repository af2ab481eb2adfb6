// PodDisruptionBudget, and the eviction that honours it.

import { kind } from '../../schema/kind.ts';
import {
  aTime,
  field,
  int32,
  int64,
  intOrString,
  list,
  map,
  object,
  ptr,
  string,
  type TypeOf,
} from '../../schema/schema.ts';
import { Condition } from '../meta/condition.ts';
import { LabelSelector } from '../meta/label-selector.ts';
import { DeleteOptions } from '../meta/options.ts';

export const PodDisruptionBudgetSpec = object('io.k8s.api.policy.v1.PodDisruptionBudgetSpec', {
  minAvailable: intOrString(1, { ptr }),
  selector: field(2, LabelSelector, { ptr, patchStrategy: 'replace' }),
  maxUnavailable: intOrString(3, { ptr }),
  unhealthyPodEvictionPolicy: string(4, { ptr, enum: ['AlwaysAllow', 'IfHealthyBudget'] }),
});
export type PodDisruptionBudgetSpec = TypeOf<typeof PodDisruptionBudgetSpec>;

export const PodDisruptionBudgetStatus = object('io.k8s.api.policy.v1.PodDisruptionBudgetStatus', {
  observedGeneration: int64(1),
  disruptedPods: map(2, aTime),
  disruptionsAllowed: int32(3, { emitZero: 0 }),
  currentHealthy: int32(4, { emitZero: 0 }),
  desiredHealthy: int32(5, { emitZero: 0 }),
  expectedPods: int32(6, { emitZero: 0 }),
  conditions: list(7, Condition, { listType: 'map', keys: ['type'], patchStrategy: 'merge', patchMergeKey: 'type' }),
});
export type PodDisruptionBudgetStatus = TypeOf<typeof PodDisruptionBudgetStatus>;

export const PodDisruptionBudget = kind('io.k8s.api.policy.v1.PodDisruptionBudget', {
  spec: field(2, PodDisruptionBudgetSpec, { emitZero: {} }),
  status: field(3, PodDisruptionBudgetStatus, { emitZero: {} }),
});
export type PodDisruptionBudget = TypeOf<typeof PodDisruptionBudget>;

export const Eviction = kind('io.k8s.api.policy.v1.Eviction', {
  deleteOptions: field(2, DeleteOptions, { ptr }),
});
export type Eviction = TypeOf<typeof Eviction>;
