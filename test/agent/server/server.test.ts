// The listener itself, over real TLS: certificates, unknown clients, certificates that are replaced.
import assert from 'node:assert/strict';
import { X509Certificate } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { type RequestOptions, request } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { after, before, test } from 'node:test';
import { connect, type TLSSocket } from 'node:tls';
import { ImageClient } from '../../../agent/cri/images.ts';
import { RuntimeClient } from '../../../agent/cri/runtime.ts';
import { type AgentServer, startServer } from '../../../agent/server/start.ts';
import { silent } from '../../../api/log.ts';
import { DAY_MS, issue, newAuthority, newKey } from '../../../api/pki/x509.ts';
import { systemRandom } from '../../../api/system.ts';
import { VirtualClock } from '../../sim/virtual-clock.ts';

const never = new AbortController().signal;
const deps = { random: systemRandom, nowMs: Date.now() };
const authorityOf = (commonName: string) => newAuthority({ subject: { commonName }, validMs: DAY_MS }, deps);
const authority = authorityOf('one');
const stranger = authorityOf('another');
const clock = new VirtualClock();
let dir: string;
let server: AgentServer;

function certificate(
  of: typeof authority,
  commonName: string,
  usage: 'server' | 'client',
  organizations: string[] = [],
) {
  const key = newKey();
  const names = { dns: [], ips: ['127.0.0.1'] };
  const subject = { commonName, organizations };
  return { key, cert: issue(of, { subject, ...names, usages: [usage], publicKey: key, validMs: DAY_MS }, deps) };
}

async function place(name: string): Promise<void> {
  const { cert, key } = certificate(authority, name, 'server');
  await writeFile(join(dir, 'tls.key'), key);
  await writeFile(join(dir, 'tls.crt'), cert);
}

before(async () => {
  dir = await mkdtemp(join(tmpdir(), 'agent-server-'));
  await place('node-1');
  await writeFile(join(dir, 'ca.crt'), authority.certPem);
  const files = { certFile: join(dir, 'tls.crt'), keyFile: join(dir, 'tls.key'), clientCaFile: join(dir, 'ca.crt') };
  server = await startServer(
    {
      config: { nodeName: 'node-1', kubeletDir: dir, kubelet: { bindAddress: '127.0.0.1', port: 0, ...files } },
      runtime: new RuntimeClient(join(dir, 'no.sock'), clock),
      images: new ImageClient(join(dir, 'no.sock'), clock),
      pods: { pod: () => undefined, pods: () => [] },
      configuration: { maxPods: 110 },
      probeCounts: () => [],
      storage: async () => new Map(),
      reviews: {
        userOf: async (token) => (token === 'good' ? { name: 'ann', groups: [] } : undefined),
        allows: async (_user, { subresource }) => subresource === 'healthz',
      },
      clock,
      log: silent,
    },
    never,
  );
});
after(async () => {
  await server[Symbol.asyncDispose]();
  await rm(dir, { recursive: true });
});

async function ask(path: string, options: RequestOptions = {}): Promise<{ status?: number; body: string }> {
  return new Promise((resolve, reject) => {
    const to = { host: '127.0.0.1', port: server.port, path, ca: authority.certPem, agent: false as const };
    request({ ...to, ...options }, (answer) => {
      text(answer).then((body) => resolve({ status: answer.statusCode, body }), reject);
    })
      .on('error', reject)
      .end();
  });
}

const masters = certificate(authority, 'api', 'client', ['system:masters']);
const cases: { it: string; path: string; options: RequestOptions; status: number; body: string }[] = [
  { it: 'no name', path: '/healthz', options: {}, status: 401, body: 'Unauthorized' },
  {
    it: 'a certificate of another authority',
    path: '/healthz',
    options: certificate(stranger, 'api', 'client', ['system:masters']),
    status: 401,
    body: 'Unauthorized',
  },
  {
    it: 'a certificate for servers',
    path: '/healthz',
    options: certificate(authority, 'api', 'server', ['system:masters']),
    status: 401,
    body: 'Unauthorized',
  },
  {
    it: 'a bad token',
    path: '/healthz',
    options: { headers: { authorization: 'Bearer bad' } },
    status: 401,
    body: 'Unauthorized',
  },
  {
    it: 'a good token',
    path: '/healthz',
    options: { headers: { authorization: 'Bearer good' } },
    status: 200,
    body: 'ok',
  },
  {
    it: 'a token without the right',
    path: '/stats/summary',
    options: { headers: { authorization: 'Bearer good' } },
    status: 403,
    body: 'Forbidden (user=ann, verb=get, resource=nodes, subresource(s)=[stats])\n',
  },
  {
    it: 'the API',
    path: '/pods',
    options: masters,
    status: 200,
    body: '{"kind":"PodList","apiVersion":"v1","metadata":{},"items":[]}',
  },
  { it: 'HEAD', path: '/healthz', options: { ...masters, method: 'HEAD' }, status: 200, body: '' },
  { it: 'a page that is not there', path: '/nothing', options: masters, status: 404, body: '404 page not found\n' },
  { it: 'a path that is no address', path: '//', options: masters, status: 404, body: '404 page not found\n' },
  {
    it: 'another method',
    path: '/pods',
    options: { ...masters, method: 'DELETE' },
    status: 405,
    body: '405: Method Not Allowed',
  },
  {
    it: 'exec without an upgrade',
    path: '/exec/a/b/c',
    options: { ...masters, method: 'POST' },
    status: 400,
    body: 'Upgrade request required',
  },
  {
    it: 'an upgrade of a page',
    path: '/healthz',
    options: { ...masters, headers: { connection: 'Upgrade', upgrade: 'h2c' } },
    status: 200,
    body: 'ok',
  },
];
for (const { it, path, options, status, body } of cases) {
  test(`the answer to ${it} is ${status}`, async () => assert.deepEqual(await ask(path, options), { status, body }));
}

test('an upgrade of somebody without a name is refused on the same connection', async () => {
  const headers = { connection: 'Upgrade', upgrade: 'SPDY/3.1' };
  assert.deepEqual(await ask('/exec/a/b/c?output=1&command=x', { method: 'POST', headers }), {
    status: 401,
    body: 'Unauthorized',
  });
});

function handshake(options: object): Promise<TLSSocket> {
  return new Promise((resolve, reject) => {
    const to = { host: '127.0.0.1', port: server.port, ca: authority.certPem };
    const socket = connect({ ...to, ...options }, () => resolve(socket));
    socket.on('error', reject);
  });
}

test('old TLS is refused', async () => {
  await assert.rejects(handshake({ minVersion: 'TLSv1.1', maxVersion: 'TLSv1.1', ciphers: 'DEFAULT@SECLEVEL=0' }));
});

test('a certificate that is replaced is served to new connections, a broken one is not', async () => {
  const served = async () => {
    const socket = await handshake({});
    const { subject } = new X509Certificate(socket.getPeerX509Certificate()!.raw);
    socket.destroy();
    return subject;
  };
  /** Reading files takes real time that the clock knows nothing of. */
  const until = async (wanted: string) => {
    for (let tries = 0; tries < 200; tries++) {
      await clock.advance(30_000);
      if ((await served()).includes(wanted)) return;
    }
    assert.fail(`never served ${wanted}`);
  };
  assert.match(await served(), /CN=node-1/);
  await place('renewed');
  await until('CN=renewed');
  await writeFile(join(dir, 'tls.key'), newKey());
  await clock.advance(60_000);
  assert.match(await served(), /CN=renewed/);
});
