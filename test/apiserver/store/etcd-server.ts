// A real etcd for the tests: one or three members on loopback, TLS both ways, data in a temporary folder.
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { createPublicKey } from 'node:crypto';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DAY_MS, issue, newAuthority, newKey } from '../../../api/pki/x509.ts';
import { systemRandom } from '../../../api/system.ts';
import type { EtcdEndpoints } from '../../../apiserver/store/etcd-client.ts';

export const noEtcd = missing();

function missing(): string | undefined {
  try {
    execFileSync('etcd', ['--version'], { stdio: 'ignore' });
    return undefined;
  } catch {
    return 'no etcd on PATH (package etcd-server)';
  }
}

export interface EtcdCluster extends AsyncDisposable {
  readonly to: EtcdEndpoints;
  /** Ends a member as a power cut would. */
  kill(member: number): Promise<void>;
  start(member: number): void;
  /** Holds a member where it is; it keeps its connections and answers nothing. */
  pause(member: number): void;
  resume(member: number): void;
}

export async function startEtcd(size = 1): Promise<EtcdCluster> {
  const folder = mkdtempSync(join(tmpdir(), 'skiff-etcd-'));
  const file = (name: string, content: string) => {
    writeFileSync(join(folder, name), content, { mode: 0o600 });
    return join(folder, name);
  };
  const deps = { random: systemRandom, nowMs: Date.now() };
  const ca = newAuthority({ subject: { commonName: 'etcd-ca' }, validMs: DAY_MS }, deps);
  const key = newKey();
  const cert = issue(
    ca,
    {
      subject: { commonName: 'etcd' },
      publicKey: createPublicKey(key),
      usages: ['server', 'client'],
      validMs: DAY_MS,
      ips: ['127.0.0.1'],
    },
    deps,
  );
  const [caFile, certFile, keyFile] = [file('ca.pem', ca.certPem), file('cert.pem', cert), file('key.pem', key)];
  const ports = await freePorts(size * 2);
  const client = (n: number) => `https://127.0.0.1:${ports[n]}`;
  const peer = (n: number) => `https://127.0.0.1:${ports[size + n]}`;
  const all = Array.from({ length: size }, (_, n) => n);
  const members: (ChildProcess | undefined)[] = [];
  const tls = (who: '' | 'peer-') => [
    `--${who}cert-file=${certFile}`,
    `--${who}key-file=${keyFile}`,
    `--${who}trusted-ca-file=${caFile}`,
    `--${who}client-cert-auth`,
  ];
  const start = (n: number) => {
    const data = join(folder, `member-${n}`);
    mkdirSync(data, { recursive: true, mode: 0o700 });
    members[n] = spawn(
      'etcd',
      [
        `--name=m${n}`,
        `--data-dir=${data}`,
        `--listen-client-urls=${client(n)}`,
        `--advertise-client-urls=${client(n)}`,
        `--listen-peer-urls=${peer(n)}`,
        `--initial-advertise-peer-urls=${peer(n)}`,
        `--initial-cluster=${all.map((m) => `m${m}=${peer(m)}`).join(',')}`,
        ...tls(''),
        ...tls('peer-'),
      ],
      { stdio: 'ignore', env: { ...process.env, ETCD_UNSUPPORTED_ARCH: process.arch } },
    );
  };
  const kill = (n: number) =>
    new Promise<void>((resolve) => {
      const member = members[n];
      members[n] = undefined;
      if (member === undefined) return resolve();
      member.once('exit', () => resolve());
      member.kill('SIGKILL');
    });
  for (const n of all) start(n);
  return {
    to: { endpoints: all.map(client), caFile, certFile, keyFile },
    kill,
    start,
    pause: (member) => members[member]?.kill('SIGSTOP'),
    resume: (member) => members[member]?.kill('SIGCONT'),
    async [Symbol.asyncDispose]() {
      await Promise.all(all.map(kill));
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

async function freePorts(count: number): Promise<number[]> {
  const servers = Array.from({ length: count }, () => createServer().listen(0, '127.0.0.1'));
  const ports: number[] = [];
  for (const server of servers) {
    if (!server.listening) await new Promise((resolve) => server.once('listening', resolve));
    const address = server.address();
    if (typeof address === 'object' && address !== null) ports.push(address.port);
  }
  await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))));
  return ports;
}
