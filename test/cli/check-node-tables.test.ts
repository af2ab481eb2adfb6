// What `skiff check node` finds in the tables: the desired state against what the kernel lists.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { chainsFor } from '../../agent/network/frontends.ts';
import { wantedElements } from '../../agent/network/model.ts';
import type { KernelState } from '../../agent/network/nft.ts';
import { fixedChains, type RulesetConfig } from '../../agent/network/ruleset.ts';
import type { Service } from '../../api/types/core/service.ts';
import type { EndpointSlice } from '../../api/types/discovery/endpoint-slice.ts';
import { compareTable, desiredTable } from '../../cli/check-node-tables.ts';

const config: RulesetConfig = {
  ...{ family: 'ip', clusterCidrs: ['10.42.0.0/16'], serviceCidrs: ['10.43.0.0/16'], podCidr: '10.42.0.0/24' },
};
const services = [
  { metadata: { namespace: 'shop', name: 'web' }, spec: { clusterIP: '10.43.0.7', ports: [{ port: 80 }] } },
] as unknown as Service[];
const slices = [
  {
    metadata: { namespace: 'shop', name: 'web-1', labels: { 'kubernetes.io/service-name': 'web' } },
    addressType: 'IPv4',
    endpoints: [{ addresses: ['10.42.0.5'] }],
    ports: [{ port: 8080, protocol: 'TCP' }],
  },
] as unknown as EndpointSlice[];
const pod = { ips: ['10.42.0.5'], hostPorts: [{ hostPort: 81, protocol: 'TCP' as const, port: 8080 }] };
const desired = desiredTable({ services, slices, nodes: [] }, [pod], 'node-1', config);

/** A kernel that holds what is wanted, then changed. */
function kernel(
  change: (elements: Map<string, Map<string, string>>, chains: Map<string, number>) => void,
): KernelState {
  const elements = wantedElements(desired);
  const chains = [...fixedChains(config), ...chainsFor('goto pick-1', 'ip')];
  chains.push(...chainsFor('goto node-pick-1', 'ip'), ...chainsFor('goto node-keep-pick-1', 'ip'));
  const counts = new Map(chains.map(({ name, rules }) => [name, rules.length]));
  change(elements, counts);
  return { elements, chains: counts };
}

const SERVICE = '10.43.0.7 . tcp . 80';
const cases: { it: string; change: Parameters<typeof kernel>[0]; wants: string[] }[] = [
  { it: 'nothing in a table that is as it should be', change: () => {}, wants: [] },
  {
    it: 'an element that is missing, another that is strange, and one that leads elsewhere',
    change: (elements) => {
      elements.get('services')!.set('10.43.0.9 . tcp . 80', 'drop').set(SERVICE, 'drop');
      elements.get('node-ports')!.delete('tcp . 81');
    },
    wants: [
      `table ip skiff has services { ${SERVICE} : drop } and should have goto pick-1`,
      'table ip skiff has services { 10.43.0.9 . tcp . 80 : drop }, which nothing wants',
      'table ip skiff lacks node-ports { tcp . 81 : goto node-pick-1 }',
    ],
  },
  {
    it: 'sets and chains that are missing, changed or strange',
    change: (elements, chains) => {
      elements.delete('affinity');
      chains.delete('pick-1');
      chains.set('refuse', 0).set('stray', 1).set('pick-7', 2);
    },
    wants: [
      'table ip skiff lacks affinity',
      'table ip skiff has chain refuse with other rules (0 instead of 2)',
      'table ip skiff lacks chain pick-1',
      'table ip skiff has chain stray, which nothing needs',
    ],
  },
  {
    it: 'no difference in what the kernel fills itself',
    change: (elements) => elements.get('affinity')!.set('10.42.0.5 . 10.43.0.7 . tcp . 80', '5'),
    wants: [],
  },
];
for (const { it, change, wants } of cases) {
  test(`compareTable finds ${it}`, () => {
    const found = compareTable(kernel(change), desired, config);
    assert.deepEqual(
      found.map(({ says }) => says),
      wants,
    );
    assert.ok(found.every(({ ops }) => ops.length > 0));
  });
}

test('compareTable mends a table that is gone in one transaction', () => {
  const [only, ...others] = compareTable(undefined, desired, config);
  assert.deepEqual([only?.says, others], ['table ip skiff is not there', []]);
  assert.ok(only!.ops.some((op) => 'add' in op && op.add === 'element' && op.key === SERVICE));
});
