import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  exactField,
  fieldMatcher,
  fieldReaders,
  fieldSelectorText,
  parseFieldSelector,
  unknownField,
} from '../../api/fields.ts';
import { jobs } from '../../api/types/batch/resources.ts';
import { configMaps, events, nodes, pods } from '../../api/types/core/resources.ts';

test('a selector is read term by term, in the order of its text', () => {
  assert.deepEqual(parseFieldSelector('b!=2,a=1,,c==x\\,y'), [
    { field: 'a', operator: '=', value: '1' },
    { field: 'b', operator: '!=', value: '2' },
    { field: 'c', operator: '=', value: 'x,y' },
  ]);
  assert.deepEqual(parseFieldSelector(''), []);
  assert.equal(fieldSelectorText(parseFieldSelector('c==x\\,y')), 'c=x\\,y');
});

const refused: readonly (readonly [string, string])[] = [
  ['nonsense', "invalid selector: 'nonsense'; can't understand 'nonsense'"],
  ['a=b\\c', 'invalid field selector: invalid escape sequence: \\c'],
  ['a=b=c', 'invalid field selector: unescaped character in value: 61'],
];
for (const [selector, message] of refused) {
  test(`"${selector}" is a bad request that says why`, () => {
    assert.throws(() => parseFieldSelector(selector), { code: 400, message });
  });
}

test('a field that a kind cannot be selected by is named, in the words of its kind', () => {
  const of = (selector: string) => parseFieldSelector(selector);
  assert.equal(unknownField(of('spec.nodeName=x,metadata.name=y'), pods), undefined);
  assert.equal(unknownField(of('spec.priority=0'), pods)?.message, 'field label not supported: spec.priority');
  assert.equal(
    unknownField(of('data.x=1'), configMaps)?.message,
    '"data.x" is not a known field selector: only "metadata.name", "metadata.namespace"',
  );
});

const matched: readonly { it: string; of: typeof pods; object: object; selector: string; matches: boolean }[] = [
  {
    it: 'a field that is set',
    of: pods,
    object: { spec: { nodeName: 'n1' } },
    selector: 'spec.nodeName=n1',
    matches: true,
  },
  {
    it: 'another value',
    of: pods,
    object: { spec: { nodeName: 'n1' } },
    selector: 'spec.nodeName!=n1',
    matches: false,
  },
  { it: 'an unset text as empty', of: pods, object: { spec: {} }, selector: 'spec.nodeName=', matches: true },
  { it: 'an unset flag as false', of: pods, object: {}, selector: 'spec.hostNetwork=false', matches: true },
];
for (const { it, of, object, selector, matches } of matched) {
  test(`matching sees ${it}`, () => {
    assert.equal(fieldMatcher(parseFieldSelector(selector), fieldReaders(of))(object), matches);
  });
}

test('fields whose value stands elsewhere are read there', () => {
  assert.equal(fieldReaders(events).get('source')?.({ source: {}, reportingComponent: 'kubelet' }), 'kubelet');
  assert.equal(fieldReaders(events).get('involvedObject.kind')?.({ involvedObject: { kind: 'Pod' } }), 'Pod');
  assert.equal(fieldReaders(nodes).get('spec.unschedulable')?.({ spec: { unschedulable: true } }), 'true');
  assert.equal(fieldReaders(jobs).get('status.successful')?.({ status: { succeeded: 2 } }), '2');
});

test('what must be exactly one value is found', () => {
  const requirements = parseFieldSelector('spec.nodeName=n1,status.phase!=Failed');
  assert.equal(exactField(requirements, 'spec.nodeName'), 'n1');
  assert.equal(exactField(requirements, 'status.phase'), undefined);
});
