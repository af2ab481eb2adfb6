// RBAC: rights are given by bindings of subjects to roles, and never taken away. Indexed by subject, so that a decision
// looks only at the bindings of this user and of this user's groups.

import type { ResourceDefinition } from '../../api/resource.ts';
import { clusterRoleBindings, clusterRoles, roleBindings, roles } from '../../api/types/rbac/resources.ts';
import type { ClusterRole, Role } from '../../api/types/rbac/role.ts';
import type { ClusterRoleBinding, RoleBinding } from '../../api/types/rbac/role-binding.ts';
import type { Registry } from '../registry/registry.ts';
import type { UserInfo } from '../registry/request.ts';
import type { Access, Authorizer, Decision, ResourceRule } from './authorizer.ts';
import { allows } from './rules.ts';

type Binding = ClusterRoleBinding | RoleBinding;
type Subject = NonNullable<Binding['subjects']>[number];

/** One subject of one binding. */
interface Grant {
  readonly binding: Binding;
  readonly subject: Subject;
}

export class RbacAuthorizer implements Authorizer {
  readonly #registry: () => Registry;
  #clusterGrants: Map<string, Grant[]> | undefined;
  #grants: Map<string, Map<string, Grant[]>> | undefined;

  constructor(registry: () => Registry) {
    this.#registry = registry;
  }

  /** Begins to watch the bindings: each change makes its index anew when it is asked next. */
  follow(signal: AbortSignal): void {
    this.#onChange(clusterRoleBindings as ResourceDefinition, signal, () => {
      this.#clusterGrants = undefined;
    });
    this.#onChange(roleBindings as ResourceDefinition, signal, () => {
      this.#grants = undefined;
    });
  }

  #onChange(of: ResourceDefinition, signal: AbortSignal, forget: () => void): void {
    const { cache } = this.#registry().storeOf(of);
    forget();
    const closed = () => {
      // The cache begins anew, and so does the index.
      if (!signal.aborted) void cache.ready(signal).then(() => this.#onChange(of, signal, forget), forget);
    };
    cache.watch({ afterRevision: cache.revision }, { event: forget, progress: () => {}, closed }, signal);
  }

  authorize(access: Access): Decision {
    const missing: string[] = [];
    for (const { grant, rules } of this.#grantsOf(access.user, access.namespace, missing)) {
      if (rules.some((rule) => allows(rule, access))) return { answer: 'allow', reason: because(grant) };
    }
    return { answer: 'abstain', ...(missing.length > 0 && { reason: `RBAC: ${missing.join(', ')}` }) };
  }

  *rulesOf(user: UserInfo, namespace: string): Iterable<ResourceRule> {
    for (const { rules } of this.#grantsOf(user, namespace, [])) yield* rules;
  }

  /** The rules a role reference stands for; undefined when there is no such role. */
  rulesOfRole({ kind, name }: Binding['roleRef'], namespace: string): readonly ResourceRule[] | undefined {
    const registry = this.#registry();
    const role: ClusterRole | Role | undefined =
      kind === 'ClusterRole'
        ? registry.objects(clusterRoles).get('', name)
        : registry.objects(roles).get(namespace, name);
    return role && ((role.rules ?? []) as ResourceRule[]);
  }

  *#grantsOf(user: UserInfo, namespace: string, missing: string[]) {
    const keys = keysOf(user);
    for (const grant of this.#matching(this.#clusterIndex(), keys)) yield* this.#resolved(grant, '', missing);
    if (namespace === '') return;
    const local = this.#localIndex().get(namespace);
    if (local === undefined) return;
    for (const grant of this.#matching(local, keys)) yield* this.#resolved(grant, namespace, missing);
  }

  *#matching(index: Map<string, Grant[]>, keys: string[]): Iterable<Grant> {
    for (const key of keys) yield* index.get(key) ?? [];
  }

  *#resolved(grant: Grant, namespace: string, missing: string[]) {
    const { roleRef } = grant.binding;
    const rules = this.rulesOfRole(roleRef, namespace);
    if (rules !== undefined) yield { grant, rules };
    else {
      const text = `${roleRef.kind.toLowerCase()}.rbac.authorization.k8s.io ${JSON.stringify(roleRef.name)} not found`;
      if (!missing.includes(text)) missing.push(text);
    }
  }

  #clusterIndex(): Map<string, Grant[]> {
    if (this.#clusterGrants === undefined) {
      this.#clusterGrants = new Map();
      for (const binding of this.#registry().objects(clusterRoleBindings).list()) add(this.#clusterGrants, binding);
    }
    return this.#clusterGrants;
  }

  #localIndex(): Map<string, Map<string, Grant[]>> {
    if (this.#grants === undefined) {
      this.#grants = new Map();
      for (const binding of this.#registry().objects(roleBindings).list()) {
        const namespace = binding.metadata.namespace ?? '';
        const index = this.#grants.get(namespace) ?? new Map<string, Grant[]>();
        this.#grants.set(namespace, index);
        add(index, binding);
      }
    }
    return this.#grants;
  }
}

function add(index: Map<string, Grant[]>, binding: Binding): void {
  for (const subject of binding.subjects ?? []) {
    const key = keyOfSubject(subject, binding.metadata.namespace);
    const grants = index.get(key) ?? [];
    index.set(key, grants);
    grants.push({ binding, subject });
  }
}

function keysOf({ name, groups }: UserInfo): string[] {
  return [`User/${name}`, ...groups.map((group) => `Group/${group}`)];
}

/** A service account is a user by its long name. */
function keyOfSubject({ kind, name, namespace }: Subject, bindingNamespace: string | undefined): string {
  if (kind !== 'ServiceAccount') return `${kind}/${name}`;
  return `User/system:serviceaccount:${namespace || bindingNamespace}:${name}`;
}

function because({ binding, subject }: Grant): string {
  const { roleRef, metadata } = binding;
  const name = metadata.namespace ? `"${metadata.name}/${metadata.namespace}"` : `"${metadata.name}"`;
  const of = subject.namespace ? `"${subject.name}/${subject.namespace}"` : `"${subject.name}"`;
  return `RBAC: allowed by ${binding.kind} ${name} of ${roleRef.kind} "${roleRef.name}" to ${subject.kind} ${of}`;
}
