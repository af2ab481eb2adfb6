import assert from 'node:assert/strict';
import { X509Certificate } from 'node:crypto';
import { test } from 'node:test';
import { newSigningRequest, parseSigningRequest } from '../../../api/pki/csr.ts';
import type { AlternativeNames, Subject } from '../../../api/pki/names.ts';
import { DAY_MS, issueRequested, newAuthority, newKey } from '../../../api/pki/x509.ts';
import { systemRandom } from '../../../api/system.ts';
import type { CertificateSigningRequest } from '../../../api/types/certificates/certificate-signing-request.ts';
import type { Node } from '../../../api/types/core/node.ts';
import { decideRequest, removalMs, validity } from '../../../apiserver/controllers/certificate-decide.ts';
import { SIGNERS } from '../../../apiserver/controllers/certificate-signers.ts';
import { servingProblem } from '../../../apiserver/controllers/kubelet-serving.ts';

const BORN = '2026-01-01T00:00:00Z';
const BORN_MS = Date.parse(BORN);
const HOUR_MS = 3_600_000;
const KEY = newKey();
const NODE = { commonName: 'system:node:n1', organizations: ['system:nodes'] };
const CLIENT = ['digital signature', 'client auth'];
const SERVING = ['digital signature', 'server auth'];

interface Parts {
  signer?: string;
  subject?: Subject;
  names?: AlternativeNames;
  usages?: string[];
  user?: string;
  conditions?: string[];
  certificate?: string;
}

function aRequest(parts: Parts = {}): CertificateSigningRequest {
  const { signer = 'kube-apiserver-client-kubelet', subject = NODE, names, usages = CLIENT, user = 'x' } = parts;
  const conditions = parts.conditions?.map((type) => ({ type, status: 'True', lastUpdateTime: BORN }));
  return {
    metadata: { name: 'r', uid: 'u', creationTimestamp: BORN },
    spec: {
      request: Buffer.from(newSigningRequest(KEY, subject, names)).toString('base64'),
      signerName: `kubernetes.io/${signer}`,
      username: user,
      usages,
    },
    status: { ...(conditions && { conditions }), ...(parts.certificate && { certificate: parts.certificate }) },
  } as unknown as CertificateSigningRequest;
}

const said = (csr: CertificateSigningRequest, nowMs = BORN_MS) => {
  const step = decideRequest(csr, nowMs);
  if (step.do === 'ask') return `ask ${step.permissions.map(({ subresource }) => subresource).join(' ')}`;
  return step.do === 'fail' ? `fail: ${step.message}` : step.do;
};

const ISSUED = Buffer.from(
  newAuthority({ subject: { commonName: 'x' }, validMs: HOUR_MS / 2 }, { random: systemRandom, nowMs: BORN_MS })
    .certPem,
).toString('base64');

