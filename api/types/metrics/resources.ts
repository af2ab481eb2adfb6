// Measured use of nodes and pods as resources: computed when asked, never stored.
import type { ResourceDefinition } from '../../resource.ts';
import { NAME, text } from '../resource-parts.ts';
import { NodeMetrics, PodMetrics } from './metrics.ts';

const common = {
  group: 'metrics.k8s.io',
  version: 'v1beta1',
  singular: '',
  verbs: ['get', 'list'],
  subresources: {},
} as const;

export const nodeMetrics: ResourceDefinition<NodeMetrics> = {
  ...common,
  kind: 'NodeMetrics',
  listKind: 'NodeMetricsList',
  plural: 'nodes',
  namespaced: false,
  schema: NodeMetrics,
  columns: [NAME, text('cpu', 'usage.cpu'), text('memory', 'usage.memory'), text('window', 'window')],
  storageKey: 'metrics.k8s.io/nodes',
};

export const podMetrics: ResourceDefinition<PodMetrics> = {
  ...common,
  kind: 'PodMetrics',
  listKind: 'PodMetricsList',
  plural: 'pods',
  namespaced: true,
  schema: PodMetrics,
  columns: [NAME, text('window', 'window')],
  storageKey: 'metrics.k8s.io/pods',
};
