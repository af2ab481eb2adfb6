import assert from 'node:assert/strict';
import { test } from 'node:test';
import { namingOf, settledStatus } from '../../../apiserver/extensions/crd-naming.ts';
import { byVersion } from '../../../apiserver/extensions/versions.ts';
import { aDefinition, anything, aVersion, type Crd, established } from './example.ts';

const NOW = '2026-02-02T00:00:00Z';

function fresh(plural: string, names: Partial<Crd['spec']['names']> = {}, group = 'test.example.com'): Crd {
  const of = aDefinition(plural, [aVersion('v1', anything)], { group });
  of.metadata.name = `${plural}.${group}`;
  of.spec.names = { ...of.spec.names, ...names };
  const crd = established(of, []);
  return { ...crd, status: { ...crd.status, acceptedNames: { plural: '', kind: '' } } };
}

const others = [established(aDefinition('things', [aVersion('v1', anything)]))];
const cases: { crd: Crd; says: string }[] = [
  { crd: fresh('boxes'), says: 'True NoConflicts: no conflicts found' },
  { crd: fresh('boxes', { singular: 'thing' }), says: 'False SingularConflict: "thing" is already in use' },
  {
    crd: fresh('boxes', { shortNames: ['things', 'b'] }),
    says: 'False ShortNamesConflict: "things" is already in use',
  },
  { crd: fresh('boxes', { kind: 'Thing' }), says: 'False KindConflict: "Thing" is already in use' },
  { crd: fresh('boxes', { listKind: 'ThingList' }), says: 'False ListKindConflict: "ThingList" is already in use' },
  { crd: fresh('things', {}, 'other.example.com'), says: 'True NoConflicts: no conflicts found' },
];
for (const { crd, says } of cases) {
  test(`names ${JSON.stringify(crd.spec.names)} in ${crd.spec.group}: ${says}`, () => {
    const { condition } = namingOf(crd, others);
    assert.equal(`${condition.status} ${condition.reason}: ${condition.message}`, says);
  });
}

test('names that were not refused are accepted beside one that was', () => {
  const { accepted } = namingOf(fresh('boxes', { kind: 'Thing' }), others);
  assert.deepEqual(accepted, { plural: 'boxes', singular: 'boxe', kind: '', listKind: 'BoxeList' });
});

test('who has its names keeps them, whoever wants them', () => {
  const settled = { ...others[0]!, spec: { ...others[0]!.spec } };
  const rival = established(aDefinition('things', [aVersion('v1', anything)]));
  assert.equal(
    namingOf(settled, [{ ...rival, metadata: { ...rival.metadata, name: 'rival' } }]).condition.status,
    'True',
  );
});

test('what is settled stays as it is, times included', () => {
  const crd = fresh('boxes');
  const status = settledStatus(crd, others, NOW);
  assert.deepEqual(
    status.conditions!.map(({ type, status: is }) => `${type} ${is}`),
    ['NamesAccepted True', 'Established True'],
  );
  assert.deepEqual(settledStatus({ ...crd, status }, others, 'later'), status);
});

test('an established definition stays so when a new name of it is taken', () => {
  const crd = { ...fresh('boxes') };
  const status = settledStatus(crd, others, NOW);
  const greedy = { ...crd, status, spec: { ...crd.spec, names: { ...crd.spec.names, shortNames: ['things'] } } };
  const again = settledStatus(greedy, others, NOW);
  assert.deepEqual(
    again.conditions!.map(({ type, status: is }) => `${type} ${is}`),
    ['NamesAccepted False', 'Established True'],
  );
  assert.equal(again.acceptedNames!.shortNames, undefined);
});

test('a group of the community says who approved it', () => {
  const status = settledStatus(fresh('boxes', {}, 'x.k8s.io'), [], NOW);
  assert.deepEqual(
    status.conditions!.map(({ type, reason }) => `${type} ${reason}`).at(-1),
    'KubernetesAPIApprovalPolicyConformant MissingAnnotation',
  );
});

test('versions are ordered by maturity, then by number, then by name', () => {
  const versions = ['v1alpha1', 'v10', 'foo', 'v1beta1', 'v2', 'v1beta2', 'bar', 'v1'];
  assert.deepEqual(versions.sort(byVersion), ['v10', 'v2', 'v1', 'v1beta2', 'v1beta1', 'v1alpha1', 'bar', 'foo']);
});
