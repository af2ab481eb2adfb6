import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ResourceDefinition } from '../../../api/resource.ts';
import type { KubeObject } from '../../../api/schema/kind.ts';
import { configMaps } from '../../../api/types/core/resources.ts';
import { type Deed, decideGarbage, type OwnerState } from '../../../apiserver/controllers/garbage-decide.ts';
import type { GraphNode } from '../../../apiserver/controllers/garbage-graph.ts';

function aNode(name: string, parts: Partial<KubeObject['metadata']> = {}): GraphNode {
  const metadata = { name, namespace: 'ns', uid: `uid-${name}`, resourceVersion: '1', creationTimestamp: '', ...parts };
  return { of: configMaps as unknown as ResourceDefinition, metadata };
}

function ownedBy(...owners: [string, OwnerState][]) {
  return owners.map(
    ([name, state]) => [{ apiVersion: 'v1', kind: 'ConfigMap', name, uid: `uid-${name}` }, state] as const,
  );
}

function dependentOf(owner: string, blockOwnerDeletion: boolean): GraphNode {
  const reference = { apiVersion: 'v1', kind: 'ConfigMap', name: owner, uid: `uid-${owner}`, blockOwnerDeletion };
  return aNode('dependent', { ownerReferences: [reference] });
}

const deleted = { deletionTimestamp: '2026-01-01T00:00:00Z' };
const cases: {
  it: string;
  node?: GraphNode;
  owners?: ReturnType<typeof ownedBy>;
  dependents?: GraphNode[];
  wants: Deed;
}[] = [
  { it: 'leaves alone what nobody owns', wants: { do: 'nothing' } },
  { it: 'leaves alone what has all its owners', owners: ownedBy(['a', 'solid']), wants: { do: 'nothing' } },
  {
    it: 'deletes what has lost its only owner',
    owners: ownedBy(['a', 'absent']),
    wants: { do: 'delete', policy: 'Background' },
  },
  {
    it: 'keeps what one of its owners still holds, and drops the reference to the other',
    owners: ownedBy(['a', 'absent'], ['b', 'solid']),
    wants: { do: 'dropReferences', uids: ['uid-a'] },
  },
  {
    it: 'deletes in the foreground what an owner waits for when it has dependents itself',
    owners: ownedBy(['a', 'waiting']),
    dependents: [dependentOf('x', true)],
    wants: { do: 'delete', policy: 'Foreground' },
  },
  {
    it: 'deletes at once what an owner waits for when nothing depends on it',
    owners: ownedBy(['a', 'waiting']),
    wants: { do: 'delete', policy: 'Background' },
  },
  {
    it: 'visits the dependents that block a foreground deletion',
    node: aNode('x', { ...deleted, finalizers: ['foregroundDeletion'] }),
    dependents: [dependentOf('x', true)],
    wants: { do: 'visitDependents' },
  },
  {
    it: 'lets a foreground deletion end when no dependent blocks it',
    node: aNode('x', { ...deleted, finalizers: ['foregroundDeletion'] }),
    dependents: [dependentOf('x', false)],
    wants: { do: 'removeFinalizer', finalizer: 'foregroundDeletion' },
  },
  {
    it: 'lets dependents go before an orphaning deletion ends',
    node: aNode('x', { ...deleted, finalizers: ['orphan'] }),
    dependents: [dependentOf('x', true)],
    wants: { do: 'letGoDependents' },
  },
  {
    it: 'ends an orphaning deletion when no dependent is left',
    node: aNode('x', { ...deleted, finalizers: ['orphan'] }),
    wants: { do: 'removeFinalizer', finalizer: 'orphan' },
  },
  {
    it: 'does not delete twice',
    node: aNode('x', deleted),
    owners: ownedBy(['a', 'absent']),
    wants: { do: 'nothing' },
  },
];
for (const { it, node = aNode('x'), owners = [], dependents = [], wants } of cases) {
  test(`the garbage collector ${it}`, () => assert.deepEqual(decideGarbage(node, owners, dependents), wants));
}
