import assert from 'node:assert/strict';
import { test } from 'node:test';
import { namesIn, wantsNode } from '../../api/node-selector.ts';
import type { NodeSelectorTerm } from '../../api/types/core/affinity.ts';
import type { PodSpec } from '../../api/types/core/pod-spec.ts';

const node = { name: 'n1', labels: { zone: 'a', cores: '8' } };
const label = (key: string, operator: string, ...values: string[]) =>
  ({ matchExpressions: [{ key, operator, values }] }) as NodeSelectorTerm;
const named = (...values: string[]) =>
  ({ matchFields: [{ key: 'metadata.name', operator: 'In', values }] }) as NodeSelectorTerm;
const affine = (...nodeSelectorTerms: NodeSelectorTerm[]) => ({
  affinity: { nodeAffinity: { requiredDuringSchedulingIgnoredDuringExecution: { nodeSelectorTerms } } },
});

const cases: { it: string; pod: object; wants: boolean }[] = [
  { it: 'without wishes takes any', pod: {}, wants: true },
  { it: 'with an empty selector takes any', pod: { nodeSelector: {} }, wants: true },
  { it: 'wants every label of its selector', pod: { nodeSelector: { zone: 'a', cores: '8' } }, wants: true },
  { it: 'does without one that lacks a label', pod: { nodeSelector: { zone: 'a', disk: 'ssd' } }, wants: false },
  { it: 'finds no label in what objects inherit', pod: { nodeSelector: { constructor: 'x' } }, wants: false },
  {
    it: 'is content with one term of many',
    pod: affine(label('zone', 'In', 'b'), label('zone', 'Exists')),
    wants: true,
  },
  {
    it: 'wants all requirements of a term',
    pod: affine({ ...label('zone', 'In', 'a'), ...named('n2') }),
    wants: false,
  },
  {
    it: 'wants selector and terms',
    pod: { nodeSelector: { zone: 'b' }, ...affine(label('zone', 'Exists')) },
    wants: false,
  },
  { it: 'of a term without requirements takes none', pod: affine({}), wants: false },
  { it: 'of no term takes none', pod: affine(), wants: false },
  { it: 'may ask by name', pod: affine(named('n1')), wants: true },
  { it: 'may compare numbers', pod: affine(label('cores', 'Gt', '4')), wants: true },
  { it: 'never compares with what is no number', pod: affine(label('cores', 'Lt', 'many')), wants: false },
  { it: 'never compares a label that is no number', pod: affine(label('zone', 'Gt', '4')), wants: false },
  { it: 'may ask for what is not there', pod: affine(label('disk', 'DoesNotExist')), wants: true },
  { it: 'takes an absent label for not in', pod: affine(label('disk', 'NotIn', 'hdd')), wants: true },
  { it: 'with an unknown operator takes none', pod: affine(label('zone', 'Near', 'a')), wants: false },
];
for (const { it, pod, wants } of cases) {
  test(`a pod ${it}`, () => assert.equal(wantsNode(pod as PodSpec, node), wants));
}

test('names are fixed where every term fixes them', () => {
  assert.deepEqual(namesIn([named('a', 'b'), named('c')]), new Set(['a', 'b', 'c']));
  assert.equal(namesIn([named('a'), label('zone', 'Exists')]), undefined);
});
