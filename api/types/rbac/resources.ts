// The resources of rbac.authorization.k8s.io/v1.
import type { ResourceDefinition } from '../../resource.ts';
import { AGE, ALL_VERBS, CREATED_AT, NAME, text, wide } from '../resource-parts.ts';
import { ClusterRole, Role } from './role.ts';
import { ClusterRoleBinding, RoleBinding } from './role-binding.ts';

export const clusterRoleBindings: ResourceDefinition<ClusterRoleBinding> = {
  group: 'rbac.authorization.k8s.io',
  version: 'v1',
  kind: 'ClusterRoleBinding',
  listKind: 'ClusterRoleBindingList',
  plural: 'clusterrolebindings',
  singular: 'clusterrolebinding',
  namespaced: false,
  verbs: ALL_VERBS,
  schema: ClusterRoleBinding,
  subresources: {},
  columns: [NAME, text('Role'), AGE, ...wide(text('Users'), text('Groups'), text('ServiceAccounts'))],
};

export const clusterRoles: ResourceDefinition<ClusterRole> = {
  group: 'rbac.authorization.k8s.io',
  version: 'v1',
  kind: 'ClusterRole',
  listKind: 'ClusterRoleList',
  plural: 'clusterroles',
  singular: 'clusterrole',
  namespaced: false,
  verbs: ALL_VERBS,
  schema: ClusterRole,
  subresources: {},
  columns: [NAME, CREATED_AT],
};

export const roleBindings: ResourceDefinition<RoleBinding> = {
  group: 'rbac.authorization.k8s.io',
  version: 'v1',
  kind: 'RoleBinding',
  listKind: 'RoleBindingList',
  plural: 'rolebindings',
  singular: 'rolebinding',
  namespaced: true,
  verbs: ALL_VERBS,
  schema: RoleBinding,
  subresources: {},
  columns: [NAME, text('Role'), AGE, ...wide(text('Users'), text('Groups'), text('ServiceAccounts'))],
};

export const roles: ResourceDefinition<Role> = {
  group: 'rbac.authorization.k8s.io',
  version: 'v1',
  kind: 'Role',
  listKind: 'RoleList',
  plural: 'roles',
  singular: 'role',
  namespaced: true,
  verbs: ALL_VERBS,
  schema: Role,
  subresources: {},
  columns: [NAME, CREATED_AT],
};

export const rbacResources: readonly ResourceDefinition[] = [clusterRoleBindings, clusterRoles, roleBindings, roles];
