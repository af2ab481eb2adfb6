import assert from 'node:assert/strict';
import { X509Certificate } from 'node:crypto';
import { mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { parse } from 'yaml';
import { DAY_MS } from '../../api/pki/x509.ts';
import { systemRandom } from '../../api/system.ts';
import { kubeconfig } from '../../cli/kubeconfig.ts';
import {
  certificateSpecs,
  ensurePki,
  type Found,
  type FoundCertificate,
  type PkiNames,
  planPki,
  readAdmin,
} from '../../cli/pki.ts';

const nowMs = Date.now();
const names: PkiNames = {
  hostname: 'box',
  nodeName: 'n1',
  nodeIps: ['192.0.2.1', '2001:DB8::1'],
  serviceCidrs: ['10.43.0.0/16', 'fd43::/112'],
  clusterDomain: 'cluster.local',
  apiNames: ['api.example.org', '192.0.2.99'],
};
const specs = certificateSpecs(names);
const sound = (change: Partial<FoundCertificate> = {}): Found =>
  Object.fromEntries(
    specs.map(({ name, subject, dns, ips }) => [
      name,
      { subject, dns, ips, notAfterMs: nowMs + 365 * DAY_MS, sound: true, ...change },
    ]),
  );
const planned = (found: Found) => planPki(specs, found, nowMs).map(({ spec, because }) => `${spec.name}: ${because}`);

const folder = await mkdtemp(join(tmpdir(), 'skiff-pki-'));
after(() => rm(folder, { recursive: true }));
const deps = { random: systemRandom, nowMs };

test('the API is reached by all its names', () => {
  const { dns, ips } = specs.find(({ name }) => name === 'apiserver')!;
  const service = [
    'kubernetes',
    'kubernetes.default',
    'kubernetes.default.svc',
    'kubernetes.default.svc.cluster.local',
  ];
  assert.deepEqual(dns, ['localhost', ...service, 'box', 'n1', 'api.example.org']);
  assert.deepEqual(ips, ['127.0.0.1', '::1', '10.43.0.1', 'fd43::1', '192.0.2.1', '2001:db8::1', '192.0.2.99']);
});

test('what is sound is left alone', () => assert.deepEqual(planned(sound()), []));

const reasons: [string, Found, RegExp][] = [
  ['missing', {}, /^admin: there is none$/m],
  ['close to its end', sound({ notAfterMs: nowMs + 30 * DAY_MS }), /^admin: it ends \d{4}-/m],
  ['of another authority', sound({ sound: false }), /^admin: .*do not belong together$/m],
  [
    'without the address the node has now',
    sound({ ips: ['127.0.0.1'] }),
    /^kubelet-server: it lacks 192\.0\.2\.1, 2001:db8::1/m,
  ],
  [
    'of another node',
    sound({ subject: { commonName: 'system:node:n0', organizations: ['system:nodes'] } }),
    /^kubelet-client: it is issued to system:node:n0$/m,
  ],
];
for (const [what, found, wants] of reasons) {
  test(`a certificate that is ${what} is issued`, () => assert.match(planned(found).join('\n'), wants));
}

test('a folder is filled once, keys are secret, and a second look changes nothing', async () => {
  const dir = join(folder, 'fresh');
  assert.equal((await ensurePki(dir, names, deps)).length, 5);
  assert.equal((await stat(dir)).mode & 0o777, 0o700);
  const files = await readdir(dir);
  assert.equal(files.length, 13, files.join());
  for (const file of files.filter((name) => name.endsWith('.key'))) {
    assert.equal((await stat(join(dir, file))).mode & 0o777, 0o600, file);
  }
  const ca = new X509Certificate(await readFile(join(dir, 'ca.crt')));
  for (const file of files.filter((name) => name.endsWith('.crt'))) {
    assert.ok(new X509Certificate(await readFile(join(dir, file))).checkIssued(ca), file);
  }
  assert.deepEqual(await ensurePki(dir, names, deps), []);
});

test('a node that moved gets new serving certificates from the same authority', async () => {
  const dir = join(folder, 'moved');
  await ensurePki(dir, names, deps);
  const ca = await readFile(join(dir, 'ca.crt'), 'utf8');
  const issued = await ensurePki(dir, { ...names, nodeIps: ['192.0.2.2'] }, deps);
  assert.deepEqual(
    issued.map(({ spec }) => spec.name),
    ['apiserver', 'kubelet-server'],
  );
  assert.equal(await readFile(join(dir, 'ca.crt'), 'utf8'), ca);
});

test('a damaged certificate is replaced, a damaged or missing authority is not', async () => {
  const dir = join(folder, 'damaged');
  await ensurePki(dir, names, deps);
  await writeFile(join(dir, 'admin.crt'), 'no certificate');
  assert.deepEqual(
    (await ensurePki(dir, names, deps)).map(({ spec }) => spec.name),
    ['admin'],
  );
  await writeFile(join(dir, 'service-account.key'), 'no key');
  await assert.rejects(ensurePki(dir, names, deps), /service-account.key is not a private key/);
  await rm(join(dir, 'service-account.key'));
  await rm(join(dir, 'ca.key'));
  await assert.rejects(ensurePki(dir, names, deps), /ca.key is missing: restore it/);
  await writeFile(join(dir, 'ca.key'), await readFile(join(dir, 'admin.key')));
  await assert.rejects(ensurePki(dir, names, deps), /ca.key does not belong to ca.crt/);
  await writeFile(join(dir, 'ca.crt'), 'nonsense');
  await assert.rejects(ensurePki(dir, names, deps), /cannot be read/);
});

test('the kubeconfig carries all it needs', async () => {
  const dir = join(folder, 'admin');
  await ensurePki(dir, names, deps);
  const admin = await readAdmin(dir);
  const config = parse(kubeconfig({ server: 'https://127.0.0.1:6443', ...admin }));
  assert.equal(config['current-context'], config.contexts[0].name);
  assert.equal(config.clusters[0].cluster.server, 'https://127.0.0.1:6443');
  const text = (base64: string) => Buffer.from(base64, 'base64').toString();
  assert.equal(text(config.clusters[0].cluster['certificate-authority-data']), admin.caPem);
  assert.equal(text(config.users[0].user['client-certificate-data']), admin.certPem);
  assert.equal(text(config.users[0].user['client-key-data']), admin.keyPem);
});
