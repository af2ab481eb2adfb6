// RoleBinding and ClusterRoleBinding: who may do it.

import { kind } from '../../schema/kind.ts';
import { field, list, object, required, string, type TypeOf } from '../../schema/schema.ts';

const RBAC_GROUP = 'rbac.authorization.k8s.io';

export const Subject = object(
  'io.k8s.api.rbac.v1.Subject',
  {
    kind: string(1, { required, emitZero: '' }),
    apiGroup: string(2),
    name: string(3, { required, emitZero: '' }),
    namespace: string(4),
  },
  {
    mapType: 'atomic',
    defaults(value) {
      if (value.kind === 'User' || value.kind === 'Group') value.apiGroup ||= RBAC_GROUP;
    },
  },
);
export type Subject = TypeOf<typeof Subject>;

export const RoleRef = object(
  'io.k8s.api.rbac.v1.RoleRef',
  {
    apiGroup: string(1, { emitZero: '' }),
    kind: string(2, { required, emitZero: '' }),
    name: string(3, { required, emitZero: '' }),
  },
  {
    mapType: 'atomic',
    defaults(value) {
      value.apiGroup ||= RBAC_GROUP;
    },
  },
);
export type RoleRef = TypeOf<typeof RoleRef>;

export const RoleBinding = kind('io.k8s.api.rbac.v1.RoleBinding', {
  subjects: list(2, Subject, { listType: 'atomic' }),
  roleRef: field(3, RoleRef, { required, emitZero: {} }),
});
export type RoleBinding = TypeOf<typeof RoleBinding>;

export const ClusterRoleBinding = kind('io.k8s.api.rbac.v1.ClusterRoleBinding', {
  subjects: list(2, Subject, { listType: 'atomic' }),
  roleRef: field(3, RoleRef, { required, emitZero: {} }),
});
export type ClusterRoleBinding = TypeOf<typeof ClusterRoleBinding>;
