// Certificates that live for seconds, so that a node lives through several: the client's towards the API and the one
// of port 10250, renewed while a log is followed; and a node that joins with nothing but a bootstrap token.
import assert from 'node:assert/strict';
import { X509Certificate } from 'node:crypto';
import { readFile, rm, stat, writeFile } from 'node:fs/promises';
import { test } from 'node:test';
import { connect } from 'node:tls';
import type { CertificateSigningRequest } from '../../../api/types/certificates/certificate-signing-request.ts';
import { useCluster } from '../harness/cluster.ts';
import { waitFor } from '../harness/wait.ts';
import { Pods, shell } from './pods.ts';

const cluster = useCluster({ serverArgs: ['--cluster-signing-duration=10s'] });
const pods = new Pods(cluster);
const CSRS = '/apis/certificates.k8s.io/v1/certificatesigningrequests';
const PKI = '/var/lib/skiff/pki';
const OWN = '/var/lib/skiff/agent/certificates';

const path = (file: string) => cluster().node.node.path(file);
const serialOf = async (name: string) => new X509Certificate(await readFile(path(`${OWN}/${name}.pem`))).serialNumber;

/** What port 10250 presents, to somebody who insists on the cluster's authority and the node's address. */
async function presented(): Promise<X509Certificate> {
  const ca = await readFile(path(`${PKI}/ca.crt`));
  const { promise, resolve, reject } = Promise.withResolvers<X509Certificate>();
  const socket = connect({ host: cluster().node.node.address, port: 10250, ca });
  socket.once('secureConnect', () => resolve(socket.getPeerX509Certificate()!));
  socket.once('error', reject);
  return promise.finally(() => socket.destroy());
}

test('both certificates are the nodes own soon after its start, and signed by request', async () => {
  await waitFor('both files', async () => (await serialOf('kubelet-client')) && (await serialOf('kubelet-server')));
  assert.equal((await stat(path(`${OWN}/kubelet-client.pem`))).mode & 0o777, 0o600);
  const { items } = await cluster().api.get<{ items: CertificateSigningRequest[] }>(CSRS);
  const signers = new Set(items.filter(({ status }) => status.certificate).map(({ spec }) => spec.signerName));
  assert.deepEqual([...signers].sort(), [
    'kubernetes.io/kube-apiserver-client-kubelet',
    'kubernetes.io/kubelet-serving',
  ]);
});

test('certificates are renewed while the node goes on: same process, Ready, and a log that is followed', async () => {
  const pid = await cluster().node.pid('agent');
  const client = await serialOf('kubelet-client');
  const serving = await waitFor('a certificate of its own', async () => {
    const cert = await presented();
    return cert.subjectAltName?.includes('localhost') ? undefined : cert;
  });
  await pods.create('ticks', {
    restartPolicy: 'Never',
    containers: [shell('main', 'for i in $(seq 70); do echo tick $i; sleep 0.2; done')],
  });
  await pods.until('ticks', 'running', ({ status }) => status.phase === 'Running');
  const followed = cluster().kubectl(['logs', '-f', 'ticks'], { timeoutMs: 60_000 });
  await waitFor('a new client certificate', async () => (await serialOf('kubelet-client')) !== client);
  const second = await waitFor('a new serving certificate', async () => {
    const now = await presented();
    return now.serialNumber !== serving.serialNumber && now;
  });
  assert.ok(second.checkIP(cluster().node.node.address));
  await waitFor('the first to have expired', () => Date.now() > serving.validToDate.getTime() + 1_000);
  assert.ok((await presented()).validToDate.getTime() > Date.now());
  const ticks = Array.from({ length: 70 }, (_, i) => `tick ${i + 1}`);
  assert.equal((await followed).stdout.trim(), ticks.join('\n'));
  assert.equal((await cluster().kubectl(['logs', 'ticks', '--tail=1'])).stdout.trim(), 'tick 70');
  await cluster().untilNodesReady();
  assert.equal(await cluster().node.pid('agent'), pid);
});

test('a node whose certificates have expired while the server was down comes back by itself', async () => {
  const before = await serialOf('kubelet-client');
  await cluster().kill('server');
  const { validToDate } = new X509Certificate(await readFile(path(`${OWN}/kubelet-client.pem`)));
  await waitFor('it to expire', () => Date.now() > validToDate.getTime() + 500);
  await cluster().restart('server');
  await waitFor('a new one', async () => (await serialOf('kubelet-client')) !== before);
  await cluster().untilNodesReady();
});

test('a node joins by a bootstrap token, and a token that nobody made does not let it in', async () => {
  const { node } = cluster().node;
  await cluster().kill('agent');
  await rm(path(OWN), { recursive: true });
  for (const name of ['kubelet-client', 'kubelet-server']) await rm(path(`${PKI}/${name}.crt`));
  await writeFile(node.path('/etc/skiff/config.yaml'), 'bootstrap-token: abcdef.0123456789abcdef\n');
  await cluster().restart('agent');
  await waitFor('the refusal', () => cluster().node.log('agent').includes('not joined yet'));
  const data = {
    'token-id': 'abcdef',
    'token-secret': '0123456789abcdef',
    'usage-bootstrap-authentication': 'true',
    expiration: new Date(Date.now() + 12_000).toISOString(),
  };
  const secret = {
    metadata: { name: 'bootstrap-token-abcdef' },
    type: 'bootstrap.kubernetes.io/token',
    stringData: data,
  };
  await pods.call('POST', '/api/v1/namespaces/kube-system/secrets', secret);
  await waitFor('the certificate', () => serialOf('kubelet-client'));
  await waitFor('a serving certificate that the server believes', async () => (await presented()) !== undefined);
  await cluster().untilNodesReady();
  const asked = await cluster().api.get<{ items: CertificateSigningRequest[] }>(CSRS);
  assert.ok(asked.items.some(({ spec }) => spec.username === 'system:bootstrap:abcdef'));
  await waitFor('the expired token to be gone', async () => {
    const { status } = await cluster().api.call('GET', '/api/v1/namespaces/kube-system/secrets/bootstrap-token-abcdef');
    return status === 404;
  });
});
