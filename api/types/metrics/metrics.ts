// Measured use of nodes and pods (metrics.k8s.io).

import { kind } from '../../schema/kind.ts';
import { aQuantity, duration, list, map, object, required, string, type TypeOf, time } from '../../schema/schema.ts';

export const NodeMetrics = kind('io.k8s.metrics.pkg.apis.metrics.v1beta1.NodeMetrics', {
  timestamp: time(2, { required, emitZero: null }),
  window: duration(3, { required, emitZero: '0s' }),
  usage: map(4, aQuantity, { required, emitZero: null }),
});
export type NodeMetrics = TypeOf<typeof NodeMetrics>;

export const ContainerMetrics = object('io.k8s.metrics.pkg.apis.metrics.v1beta1.ContainerMetrics', {
  name: string(1, { required, emitZero: '' }),
  usage: map(2, aQuantity, { required, emitZero: null }),
});
export type ContainerMetrics = TypeOf<typeof ContainerMetrics>;

export const PodMetrics = kind('io.k8s.metrics.pkg.apis.metrics.v1beta1.PodMetrics', {
  timestamp: time(2, { required, emitZero: null }),
  window: duration(3, { required, emitZero: '0s' }),
  containers: list(4, ContainerMetrics, { required, emitZero: null, listType: 'atomic' }),
});
export type PodMetrics = TypeOf<typeof PodMetrics>;
