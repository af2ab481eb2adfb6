// The resources of autoscaling/v2 and autoscaling/v1.
import type { ResourceDefinition } from '../../resource.ts';
import { AGE, ALL_VERBS, NAME, PART, text } from '../resource-parts.ts';
import { HorizontalPodAutoscaler } from './horizontal-pod-autoscaler.ts';
import { HorizontalPodAutoscaler as HorizontalPodAutoscalerV1 } from './horizontal-pod-autoscaler-v1.ts';

export const horizontalPodAutoscalers: ResourceDefinition<HorizontalPodAutoscaler> = {
  group: 'autoscaling',
  version: 'v2',
  kind: 'HorizontalPodAutoscaler',
  listKind: 'HorizontalPodAutoscalerList',
  plural: 'horizontalpodautoscalers',
  singular: 'horizontalpodautoscaler',
  shortNames: ['hpa'],
  categories: ['all'],
  namespaced: true,
  verbs: ALL_VERBS,
  schema: HorizontalPodAutoscaler,
  subresources: {
    status: PART,
  },
  columns: [NAME, text('Reference'), text('Targets'), text('MinPods'), text('MaxPods'), text('Replicas'), AGE],
};

export const horizontalPodAutoscalersV1: ResourceDefinition<HorizontalPodAutoscalerV1> = {
  group: 'autoscaling',
  version: 'v1',
  kind: 'HorizontalPodAutoscaler',
  listKind: 'HorizontalPodAutoscalerList',
  plural: 'horizontalpodautoscalers',
  singular: 'horizontalpodautoscaler',
  shortNames: ['hpa'],
  categories: ['all'],
  namespaced: true,
  verbs: ALL_VERBS,
  schema: HorizontalPodAutoscalerV1,
  subresources: {
    status: PART,
  },
  columns: [NAME, text('Reference'), text('Targets'), text('MinPods'), text('MaxPods'), text('Replicas'), AGE],
  storedAs: 'autoscaling/v2/HorizontalPodAutoscaler',
};

export const autoscalingResources: readonly ResourceDefinition[] = [
  horizontalPodAutoscalers,
  horizontalPodAutoscalersV1,
];
