// HorizontalPodAutoscaler as version 1 has it: CPU alone.

import { kind } from '../../schema/kind.ts';
import { field, int32, int64, object, ptr, required, string, type TypeOf, time } from '../../schema/schema.ts';

const METRICS = 'autoscaling.alpha.kubernetes.io/metrics';

export const CrossVersionObjectReference = object(
  'io.k8s.api.autoscaling.v1.CrossVersionObjectReference',
  {
    kind: string(1, { required, emitZero: '' }),
    name: string(2, { required, emitZero: '' }),
    apiVersion: string(3),
  },
  { mapType: 'atomic' },
);
export type CrossVersionObjectReference = TypeOf<typeof CrossVersionObjectReference>;

export const HorizontalPodAutoscalerSpec = object('io.k8s.api.autoscaling.v1.HorizontalPodAutoscalerSpec', {
  scaleTargetRef: field(1, CrossVersionObjectReference, { required, emitZero: {} }),
  minReplicas: int32(2, { ptr }),
  maxReplicas: int32(3, { required, emitZero: 0 }),
  targetCPUUtilizationPercentage: int32(4, { ptr }),
});
export type HorizontalPodAutoscalerSpec = TypeOf<typeof HorizontalPodAutoscalerSpec>;

export const HorizontalPodAutoscalerStatus = object('io.k8s.api.autoscaling.v1.HorizontalPodAutoscalerStatus', {
  observedGeneration: int64(1, { ptr }),
  lastScaleTime: time(2, { ptr }),
  currentReplicas: int32(3, { required, emitZero: 0 }),
  desiredReplicas: int32(4, { required, emitZero: 0 }),
  currentCPUUtilizationPercentage: int32(5, { ptr }),
});
export type HorizontalPodAutoscalerStatus = TypeOf<typeof HorizontalPodAutoscalerStatus>;

export const HorizontalPodAutoscaler = kind(
  'io.k8s.api.autoscaling.v1.HorizontalPodAutoscaler',
  {
    spec: field(2, HorizontalPodAutoscalerSpec, { required, emitZero: {} }),
    status: field(3, HorizontalPodAutoscalerStatus, { emitZero: {} }),
  },
  {
    defaults(value) {
      value.spec.minReplicas ??= 1;
      // Version 2's default, seen through this version; metrics of other sorts stand in an annotation here.
      if (value.metadata?.annotations?.[METRICS] === undefined) value.spec.targetCPUUtilizationPercentage ??= 80;
    },
  },
);
export type HorizontalPodAutoscaler = TypeOf<typeof HorizontalPodAutoscaler>;
