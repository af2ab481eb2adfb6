// FlowSchema: which requests go to which level.

import { kind } from '../../schema/kind.ts';
import {
  aString,
  boolean,
  field,
  int32,
  list,
  object,
  ptr,
  required,
  string,
  type TypeOf,
  time,
} from '../../schema/schema.ts';

export const PriorityLevelConfigurationReference = object(
  'io.k8s.api.flowcontrol.v1.PriorityLevelConfigurationReference',
  {
    name: string(1, { required, emitZero: '' }),
  },
);
export type PriorityLevelConfigurationReference = TypeOf<typeof PriorityLevelConfigurationReference>;

export const FlowDistinguisherMethod = object('io.k8s.api.flowcontrol.v1.FlowDistinguisherMethod', {
  type: string(1, { required, emitZero: '' }),
});
export type FlowDistinguisherMethod = TypeOf<typeof FlowDistinguisherMethod>;

export const UserSubject = object('io.k8s.api.flowcontrol.v1.UserSubject', {
  name: string(1, { required, emitZero: '' }),
});
export type UserSubject = TypeOf<typeof UserSubject>;

export const GroupSubject = object('io.k8s.api.flowcontrol.v1.GroupSubject', {
  name: string(1, { required, emitZero: '' }),
});
export type GroupSubject = TypeOf<typeof GroupSubject>;

export const ServiceAccountSubject = object('io.k8s.api.flowcontrol.v1.ServiceAccountSubject', {
  namespace: string(1, { required, emitZero: '' }),
  name: string(2, { required, emitZero: '' }),
});
export type ServiceAccountSubject = TypeOf<typeof ServiceAccountSubject>;

export const Subject = object(
  'io.k8s.api.flowcontrol.v1.Subject',
  {
    kind: string(1, { required, emitZero: '' }),
    user: field(2, UserSubject, { ptr }),
    group: field(3, GroupSubject, { ptr }),
    serviceAccount: field(4, ServiceAccountSubject, { ptr }),
  },
  { unions: [{ discriminator: 'kind', fields: { group: 'Group', serviceAccount: 'ServiceAccount', user: 'User' } }] },
);
export type Subject = TypeOf<typeof Subject>;

export const ResourcePolicyRule = object('io.k8s.api.flowcontrol.v1.ResourcePolicyRule', {
  verbs: list(1, aString, { required, emitZero: null, listType: 'set' }),
  apiGroups: list(2, aString, { required, emitZero: null, listType: 'set' }),
  resources: list(3, aString, { required, emitZero: null, listType: 'set' }),
  clusterScope: boolean(4),
  namespaces: list(5, aString, { emitZero: null, listType: 'set' }),
});
export type ResourcePolicyRule = TypeOf<typeof ResourcePolicyRule>;

export const NonResourcePolicyRule = object('io.k8s.api.flowcontrol.v1.NonResourcePolicyRule', {
  verbs: list(1, aString, { required, emitZero: null, listType: 'set' }),
  nonResourceURLs: list(6, aString, { required, emitZero: null, listType: 'set' }),
});
export type NonResourcePolicyRule = TypeOf<typeof NonResourcePolicyRule>;

export const PolicyRulesWithSubjects = object('io.k8s.api.flowcontrol.v1.PolicyRulesWithSubjects', {
  subjects: list(1, Subject, { required, emitZero: null, listType: 'atomic' }),
  resourceRules: list(2, ResourcePolicyRule, { listType: 'atomic' }),
  nonResourceRules: list(3, NonResourcePolicyRule, { listType: 'atomic' }),
});
export type PolicyRulesWithSubjects = TypeOf<typeof PolicyRulesWithSubjects>;

export const FlowSchemaSpec = object(
  'io.k8s.api.flowcontrol.v1.FlowSchemaSpec',
  {
    priorityLevelConfiguration: field(1, PriorityLevelConfigurationReference, { required, emitZero: {} }),
    matchingPrecedence: int32(2, { emitZero: 0 }),
    distinguisherMethod: field(3, FlowDistinguisherMethod, { ptr }),
    rules: list(4, PolicyRulesWithSubjects, { listType: 'atomic' }),
  },
  {
    defaults(value) {
      value.matchingPrecedence ||= 1000;
    },
  },
);
export type FlowSchemaSpec = TypeOf<typeof FlowSchemaSpec>;

export const FlowSchemaCondition = object('io.k8s.api.flowcontrol.v1.FlowSchemaCondition', {
  type: string(1),
  status: string(2),
  lastTransitionTime: time(3, { emitZero: null }),
  reason: string(4),
  message: string(5),
});
export type FlowSchemaCondition = TypeOf<typeof FlowSchemaCondition>;

export const FlowSchemaStatus = object('io.k8s.api.flowcontrol.v1.FlowSchemaStatus', {
  conditions: list(1, FlowSchemaCondition, {
    listType: 'map',
    keys: ['type'],
    patchStrategy: 'merge',
    patchMergeKey: 'type',
  }),
});
export type FlowSchemaStatus = TypeOf<typeof FlowSchemaStatus>;

export const FlowSchema = kind('io.k8s.api.flowcontrol.v1.FlowSchema', {
  spec: field(2, FlowSchemaSpec, { emitZero: {} }),
  status: field(3, FlowSchemaStatus, { emitZero: {} }),
});
export type FlowSchema = TypeOf<typeof FlowSchema>;
