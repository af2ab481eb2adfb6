// Roles and bindings: names as paths have them, and no giving away of what one does not have.
import { deepEqual } from '../../../../api/schema/equal.ts';
import type { ClusterRole, Role } from '../../../../api/types/rbac/role.ts';
import type { ClusterRoleBinding, RoleBinding } from '../../../../api/types/rbac/role-binding.ts';
import type { Strategy } from '../../strategy.ts';
import { pathSegmentName } from '../../validation/path-segment.ts';
import { bindingProblems, bindingUpdateProblems, roleProblems } from '../../validation/rbac.ts';
import { refuseBinding, refuseEscalation } from './escalation.ts';

export const roleStrategy: Strategy<Role | ClusterRole> = {
  nameProblems: pathSegmentName,
  allowCreateOnUpdate: true,
  validateCreate: (role, { request, registry }) => {
    refuseEscalation(role, request, registry);
    return roleProblems(role);
  },
  validateUpdate(next, current, { request, registry }) {
    const sum = (role: Role | ClusterRole) => ('aggregationRule' in role ? role.aggregationRule : undefined);
    const same = deepEqual(next.rules, current.rules) && deepEqual(sum(next), sum(current));
    if (!same) refuseEscalation(next, request, registry);
    return roleProblems(next);
  },
};

export const bindingStrategy: Strategy<RoleBinding | ClusterRoleBinding> = {
  nameProblems: pathSegmentName,
  allowCreateOnUpdate: true,
  validateCreate: (binding, { request, registry }) => {
    refuseBinding(binding, request, registry);
    return bindingProblems(binding);
  },
  validateUpdate(next, current, { request, registry }) {
    const same = deepEqual(next.roleRef, current.roleRef) && deepEqual(next.subjects, current.subjects);
    if (!same) refuseBinding(next, request, registry);
    return [...bindingProblems(next), ...bindingUpdateProblems(next, current)];
  },
};
