// Nobody gives rights away that they do not have, unless the verbs escalate or bind say that they may.
import { forbidden, notFound } from '../../../../api/status.ts';
import { clusterRoles, roles } from '../../../../api/types/rbac/resources.ts';
import type { ClusterRole, Role } from '../../../../api/types/rbac/role.ts';
import type { ClusterRoleBinding, RoleBinding } from '../../../../api/types/rbac/role-binding.ts';
import type { ResourceRule } from '../../../authz/authorizer.ts';
import { notCovered } from '../../../authz/rules.ts';
import type { RegistryContext } from '../../registry.ts';
import type { ApiRequest } from '../../request.ts';

type AnyRole = ClusterRole | Role;
type AnyBinding = ClusterRoleBinding | RoleBinding;

export function refuseEscalation(role: AnyRole, request: ApiRequest, registry: RegistryContext): void {
  const { user, resource, namespace } = request;
  const { name } = role.metadata;
  if (isAllowed(request, registry, 'escalate', resource.plural, name)) return;
  const wanted = (role.rules ?? []) as ResourceRule[];
  // What an aggregate comes to have is decided elsewhere: only who may do all may make one.
  const sum = 'aggregationRule' in role && role.aggregationRule ? [EVERYTHING] : [];
  const missing = notCovered([...registry.authorizer.rulesOf(user, namespace)], [...wanted, ...sum]);
  if (missing.length > 0) throw forbidden(resource, name, explain(user.name, user.groups, missing));
}

const EVERYTHING: ResourceRule = { verbs: ['*'], apiGroups: ['*'], resources: ['*'] };

export function refuseBinding(binding: AnyBinding, request: ApiRequest, registry: RegistryContext): void {
  const { user, resource, namespace } = request;
  const { roleRef, metadata } = binding;
  const of = roleRef.kind === 'ClusterRole' ? clusterRoles : roles;
  if (isAllowed(request, registry, 'bind', of.plural, roleRef.name)) return;
  const role: AnyRole | undefined =
    roleRef.kind === 'ClusterRole'
      ? registry.objects(clusterRoles).get('', roleRef.name)
      : registry.objects(roles).get(namespace, roleRef.name);
  if (role === undefined) throw notFound(resource, roleRef.name);
  const held = [...registry.authorizer.rulesOf(user, namespace)];
  const missing = notCovered(held, (role.rules ?? []) as ResourceRule[]);
  if (missing.length > 0) throw forbidden(resource, metadata.name, explain(user.name, user.groups, missing));
}

function isAllowed(
  { user, namespace }: ApiRequest,
  { authorizer }: RegistryContext,
  verb: string,
  resource: string,
  name: string,
): boolean {
  const access = { user, verb, group: clusterRoles.group, resource, subresource: '', namespace, name };
  return authorizer.authorize(access).answer === 'allow';
}

function explain(user: string, groups: readonly string[], missing: readonly ResourceRule[]): string {
  const rules = missing.map(compact).join('\n');
  const who = `user ${JSON.stringify(user)} (groups=[${groups.map((group) => JSON.stringify(group)).join(' ')}])`;
  return `${who} is attempting to grant RBAC permissions not currently held:\n${rules}`;
}

/** {APIGroups:[""], Resources:["secrets"], Verbs:["get"]} */
function compact(rule: ResourceRule): string {
  const parts: [string, readonly string[] | undefined][] = [
    ['APIGroups', rule.apiGroups],
    ['Resources', rule.resources],
    ['ResourceNames', rule.resourceNames],
    ['NonResourceURLs', rule.nonResourceURLs],
    ['Verbs', rule.verbs],
  ];
  const shown = parts.filter(([, values]) => values?.length);
  return `{${shown.map(([name, values]) => `${name}:${JSON.stringify(values)}`).join(', ')}}`;
}
