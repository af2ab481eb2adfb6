import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { createPrivateKey, generateKeyPairSync, X509Certificate } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { connect, createServer, type TLSSocket } from 'node:tls';
import { DAY_MS, issue, newAuthority, newKey, subjectOf } from '../../../api/pki/x509.ts';
import { systemRandom } from '../../../api/system.ts';

const nowMs = Date.now();
const deps = { random: systemRandom, nowMs };
const ca = newAuthority({ subject: { commonName: 'test-ca' }, validMs: 3650 * DAY_MS }, deps);
const caCert = new X509Certificate(ca.certPem);
const serverKey = newKey();
const serverPem = issue(
  ca,
  {
    subject: { commonName: 'kube-apiserver', organizations: ['skiff'] },
    publicKey: serverKey,
    dns: ['localhost', 'kubernetes.default.svc'],
    ips: ['127.0.0.1', '::1', '10.43.0.1', '2001:db8::ff00:42'],
    usages: ['server'],
    validMs: 365 * DAY_MS,
  },
  deps,
);

test('an authority is a self-signed certificate that may sign others', () => {
  assert.equal(caCert.ca, true);
  assert.equal(caCert.subject, 'CN=test-ca');
  assert.ok(caCert.verify(caCert.publicKey));
  assert.ok(caCert.checkIssued(caCert));
});

test('a server certificate names its hosts and addresses and leads to its authority', () => {
  const cert = new X509Certificate(serverPem);
  assert.equal(cert.ca, false);
  assert.ok(cert.checkIssued(caCert), 'issuer, key identifiers and usages fit');
  assert.ok(cert.verify(caCert.publicKey));
  assert.ok(cert.checkPrivateKey(createPrivateKey(serverKey)));
  assert.equal(cert.checkHost('localhost'), 'localhost');
  assert.equal(cert.checkIP('10.43.0.1'), '10.43.0.1');
  assert.equal(cert.checkIP('2001:db8::ff00:42'), '2001:db8::ff00:42');
  assert.equal(cert.checkHost('example.org'), undefined);
  assert.deepEqual(cert.keyUsage, ['1.3.6.1.5.5.7.3.1']);
  assert.ok(Math.abs(cert.validToDate.getTime() - (nowMs + 365 * DAY_MS)) < 1000);
  assert.ok(cert.validFromDate.getTime() < nowMs, 'a peer with a slow clock accepts it');
});

test('a client certificate gives its user and groups back', () => {
  const subject = { commonName: 'system:node:n1', organizations: ['system:nodes', 'a+b, "c"'] };
  const pem = issue(ca, { subject, publicKey: newKey(), usages: ['client'], validMs: DAY_MS }, deps);
  assert.deepEqual(subjectOf(new X509Certificate(pem).raw), subject);
});

test('a certificate does not outlive its authority', () => {
  const short = newAuthority({ subject: { commonName: 'short' }, validMs: DAY_MS }, deps);
  const pem = issue(
    short,
    { subject: { commonName: 'x' }, publicKey: newKey(), usages: [], validMs: 2 * DAY_MS },
    deps,
  );
  const [mine, its] = [new X509Certificate(pem), new X509Certificate(short.certPem)];
  assert.equal(mine.validTo, its.validTo);
});

test('an authority may bring an RSA or Ed25519 key', () => {
  const keys = [
    generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey,
    generateKeyPairSync('ed25519').privateKey,
    generateKeyPairSync('ec', { namedCurve: 'P-384' }).privateKey,
  ];
  for (const key of keys) {
    const keyPem = key.export({ type: 'pkcs8', format: 'pem' }) as string;
    const other = newAuthority({ subject: { commonName: 'other' }, validMs: DAY_MS, keyPem }, deps);
    const pem = issue(
      other,
      { subject: { commonName: 'x' }, publicKey: newKey(), usages: ['client'], validMs: DAY_MS },
      deps,
    );
    assert.ok(
      new X509Certificate(pem).verify(new X509Certificate(other.certPem).publicKey),
      String(key.asymmetricKeyType),
    );
  }
});

test('an authority whose key is another one is refused', () => {
  const mixed = { certPem: ca.certPem, keyPem: newKey() };
  const request = { subject: { commonName: 'x' }, publicKey: newKey(), usages: [], validMs: DAY_MS };
  assert.throws(() => issue(mixed, request, deps), /does not belong/);
});

test('dates beyond 2049 are written as generalized time', () => {
  const far = newAuthority({ subject: { commonName: 'far' }, validMs: 50 * 365 * DAY_MS }, deps);
  const years = new X509Certificate(far.certPem).validToDate.getUTCFullYear() - new Date(nowMs).getUTCFullYear();
  assert.ok(years >= 49 && years <= 50);
});

test('both sides of a TLS connection accept the certificates', async () => {
  const clientKey = newKey();
  const subject = { commonName: 'admin', organizations: ['system:masters'] };
  const clientPem = issue(ca, { subject, publicKey: clientKey, usages: ['client'], validMs: DAY_MS }, deps);
  const seen = Promise.withResolvers<TLSSocket>();
  const server = createServer(
    { key: serverKey, cert: serverPem, ca: ca.certPem, requestCert: true, rejectUnauthorized: true },
    seen.resolve,
  ).on('tlsClientError', seen.reject);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as { port: number };
  const socket = connect({ port, host: '127.0.0.1', ca: ca.certPem, cert: clientPem, key: clientKey });
  try {
    const accepted = await seen.promise;
    assert.equal(accepted.authorized, true);
    assert.deepEqual(subjectOf(accepted.getPeerX509Certificate()!.raw), subject);
    accepted.destroy();
  } finally {
    socket.destroy();
    server.close();
  }
});

test('openssl finds nothing to object to', (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'skiff-pki-'));
  try {
    writeFileSync(join(folder, 'ca.pem'), ca.certPem);
    writeFileSync(join(folder, 'server.pem'), serverPem);
    const args = ['verify', '-x509_strict', '-purpose', 'sslserver', '-CAfile', 'ca.pem', 'server.pem'];
    assert.match(execFileSync('openssl', args, { cwd: folder, encoding: 'utf8' }), /server.pem: OK/);
  } catch (err) {
    if ((err as { code?: string }).code !== 'ENOENT') throw err;
    t.skip('openssl is not installed');
  } finally {
    rmSync(folder, { recursive: true });
  }
});
