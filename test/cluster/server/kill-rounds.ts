// kill -9 of a server in a burst of writes, again and again: what was acknowledged is in the data file, as a reader
// finds it that shares no code with the store; revisions never go back; a watch goes on where it stopped, without a gap.
// Objects of a round are deleted after it, so that a thousand rounds cost no more than each for itself.
import assert from 'node:assert/strict';
import { copyFile, mkdtemp, rm } from 'node:fs/promises';
import { get } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { setTimeout as pause } from 'node:timers/promises';
import { type AdminAccess, ApiAccess } from '../harness/api-access.ts';
import { NONCE } from '../harness/images.ts';
import { InVain, waitFor } from '../harness/wait.ts';

const WRITERS = 16;
const CONNECTIONS = 4;
const RECONNECT_MS = 20;
const PATH = '/api/v1/namespaces/default/configmaps';
const PREFIX = '/registry/configmaps/default/';
/** Places of a transaction in the identity of a log entry, as the file's format has it. */
const PLACES = 1024;

/** The server that is killed. */
export interface Victim {
  readonly dataFile: string;
  access(): Promise<AdminAccess>;
  /** Returns when it is gone. */
  kill(): Promise<void>;
  /** Returns when it serves. */
  restart(): Promise<void>;
}

interface ConfigMap {
  metadata: { name: string; resourceVersion: string };
  data?: Record<string, string>;
}

interface Event {
  readonly type: string;
  readonly name: string;
  readonly revision: number;
}

/** Names with the revisions by which the server acknowledged them, from many writers until the server is gone. */
async function burst(victim: Victim, round: number, killAfter: number): Promise<Map<string, number>> {
  const admin = await victim.access();
  using opened = new DisposableStack();
  const connections = Array.from({ length: CONNECTIONS }, () => opened.use(new ApiAccess(admin)));
  const acknowledged = new Map<string, number>();
  let killed: Promise<void> | undefined;
  const write = async (writer: number) => {
    for (let i = 0; ; i++) {
      const name = `r${round}-w${writer}-${i}`;
      const body = { metadata: { name, labels: { round: `r${round}` } }, data: { nonce: NONCE } };
      const answer = await connections[writer % CONNECTIONS]!.call('POST', PATH, body).catch(() => undefined);
      if (answer === undefined) return; // the connection broke: nothing was acknowledged
      assert.equal(answer.status, 201, JSON.stringify(answer.body));
      acknowledged.set(name, Number((answer.body as ConfigMap).metadata.resourceVersion));
      if (acknowledged.size >= killAfter) killed ??= victim.kill();
    }
  };
  await Promise.all(Array.from({ length: WRITERS }, (_, writer) => write(writer)));
  await killed;
  return acknowledged;
}

interface FileContent {
  /** The newest revision in the file. */
  readonly revision: number;
  /** What happened to config maps behind a revision, in its order. */
  readonly events: readonly Event[];
}

/** From a copy of the stopped server's file. */
async function readDataFile(file: string, behind: number): Promise<FileContent> {
  const dir = await mkdtemp(join(tmpdir(), `skiff-test-${process.pid}-file-`));
  try {
    for (const suffix of ['', '-wal']) await copyFile(`${file}${suffix}`, join(dir, `db${suffix}`));
    using db = new DatabaseSync(join(dir, 'db'));
    const newest = Number(db.prepare('SELECT max(id) AS id FROM log').get()!['id']);
    const rows = db.prepare(
      'SELECT id, key, created, value FROM log WHERE id >= ? AND key >= ? AND key < ? ORDER BY id',
    );
    const events: Event[] = [];
    for (const { id, key, created, value } of rows.iterate((behind + 1) * PLACES, PREFIX, `${PREFIX}~`)) {
      const name = String(key).slice(PREFIX.length);
      const revision = Math.floor(Number(id) / PLACES);
      if (created !== 0) {
        const object = JSON.parse(Buffer.from(value as Uint8Array).toString('utf8')) as ConfigMap;
        assert.equal(object.metadata.name, name);
        if (/^r\d+-w/.test(name)) assert.equal(object.data?.['nonce'], NONCE);
      }
      const written = created === revision ? 'ADDED' : 'MODIFIED';
      events.push({ type: created === 0 ? 'DELETED' : written, name, revision });
    }
    assert.deepEqual(db.prepare('PRAGMA integrity_check').all().map(Object.values), [['ok']]);
    return { revision: Math.floor(newest / PLACES), events };
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
  readonly seen: Event[] = [];
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

/** Says how many writes were acknowledged in all. */
export async function killRounds(victim: Victim, rounds: number): Promise<number> {
  const admin = await victim.access();
  using api = new ApiAccess(admin);
  type List = { metadata: { resourceVersion: string }; items: ConfigMap[] };
  const { metadata } = await api.get<List>(PATH);
  await using watcher = new Watcher(admin, metadata.resourceVersion);
  const expected: Event[] = [];
  let revision = Number(metadata.resourceVersion);
  let total = 0;
  for (let round = 1; round <= rounds; round++) {
    const acknowledged = await burst(victim, round, 20 + ((round * 37) % 150));
    const file = await readDataFile(victim.dataFile, revision);
    assert.ok(file.revision >= revision, `the file went back from ${revision} to ${file.revision}`);
    const found = new Map(file.events.map(({ name, revision: at }) => [name, at]));
    for (const [name, at] of acknowledged) {
      assert.equal(found.get(name), at, `${name} was acknowledged at ${at}`);
      assert.ok(at > revision, `${name} got ${at}, ${revision} was there before`);
    }
    expected.push(...file.events);
    ({ revision } = file);
    total += acknowledged.size;
    await victim.restart();
    const ofRound = `${PATH}?labelSelector=round%3Dr${round}`;
    const served = await api.get<List>(ofRound);
    assert.ok(Number(served.metadata.resourceVersion) >= revision, 'what is served is older than the file');
    const names = new Set(served.items.map((item) => item.metadata.name));
    for (const name of acknowledged.keys()) assert.ok(names.has(name), `${name} is in the file and not served`);
    if (round < rounds) assert.equal((await api.call('DELETE', ofRound)).status, 200);
  }
  await waitFor('the watcher to have seen the last write', () => {
    if (watcher.failure !== undefined) throw new InVain(watcher.failure);
    if (watcher.seen.length < expected.length) throw new Error(`${watcher.seen.length} of ${expected.length}`);
    return true;
  });
  assert.deepEqual(watcher.seen, expected);
  return total;
}
