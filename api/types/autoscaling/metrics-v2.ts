// Metrics an autoscaler looks at, and what it saw.
import { field, int32, object, ptr, quantity, required, string, type TypeOf } from '../../schema/schema.ts';
import { LabelSelector } from '../meta/label-selector.ts';

export const CrossVersionObjectReference = object('io.k8s.api.autoscaling.v2.CrossVersionObjectReference', {
  kind: string(1, { required, emitZero: '' }),
  name: string(2, { required, emitZero: '' }),
  apiVersion: string(3),
});
export type CrossVersionObjectReference = TypeOf<typeof CrossVersionObjectReference>;

export const MetricTarget = object('io.k8s.api.autoscaling.v2.MetricTarget', {
  type: string(1, { required, emitZero: '' }),
  value: quantity(2, { ptr }),
  averageValue: quantity(3, { ptr }),
  averageUtilization: int32(4, { ptr }),
});
export type MetricTarget = TypeOf<typeof MetricTarget>;

export const MetricIdentifier = object('io.k8s.api.autoscaling.v2.MetricIdentifier', {
  name: string(1, { required, emitZero: '' }),
  selector: field(2, LabelSelector, { ptr }),
});
export type MetricIdentifier = TypeOf<typeof MetricIdentifier>;

export const ObjectMetricSource = object('io.k8s.api.autoscaling.v2.ObjectMetricSource', {
  describedObject: field(1, CrossVersionObjectReference, { required, emitZero: {} }),
  target: field(2, MetricTarget, { required, emitZero: {} }),
  metric: field(3, MetricIdentifier, { required, emitZero: {} }),
});
export type ObjectMetricSource = TypeOf<typeof ObjectMetricSource>;

export const PodsMetricSource = object('io.k8s.api.autoscaling.v2.PodsMetricSource', {
  metric: field(1, MetricIdentifier, { required, emitZero: {} }),
  target: field(2, MetricTarget, { required, emitZero: {} }),
});
export type PodsMetricSource = TypeOf<typeof PodsMetricSource>;

export const ResourceMetricSource = object('io.k8s.api.autoscaling.v2.ResourceMetricSource', {
  name: string(1, { required, emitZero: '' }),
  target: field(2, MetricTarget, { required, emitZero: {} }),
});
export type ResourceMetricSource = TypeOf<typeof ResourceMetricSource>;

export const ExternalMetricSource = object('io.k8s.api.autoscaling.v2.ExternalMetricSource', {
  metric: field(1, MetricIdentifier, { required, emitZero: {} }),
  target: field(2, MetricTarget, { required, emitZero: {} }),
});
export type ExternalMetricSource = TypeOf<typeof ExternalMetricSource>;

export const ContainerResourceMetricSource = object('io.k8s.api.autoscaling.v2.ContainerResourceMetricSource', {
  name: string(1, { required, emitZero: '' }),
  target: field(2, MetricTarget, { required, emitZero: {} }),
  container: string(3, { required, emitZero: '' }),
});
export type ContainerResourceMetricSource = TypeOf<typeof ContainerResourceMetricSource>;

export const MetricSpec = object('io.k8s.api.autoscaling.v2.MetricSpec', {
  type: string(1, { required, emitZero: '' }),
  object: field(2, ObjectMetricSource, { ptr }),
  pods: field(3, PodsMetricSource, { ptr }),
  resource: field(4, ResourceMetricSource, { ptr }),
  external: field(5, ExternalMetricSource, { ptr }),
  containerResource: field(7, ContainerResourceMetricSource, { ptr }),
});
export type MetricSpec = TypeOf<typeof MetricSpec>;

export const MetricValueStatus = object('io.k8s.api.autoscaling.v2.MetricValueStatus', {
  value: quantity(1, { ptr }),
  averageValue: quantity(2, { ptr }),
  averageUtilization: int32(3, { ptr }),
});
export type MetricValueStatus = TypeOf<typeof MetricValueStatus>;

export const ObjectMetricStatus = object('io.k8s.api.autoscaling.v2.ObjectMetricStatus', {
  metric: field(1, MetricIdentifier, { required, emitZero: {} }),
  current: field(2, MetricValueStatus, { required, emitZero: {} }),
  describedObject: field(3, CrossVersionObjectReference, { required, emitZero: {} }),
});
export type ObjectMetricStatus = TypeOf<typeof ObjectMetricStatus>;

export const PodsMetricStatus = object('io.k8s.api.autoscaling.v2.PodsMetricStatus', {
  metric: field(1, MetricIdentifier, { required, emitZero: {} }),
  current: field(2, MetricValueStatus, { required, emitZero: {} }),
});
export type PodsMetricStatus = TypeOf<typeof PodsMetricStatus>;

export const ResourceMetricStatus = object('io.k8s.api.autoscaling.v2.ResourceMetricStatus', {
  name: string(1, { required, emitZero: '' }),
  current: field(2, MetricValueStatus, { required, emitZero: {} }),
});
export type ResourceMetricStatus = TypeOf<typeof ResourceMetricStatus>;

export const ExternalMetricStatus = object('io.k8s.api.autoscaling.v2.ExternalMetricStatus', {
  metric: field(1, MetricIdentifier, { required, emitZero: {} }),
  current: field(2, MetricValueStatus, { required, emitZero: {} }),
});
export type ExternalMetricStatus = TypeOf<typeof ExternalMetricStatus>;

export const ContainerResourceMetricStatus = object('io.k8s.api.autoscaling.v2.ContainerResourceMetricStatus', {
  name: string(1, { required, emitZero: '' }),
  current: field(2, MetricValueStatus, { required, emitZero: {} }),
  container: string(3, { required, emitZero: '' }),
});
export type ContainerResourceMetricStatus = TypeOf<typeof ContainerResourceMetricStatus>;

export const MetricStatus = object('io.k8s.api.autoscaling.v2.MetricStatus', {
  type: string(1, { required, emitZero: '' }),
  object: field(2, ObjectMetricStatus, { ptr }),
  pods: field(3, PodsMetricStatus, { ptr }),
  resource: field(4, ResourceMetricStatus, { ptr }),
  external: field(5, ExternalMetricStatus, { ptr }),
  containerResource: field(7, ContainerResourceMetricStatus, { ptr }),
});
export type MetricStatus = TypeOf<typeof MetricStatus>;
