// Cluster roles that are the sum of others: `admin`, `edit` and `view` grow with every role labelled for them.
//
//   cluster roles -> name -> aggregatedRules -> apply
import { on, runController } from '../../api/client/controller.ts';
import { AT_REST, type Next } from '../../api/client/work-queue.ts';
import { selectorMatcher } from '../../api/labels.ts';
import { deepEqual } from '../../api/schema/equal.ts';
import { isNotFound } from '../../api/status.ts';
import { clusterRoles } from '../../api/types/rbac/resources.ts';
import type { ClusterRole, PolicyRule } from '../../api/types/rbac/role.ts';
import type { Controller } from './deps.ts';

const MANAGER = 'clusterrole-aggregation-controller';

export const clusterRoleAggregationController: Controller = ({ client, informers, clock, log }) => {
  const informer = informers.of(clusterRoles);

  async function reconcile(name: string, signal: AbortSignal): Promise<Next> {
    const role = informer.get(name);
    if (role?.aggregationRule === undefined || role.metadata.deletionTimestamp !== undefined) return AT_REST;
    const rules = aggregatedRules(role, informer.list());
    if (deepEqual(rules, role.rules ?? [])) return AT_REST;
    // Applied, so that the rules are this controller's and everything else of the role is left alone.
    const body = { apiVersion: 'rbac.authorization.k8s.io/v1', kind: 'ClusterRole', metadata: { name }, rules };
    try {
      await client.patch(
        clusterRoles,
        { name },
        { type: 'apply', body, force: true },
        { fieldManager: MANAGER },
        signal,
      );
    } catch (err) {
      if (!isNotFound(err)) throw err;
    }
    return AT_REST;
  }

  /** Any role may be a part of any sum; there are few sums. */
  function sums(): string[] {
    const found = [...informer.list()].filter(({ aggregationRule }) => aggregationRule !== undefined);
    return found.map(({ metadata }) => metadata.name);
  }

  const sources = [on(informer, sums)];
  return (signal) => runController({ name: 'clusterrole-aggregation', sources, reconcile, clock, log }, signal);
};

/** Pure: the rules of all selected roles, by the roles' names, each rule once. */
export function aggregatedRules(
  { metadata, aggregationRule }: ClusterRole,
  roles: Iterable<ClusterRole>,
): PolicyRule[] {
  const all = [...roles].sort((a, b) => (a.metadata.name < b.metadata.name ? -1 : 1));
  const rules: PolicyRule[] = [];
  for (const selector of aggregationRule?.clusterRoleSelectors ?? []) {
    const selects = selectorMatcher(selector);
    for (const role of all) {
      if (role.metadata.name === metadata.name || !selects(role.metadata.labels)) continue;
      for (const rule of role.rules ?? [])
        if (!rules.some((known) => deepEqual(known, rule))) rules.push(inOrder(rule));
    }
  }
  return rules;
}

/** Keys in the order of the definition, whoever wrote the part: some readers compare the text. */
function inOrder({ verbs, apiGroups, resources, resourceNames, nonResourceURLs }: PolicyRule): PolicyRule {
  return {
    verbs,
    ...(apiGroups && { apiGroups }),
    ...(resources && { resources }),
    ...(resourceNames && { resourceNames }),
    ...(nonResourceURLs && { nonResourceURLs }),
  };
}
