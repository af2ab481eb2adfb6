// Where pods may and should run: selectors of nodes, affinity, taints, spreading.
import {
  aString,
  field,
  int32,
  int64,
  list,
  object,
  ptr,
  required,
  string,
  type TypeOf,
  time,
} from '../../schema/schema.ts';
import { LabelSelector } from '../meta/label-selector.ts';

export const NodeSelectorRequirement = object('io.k8s.api.core.v1.NodeSelectorRequirement', {
  key: string(1, { required, emitZero: '' }),
  operator: string(2, { required, emitZero: '', enum: ['DoesNotExist', 'Exists', 'Gt', 'In', 'Lt', 'NotIn'] }),
  values: list(3, aString, { listType: 'atomic' }),
});
export type NodeSelectorRequirement = TypeOf<typeof NodeSelectorRequirement>;

export const NodeSelectorTerm = object(
  'io.k8s.api.core.v1.NodeSelectorTerm',
  {
    matchExpressions: list(1, NodeSelectorRequirement, { listType: 'atomic' }),
    matchFields: list(2, NodeSelectorRequirement, { listType: 'atomic' }),
  },
  { mapType: 'atomic' },
);
export type NodeSelectorTerm = TypeOf<typeof NodeSelectorTerm>;

export const NodeSelector = object(
  'io.k8s.api.core.v1.NodeSelector',
  {
    nodeSelectorTerms: list(1, NodeSelectorTerm, { required, emitZero: null, listType: 'atomic' }),
  },
  { mapType: 'atomic' },
);
export type NodeSelector = TypeOf<typeof NodeSelector>;

export const PreferredSchedulingTerm = object('io.k8s.api.core.v1.PreferredSchedulingTerm', {
  weight: int32(1, { required, emitZero: 0 }),
  preference: field(2, NodeSelectorTerm, { required, emitZero: {} }),
});
export type PreferredSchedulingTerm = TypeOf<typeof PreferredSchedulingTerm>;

export const NodeAffinity = object('io.k8s.api.core.v1.NodeAffinity', {
  requiredDuringSchedulingIgnoredDuringExecution: field(1, NodeSelector, { ptr }),
  preferredDuringSchedulingIgnoredDuringExecution: list(2, PreferredSchedulingTerm, { listType: 'atomic' }),
});
export type NodeAffinity = TypeOf<typeof NodeAffinity>;

export const PodAffinityTerm = object('io.k8s.api.core.v1.PodAffinityTerm', {
  labelSelector: field(1, LabelSelector, { ptr }),
  namespaces: list(2, aString, { listType: 'atomic' }),
  topologyKey: string(3, { required, emitZero: '' }),
  namespaceSelector: field(4, LabelSelector, { ptr }),
  matchLabelKeys: list(5, aString, { listType: 'atomic' }),
  mismatchLabelKeys: list(6, aString, { listType: 'atomic' }),
});
export type PodAffinityTerm = TypeOf<typeof PodAffinityTerm>;

export const WeightedPodAffinityTerm = object('io.k8s.api.core.v1.WeightedPodAffinityTerm', {
  weight: int32(1, { required, emitZero: 0 }),
  podAffinityTerm: field(2, PodAffinityTerm, { required, emitZero: {} }),
});
export type WeightedPodAffinityTerm = TypeOf<typeof WeightedPodAffinityTerm>;

export const PodAffinity = object('io.k8s.api.core.v1.PodAffinity', {
  requiredDuringSchedulingIgnoredDuringExecution: list(1, PodAffinityTerm, { listType: 'atomic' }),
  preferredDuringSchedulingIgnoredDuringExecution: list(2, WeightedPodAffinityTerm, { listType: 'atomic' }),
});
export type PodAffinity = TypeOf<typeof PodAffinity>;

export const PodAntiAffinity = object('io.k8s.api.core.v1.PodAntiAffinity', {
  requiredDuringSchedulingIgnoredDuringExecution: list(1, PodAffinityTerm, { listType: 'atomic' }),
  preferredDuringSchedulingIgnoredDuringExecution: list(2, WeightedPodAffinityTerm, { listType: 'atomic' }),
});
export type PodAntiAffinity = TypeOf<typeof PodAntiAffinity>;

export const Affinity = object('io.k8s.api.core.v1.Affinity', {
  nodeAffinity: field(1, NodeAffinity, { ptr }),
  podAffinity: field(2, PodAffinity, { ptr }),
  podAntiAffinity: field(3, PodAntiAffinity, { ptr }),
});
export type Affinity = TypeOf<typeof Affinity>;

export const Taint = object('io.k8s.api.core.v1.Taint', {
  key: string(1, { required, emitZero: '' }),
  value: string(2),
  effect: string(3, { required, emitZero: '', enum: ['NoExecute', 'NoSchedule', 'PreferNoSchedule'] }),
  timeAdded: time(4, { ptr }),
});
export type Taint = TypeOf<typeof Taint>;

export const Toleration = object('io.k8s.api.core.v1.Toleration', {
  key: string(1),
  operator: string(2, { enum: ['Equal', 'Exists', 'Gt', 'Lt'] }),
  value: string(3),
  effect: string(4, { enum: ['NoExecute', 'NoSchedule', 'PreferNoSchedule'] }),
  tolerationSeconds: int64(5, { ptr }),
});
export type Toleration = TypeOf<typeof Toleration>;

export const TopologySpreadConstraint = object('io.k8s.api.core.v1.TopologySpreadConstraint', {
  maxSkew: int32(1, { required, emitZero: 0 }),
  topologyKey: string(2, { required, emitZero: '' }),
  whenUnsatisfiable: string(3, { required, emitZero: '', enum: ['DoNotSchedule', 'ScheduleAnyway'] }),
  labelSelector: field(4, LabelSelector, { ptr }),
  minDomains: int32(5, { ptr }),
  nodeAffinityPolicy: string(6, { ptr, enum: ['Honor', 'Ignore'] }),
  nodeTaintsPolicy: string(7, { ptr, enum: ['Honor', 'Ignore'] }),
  matchLabelKeys: list(8, aString, { listType: 'atomic' }),
});
export type TopologySpreadConstraint = TypeOf<typeof TopologySpreadConstraint>;

export const TopologySelectorLabelRequirement = object('io.k8s.api.core.v1.TopologySelectorLabelRequirement', {
  key: string(1, { required, emitZero: '' }),
  values: list(2, aString, { required, emitZero: null, listType: 'atomic' }),
});
export type TopologySelectorLabelRequirement = TypeOf<typeof TopologySelectorLabelRequirement>;

export const TopologySelectorTerm = object(
  'io.k8s.api.core.v1.TopologySelectorTerm',
  {
    matchLabelExpressions: list(1, TopologySelectorLabelRequirement, { listType: 'atomic' }),
  },
  { mapType: 'atomic' },
);
export type TopologySelectorTerm = TypeOf<typeof TopologySelectorTerm>;
