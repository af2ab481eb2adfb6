import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Access } from '../../../apiserver/authz/authorizer.ts';
import { paths, rule } from '../../../apiserver/authz/role-words.ts';
import { allows, notCovered } from '../../../apiserver/authz/rules.ts';

const access = (more: Partial<Access>): Access => ({
  user: { name: 'jane', groups: [] },
  ...{ verb: 'get', group: '', resource: 'pods', subresource: '', namespace: 'ns', name: 'x' },
  ...more,
});

const cases: { it: string; rule: ReturnType<typeof rule>; asks: Partial<Access>; wants: boolean }[] = [
  { it: 'allows what it names', rule: rule('get', 'core', 'pods'), asks: {}, wants: true },
  { it: 'does not allow another verb', rule: rule('get', 'core', 'pods'), asks: { verb: 'list' }, wants: false },
  { it: 'does not allow another group', rule: rule('get', 'core', 'pods'), asks: { group: 'apps' }, wants: false },
  {
    it: 'tells a subresource from its parent',
    rule: rule('get', 'core', 'pods'),
    asks: { subresource: 'log' },
    wants: false,
  },
  {
    it: 'allows a subresource by name',
    rule: rule('get', 'core', 'pods/log'),
    asks: { subresource: 'log' },
    wants: true,
  },
  {
    it: 'allows a subresource of everything',
    rule: rule('get', '*', '*/scale'),
    asks: { subresource: 'scale' },
    wants: true,
  },
  { it: 'allows only the named object', rule: rule('get', 'core', 'pods', 'y'), asks: {}, wants: false },
  {
    it: 'does not allow a list by object names',
    rule: rule('get', 'core', 'pods', 'x'),
    asks: { name: '' },
    wants: false,
  },
  {
    it: 'allows everything with stars',
    rule: rule('*', '*', '*'),
    asks: { group: 'any', subresource: 's' },
    wants: true,
  },
  { it: 'allows paths below a star', rule: paths('get', '/apis/*'), asks: { path: '/apis/apps/v1' }, wants: true },
  { it: 'does not take resources for paths', rule: rule('*', '*', '*'), asks: { path: '/metrics' }, wants: false },
];
for (const { it, rule, asks, wants } of cases) {
  test(`a rule ${it}`, () => assert.equal(allows(rule, access(asks)), wants));
}

test('what is missing of a role is said right by right', () => {
  const held = [rule('get list', 'core', 'pods configmaps'), rule('get', 'core', 'secrets', 'mine')];
  const wanted = [rule('get delete', 'core', 'pods'), rule('get', 'core', 'secrets')];
  const missing = notCovered(held, wanted);
  assert.deepEqual(missing, [rule('delete', 'core', 'pods'), rule('get', 'core', 'secrets')]);
});
