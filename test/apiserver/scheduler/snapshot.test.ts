import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { PodInfo } from '../../../apiserver/scheduler/pod-info.ts';
import type { Snapshot } from '../../../apiserver/scheduler/snapshot.ts';
import { aNode, aSnapshot, infoOf, type NodeParts, type PodParts } from './example.ts';

const apart = {
  affinity: {
    podAntiAffinity: {
      requiredDuringSchedulingIgnoredDuringExecution: [{ topologyKey: 'zone', labelSelector: {} }],
    },
  },
};
const parts: PodParts[] = [
  { cpu: '1' },
  { cpu: '250m', memory: '1Gi', hostPort: 80 },
  { requests: { 'example.com/gpu': '1' } },
  { spec: apart },
  { spec: { volumes: [{ name: 'v', persistentVolumeClaim: { claimName: 'c' } }] } },
];
const name = fc.constantFrom('a', 'b', 'c');
const node = fc.constantFrom('n1', 'n2');
const step = fc.oneof(
  fc.record({ do: fc.constant('show' as const), name, node, is: fc.nat(parts.length - 1) }),
  fc.record({ do: fc.constant('assume' as const), name, node, is: fc.nat(parts.length - 1) }),
  fc.record({ do: fc.constant('remove' as const), name }),
  fc.record({ do: fc.constant('node' as const), node }),
  fc.record({ do: fc.constant('node-gone' as const), node }),
);

function sums(snapshot: Snapshot): unknown {
  return snapshot.nodes
    .map((one) => ({
      name: one.name,
      pods: [...one.pods.keys()].sort(),
      requested: one.requested.filter((amount) => amount !== 0),
      scored: [one.scoredCpu, one.scoredMemory],
      terms: [...one.withTerms.keys()].sort(),
      indexed: [snapshot.nodesWithTerms.has(one), snapshot.nodesKeepingApart.has(one)],
      claims: [...one.claims].sort(),
      port: one.portTaken({ protocol: 'TCP', port: 80, ip: '0.0.0.0' }),
    }))
    .sort((x, y) => (x.name < y.name ? -1 : 1));
}

test('whatever happened before, the sums are those of who is there now', () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
      const snapshot = aSnapshot({ nodes: {} });
      const placed = new Map<string, { pod: PodInfo; node: string }>();
      const known = new Set<string>();
      for (const one of steps) {
        if (one.do === 'node') {
          snapshot.describeNode(aNode(one.node));
          known.add(one.node);
        } else if (one.do === 'node-gone') {
          snapshot.removeNode(one.node);
          known.delete(one.node);
        } else if (one.do === 'remove') {
          snapshot.removePod(`default/${one.name}`);
          placed.delete(one.name);
        } else {
          const pod = infoOf(snapshot, one.name, { ...parts[one.is], node: one.node });
          if (one.do === 'show') snapshot.setPod(pod);
          else snapshot.assume(pod, one.node);
          placed.set(one.name, { pod, node: one.node });
        }
      }
      const anew = aSnapshot({ nodes: Object.fromEntries([...known].map((each) => [each, {}])) });
      // Numbers of resources are given in order of appearance.
      for (const each of parts) infoOf(anew, 'x', each);
      for (const { pod, node: where } of placed.values()) anew.assume(pod, where);
      assert.deepEqual(sums(snapshot), sums(anew));
    }),
  );
});

test('what was assumed and never shown is taken back in time', () => {
  const snapshot = aSnapshot();
  snapshot.assume(infoOf(snapshot, 'a'), 'n1');
  assert.deepEqual(snapshot.dropExpired(1e9), []);
  snapshot.expireAssumed('default/a', 100);
  assert.deepEqual(snapshot.dropExpired(99), []);
  assert.deepEqual(
    snapshot.dropExpired(100).map(({ name: each }) => each),
    ['a'],
  );
  assert.equal(snapshot.node('n1')!.pods.size, 0);
});

test('what was assumed and is shown stays', () => {
  const snapshot = aSnapshot();
  snapshot.assume(infoOf(snapshot, 'a'), 'n1');
  snapshot.expireAssumed('default/a', 100);
  snapshot.setPod(infoOf(snapshot, 'a', { node: 'n1' }));
  assert.deepEqual(snapshot.dropExpired(100), []);
  assert.equal(snapshot.node('n1')!.pods.size, 1);
});

test('nodes come one of each zone in turn', () => {
  const zone = (zone: string) => ({ labels: { 'topology.kubernetes.io/zone': zone } });
  const snapshot = aSnapshot({ nodes: { a1: zone('a'), a2: zone('a'), a3: zone('a'), b1: zone('b'), c1: zone('c') } });
  assert.deepEqual(
    snapshot.nodes.map(({ name: each }) => each),
    ['a1', 'b1', 'c1', 'a2', 'a3'],
  );
});

test('only changes that decisions rest on are told', () => {
  const snapshot = aSnapshot({ nodes: { n1: {} } });
  const told = (now: NodeParts) => snapshot.describeNode(aNode('n1', now)).changes;
  assert.deepEqual(told({}), []);
  assert.deepEqual(told({ cpu: '8' }), ['resources']);
  assert.deepEqual(told({ cpu: '8', labels: { a: 'b' } }), ['labels']);
  assert.deepEqual(told({ cpu: '8', labels: { a: 'b' }, unschedulable: true }), ['taints']);
});
