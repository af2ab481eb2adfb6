import assert from 'node:assert/strict';
import { test } from 'node:test';
import { GRACE_MS, Inventory } from '../../../agent/devices/inventory.ts';
import { isExtendedResource, registrationProblem } from '../../../agent/devices/registration.ts';

const device = (id: string, healthy = true) => ({ id, healthy, nodes: [] });
const offer = (inventory: Inventory) => {
  const { capacity, allocatable } = inventory.offer();
  return [capacity['a.b/c'], allocatable['a.b/c']];
};

test('a plugin that is gone leaves nothing to be had at once, and nothing at all after the grace', () => {
  const inventory = new Inventory();
  inventory.registered('a.b/c');
  inventory.changed('a.b/c', [device('1'), device('2', false)]);
  assert.deepEqual(offer(inventory), ['2', '1']);
  inventory.gone('a.b/c', 1_000);
  assert.deepEqual(offer(inventory), ['2', '0']);
  assert.equal(inventory.expire(GRACE_MS), false);
  assert.equal(inventory.expire(1_000 + GRACE_MS), true);
  assert.deepEqual(offer(inventory), ['0', '0']);
  assert.equal(inventory.expire(2_000 + GRACE_MS), false);
});

test('a plugin that comes back in time keeps its devices', () => {
  const inventory = new Inventory();
  inventory.changed('a.b/c', [device('1')]);
  inventory.gone('a.b/c', 0);
  inventory.registered('a.b/c');
  assert.equal(inventory.expire(2 * GRACE_MS), false);
  inventory.changed('a.b/c', [device('1')]);
  assert.deepEqual(offer(inventory), ['1', '1']);
});

test('resources of an earlier process are zero until their plugin is back', () => {
  const inventory = new Inventory();
  inventory.expect(['a.b/c']);
  assert.deepEqual(offer(inventory), ['0', '0']);
});

for (const [name, wants] of [
  ['nvidia.com/gpu', true],
  ['a.b/c.d-e_f', true],
  ['gpu', false],
  ['kubernetes.io/gpu', false],
  ['x.kubernetes.io/gpu', false],
  ['requests.a.b/c', false],
  ['a.b/c/d', false],
  ['A.b/c', false],
  ['a.b/', false],
] as const) {
  test(`${name} is ${wants ? 'an' : 'no'} extended resource`, () => assert.equal(isExtendedResource(name), wants));
}

for (const [what, change, wants] of [
  ['well', {}, undefined],
  ['with another version', { version: 'v1' }, /^requested API version "v1" is not supported by kubelet\./],
  ['with a bad name', { resourceName: 'cpu' }, /^the ResourceName "cpu" is invalid$/],
  ['with a path', { endpoint: '../x.sock' }, /^the Endpoint/],
] as const) {
  test(`a plugin registers ${what}`, () => {
    const request = { version: 'v1beta1', endpoint: 'c.sock', resourceName: 'a.b/c', options: null, ...change };
    const problem = registrationProblem(request);
    if (wants === undefined) assert.equal(problem, undefined);
    else assert.match(problem!, wants);
  });
}