const steps: { it: string; csr: Parts; afterMs?: number; wants: string }[] = [
  { it: 'asks whether a stranger may have a node certificate', csr: {}, wants: 'ask nodeclient' },
  {
    it: 'asks first whether a node may renew its own certificate',
    csr: { user: NODE.commonName },
    wants: 'ask selfnodeclient nodeclient',
  },
  {
    it: 'leaves kubelet serving to another controller',
    csr: { signer: 'kubelet-serving', usages: SERVING, names: { dns: ['n1'] } },
    wants: 'nothing',
  },
  { it: 'leaves clients to people', csr: { signer: 'kube-apiserver-client' }, wants: 'nothing' },
  { it: 'does not approve what could not be signed', csr: { names: { dns: ['n1'] } }, wants: 'nothing' },
  { it: 'leaves foreign signers alone', csr: { signer: 'mine', conditions: ['Approved'] }, wants: 'nothing' },
  { it: 'signs what is approved', csr: { conditions: ['Approved'] }, wants: 'sign' },
  { it: 'does not sign what is denied', csr: { conditions: ['Denied'] }, wants: 'nothing' },
  { it: 'does not look at a failed one again', csr: { conditions: ['Approved', 'Failed'] }, wants: 'nothing' },
  { it: 'does not sign twice', csr: { conditions: ['Approved'], certificate: ISSUED }, wants: 'nothing' },
  {
    it: 'refuses wrong usages',
    csr: { signer: 'kube-apiserver-client', usages: ['server auth'], conditions: ['Approved'] },
    wants: 'fail: invalid usage for client certificate: server auth',
  },
  {
    it: 'refuses a client certificate that is none',
    csr: { signer: 'kube-apiserver-client', usages: ['digital signature'], conditions: ['Approved'] },
    wants: 'fail: missing required usage for client certificate: client auth',
  },
  {
    it: 'refuses a node of another group',
    csr: { subject: { ...NODE, organizations: ['system:masters'] }, conditions: ['Approved'] },
    wants: 'fail: subject organization is not system:nodes',
  },
  {
    it: 'refuses a node of another name',
    csr: { subject: { ...NODE, commonName: 'root' }, conditions: ['Approved'] },
    wants: 'fail: subject common name does not begin with system:node:',
  },
  {
    it: 'refuses a server without names',
    csr: { signer: 'kubelet-serving', usages: SERVING, conditions: ['Approved'] },
    wants: 'fail: DNS or IP subjectAltName is required',
  },
  {
    it: 'refuses a server with further usages',
    csr: {
      signer: 'kubelet-serving',
      usages: [...SERVING, 'client auth'],
      names: { dns: ['n1'] },
      conditions: ['Approved'],
    },
    wants: 'fail: usages did not match [digital signature key encipherment server auth]',
  },
  {
    it: 'signs for a legacy requester whatever was approved',
    csr: { signer: 'legacy-unknown', usages: ['any'], conditions: ['Approved'] },
    wants: 'sign',
  },
  { it: 'keeps an undecided one for a day', csr: { signer: 'mine' }, afterMs: 24 * HOUR_MS - 1, wants: 'nothing' },
  { it: 'removes an undecided one after a day', csr: { signer: 'mine' }, afterMs: 24 * HOUR_MS, wants: 'remove' },
  { it: 'removes a denied one after an hour', csr: { conditions: ['Denied'] }, afterMs: HOUR_MS, wants: 'remove' },
  {
    it: 'removes a failed one after an hour',
    csr: { conditions: ['Approved', 'Failed'] },
    afterMs: HOUR_MS,
    wants: 'remove',
  },
  {
    it: 'keeps an approved one that nobody signs',
    csr: { signer: 'mine', conditions: ['Approved'] },
    afterMs: 48 * HOUR_MS,
    wants: 'nothing',
  },
  {
    it: 'removes one whose certificate has expired',
    csr: { conditions: ['Approved'], certificate: ISSUED },
    afterMs: HOUR_MS / 2,
    wants: 'remove',
  },
];
for (const { it, csr, afterMs = 0, wants } of steps) {
  test(`decideRequest ${it}`, () => assert.equal(said(aRequest(csr), BORN_MS + afterMs), wants));
}

test('every request has a time when it is removed or waits for somebody', () => {
  assert.equal(removalMs(aRequest()), BORN_MS + 24 * HOUR_MS);
  assert.equal(removalMs(aRequest({ conditions: ['Approved'] })), undefined);
  assert.equal(removalMs(aRequest({ conditions: ['Approved'], certificate: ISSUED })), BORN_MS + HOUR_MS / 2);
});

const lives: { it: string; seconds?: number; mostMs: number; livesMs: number; fromNowMs: number }[] = [
  {
    it: 'gives a year less the backdating',
    mostMs: 365 * DAY_MS,
    livesMs: 365 * DAY_MS,
    fromNowMs: 365 * DAY_MS - 300_000,
  },
  {
    it: 'gives what is asked for',
    seconds: 86_400,
    mostMs: 365 * DAY_MS,
    livesMs: DAY_MS,
    fromNowMs: DAY_MS - 300_000,
  },
  {
    it: 'adds the backdating to a short life',
    seconds: 3_600,
    mostMs: DAY_MS,
    livesMs: HOUR_MS + 300_000,
    fromNowMs: HOUR_MS,
  },
  {
    it: 'never gives more than the cluster does',
    seconds: 86_400,
    mostMs: 60_000,
    livesMs: 360_000,
    fromNowMs: 60_000,
  },
];
for (const { it, seconds, mostMs, livesMs, fromNowMs } of lives) {
  test(`validity ${it}`, () => {
    const { notBeforeMs, notAfterMs } = validity(seconds, mostMs, BORN_MS);
    assert.deepEqual([notAfterMs - notBeforeMs, notAfterMs - BORN_MS], [livesMs, fromNowMs]);
  });
}

