// HorizontalPodAutoscaler: replicas by measured load.

import { kind } from '../../schema/kind.ts';
import {
  field,
  int32,
  int64,
  list,
  object,
  ptr,
  quantity,
  required,
  string,
  type TypeOf,
  time,
} from '../../schema/schema.ts';
import { CrossVersionObjectReference, MetricSpec, MetricStatus } from './metrics-v2.ts';

export const HPAScalingPolicy = object('io.k8s.api.autoscaling.v2.HPAScalingPolicy', {
  type: string(1, { required, emitZero: '' }),
  value: int32(2, { required, emitZero: 0 }),
  periodSeconds: int32(3, { required, emitZero: 0 }),
});
export type HPAScalingPolicy = TypeOf<typeof HPAScalingPolicy>;

export const HPAScalingRules = object('io.k8s.api.autoscaling.v2.HPAScalingRules', {
  selectPolicy: string(1, { ptr }),
  // An empty list is no list of defaults: it is refused.
  policies: list(2, HPAScalingPolicy, { listType: 'atomic', keepsEmpty: true }),
  stabilizationWindowSeconds: int32(3, { ptr }),
  tolerance: quantity(4, { ptr }),
});
export type HPAScalingRules = TypeOf<typeof HPAScalingRules>;

export const HorizontalPodAutoscalerBehavior = object('io.k8s.api.autoscaling.v2.HorizontalPodAutoscalerBehavior', {
  scaleUp: field(1, HPAScalingRules, { ptr }),
  scaleDown: field(2, HPAScalingRules, { ptr }),
});
export type HorizontalPodAutoscalerBehavior = TypeOf<typeof HorizontalPodAutoscalerBehavior>;

export const HorizontalPodAutoscalerSpec = object('io.k8s.api.autoscaling.v2.HorizontalPodAutoscalerSpec', {
  scaleTargetRef: field(1, CrossVersionObjectReference, { required, emitZero: {} }),
  minReplicas: int32(2, { ptr }),
  maxReplicas: int32(3, { required, emitZero: 0 }),
  metrics: list(4, MetricSpec, { listType: 'atomic' }),
  behavior: field(5, HorizontalPodAutoscalerBehavior, { ptr }),
});
export type HorizontalPodAutoscalerSpec = TypeOf<typeof HorizontalPodAutoscalerSpec>;

export const HorizontalPodAutoscalerCondition = object('io.k8s.api.autoscaling.v2.HorizontalPodAutoscalerCondition', {
  type: string(1, { required, emitZero: '' }),
  status: string(2, { required, emitZero: '' }),
  lastTransitionTime: time(3, { emitZero: null }),
  reason: string(4),
  message: string(5),
});
export type HorizontalPodAutoscalerCondition = TypeOf<typeof HorizontalPodAutoscalerCondition>;

export const HorizontalPodAutoscalerStatus = object('io.k8s.api.autoscaling.v2.HorizontalPodAutoscalerStatus', {
  observedGeneration: int64(1, { ptr }),
  lastScaleTime: time(2, { ptr }),
  currentReplicas: int32(3),
  desiredReplicas: int32(4, { required, emitZero: 0 }),
  currentMetrics: list(5, MetricStatus, { emitZero: null, listType: 'atomic' }),
  conditions: list(6, HorizontalPodAutoscalerCondition, {
    listType: 'map',
    keys: ['type'],
    patchStrategy: 'merge',
    patchMergeKey: 'type',
  }),
});
export type HorizontalPodAutoscalerStatus = TypeOf<typeof HorizontalPodAutoscalerStatus>;

export const HorizontalPodAutoscaler = kind(
  'io.k8s.api.autoscaling.v2.HorizontalPodAutoscaler',
  {
    spec: field(2, HorizontalPodAutoscalerSpec, { required, emitZero: {} }),
    status: field(3, HorizontalPodAutoscalerStatus, { emitZero: {} }),
  },
  {
    defaults(value) {
      const { spec } = value;
      spec.minReplicas ??= 1;
      if (!spec.metrics?.length)
        spec.metrics = [
          { type: 'Resource', resource: { name: 'cpu', target: { type: 'Utilization', averageUtilization: 80 } } },
        ];
      if (spec.behavior === undefined) return;
      // Down has no window of its own here: the controller's setting rules.
      spec.behavior.scaleUp ??= {};
      spec.behavior.scaleUp.stabilizationWindowSeconds ??= 0;
      spec.behavior.scaleUp.selectPolicy ??= 'Max';
      spec.behavior.scaleUp.policies ??= [
        { type: 'Pods', value: 4, periodSeconds: 15 },
        { type: 'Percent', value: 100, periodSeconds: 15 },
      ];
      spec.behavior.scaleDown ??= {};
      spec.behavior.scaleDown.selectPolicy ??= 'Max';
      spec.behavior.scaleDown.policies ??= [{ type: 'Percent', value: 100, periodSeconds: 15 }];
    },
  },
);
export type HorizontalPodAutoscaler = TypeOf<typeof HorizontalPodAutoscaler>;
