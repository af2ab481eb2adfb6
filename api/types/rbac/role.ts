// Role and ClusterRole: what may be done.

import { kind } from '../../schema/kind.ts';
import { aString, field, list, object, ptr, required, type TypeOf } from '../../schema/schema.ts';
import { LabelSelector } from '../meta/label-selector.ts';

export const PolicyRule = object('io.k8s.api.rbac.v1.PolicyRule', {
  verbs: list(1, aString, { required, emitZero: null, listType: 'atomic' }),
  apiGroups: list(2, aString, { listType: 'atomic' }),
  resources: list(3, aString, { listType: 'atomic' }),
  resourceNames: list(4, aString, { listType: 'atomic' }),
  nonResourceURLs: list(5, aString, { listType: 'atomic' }),
});
export type PolicyRule = TypeOf<typeof PolicyRule>;

export const Role = kind('io.k8s.api.rbac.v1.Role', {
  rules: list(2, PolicyRule, { emitZero: null, listType: 'atomic' }),
});
export type Role = TypeOf<typeof Role>;

export const AggregationRule = object('io.k8s.api.rbac.v1.AggregationRule', {
  clusterRoleSelectors: list(1, LabelSelector, { listType: 'atomic' }),
});
export type AggregationRule = TypeOf<typeof AggregationRule>;

export const ClusterRole = kind('io.k8s.api.rbac.v1.ClusterRole', {
  rules: list(2, PolicyRule, { emitZero: null, listType: 'atomic' }),
  aggregationRule: field(3, AggregationRule, { ptr }),
});
export type ClusterRole = TypeOf<typeof ClusterRole>;
