// Descriptions of roles and bindings.
import type { Descriptions } from '../descriptions.ts';

const SUBJECTS = 'Who gets the role.';

export const rbacDescriptions: Descriptions = {
  Role: { '': 'What may be done in a namespace.', rules: 'What is allowed.' },
  ClusterRole: {
    '': 'What may be done in the cluster, or in any namespace it is bound in.',
    rules: 'What is allowed.',
    aggregationRule: 'Takes its rules from other cluster roles.',
  },
  PolicyRule: {
    '': 'Something that is allowed.',
    verbs: 'What may be done, e.g. get, list, watch; * for everything.',
    apiGroups: 'In which groups; "" is core, * all.',
    resources: 'With which resources, e.g. pods or pods/log; * for all.',
    resourceNames: 'With which objects by name; all if empty.',
    nonResourceURLs: 'With which other paths, e.g. /healthz; only in cluster roles.',
  },
  AggregationRule: {
    '': 'Where rules are taken from.',
    clusterRoleSelectors: 'Cluster roles, by their labels.',
  },
  RoleBinding: {
    '': 'Gives a role to somebody in a namespace.',
    subjects: SUBJECTS,
    roleRef: 'The role; it cannot change.',
  },
  ClusterRoleBinding: {
    '': 'Gives a cluster role to somebody everywhere.',
    subjects: SUBJECTS,
    roleRef: 'The cluster role; it cannot change.',
  },
  Subject: {
    '': 'Somebody.',
    kind: 'User, Group or ServiceAccount.',
    apiGroup: 'Group of the kind; rbac.authorization.k8s.io for users and groups.',
    name: 'The name.',
    namespace: 'Namespace of the service account.',
  },
  RoleRef: {
    '': 'A role.',
    apiGroup: 'Group of the kind; rbac.authorization.k8s.io.',
    kind: 'Role or ClusterRole.',
    name: 'The name.',
  },
};
