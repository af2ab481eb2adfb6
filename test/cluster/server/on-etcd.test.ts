// Whole servers on a real etcd with TLS, started by the real command line: two beside one another that see each other's
// writes, kill -9 of a server and of etcd, and an etcd of three of whose members one is killed or stands still.
import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { get } from 'node:https';
import type { AddressInfo } from 'node:net';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { after, test } from 'node:test';
import { systemRandom } from '../../../api/system.ts';
import { kubeconfig } from '../../../cli/kubeconfig.ts';
import { ensurePki, readAdmin } from '../../../cli/pki.ts';
import { type EtcdCluster, noEtcd, startEtcd } from '../../apiserver/store/etcd-server.ts';
import { type AdminAccess, ApiAccess } from '../harness/api-access.ts';
import { exec } from '../harness/process.ts';
import { waitFor } from '../harness/wait.ts';

const MAIN = resolve(import.meta.dirname, '../../../cli/main.ts');
const MAPS = '/api/v1/namespaces/default/configmaps';
const dir = mkdtempSync(join(tmpdir(), `skiff-test-${process.pid}-etcd-`));
after(() => rmSync(dir, { recursive: true }));

async function freePort(): Promise<number> {
  const probe = createServer().listen(0, '127.0.0.1');
  await once(probe, 'listening');
  const { port } = probe.address() as AddressInfo;
  probe.close();
  return port;
}

/** `skiff server`, on loopback. */
class Server implements AsyncDisposable {
  readonly #args: readonly string[];
  #child: ChildProcess | undefined;
  readonly admin: AdminAccess;
  readonly api: ApiAccess;
  #log = '';

  private constructor(args: readonly string[], admin: AdminAccess) {
    this.#args = args;
    this.admin = admin;
    this.api = new ApiAccess(admin);
  }

  static async on(etcd: EtcdCluster, name: string, run = 'api'): Promise<Server> {
    const pki = join(dir, 'pki');
    const names = { hostname: 'localhost', nodeName: 'localhost', nodeIps: ['127.0.0.1'] };
    const ranges = { serviceCidrs: ['10.43.0.0/16'], clusterDomain: 'cluster.local' };
    await ensurePki(pki, { ...names, ...ranges }, { random: systemRandom, nowMs: Date.now() });
    const port = await freePort();
    const { endpoints, caFile, certFile, keyFile } = etcd.to;
    const args = [
      `--config-dir=${join(dir, name)}`,
      `--data-dir=${join(dir, name)}`,
      `--run-dir=${join(dir, name)}`,
      `--pki-dir=${pki}`,
      '--bind-address=127.0.0.1',
      '--advertise-address=127.0.0.1',
      `--port=${port}`,
      `--run=${run}`,
      '--store=etcd',
      `--etcd-endpoints=${endpoints.join(',')}`,
      `--etcd-ca-file=${caFile}`,
      `--etcd-cert-file=${certFile}`,
      `--etcd-key-file=${keyFile}`,
    ];
    const server = new Server(args, { server: `https://127.0.0.1:${port}`, ...(await readAdmin(pki)) });
    await server.start();
    return server;
  }

