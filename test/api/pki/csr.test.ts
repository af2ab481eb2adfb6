import assert from 'node:assert/strict';
import { type ExecFileSyncOptionsWithStringEncoding, execFileSync } from 'node:child_process';
import { createPublicKey, X509Certificate } from 'node:crypto';
import { test } from 'node:test';
import fc from 'fast-check';
import { newSigningRequest, parseSigningRequest } from '../../../api/pki/csr.ts';
import { fromPem, toPem } from '../../../api/pki/pem.ts';
import { DAY_MS, issue, newAuthority, newKey } from '../../../api/pki/x509.ts';
import { systemRandom } from '../../../api/system.ts';

const key = newKey();
const subject = { commonName: 'system:node:n1', organizations: ['system:nodes'] };
const label = 'CERTIFICATE REQUEST';

test('a request is read back as it was made', () => {
  const names = { dns: ['n1'], ips: ['192.0.2.1', 'fd00::1'] };
  const request = parseSigningRequest(newSigningRequest(key, subject, names));
  assert.deepEqual(request.subject, subject);
  assert.deepEqual(request.names, { ...names, emails: [], uris: [], others: 0 });
  assert.deepEqual(request.otherExtensions, []);
  assert.ok(request.publicKey.equals(createPublicKey(key)));
});

test('a request without alternative names has none', () => {
  const { names } = parseSigningRequest(newSigningRequest(key, subject));
  assert.deepEqual(names, { dns: [], ips: [], emails: [], uris: [], others: 0 });
});

test('the key of a request can be certified', () => {
  const deps = { random: systemRandom, nowMs: Date.now() };
  const ca = newAuthority({ subject: { commonName: 'ca' }, validMs: DAY_MS }, deps);
  const { publicKey } = parseSigningRequest(newSigningRequest(key, subject));
  const pem = issue(ca, { subject, publicKey, usages: ['client'], validMs: DAY_MS }, deps);
  assert.ok(new X509Certificate(pem).publicKey.equals(createPublicKey(key)));
});

test('a request whose content was changed is refused', () => {
  const bytes = fromPem(label, newSigningRequest(key, subject));
  bytes[bytes.indexOf('n1')]! ^= 1;
  assert.throws(() => parseSigningRequest(toPem(label, bytes)), /signature/);
});

test('what is not a request is refused with a reason', () => {
  const cases: [string, RegExp][] = [
    ['', /no PEM block/],
    [toPem('CERTIFICATE', Buffer.from('x')), /no PEM block/],
    [toPem(label, Buffer.alloc(0)), /empty/],
    [toPem(label, Buffer.from([0x30, 0x80, 0, 0])), /length/],
    [toPem(label, Buffer.from(Array(200).fill([0x30, 0x7f]).flat())), /longer|deep/],
    ['x'.repeat(100_000), /at most/],
  ];
  for (const [text, reason] of cases) assert.throws(() => parseSigningRequest(text), reason);
});

test('no damage to a request crashes the reader or passes unnoticed', () => {
  const good = fromPem(label, newSigningRequest(key, subject, { dns: ['n1'] }));
  const damage = fc.tuple(fc.nat(good.length - 1), fc.integer({ min: 1, max: 255 }));
  fc.assert(
    fc.property(damage, ([at, flip]) => {
      const bytes = Buffer.from(good);
      bytes[at]! ^= flip;
      assert.throws(() => parseSigningRequest(toPem(label, bytes)), Error);
    }),
    { numRuns: 300 },
  );
});

test('a request made by openssl is understood', (t) => {
  const args = [
    'req',
    '-new',
    '-newkey',
    'rsa:2048',
    '-nodes',
    '-keyout',
    '/dev/null',
    '-subj',
    '/O=system:nodes/CN=system:node:n2',
  ];
  const options: ExecFileSyncOptionsWithStringEncoding = { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] };
  const extra = ['-addext', 'subjectAltName=DNS:n2,IP:192.0.2.2,email:a@b.c', '-addext', 'keyUsage=digitalSignature'];
  let pem: string;
  try {
    pem = execFileSync('openssl', [...args, ...extra], options);
  } catch (err) {
    if ((err as { code?: string }).code !== 'ENOENT') throw err;
    return t.skip('openssl is not installed');
  }
  const { names, otherExtensions, subject: found } = parseSigningRequest(pem);
  assert.deepEqual(found, { commonName: 'system:node:n2', organizations: ['system:nodes'] });
  assert.deepEqual(names, { dns: ['n2'], ips: ['192.0.2.2'], emails: ['a@b.c'], uris: [], others: 0 });
  assert.deepEqual(otherExtensions, ['2.5.29.15']);
});