test('a signed certificate carries the subject, the names and the usages of its request', () => {
  const ca = newAuthority({ subject: { commonName: 'ca' }, validMs: DAY_MS }, { random: systemRandom, nowMs: BORN_MS });
  const names = { dns: ['n1'], ips: ['10.0.0.1', 'fd00::1'], emails: ['a@b.example'], uris: ['spiffe://a/b'] };
  const request = parseSigningRequest(newSigningRequest(KEY, NODE, names));
  const terms = {
    usages: ['digital signature', 'server auth', 'client auth'],
    ...validity(undefined, HOUR_MS, BORN_MS),
  };
  const cert = new X509Certificate(issueRequested(ca, request, terms, systemRandom));
  assert.ok(cert.verify(new X509Certificate(ca.certPem).publicKey));
  assert.equal(cert.subject, 'O=system:nodes\nCN=system:node:n1');
  assert.deepEqual(cert.keyUsage, ['1.3.6.1.5.5.7.3.1', '1.3.6.1.5.5.7.3.2']);
  assert.equal(
    cert.subjectAltName,
    'email:a@b.example, DNS:n1, URI:spiffe://a/b, IP Address:10.0.0.1, IP Address:FD00:0:0:0:0:0:0:1',
  );
  assert.throws(
    () => issueRequested(ca, request, { ...terms, usages: ['flying'] }, systemRandom),
    /unrecognized usage/,
  );
});

test('there is a rule for each signer of the cluster', () => {
  assert.deepEqual(
    [...SIGNERS.keys()].map((name) => name.slice('kubernetes.io/'.length)),
    ['kube-apiserver-client', 'kube-apiserver-client-kubelet', 'kubelet-serving', 'legacy-unknown'],
  );
});

const aNode = (name: string, ...addresses: string[]) =>
  ({
    metadata: { name },
    status: { addresses: addresses.map((address) => ({ type: 'InternalIP', address })) },
  }) as unknown as Node;
const RESERVED = { serviceCidrs: ['10.43.0.0/16'], apiAddress: '10.0.0.9', localNode: 'server' };

const servings: { it: string; names: AlternativeNames; nodes: Node[]; user?: string; wants: RegExp | undefined }[] = [
  {
    it: 'approves the name and addresses of the node',
    names: { dns: ['n1'], ips: ['10.0.0.1'] },
    nodes: [aNode('n1', '10.0.0.1'), aNode('n2', '10.0.0.2')],
    wants: undefined,
  },
  {
    it: 'refuses what another asks for',
    names: { dns: ['n1'] },
    nodes: [aNode('n1')],
    user: 'system:node:n2',
    wants: /n2 asks for/,
  },
  { it: 'refuses a node that is not there', names: { dns: ['n1'] }, nodes: [], wants: /no node n1/ },
  {
    it: 'refuses addresses of nobody',
    names: { ips: ['10.0.0.7'] },
    nodes: [aNode('n1', '10.0.0.1')],
    wants: /10.0.0.7 is no address/,
  },
  {
    it: 'refuses an address that two nodes claim',
    names: { ips: ['10.0.0.1'] },
    nodes: [aNode('n1', '10.0.0.1'), aNode('n2', '10.0.0.1')],
    wants: /another node/,
  },
  {
    it: 'refuses the name of another node',
    names: { dns: ['n2'] },
    nodes: [aNode('n1', 'n2'), aNode('n2')],
    wants: /another node/,
  },
  {
    it: 'refuses addresses of services',
    names: { ips: ['10.43.0.1'] },
    nodes: [aNode('n1', '10.43.0.1')],
    wants: /services/,
  },
  {
    it: 'refuses the address of the API',
    names: { ips: ['10.0.0.9'] },
    nodes: [aNode('n1', '10.0.0.9')],
    wants: /the API/,
  },
  {
    it: 'refuses names of the API',
    names: { dns: ['kubernetes.default.svc'] },
    nodes: [aNode('n1', 'kubernetes.default.svc')],
    wants: /name of the API/,
  },
];
for (const { it, names, nodes, user = NODE.commonName, wants } of servings) {
  test(`servingProblem ${it}`, () => {
    const problem = servingProblem(
      aRequest({ signer: 'kubelet-serving', usages: SERVING, names, user }),
      nodes,
      RESERVED,
    );
    if (wants === undefined) assert.equal(problem, undefined);
    else assert.match(problem ?? '', wants);
  });
}

test('servingProblem lets the node of the server share its address', () => {
  const subject = { ...NODE, commonName: 'system:node:server' };
  const names = { dns: ['server'], ips: ['10.0.0.9'] };
  const csr = aRequest({ signer: 'kubelet-serving', usages: SERVING, names, subject, user: subject.commonName });
  assert.equal(servingProblem(csr, [aNode('server', '10.0.0.9')], RESERVED), undefined);
});
