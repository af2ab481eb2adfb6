import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  configMapKey,
  dns1035Label,
  dns1123Label,
  dns1123Subdomain,
  domainPrefixedPath,
  envVarName,
  fullyQualifiedName,
  labelValue,
  portName,
  portNumber,
  qualifiedName,
  wildcardDns1123Subdomain,
} from '../../api/names.ts';

const checks: readonly { of: (value: string) => readonly string[]; good: string[]; bad: string[] }[] = [
  {
    of: dns1123Label,
    good: ['a', '1a', 'a-b', 'a'.repeat(63)],
    bad: ['', 'A', '-a', 'a-', 'a.b', 'a'.repeat(64), 'a\n'],
  },
  { of: dns1123Subdomain, good: ['a', 'a.b', '1.2'], bad: ['', 'a..b', '.a', 'a_b', 'a.'.repeat(127)] },
  { of: dns1035Label, good: ['a', 'a1-b'], bad: ['1a', '', 'a-', 'a'.repeat(64)] },
  { of: wildcardDns1123Subdomain, good: ['*.a.b'], bad: ['*', 'a.b', '*.*.a', 'a.*.com'] },
  {
    of: qualifiedName,
    good: ['a', 'A.b_c-d', 'example.com/a'],
    bad: ['', '/a', 'a/', 'a b', 'a/b/c', 'A/b', 'a'.repeat(64)],
  },
  { of: labelValue, good: ['', 'a', 'A_b.c'], bad: ['-a', 'a b', 'a'.repeat(64)] },
  { of: configMapKey, good: ['a', '.a', 'A_b-c.d'], bad: ['', '.', '..', '..a', 'a b', 'a/b'] },
  { of: envVarName, good: ['A', 'a.b', '1A', 'a b'], bad: ['', 'a=b', 'ä'] },
  { of: portName, good: ['http', 'a-1'], bad: ['', '123', 'A', '-a', 'a-', 'a--b', 'a'.repeat(16)] },
  { of: domainPrefixedPath, good: ['a.io/b', 'a.io/b/c'], bad: ['', 'a', 'a/', '/a', 'A/b', 'a/b c'] },
  { of: fullyQualifiedName, good: ['a.b.c'], bad: ['a.b', '', 'A.b.c'] },
];
for (const { of, good, bad } of checks) {
  test(`${of.name || 'a check'} accepts ${JSON.stringify(good[0])} and its like, and refuses the rest`, () => {
    for (const value of good) assert.deepEqual(of(value), [], JSON.stringify(value));
    for (const value of bad) assert.notDeepEqual(of(value), [], JSON.stringify(value));
  });
}

test('messages are the ones clients know', () => {
  assert.deepEqual(dns1123Label('A_B'), [
    "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with an alphanumeric character (e.g. 'my-name',  or '123-abc', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?')",
  ]);
  assert.deepEqual(dns1123Subdomain('a'.repeat(254)), ['must be no more than 253 characters']);
  assert.deepEqual(labelValue('v'.repeat(64)), ['must be no more than 63 bytes']);
  assert.deepEqual(qualifiedName(''), [
    'name part must be non-empty',
    "name part must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]')",
  ]);
  assert.deepEqual(portNumber(0), ['must be between 1 and 65535, inclusive']);
});
