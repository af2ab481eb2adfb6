// kill -9 of the server in a burst of writes, again and again: what was acknowledged is in the data file, as a reader
// finds it that shares no code with the store; revisions never go back; a watch goes on where it stopped, without a gap.
import assert from 'node:assert/strict';
import { copyFile, mkdtemp, rm } from 'node:fs/promises';
import { get } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { test } from 'node:test';
import { setTimeout as pause } from 'node:timers/promises';
import { readAdmin } from '../../cli/pki.ts';
import { type AdminAccess, ApiAccess } from './harness/api-access.ts';
import { useCluster } from './harness/cluster.ts';
import { NONCE } from './harness/images.ts';
import { InVain, waitFor } from './harness/wait.ts';

const ROUNDS = process.env['SKIFF_LONG'] === '1' ? 100 : 10;
const WRITERS = 16;
const CONNECTIONS = 4;
const RECONNECT_MS = 20;
const PATH = '/api/v1/namespaces/default/configmaps';
const PREFIX = '/registry/configmaps/default/';
const DATA_FILE = '/var/lib/skiff/server/store.db';
/** Places of a transaction in the identity of a log entry, as the file's format has it. */
const PLACES = 1024;

const cluster = useCluster();

interface ConfigMap {
  metadata: { name: string; resourceVersion: string };
  data?: Record<string, string>;
}

async function adminAccess(): Promise<AdminAccess> {
  const { node } = cluster().node;
  return { server: `https://${node.address}:6443`, ...(await readAdmin(node.path('/var/lib/skiff/pki'))) };
}

/** Names with the revisions by which the server acknowledged them, from many writers until the server is gone. */
async function burst(round: number, killAfter: number): Promise<Map<string, number>> {
  const admin = await adminAccess();
  using opened = new DisposableStack();
  const connections = Array.from({ length: CONNECTIONS }, () => opened.use(new ApiAccess(admin)));
  const acknowledged = new Map<string, number>();
  let killed: Promise<void> | undefined;
  const write = async (writer: number) => {
    for (let i = 0; ; i++) {
      const name = `r${round}-w${writer}-${i}`;
      const body = { metadata: { name }, data: { nonce: NONCE } };
      const answer = await connections[writer % CONNECTIONS]!.call('POST', PATH, body).catch(() => undefined);
      if (answer === undefined) return; // the connection broke: nothing was acknowledged
      assert.equal(answer.status, 201, JSON.stringify(answer.body));
      acknowledged.set(name, Number((answer.body as ConfigMap).metadata.resourceVersion));
      if (acknowledged.size >= killAfter) killed ??= cluster().kill('server', 'SIGKILL');
    }
  };
  await Promise.all(Array.from({ length: WRITERS }, (_, writer) => write(writer)));
  await killed;
  return acknowledged;
}

interface FileContent {
  /** The newest revision in the file. */
  revision: number;
  objects: Map<string, number>;
}

/** The newest state of every config map, from a copy of the stopped server's file. */
async function readDataFile(): Promise<FileContent> {
  const dir = await mkdtemp(join(tmpdir(), `skiff-test-${process.pid}-file-`));
  try {
    const file = cluster().node.node.path(DATA_FILE);
    for (const suffix of ['', '-wal']) await copyFile(`${file}${suffix}`, join(dir, `db${suffix}`));
    using db = new DatabaseSync(join(dir, 'db'));
    const newest = Number(db.prepare('SELECT max(id) AS id FROM log').get()!['id']);
    const rows = db.prepare('SELECT id, key, created, value FROM log WHERE key >= ? AND key < ? ORDER BY id');
    const objects = new Map<string, number>();
    for (const { id, key, created, value } of rows.iterate(PREFIX, `${PREFIX}~`)) {
      const name = String(key).slice(PREFIX.length);
      if (created === 0) objects.delete(name);
      else {
        const object = JSON.parse(Buffer.from(value as Uint8Array).toString('utf8')) as ConfigMap;
        assert.equal(object.metadata.name, name);
        if (/^r\d+-w/.test(name)) assert.equal(object.data?.['nonce'], NONCE);
        objects.set(name, Math.floor(Number(id) / PLACES));
      }
    }
    assert.deepEqual(db.prepare('PRAGMA integrity_check').all().map(Object.values), [['ok']]);
    return { revision: Math.floor(newest / PLACES), objects };
  } finally {
    await rm(dir, { recursive: true, force: true });
  }
}

