// The kernel as a model: applying ops must give the state that was asked for, and no packet may ever meet an element
// that points to a chain or an endpoint that is not there.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { changeOps, type Desired, rebuildOps, reconcileOps, wantedElements } from '../../../agent/network/model.ts';
import type { KernelState, NftOp } from '../../../agent/network/nft.ts';
import { DYNAMIC_MAPS, type RulesetConfig, setNames } from '../../../agent/network/ruleset.ts';
import { type Frontend, frontendKey, type Group } from '../../../agent/network/services.ts';

const config: RulesetConfig = {
  family: 'ip',
  clusterCidrs: ['10.42.0.0/16'],
  serviceCidrs: ['10.43.0.0/16'],
  podCidr: '10.42.0.0/24',
  dnsIp: '10.43.0.10',
};

interface Kernel {
  chains: Map<string, readonly string[]>;
  elements: Map<string, Map<string, string>>;
}

const emptyKernel = (): Kernel => ({ chains: new Map(), elements: new Map() });

/** What the kernel does with a transaction, with its refusals. */
function apply(kernel: Kernel, ops: readonly NftOp[]): void {
  for (const op of ops) {
    if ('add' in op) {
      if (op.add === 'chain') kernel.chains.set(op.name, op.rules);
      else if (op.add === 'set' || op.add === 'map') kernel.elements.getOrInsertComputed(op.name, () => new Map());
      else if (op.add === 'element') {
        const set = kernel.elements.get(op.of);
        assert.ok(set, `no set ${op.of}`);
        const there = set.get(op.key);
        assert.ok(
          there === undefined || there === (op.value ?? ''),
          `${op.of} { ${op.key} } is there with another value`,
        );
        set.set(op.key, op.value ?? '');
      }
    } else if (op.delete === 'element') {
      assert.ok(kernel.elements.get(op.of)?.delete(op.key), `${op.of} { ${op.key} } is not there`);
    } else if (op.delete === 'chain') assert.ok(kernel.chains.delete(op.name), `no chain ${op.name}`);
    else Object.assign(kernel, emptyKernel());
  }
  for (const [name, rules] of kernel.chains) {
    for (const rule of rules) {
      for (const [, target] of rule.matchAll(/(?:goto|jump) (\S+)/g))
        assert.ok(kernel.chains.has(target!), `${name} -> ${target}`);
      for (const [, set] of rule.matchAll(/@([\w-]+)/g)) assert.ok(kernel.elements.has(set!), `${name}: no set ${set}`);
    }
  }
  consistent(kernel);
}

/** Every choice a chain can make for a frontend leads to an endpoint. */
function consistent({ chains, elements }: Kernel): void {
  const KEEP = 0x5000_8000;
  const MARK = 0x5000_0000;
  for (const [of, prefix, base] of [
    ['services', '', MARK],
    ['outside', '', KEEP],
    ['node-ports', 'node-', MARK],
    ['outside-node-ports', 'node-', KEEP],
  ] as const) {
    for (const [key, verdict] of elements.get(of) ?? []) {
      if (verdict === 'drop') continue;
      const chain = verdict.replace('goto ', '');
      assert.ok(chains.has(chain), `${of} { ${key} } goes to ${chain}, which is not there`);
      const [, how, count] = /(pick|stick)-(\d+)/.exec(chain) ?? [];
      for (let i = 0; i < Number(count ?? 0); i++) {
        if (how === 'pick')
          assert.ok(elements.get(`${prefix}endpoints`)?.has(`${key} . ${base + i}`), `${key} has no ${i}`);
        else {
          const slot = elements.get(`${prefix}slots`)?.get(`${key} . ${base + i}`);
          assert.ok(elements.get(`${prefix}by-slot`)?.has(`${key} . ${slot}`), `${key} has no slot ${slot}`);
        }
      }
    }
  }
}

const state = (kernel: Kernel): KernelState => ({
  chains: new Map([...kernel.chains].map(([name, rules]) => [name, rules.length])),
  elements: kernel.elements,
});
function holds(kernel: Kernel, desired: Desired): void {
  for (const [name, want] of wantedElements(desired)) {
    if (!DYNAMIC_MAPS.has(name))
      assert.deepEqual(new Map([...kernel.elements.get(name)!].sort()), new Map([...want].sort()), name);
  }
}

