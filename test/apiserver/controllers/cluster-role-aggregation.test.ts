import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ClusterRole, PolicyRule } from '../../../api/types/rbac/role.ts';
import { aggregatedRules } from '../../../apiserver/controllers/cluster-role-aggregation.ts';

function aRole(name: string, labels: Record<string, string>, ...rules: PolicyRule[]): ClusterRole {
  return { metadata: { name, labels }, rules } as unknown as ClusterRole;
}
const may = (verb: string): PolicyRule => ({ verbs: [verb], apiGroups: [''], resources: ['pods'] });

test('a cluster role is the sum of those it selects, each rule once, in order of their names', () => {
  const aggregationRule = { clusterRoleSelectors: [{ matchLabels: { part: 'x' } }, { matchLabels: { part: 'y' } }] };
  const sum = { ...aRole('sum', { part: 'x' }, may('own')), aggregationRule } as ClusterRole;
  const roles = [
    aRole('c', { part: 'y' }, may('list')),
    aRole('b', { part: 'x' }, may('get'), may('watch')),
    aRole('a', { part: 'x' }, may('get')),
    aRole('d', {}, may('delete')),
    sum,
  ];
  assert.deepEqual(aggregatedRules(sum, roles), [may('get'), may('watch'), may('list')]);
});
