// Roles and bindings.
import { dns1123Subdomain } from '../../../api/names.ts';
import { deepEqual } from '../../../api/schema/equal.ts';
import type { FieldProblem } from '../../../api/status.ts';
import type { ClusterRole, Role } from '../../../api/types/rbac/role.ts';
import { type ClusterRoleBinding, type RoleBinding, RoleRef } from '../../../api/types/rbac/role-binding.ts';
import { goJson } from './go-value.ts';
import { labelSelectorProblems } from './label-selector.ts';
import { pathSegmentName } from './path-segment.ts';
import { forbidden, invalidValue, notSupported, Printed, required } from './problems.ts';
import { named } from './values.ts';

const GROUP = 'rbac.authorization.k8s.io';

export function roleProblems(role: Role | ClusterRole): FieldProblem[] {
  const isNamespaced = role.kind === 'Role';
  return [...aggregationProblems(role), ...rulesProblems(role, isNamespaced)];
}

function aggregationProblems(role: Role | ClusterRole): FieldProblem[] {
  const rule = 'aggregationRule' in role ? role.aggregationRule : undefined;
  if (rule === undefined) return [];
  const path = 'aggregationRule.clusterRoleSelectors';
  if (!rule.clusterRoleSelectors?.length) {
    return [required(path, 'at least one clusterRoleSelector required if aggregationRule is non-nil')];
  }
  return rule.clusterRoleSelectors.flatMap((selector, i) => labelSelectorProblems(selector, `${path}[${i}]`));
}

function rulesProblems(role: Role | ClusterRole, isNamespaced: boolean): FieldProblem[] {
  return (role.rules ?? []).flatMap((rule, i) => {
    const path = `rules[${i}]`;
    const problems: FieldProblem[] = [];
    if (!rule.verbs?.length) problems.push(required(`${path}.verbs`, 'verbs must contain at least one value'));
    if (rule.nonResourceURLs?.length) {
      if (isNamespaced) {
        const why = 'namespaced rules cannot apply to non-resource URLs';
        return [...problems, invalidValue(`${path}.nonResourceURLs`, rule.nonResourceURLs, why)];
      }
      if (rule.apiGroups?.length || rule.resources?.length || rule.resourceNames?.length) {
        const why = 'rules cannot apply to both regular resources and non-resource URLs';
        problems.push(invalidValue(`${path}.nonResourceURLs`, rule.nonResourceURLs, why));
      }
      return problems;
    }
    const oneGroup = 'resource rules must supply at least one api group';
    const oneResource = 'resource rules must supply at least one resource';
    if (!rule.apiGroups?.length) problems.push(required(`${path}.apiGroups`, oneGroup));
    if (!rule.resources?.length) problems.push(required(`${path}.resources`, oneResource));
    return problems;
  });
}

export function bindingProblems(binding: RoleBinding | ClusterRoleBinding): FieldProblem[] {
  const problems: FieldProblem[] = [];
  const isNamespaced = binding.kind === 'RoleBinding';
  const { apiGroup, kind, name } = binding.roleRef;
  if (apiGroup !== GROUP) problems.push(notSupported('roleRef.apiGroup', apiGroup, [GROUP]));
  const kinds = isNamespaced ? ['Role', 'ClusterRole'] : ['ClusterRole'];
  if (!kinds.includes(kind)) problems.push(notSupported('roleRef.kind', kind, kinds));
  if (!name) problems.push(required('roleRef.name'));
  else for (const why of pathSegmentName(name, false)) problems.push(invalidValue('roleRef.name', name, why));
  for (const [i, subject] of (binding.subjects ?? []).entries()) {
    problems.push(...subjectProblems(subject, isNamespaced, `subjects[${i}]`));
  }
  return problems;
}

type Subject = NonNullable<RoleBinding['subjects']>[number];

function subjectProblems(subject: Subject, isNamespaced: boolean, path: string): FieldProblem[] {
  const { kind, name, apiGroup = '', namespace } = subject;
  const problems: FieldProblem[] = [];
  if (!name) problems.push(required(`${path}.name`));
  const group = kind === 'ServiceAccount' ? '' : GROUP;
  if (!['ServiceAccount', 'User', 'Group'].includes(kind)) {
    return [...problems, notSupported(`${path}.kind`, kind, ['ServiceAccount', 'User', 'Group'])];
  }
  if (kind === 'ServiceAccount' && name) problems.push(...named(`${path}.name`, name, dns1123Subdomain));
  if (apiGroup !== group) problems.push(notSupported(`${path}.apiGroup`, apiGroup, [group]));
  if (kind === 'ServiceAccount' && !isNamespaced && !namespace) problems.push(required(`${path}.namespace`));
  if (kind !== 'ServiceAccount' && namespace) {
    problems.push(forbidden(`${path}.namespace`, `namespaces are not allowed on ${kind} subjects`));
  }
  return problems;
}

export function bindingUpdateProblems(
  next: RoleBinding | ClusterRoleBinding,
  current: RoleBinding | ClusterRoleBinding,
): FieldProblem[] {
  if (deepEqual(next.roleRef, current.roleRef)) return [];
  return [invalidValue('roleRef', new Printed(goJson(RoleRef, next.roleRef)), 'cannot change roleRef')];
}
