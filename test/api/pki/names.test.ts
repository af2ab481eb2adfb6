import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import * as der from '../../../api/pki/der.ts';
import { readBits, readDer, readOid } from '../../../api/pki/der.ts';
import { ipBytes, ipText } from '../../../api/pki/names.ts';

const addresses: [given: string, shortest: string][] = [
  ['127.0.0.1', '127.0.0.1'],
  ['::1', '::1'],
  ['::', '::'],
  ['2001:0db8:0:0:1:0:0:1', '2001:db8::1:0:0:1'],
  ['fe80:0:0:0:0:0:0:10', 'fe80::10'],
  ['10:0:1:0:0:2:3:4', '10:0:1::2:3:4'],
  ['::ffff:192.0.2.7', '::ffff:c000:207'],
];
for (const [given, shortest] of addresses) {
  test(`the address ${given} is written as ${shortest}`, () => assert.equal(ipText(ipBytes(given)), shortest));
}

test('every address survives the way to bytes and back', () => {
  const bytes = fc.oneof(
    fc.uint8Array({ minLength: 4, maxLength: 4 }),
    fc.uint8Array({ minLength: 16, maxLength: 16 }),
  );
  fc.assert(fc.property(bytes, (b) => assert.deepEqual(ipBytes(ipText(b)), Buffer.from(b))));
});

test('what is no address is refused', () => {
  for (const text of ['', 'localhost', '1.2.3', '1.2.3.4.5', 'fe80::1%eth0', ':::']) {
    assert.throws(() => ipBytes(text), /not an address/);
  }
});

test('object identifiers and named bits are read as they were written', () => {
  for (const id of ['1.2.840.113549.1.1.11', '2.5.29.17', '1.3.101.112', '2.999.3']) {
    assert.equal(readOid(readDer(der.oid(id))), id);
  }
  for (const bits of [[0], [0, 2, 5], [8]]) assert.deepEqual(readBits(readDer(der.namedBits(bits))), bits);
});
