import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { systemRandom } from '../../../api/system.ts';
import { addressRange, dynamicFrom, NumberSupply } from '../../../apiserver/registry/supplies.ts';

test('a number is never held by two, and free again when it is given back', () => {
  fc.assert(
    fc.property(fc.array(fc.record({ owner: fc.nat(3), give: fc.boolean() }), { maxLength: 60 }), (steps) => {
      const supply = new NumberSupply(10, 14, systemRandom);
      const held = new Map<number, string>();
      for (const { owner, give } of steps) {
        const name = `o${owner}`;
        const mine = [...held].find(([, holder]) => holder === name)?.[0];
        if (give && mine !== undefined) {
          supply.release(mine, name);
          held.delete(mine);
          continue;
        }
        const n = supply.takeAny(name);
        assert.equal(n === undefined, held.size === 5);
        if (n === undefined) continue;
        assert.ok(n >= 10 && n <= 14 && !held.has(n));
        held.set(n, name);
      }
    }),
  );
});

test('a number that somebody holds is not given to another, but to its holder again', () => {
  const supply = new NumberSupply(1, 3, systemRandom);
  assert.ok(supply.take(2, 'a'));
  assert.ok(supply.take(2, 'a'));
  assert.ok(!supply.take(2, 'b'));
  supply.release(2, 'b');
  assert.equal(supply.ownerOf(2), 'a');
});

const ranges: [cidr: string, n: number, address: string][] = [
  ['10.43.0.0/16', 1, '10.43.0.1'],
  ['10.43.0.0/16', 256, '10.43.1.0'],
  ['fd00:43::/112', 1, 'fd00:43::1'],
  ['fd00:43::/112', 0x1234, 'fd00:43::1234'],
];
for (const [cidr, n, address] of ranges) {
  test(`address ${n} of ${cidr} is ${address}`, () => {
    const range = addressRange(cidr, systemRandom);
    assert.equal(range.addressOf(n), address);
    assert.equal(range.numberOf(address), n);
  });
}

test('neither the network nor its broadcast nor anything outside is an address', () => {
  const range = addressRange('10.43.0.0/24', systemRandom);
  for (const address of ['10.43.0.0', '10.43.1.0', '10.42.255.255', 'fd00::1']) {
    assert.equal(range.numberOf(address), undefined);
  }
  assert.equal(range.supply.to, 254);
  assert.equal(dynamicFrom(range), 16);
});
