// Which requests a policy or webhook looks at.
import { aString, field, list, object, ptr, required, string, type TypeOf } from '../../schema/schema.ts';
import { oneOf } from '../build.ts';
import { LabelSelector } from '../meta/label-selector.ts';

export const MatchCondition = object('io.k8s.api.admissionregistration.v1.MatchCondition', {
  name: string(1, { required, emitZero: '' }),
  expression: string(2, { required, emitZero: '' }),
});
export type MatchCondition = TypeOf<typeof MatchCondition>;

export const RuleWithOperations = object(
  'io.k8s.api.admissionregistration.v1.RuleWithOperations',
  {
    operations: list(1, oneOf('*', 'CONNECT', 'CREATE', 'DELETE', 'UPDATE'), { listType: 'atomic' }),
    apiGroups: list(1, aString, { listType: 'atomic', via: [[2, 'rule']] }),
    apiVersions: list(2, aString, { listType: 'atomic', via: [[2, 'rule']] }),
    resources: list(3, aString, { listType: 'atomic', via: [[2, 'rule']] }),
    scope: string(4, { ptr, enum: ['*', 'Cluster', 'Namespaced'], via: [[2, 'rule']] }),
  },
  {
    defaults(value) {
      value.scope ??= '*';
    },
  },
);
export type RuleWithOperations = TypeOf<typeof RuleWithOperations>;

export const NamedRuleWithOperations = object(
  'io.k8s.api.admissionregistration.v1.NamedRuleWithOperations',
  {
    resourceNames: list(1, aString, { listType: 'atomic' }),
    operations: list(1, oneOf('*', 'CONNECT', 'CREATE', 'DELETE', 'UPDATE'), {
      listType: 'atomic',
      via: [[2, 'ruleWithOperations']],
    }),
    apiGroups: list(1, aString, {
      listType: 'atomic',
      via: [
        [2, 'ruleWithOperations'],
        [2, 'rule'],
      ],
    }),
    apiVersions: list(2, aString, {
      listType: 'atomic',
      via: [
        [2, 'ruleWithOperations'],
        [2, 'rule'],
      ],
    }),
    resources: list(3, aString, {
      listType: 'atomic',
      via: [
        [2, 'ruleWithOperations'],
        [2, 'rule'],
      ],
    }),
    scope: string(4, {
      ptr,
      enum: ['*', 'Cluster', 'Namespaced'],
      via: [
        [2, 'ruleWithOperations'],
        [2, 'rule'],
      ],
    }),
  },
  {
    mapType: 'atomic',
    defaults(value) {
      value.scope ??= '*';
    },
  },
);
export type NamedRuleWithOperations = TypeOf<typeof NamedRuleWithOperations>;

export const MatchResources = object(
  'io.k8s.api.admissionregistration.v1.MatchResources',
  {
    namespaceSelector: field(1, LabelSelector, { ptr }),
    objectSelector: field(2, LabelSelector, { ptr }),
    resourceRules: list(3, NamedRuleWithOperations, { listType: 'atomic' }),
    excludeResourceRules: list(4, NamedRuleWithOperations, { listType: 'atomic' }),
    matchPolicy: string(7, { ptr, enum: ['Equivalent', 'Exact'] }),
  },
  {
    mapType: 'atomic',
    defaults(value) {
      value.matchPolicy ??= 'Equivalent';
      value.namespaceSelector ??= {};
      value.objectSelector ??= {};
    },
  },
);
export type MatchResources = TypeOf<typeof MatchResources>;
