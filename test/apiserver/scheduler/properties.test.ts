// Whatever the cluster looks like: what must never happen.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { tolerates } from '../../../api/tolerations.ts';
import { decide } from '../../../apiserver/scheduler/decide.ts';
import { defaultPlugins } from '../../../apiserver/scheduler/plugins/index.ts';
import { makeRoom } from '../../../apiserver/scheduler/preemption.ts';
import type { Snapshot } from '../../../apiserver/scheduler/snapshot.ts';
import { aSnapshot, infoOf, type NodeParts, type PodParts } from './example.ts';

const label = fc.constantFrom('x', 'y');
const aNodeOf: fc.Arbitrary<NodeParts> = fc.record({
  cpu: fc.constantFrom('1', '2', '4'),
  memory: fc.constantFrom('1Gi', '4Gi'),
  pods: fc.constantFrom('2', '5', '20'),
  labels: fc.record({ zone: fc.constantFrom('a', 'b', 'c') }),
  taints: fc.array(
    fc.record({
      key: fc.constantFrom('k', 'l'),
      effect: fc.constantFrom<'NoSchedule' | 'PreferNoSchedule'>('NoSchedule', 'PreferNoSchedule'),
    }),
    { maxLength: 1 },
  ),
  unschedulable: fc.boolean().map((yes) => yes),
});

const term = label.map((app) => ({ topologyKey: 'zone', labelSelector: { matchLabels: { app } } }));
const aPodOf: fc.Arbitrary<PodParts> = fc
  .record({
    cpu: fc.constantFrom('100m', '500m', '1', '3'),
    memory: fc.constantFrom('100Mi', '2Gi'),
    priority: fc.integer({ min: -1, max: 3 }),
    labels: fc.record({ app: label }),
    port: fc.option(fc.constantFrom(80, 81), { nil: undefined, freq: 5 }),
    tolerations: fc.array(fc.record({ key: fc.constantFrom('k', 'l'), operator: fc.constant('Exists' as const) }), {
      maxLength: 2,
    }),
    apart: fc.option(term, { nil: undefined, freq: 4 }),
    spread: fc.option(term, { nil: undefined, freq: 4 }),
  })
  .map(({ port, tolerations, apart, spread, ...parts }) => ({
    ...parts,
    ...(port !== undefined && { hostPort: port }),
    spec: {
      tolerations,
      ...(apart && {
        affinity: { podAntiAffinity: { requiredDuringSchedulingIgnoredDuringExecution: [apart] } },
      }),
      ...(spread && {
        topologySpreadConstraints: [{ ...spread, maxSkew: 1, whenUnsatisfiable: 'DoNotSchedule' as const }],
      }),
    },
  }));

const aScene = fc.record({
  nodes: fc.array(aNodeOf, { minLength: 1, maxLength: 6 }),
  pods: fc.array(aPodOf, { minLength: 1, maxLength: 25 }),
  seed: fc.integer({ min: 1, max: 1 << 30 }),
});

/** Small and repeatable. */
function diceOf(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state * 48_271) % 2_147_483_647;
    return state / 2_147_483_647;
  };
}

/** Places the pods one after the other, evicting where that is decided. */
function play(
  { nodes, pods, seed }: { nodes: NodeParts[]; pods: PodParts[]; seed: number },
  onPreempt: (victims: readonly number[], priority: number) => void = () => {},
): Snapshot {
  const snapshot = aSnapshot({ nodes: Object.fromEntries(nodes.map((parts, i) => [`n${i}`, parts])) });
  const dice = diceOf(seed);
  for (const [i, parts] of pods.entries()) {
    const pod = infoOf(snapshot, `p${i}`, parts);
    const verdict = decide(pod, snapshot, defaultPlugins, { dice, from: i });
    if (verdict.fits) {
      snapshot.assume(pod, verdict.node.name);
      continue;
    }
    const looked = fingerprint(snapshot);
    const room = makeRoom(pod, snapshot, verdict.diagnosis, verdict.filters, dice);
    assert.equal(fingerprint(snapshot), looked, 'trying changes nothing');
    if ('why' in room) continue;
    onPreempt(
      room.victims.map(({ priority }) => priority),
      pod.priority,
    );
    for (const { key } of room.victims) snapshot.removePod(key);
    const again = decide({ ...pod, nominatedNodeName: room.node }, snapshot, defaultPlugins, { dice, from: i });
    assert.ok(again.fits && again.node.name === room.node, 'with its victims gone the pod fits');
    snapshot.assume(pod, room.node);
  }
  return snapshot;
}

function fingerprint(snapshot: Snapshot): string {
  return JSON.stringify(
    snapshot.nodes.map(({ name, pods, requested, keepingApart }) => [
      name,
      [...pods.keys()].sort(),
      requested,
      keepingApart.size,
    ]),
  );
}

test('no node is ever given more than it has', () => {
  fc.assert(
    fc.property(aScene, (scene) => {
      for (const { pods, podsMax, requested, allocatable } of play(scene).nodes) {
        assert.ok(pods.size <= podsMax);
        const asked = [...pods.values()].map(({ requests }) => requests.amounts);
        for (let i = 0; i < allocatable.length; i++) {
          const sum = asked.reduce((total, amounts) => total + (amounts[i] ?? 0), 0);
          assert.equal(requested[i] ?? 0, sum);
          assert.ok(sum <= allocatable[i]!);
        }
      }
    }),
  );
});

test('nobody stands on a node whose taints or cordon it does not tolerate', () => {
  fc.assert(
    fc.property(aScene, (scene) => {
      for (const { pods, taints, unschedulable } of play(scene).nodes) {
        assert.ok(!unschedulable || pods.size === 0);
        for (const taint of taints.filter(({ effect }) => effect === 'NoSchedule')) {
          for (const { tolerations } of pods.values()) assert.ok(tolerations.some((one) => tolerates(one, taint)));
        }
      }
    }),
  );
});

test('no port of a node is given twice', () => {
  fc.assert(
    fc.property(aScene, (scene) => {
      for (const { pods } of play(scene).nodes) {
        const ports = [...pods.values()].flatMap(({ hostPorts }) => hostPorts.map(({ port }) => port));
        assert.equal(new Set(ports).size, ports.length);
      }
    }),
  );
});

test('nobody is near whom it must not be near', () => {
  fc.assert(
    fc.property(aScene, (scene) => {
      const placed = play(scene).nodes.flatMap(({ pods, labels }) =>
        [...pods.values()].map((pod) => ({ pod, zone: labels['zone'] })),
      );
      for (const { pod, zone } of placed) {
        for (const { selects } of pod.terms.apart) {
          const neighbours = placed.filter((other) => other.pod !== pod && other.zone === zone);
          assert.ok(neighbours.every((other) => !selects(other.pod.labels)));
        }
      }
    }),
  );
});

test('preemption never evicts who matters as much or more', () => {
  fc.assert(
    fc.property(aScene, (scene) => {
      play(scene, (victims, priority) => {
        assert.ok(victims.length > 0);
        for (const one of victims) assert.ok(one < priority);
      });
    }),
  );
});
