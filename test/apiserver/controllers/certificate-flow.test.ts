// Requests through a whole API with its controllers, as nodes, strangers and people make them.
import assert from 'node:assert/strict';
import { createPublicKey, X509Certificate } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { after, before, test } from 'node:test';
import { HttpsClient } from '../../../api/client/https-client.ts';
import { Transport } from '../../../api/client/transport.ts';
import { newSigningRequest } from '../../../api/pki/csr.ts';
import type { Subject } from '../../../api/pki/names.ts';
import { issue, newKey, subjectOf } from '../../../api/pki/x509.ts';
import { ApiError } from '../../../api/status.ts';
import { systemClock, systemRandom } from '../../../api/system.ts';
import type { CertificateSigningRequest } from '../../../api/types/certificates/certificate-signing-request.ts';
import { certificateSigningRequests as csrs } from '../../../api/types/certificates/resources.ts';
import { nodes } from '../../../api/types/core/resources.ts';
import { waitFor } from '../../cluster/harness/wait.ts';
import { startTestServer, type TestServer } from '../test-server.ts';

let server: TestServer;
const opened = new AsyncDisposableStack();
before(async () => {
  server = opened.use(await startTestServer({ run: ['api', 'controllers'], signingDurationMs: 3_600_000 }));
});
after(() => opened.disposeAsync());

/** Who has a certificate of the cluster's authority. */
async function as(subject: Subject): Promise<HttpsClient> {
  const ca = {
    certPem: await readFile(server.files.ca, 'utf8'),
    keyPem: await readFile(`${server.folder}/ca.key`, 'utf8'),
  };
  const key = newKey();
  const request = { subject, publicKey: key, usages: ['client'] as const, validMs: 600_000 };
  const cert = issue(ca, request, { random: systemRandom, nowMs: Date.now() });
  const credentials = () => ({ ca: ca.certPem, cert, key });
  const transport = new Transport({ server: server.url, credentials, userAgent: 'test', clock: systemClock });
  return new HttpsClient(opened.use(transport), systemClock);
}

const NODE = { commonName: 'system:node:n1', organizations: ['system:nodes'] };
const JOINER = { commonName: 'system:bootstrap:abcdef', organizations: ['system:bootstrappers'] };
const ADMIN = { commonName: 'admin', organizations: ['system:masters'] };

function request(
  name: string,
  subject: Subject,
  { signer = 'kube-apiserver-client-kubelet', dns = [] as string[] } = {},
) {
  const usages = ['digital signature', signer === 'kubelet-serving' ? 'server auth' : 'client auth'];
  const pem = newSigningRequest(newKey(), subject, { dns });
  const spec = { request: Buffer.from(pem).toString('base64'), signerName: `kubernetes.io/${signer}`, usages };
  return { metadata: { name }, spec, status: {} } as never;
}

async function issued(client: HttpsClient, name: string): Promise<CertificateSigningRequest> {
  let csr: CertificateSigningRequest | undefined;
  await waitFor(`${name} to be signed`, async () => {
    csr = await client.get(csrs, { name });
    return csr.status.certificate !== undefined;
  });
  return csr!;
}

const denied = (why: RegExp) => (err: unknown) => {
  assert.ok(err instanceof ApiError);
  assert.equal(err.code, 403);
  assert.match(err.message, why);
  return true;
};

test('who joins gets the certificate of a node without anybody approving it', async () => {
  const joiner = await as(JOINER);
  await joiner.create(csrs, request('join', NODE));
  const { status } = await issued(joiner, 'join');
  assert.deepEqual(
    status.conditions?.map(({ type, reason, message }) => [type, reason, message]),
    [['Approved', 'AutoApproved', 'Auto approving kubelet client certificate after SubjectAccessReview.']],
  );
  const cert = new X509Certificate(Buffer.from(status.certificate!, 'base64'));
  assert.deepEqual(subjectOf(cert.raw), NODE);
  assert.ok(cert.verify(createPublicKey(await readFile(server.files.ca))));
  assert.ok(Math.abs(cert.validToDate.getTime() - Date.now() - 3_600_000) < 60_000, cert.validTo);
});

test('a node renews its own certificate and asks for no other', async () => {
  const node = await as(NODE);
  await node.create(csrs, request('renew', NODE));
  const { status } = await issued(node, 'renew');
  assert.match(status.conditions?.[0]?.message ?? '', /^Auto approving self kubelet client certificate/);
  const other = { ...NODE, commonName: 'system:node:n2' };
  await assert.rejects(
    node.create(csrs, request('other', other)),
    denied(/can only create a node CSR with CN=system:node:n1/),
  );
});

test('a node gets a serving certificate when its object says the same addresses', async () => {
  const node = await as(NODE);
  await node.create(csrs, request('serve', NODE, { signer: 'kubelet-serving', dns: ['n1'] }));
  const admin = await as(ADMIN);
  const status = { addresses: [{ type: 'Hostname', address: 'n1' }] };
  await admin.create(nodes, { metadata: { name: 'n1' }, spec: {}, status } as never);
  const { status: found } = await issued(node, 'serve');
  assert.equal(new X509Certificate(Buffer.from(found.certificate!, 'base64')).subjectAltName, 'DNS:n1');
});

test('approving and signing need permission on the signer', async () => {
  const admin = await as(ADMIN);
  await admin.create(csrs, request('mine', { commonName: 'jane' }, { signer: 'kube-apiserver-client' }));
  const csr = await admin.get(csrs, { name: 'mine' });
  const controller = await as({ commonName: 'system:serviceaccount:kube-system:kubelet-serving-controller' });
  const conditions = [{ type: 'Approved', status: 'True' }];
  const approved = { ...csr, status: { conditions } } as never;
  await assert.rejects(
    controller.update(csrs, approved, { subresource: 'approval' }),
    denied(/user not permitted to approve requests with signerName "kubernetes.io\/kube-apiserver-client"/),
  );
});

test('nobody becomes an administrator by a signed request', async () => {
  const admin = await as(ADMIN);
  const asked = request(
    'root',
    { commonName: 'root', organizations: ['system:masters'] },
    { signer: 'kube-apiserver-client' },
  );
  await assert.rejects(
    admin.create(csrs, asked),
    denied(/use of kubernetes.io\/kube-apiserver-client signer with system:masters group is not allowed/),
  );
});