/** A plain watcher that connects again where it stopped, as every client does. */
class Watcher implements AsyncDisposable {
  readonly #admin: AdminAccess;
  readonly #stop = new AbortController();
  readonly #running: Promise<void>;
  #revision: string;
  /** In the order of arrival. */
  readonly seen: { name: string; revision: number; type: string }[] = [];
  /** What the server said instead of going on. */
  failure: string | undefined;

  constructor(admin: AdminAccess, revision: string) {
    this.#admin = admin;
    this.#revision = revision;
    this.#running = this.#run();
  }

  async #run(): Promise<void> {
    while (!this.#stop.signal.aborted) {
      await this.#connection().catch(() => {}); // a server that is not there ends it as one that died does
      await pause(RECONNECT_MS);
    }
  }

  #connection(): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const { server, caPem: ca, certPem: cert, keyPem: key } = this.#admin;
    const url = `${server}${PATH}?watch=1&resourceVersion=${this.#revision}`;
    const request = get(url, { ca, cert, key, agent: false, signal: this.#stop.signal }, (answer) => {
      let rest = '';
      answer.setEncoding('utf8');
      answer.on('data', (chunk: string) => {
        const lines = (rest + chunk).split('\n');
        rest = lines.pop()!;
        for (const line of lines) this.#take(JSON.parse(line));
      });
      answer.once('error', reject);
      answer.once('close', resolve);
    });
    request.once('error', reject);
    return promise;
  }

  #take({ type, object }: { type: string; object: ConfigMap }): void {
    if (type === 'ERROR') {
      this.failure = JSON.stringify(object);
      return;
    }
    this.#revision = object.metadata.resourceVersion;
    this.seen.push({ type, name: object.metadata.name, revision: Number(this.#revision) });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop.abort();
    await this.#running;
  }
}

test(`kill -9 in a burst of writes, ${ROUNDS} times: nothing acknowledged is lost, no watch has a gap`, async (t) => {
  const { metadata } = await cluster().api.get<{ metadata: { resourceVersion: string } }>(PATH);
  await using watcher = new Watcher(await adminAccess(), metadata.resourceVersion);
  const began = Number(metadata.resourceVersion);
  let revision = began;
  let total = 0;
  let file: FileContent | undefined;
  for (let round = 1; round <= ROUNDS; round++) {
    const acknowledged = await burst(round, 20 + ((round * 37) % 150));
    file = await readDataFile();
    assert.ok(file.revision >= revision, `the file went back from ${revision} to ${file.revision}`);
    for (const [name, at] of acknowledged) {
      assert.equal(file.objects.get(name), at, `${name} was acknowledged at ${at}`);
      assert.ok(at > revision, `${name} got ${at}, ${revision} was there before`);
    }
    ({ revision } = file);
    total += acknowledged.size;
    await cluster().restart('server');
    const served = await cluster().api.get<{ metadata: { resourceVersion: string }; items: ConfigMap[] }>(PATH);
    assert.ok(Number(served.metadata.resourceVersion) >= revision, 'what is served is older than the file');
    const names = new Set(served.items.map((item) => item.metadata.name));
    for (const name of acknowledged.keys()) assert.ok(names.has(name), `${name} is in the file and not served`);
  }
  t.diagnostic(`${total} acknowledged writes in ${ROUNDS} rounds`);
  const expected = [...file!.objects].filter(([, at]) => at > began).sort(([, a], [, b]) => a - b);
  await waitFor('the watcher to have seen the last write', () => {
    if (watcher.failure !== undefined) throw new InVain(watcher.failure);
    if (watcher.seen.length < expected.length) throw new Error(`${watcher.seen.length} of ${expected.length}`);
    return true;
  });
  assert.deepEqual(
    watcher.seen,
    expected.map(([name, at]) => ({ type: 'ADDED', name, revision: at })),
  );
});