const endpoints = fc.uniqueArray(
  fc.record({ ip: fc.integer({ min: 1, max: 12 }).map((n) => `10.42.0.${n}`), port: fc.constantFrom(80, 81) }),
  {
    maxLength: 6,
    minLength: 1,
    selector: ({ ip, port }) => `${ip} ${port}`,
  },
);
const group: fc.Arbitrary<Group> = fc.oneof(
  {
    weight: 5,
    arbitrary: fc.record({
      to: fc.constant('endpoints' as const),
      endpoints,
      affinitySeconds: fc.constantFrom(undefined, 60, 10_800),
    }),
  },
  fc.constant({ to: 'refuse' as const }),
  fc.constant({ to: 'drop' as const }),
);
const frontend: fc.Arbitrary<Frontend> = fc.record({
  ip: fc.constantFrom(undefined, '10.43.0.1', '10.43.0.2', '10.43.0.3'),
  protocol: fc.constantFrom('TCP' as const, 'UDP' as const),
  port: fc.constantFrom(80, 443),
  inside: group,
  outside: fc.option(group, { nil: undefined }),
  sources: fc.option(fc.constant(['192.0.2.0/24', '198.51.100.1/32']), { nil: undefined }),
});
const address = fc.integer({ min: 1, max: 20 }).map((n) => `10.42.0.${n}`);
const desired: fc.Arbitrary<Desired> = fc
  .record({
    list: fc.array(frontend, { maxLength: 12 }),
    clusterIps: fc.uniqueArray(address),
    pods: fc.uniqueArray(address),
  })
  .map(({ list, clusterIps, pods }) => ({
    frontends: new Map(list.map((f) => [frontendKey(f), f])),
    clusterIps: new Set(clusterIps),
    pods: new Set(pods),
    complete: { services: true, pods: true },
  }));

test('any sequence of changes gives each state in turn, and every transaction is one the kernel takes', () => {
  fc.assert(
    fc.property(fc.array(desired, { minLength: 1, maxLength: 5 }), (states) => {
      const kernel = emptyKernel();
      apply(kernel, reconcileOps(undefined, states[0]!, config));
      holds(kernel, states[0]!);
      for (let i = 1; i < states.length; i++) {
        apply(kernel, changeOps(states[i - 1]!, states[i]!, new Set(kernel.chains.keys()), 'ip'));
        holds(kernel, states[i]!);
      }
    }),
    { numRuns: 150 },
  );
});

test('whatever the kernel holds, reconciling gives the desired state, and once more changes no element', () => {
  fc.assert(
    fc.property(desired, desired, fc.array(fc.nat()), (before, after, damage) => {
      const kernel = emptyKernel();
      apply(kernel, reconcileOps(undefined, before, config));
      for (const n of damage) {
        const set = kernel.elements.get(setNames[n % setNames.length]!)!;
        const key = [...set.keys()][n % Math.max(1, set.size)];
        if (key !== undefined) set.delete(key);
      }
      apply(kernel, reconcileOps(state(kernel), after, config));
      holds(kernel, after);
      const again = reconcileOps(state(kernel), after, config);
      assert.ok(again.every((op) => !('of' in op) && !('delete' in op)));
      apply(kernel, rebuildOps(before, config));
      holds(kernel, before);
    }),
    { numRuns: 150 },
  );
});

test('before all is known, reconciling takes nothing away', () => {
  fc.assert(
    fc.property(desired, desired, (before, known) => {
      const kernel = emptyKernel();
      apply(kernel, reconcileOps(undefined, before, config));
      const had = new Map([...kernel.elements].map(([name, set]) => [name, new Set(set.keys())]));
      const incomplete = {
        ...known,
        frontends: new Map(),
        clusterIps: new Set<string>(),
        complete: { services: false, pods: false },
      };
      apply(kernel, reconcileOps(state(kernel), incomplete, config));
      for (const [name, keys] of had)
        for (const key of keys) assert.ok(kernel.elements.get(name)!.has(key), `${name} ${key}`);
      for (const ip of known.pods) assert.ok(kernel.elements.get('known-pods')!.has(ip));
    }),
    { numRuns: 80 },
  );
});

test('an unchanged Service costs nothing, a changed one only its own elements', () => {
  const make = (n: number, ips: string[]): Frontend => ({
    ip: `10.43.1.${n}`,
    protocol: 'TCP',
    port: 80,
    inside: { to: 'endpoints', endpoints: ips.map((ip) => ({ ip, port: 80 })) },
  });
  const all = Array.from({ length: 200 }, (_, n) => make(n, ['10.42.0.1', '10.42.0.2']));
  const of = (list: Frontend[]): Desired => ({
    frontends: new Map(list.map((f) => [frontendKey(f), f])),
    clusterIps: new Set(),
    pods: new Set(),
    complete: { services: true, pods: true },
  });
  const chains = new Set(['pick-2']);
  assert.deepEqual(changeOps(of(all), of([...all]), chains, 'ip'), []);
  const ops = changeOps(of(all), of([make(0, ['10.42.0.1', '10.42.0.3']), ...all.slice(1)]), chains, 'ip');
  assert.deepEqual(ops, [
    { delete: 'element', of: 'endpoints', key: `10.43.1.0 . tcp . 80 . ${0x5000_0001}` },
    { add: 'element', of: 'endpoints', key: `10.43.1.0 . tcp . 80 . ${0x5000_0001}`, value: '10.42.0.3 . 80' },
  ]);
});
