import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  type Hint,
  type Hints,
  hintsOf,
  mergeHints,
  sizeOf,
  type TopologyPolicy,
} from '../../../agent/devices/numa.ts';

const NODES = [0, 1];
const only0: Hint = { nodes: 0b01, preferred: true };
const only1: Hint = { nodes: 0b10, preferred: true };
const both: Hint = { nodes: 0b11, preferred: false };
const of = (name: string, ...hints: Hint[]): Hints => new Map([[name, hints]]);
const anywhere: Hints = new Map([['x', undefined]]);

const cases: {
  it: string;
  policy: TopologyPolicy;
  providers: Hints[];
  nodes: number | undefined;
  admitted: boolean;
}[] = [
  { it: 'none asks nobody', policy: 'none', providers: [of('a', both)], nodes: undefined, admitted: true },
  {
    it: 'takes the common node',
    policy: 'restricted',
    providers: [of('a', only0, only1, both), of('b', only1, both)],
    nodes: 0b10,
    admitted: true,
  },
  {
    it: 'takes the lowest of equal ones',
    policy: 'best-effort',
    providers: [of('a', only1, only0)],
    nodes: 0b01,
    admitted: true,
  },
  {
    it: 'best effort takes what is far apart',
    policy: 'best-effort',
    providers: [of('a', only0), of('b', only1)],
    nodes: 0b11,
    admitted: true,
  },
  {
    it: 'restricted does not',
    policy: 'restricted',
    providers: [of('a', only0), of('b', only1)],
    nodes: 0b11,
    admitted: false,
  },
  {
    it: 'restricted takes two nodes if there is no other way',
    policy: 'restricted',
    providers: [of('a', { nodes: 0b11, preferred: true })],
    nodes: 0b11,
    admitted: true,
  },
  {
    it: 'one node only does not',
    policy: 'single-numa-node',
    providers: [of('a', { nodes: 0b11, preferred: true })],
    nodes: undefined,
    admitted: false,
  },
  {
    it: 'one node only takes one',
    policy: 'single-numa-node',
    providers: [of('a', only0, both), anywhere],
    nodes: 0b01,
    admitted: true,
  },
  {
    it: 'who does not care holds nobody up',
    policy: 'restricted',
    providers: [anywhere, new Map(), of('a', only1)],
    nodes: 0b10,
    admitted: true,
  },
  {
    it: 'who has nothing does',
    policy: 'restricted',
    providers: [of('a'), of('b', only1)],
    nodes: 0b10,
    admitted: false,
  },
  {
    it: 'without any wish all is well',
    policy: 'single-numa-node',
    providers: [new Map()],
    nodes: undefined,
    admitted: true,
  },
];
for (const { it, policy, providers, nodes, admitted } of cases) {
  test(`mergeHints: ${it}`, () => {
    const merged = mergeHints(policy, NODES, providers);
    assert.deepEqual([merged.nodes, merged.admitted], [nodes, admitted]);
  });
}

test('hints name every place with room, and prefer as few nodes as the machine allows', () => {
  const has = (mask: number) => sizeOf(mask) * 4;
  assert.deepEqual(
    hintsOf(NODES, 4, has, (mask) => (mask & 0b10 ? 4 : 0)),
    [
      { nodes: 0b10, preferred: true },
      { nodes: 0b11, preferred: false },
    ],
  );
  assert.deepEqual(hintsOf(NODES, 6, has, has), [{ nodes: 0b11, preferred: true }]);
  assert.deepEqual(hintsOf(NODES, 9, has, has), []);
});
