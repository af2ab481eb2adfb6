// What a cluster begins with: namespaces, roles and bindings, priority classes, API services, the kubernetes service.
// Written through the registry like everything else, by the server itself, each start anew: level, not edge.

import type { Client } from '../../api/client/client.ts';
import type { ResourceDefinition } from '../../api/resource.ts';
import { deepEqual } from '../../api/schema/equal.ts';
import type { KubeObject } from '../../api/schema/kind.ts';
import { isAlreadyExists, isConflict, isNotFound } from '../../api/status.ts';
import { apiServices } from '../../api/types/apiregistration/resources.ts';
import { configMaps, namespaces } from '../../api/types/core/resources.ts';
import { flowSchemas, priorityLevelConfigurations } from '../../api/types/flowcontrol/resources.ts';
import { clusterRoleBindings, clusterRoles, roleBindings, roles } from '../../api/types/rbac/resources.ts';
import { builtinGroups } from '../../api/types/resources.ts';
import { priorityClasses } from '../../api/types/scheduling/resources.ts';
import { AUTOUPDATE, type BootstrapObject, bootstrapObjects } from '../authz/bootstrap.ts';
import { notCovered } from '../authz/rules.ts';
import { defaultFlowSchemas, defaultPriorityLevels } from './bootstrap-flow.ts';

export interface BootstrapFacts {
  readonly clientCa: string;
}

const NAMESPACES = ['kube-system', 'kube-public', 'kube-node-lease', 'default'];
const RBAC = {
  ClusterRole: clusterRoles,
  Role: roles,
  ClusterRoleBinding: clusterRoleBindings,
  RoleBinding: roleBindings,
};

export async function bootstrap(client: Client, facts: BootstrapFacts, signal: AbortSignal): Promise<void> {
  for (const name of NAMESPACES) await ensure(client, namespaces, { metadata: { name }, spec: {} }, signal);
  for (const object of bootstrapObjects()) await ensureRbac(client, object, signal);
  for (const object of systemPriorities()) await ensure(client, priorityClasses, object, signal);
  for (const object of defaultPriorityLevels()) await ensure(client, priorityLevelConfigurations, object, signal);
  for (const object of defaultFlowSchemas()) await ensure(client, flowSchemas, object, signal);
  for (const object of localApiServices()) await ensure(client, apiServices, object, signal);
  await ensure(client, configMaps, authenticationFacts(facts), signal);
}

interface Fresh {
  readonly metadata: { readonly name: string; readonly namespace?: string; readonly labels?: Record<string, string> };
  readonly [field: string]: unknown;
}

/** Makes what is not there and leaves what is. */
async function ensure<T extends KubeObject>(
  client: Client,
  of: ResourceDefinition<T>,
  object: Fresh | BootstrapObject,
  signal: AbortSignal,
): Promise<void> {
  const { name, namespace } = object.metadata;
  try {
    await client.get(of, { name, namespace }, {}, signal);
  } catch (err) {
    if (!isNotFound(err)) throw err;
    await client.create(of, object as never, {}, signal).catch((other: unknown) => {
      // Another server began at the same time.
      if (!isAlreadyExists(other)) throw other;
    });
  }
}

/** Default rights grow with the versions; what an operator took away stays away where they say so. */
async function ensureRbac(client: Client, object: BootstrapObject, signal: AbortSignal): Promise<void> {
  const of = RBAC[object.kind] as unknown as ResourceDefinition;
  await ensure(client, of, object, signal);
  const { name, namespace } = object.metadata;
  const there = (await client.get(of, { name, namespace }, {}, signal)) as KubeObject & BootstrapObject;
  if (there.metadata.annotations?.[AUTOUPDATE] === 'false') return;
  const next = widened(there, object);
  if (deepEqual(next, there)) return;
  await client.update(of, next as never, {}, signal).catch((err: unknown) => {
    if (!isConflict(err)) throw err;
  });
}

function widened<T extends BootstrapObject>(there: T, wanted: BootstrapObject): T {
  const labels = { ...there.metadata.labels, ...wanted.metadata.labels };
  const annotations = { ...wanted.metadata.annotations, ...there.metadata.annotations };
  const missingRules = notCovered(there.rules ?? [], wanted.rules ?? []);
  const missingSubjects = (wanted.subjects ?? []).filter(
    (subject) => !there.subjects?.some((each) => deepEqual(each, subject)),
  );
  return {
    ...there,
    metadata: { ...there.metadata, labels, annotations },
    // An aggregate's rules are its controller's.
    ...(missingRules.length > 0 && !wanted.aggregationRule && { rules: [...(there.rules ?? []), ...missingRules] }),
    ...(missingSubjects.length > 0 && { subjects: [...(there.subjects ?? []), ...missingSubjects] }),
  };
}

function systemPriorities(): Fresh[] {
  const about = 'Used for system critical pods that must';
  return [
    {
      metadata: { name: 'system-cluster-critical' },
      value: 2_000_000_000,
      description: `${about} run in the cluster, but can be moved to another node if necessary.`,
    },
    {
      metadata: { name: 'system-node-critical' },
      value: 2_000_001_000,
      description: `${about} not be moved from their current node.`,
    },
  ];
}

/** The preferred version of a group comes first; the core group before all. */
function localApiServices(): Fresh[] {
  // The group of the API services themselves has none, as it has upstream.
  const listed = builtinGroups.filter(({ group }) => group !== apiServices.group);
  return listed.flatMap(({ group, versions, priority }) =>
    versions.map((version, i) => ({
      metadata: {
        name: `${version}.${group}`,
        labels: { 'kube-aggregator.kubernetes.io/automanaged': 'onstart' },
      },
      spec: {
        ...(group !== '' && { group }),
        version,
        groupPriorityMinimum: priority,
        versionPriority: group === '' ? 1 : 15 * (versions.length - i),
      },
    })),
  );
}

/** What extension servers read to believe whom this server has authenticated. */
function authenticationFacts({ clientCa }: BootstrapFacts): Fresh {
  return {
    metadata: { name: 'extension-apiserver-authentication', namespace: 'kube-system' },
    data: { 'client-ca-file': clientCa },
  };
}