  async start(): Promise<void> {
    const child = spawn(process.execPath, ['--no-warnings', MAIN, 'server', ...this.#args], {
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    this.#child = child;
    for (const stream of [child.stdout, child.stderr]) {
      stream.on('data', (chunk: Buffer) => {
        this.#log = (this.#log + String(chunk)).slice(-4096);
      });
    }
    await waitFor('the server to be ready', async () => {
      assert.equal(child.exitCode, null, this.#log);
      return (await this.api.call('GET', '/readyz')).status === 200;
    });
  }

  async kill(): Promise<void> {
    const child = this.#child!;
    if (child.exitCode !== null || child.signalCode !== null) return;
    const gone = once(child, 'exit');
    child.kill('SIGKILL');
    await gone;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.api[Symbol.dispose]();
    await this.kill();
  }
}

interface ConfigMap {
  metadata: { name: string; resourceVersion: string };
  data?: Record<string, string>;
}

const write = (to: Server, name: string, n: number) =>
  to.api.call('POST', MAPS, { metadata: { name }, data: { n: String(n) } });

/** What a watch tells, over as many connections as it takes. */
function watch(on: Server, from: string, signal: AbortSignal): ConfigMap[] {
  const seen: ConfigMap[] = [];
  const { server, caPem: ca, certPem: cert, keyPem: key } = on.admin;
  const connect = () => {
    if (signal.aborted) return;
    const revision = seen.at(-1)?.metadata.resourceVersion ?? from;
    const url = `${server}${MAPS}?watch=1&resourceVersion=${revision}`;
    const request = get(url, { ca, cert, key, agent: false, signal }, (answer) => {
      let rest = '';
      answer.setEncoding('utf8');
      answer.on('error', () => {});
      answer.on('data', (chunk: string) => {
        const lines = (rest + chunk).split('\n');
        rest = lines.pop()!;
        for (const line of lines) seen.push((JSON.parse(line) as { object: ConfigMap }).object);
      });
    });
    request.on('error', () => {});
    request.once('close', () => setTimeout(connect, 20));
  };
  connect();
  return seen;
}

const revisionOf = async (of: Server) =>
  (await of.api.get<{ metadata: { resourceVersion: string } }>(MAPS)).metadata.resourceVersion;

test('two servers on one etcd see each other at once; kill -9 of one and of etcd loses nothing', {
  skip: noEtcd,
}, async (t) => {
  await using etcd = await startEtcd();
  await using a = await Server.on(etcd, 'a', 'api,scheduler,controllers');
  await using b = await Server.on(etcd, 'b', 'api,scheduler,controllers');
  const stop = new AbortController();
  t.after(() => stop.abort());
  const seen = watch(b, await revisionOf(b), stop.signal);
  const written: string[] = [];
  for (let n = 0; n < 40; n++) {
    const [one, other] = n % 2 === 0 ? [a, b] : [b, a];
    const answer = await write(one, `m${n}`, n);
    assert.equal(answer.status, 201, JSON.stringify(answer.body));
    written.push(`m${n}`);
    // A list is as new as the newest write of anybody, and so is what an update is compared with.
    const { items } = await other.api.get<{ items: ConfigMap[] }>(MAPS);
    assert.ok(
      items.some(({ metadata }) => metadata.name === `m${n}`),
      `m${n} is not listed by the other`,
    );
    const { metadata } = answer.body as ConfigMap;
    const update = { metadata, data: { n: 'updated' } };
    const updates = await Promise.all([a, b].map(({ api }) => api.call('PUT', `${MAPS}/m${n}`, update)));
    assert.deepEqual(updates.map(({ status }) => status).sort(), [200, 409], 'one of two updates of one state holds');
  }
  await waitFor('the watch on the other to tell of all of it', () => seen.length >= 2 * written.length);

  // What controllers of either make, the other serves.
  writeFileSync(join(dir, 'kubeconfig'), kubeconfig(b.admin), { mode: 0o600 });
  const kubectl = async (...args: string[]) =>
    (
      await exec('kubectl', args, {
        env: { PATH: process.env['PATH']!, HOME: dir, KUBECONFIG: join(dir, 'kubeconfig') },
      })
    ).stdout;
  await kubectl('create', 'deployment', 'web', '--image=web', '--replicas=2');
  await waitFor('the pods of a deployment', async () => {
    return (await kubectl('get', 'pods', '-l', 'app=web', '-o', 'name')).trim().split('\n').length === 2;
  });
  assert.match(await kubectl('scale', 'deployment', 'web', '--replicas=1'), /scaled/);
  await waitFor('one pod less', async () => {
    return (await kubectl('get', 'pods', '-l', 'app=web', '-o', 'name')).trim().split('\n').length === 1;
  });

  await a.kill();
  await etcd.kill(0);
  const refused = await write(b, 'nowhere', 0).catch(() => undefined);
  assert.ok(refused === undefined || refused.status >= 500, 'nothing is acknowledged without etcd');
  etcd.start(0);
  await Promise.all([a.start(), waitFor('writes to go on', async () => (await write(b, 'after', 0)).status < 500)]);
  const { items } = await a.api.get<{ items: ConfigMap[] }>(MAPS);
  const names = new Set(items.map(({ metadata }) => metadata.name));
  for (const name of [...written, 'after']) assert.ok(names.has(name), `${name} is lost`);
  await waitFor('the watch to go on', () => seen.some(({ metadata }) => metadata.name === 'after'));
  const revisions = seen.map(({ metadata }) => Number(metadata.resourceVersion));
  assert.deepEqual(
    revisions,
    [...new Set(revisions)].sort((x, y) => x - y),
    'in order, nothing twice',
  );
});

test('an etcd of three under load: with one member killed, then another standing still, writes and watches go on', {
  skip: noEtcd,
}, async (t) => {
  await using etcd = await startEtcd(3);
  await using server = await Server.on(etcd, 'c');
  const stop = new AbortController();
  t.after(() => stop.abort());
  const seen = watch(server, await revisionOf(server), stop.signal);
  const acknowledged: string[] = [];
  const writers = Array.from({ length: 4 }, async (_, writer) => {
    for (let n = 0; !stop.signal.aborted; n++) {
      const name = `w${writer}-${n}`;
      const answer = await write(server, name, n).catch(() => undefined);
      if (answer?.status === 201) acknowledged.push(name);
    }
  });
  const progress = async (what: string) => {
    const before = acknowledged.length;
    await waitFor(`writes to go on ${what}`, () => acknowledged.length > before + 50);
  };
  await progress('with all members');
  await etcd.kill(0);
  await progress('with one killed');
  etcd.start(0);
  await progress('with it back');
  etcd.pause(1);
  await progress('with one that stands still');
  etcd.resume(1);
  await progress('with all members again');
  stop.abort();
  await Promise.all(writers);
  const { items } = await server.api.get<{ items: ConfigMap[] }>(MAPS);
  const names = new Set(items.map(({ metadata }) => metadata.name));
  for (const name of acknowledged) assert.ok(names.has(name), `${name} is lost`);
  const told = seen.map(({ metadata }) => Number(metadata.resourceVersion));
  assert.deepEqual(
    told,
    [...new Set(told)].sort((x, y) => x - y),
    'in order, nothing twice',
  );
  const gaps = items.filter(({ metadata }) => Number(metadata.resourceVersion) <= told.at(-1)!);
  assert.ok(
    gaps.every(
      ({ metadata }) => metadata.name === 'kube-root-ca.crt' || told.includes(Number(metadata.resourceVersion)),
    ),
  );
});
