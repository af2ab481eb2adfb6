// A whole API server on the in-memory store, with certificates of its own, on a free port: for tests over HTTPS.
import { generateKeyPairSync } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { silent } from '../../api/log.ts';
import { type CertificateRequest, DAY_MS, issue, newAuthority, newKey } from '../../api/pki/x509.ts';
import { systemClock, systemRandom } from '../../api/system.ts';
import type { ServerConfig } from '../../apiserver/config.ts';
import { runServer } from '../../apiserver/main.ts';

export interface TestServer extends AsyncDisposable {
  readonly url: string;
  readonly folder: string;
  readonly files: { readonly ca: string; readonly cert: string; readonly key: string };
}

/** What is in `kept` stays there and is used again: a server that starts anew is then the same to its clients. */
export async function startTestServer(overrides: Partial<ServerConfig> = {}, kept?: string): Promise<TestServer> {
  const folder = kept ?? (await mkdtemp(join(tmpdir(), 'skiff-api-')));
  const at = (name: string) => join(folder, name);
  if (!existsSync(at('sa.key'))) await writeCertificates(at);
  const config: ServerConfig = {
    run: ['api'],
    bindAddress: '127.0.0.1',
    port: 0,
    advertiseAddress: '127.0.0.1',
    dataDir: folder,
    runDir: folder,
    store: { kind: 'memory' },
    pki: {
      certFile: at('server.crt'),
      keyFile: at('server.key'),
      rootCaFile: at('ca.crt'),
      clientCaFile: at('ca.crt'),
      serviceAccountKeyFile: at('sa.key'),
      kubeletClientCertFile: at('admin.crt'),
      kubeletClientKeyFile: at('admin.key'),
      kubeletCaFile: at('ca.crt'),
      signingCertFile: at('ca.crt'),
      signingKeyFile: at('ca.key'),
    },
    signingDurationMs: DAY_MS,
    localNode: 'localhost',
    serviceAccountIssuer: 'https://kubernetes.default.svc',
    clusterDomain: 'cluster.local',
    clusterCidrs: ['10.42.0.0/16'],
    serviceCidrs: ['10.43.0.0/16'],
    clusterDns: ['10.43.0.10'],
    nodePortRange: { from: 30000, to: 32767 },
    log: { level: 'error', format: 'json' },
    ...overrides,
  };
  const stop = new AbortController();
  const listening = Promise.withResolvers<{ port: number }>();
  const deps = { clock: systemClock, random: systemRandom, log: silent, onListening: listening.resolve };
  const done = runServer(config, deps, stop.signal);
  done.catch(listening.reject);
  const { port } = await listening.promise;
  return {
    url: `https://127.0.0.1:${port}`,
    folder,
    files: { ca: at('ca.crt'), cert: at('admin.crt'), key: at('admin.key') },
    async [Symbol.asyncDispose]() {
      stop.abort();
      await done;
      if (kept === undefined) await rm(folder, { recursive: true, force: true });
    },
  };
}

async function writeCertificates(at: (name: string) => string): Promise<void> {
  const made = { random: systemRandom, nowMs: Date.now() };
  const validMs = DAY_MS;
  const ca = newAuthority({ subject: { commonName: 'test-ca' }, validMs }, made);
  const certified = (request: Omit<CertificateRequest, 'publicKey' | 'validMs'>) => {
    const key = newKey();
    return { key, cert: issue(ca, { ...request, publicKey: key, validMs }, made) };
  };
  const admin = certified({ subject: { commonName: 'admin', organizations: ['system:masters'] }, usages: ['client'] });
  const names = { dns: ['localhost'], ips: ['127.0.0.1'] };
  const server = certified({ subject: { commonName: 'server' }, usages: ['server'], ...names });
  // RSA as upstream's recorded tokens; the product signs with ES256.
  const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
  await Promise.all([
    writeFile(at('ca.crt'), ca.certPem),
    writeFile(at('ca.key'), ca.keyPem, { mode: 0o600 }),
    writeFile(at('admin.crt'), admin.cert),
    writeFile(at('admin.key'), admin.key, { mode: 0o600 }),
    writeFile(at('server.crt'), server.cert),
    writeFile(at('server.key'), server.key, { mode: 0o600 }),
    writeFile(at('sa.key'), privateKey.export({ type: 'pkcs8', format: 'pem' }), { mode: 0o600 }),
  ]);
}
