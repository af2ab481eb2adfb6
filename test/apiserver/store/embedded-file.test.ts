import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { silent } from '../../../api/log.ts';
import { systemClock } from '../../../api/system.ts';
import { EmbeddedStore } from '../../../apiserver/store/embedded.ts';
import { restoreBackup } from '../../../apiserver/store/restore.ts';
import { CompactedError, UnavailableError } from '../../../apiserver/store/store.ts';
import { recordWatch } from './contract.ts';

function folder() {
  const made = mkdtempSync(join(tmpdir(), 'skiff-store-'));
  const path = join(made, 'server/store.db');
  const open = (options: { maxBytes?: number; path?: string } = {}) => {
    const onFatal = (error: Error) => {
      throw error;
    };
    return EmbeddedStore.open({ path, clock: systemClock, log: silent, onFatal, ...options });
  };
  return { made, path, open, [Symbol.dispose]: () => rmSync(made, { recursive: true, force: true }) };
}

const put = (key: string, value: string | Buffer) => ({ compares: [], ops: [{ put: key, value: Buffer.from(value) }] });

test('its files are for their owner only', async () => {
  using at = folder();
  await using store = await at.open();
  await store.txn(put('a', 'x'));
  const files = readdirSync(dirname(at.path));
  assert.ok(files.includes('store.db-wal'));
  for (const file of files) assert.equal(statSync(join(dirname(at.path), file)).mode & 0o777, 0o600, file);
  assert.equal(statSync(dirname(at.path)).mode & 0o777, 0o700);
});

test('a second server on the same data is refused in words that say so', async () => {
  using at = folder();
  await using store = await at.open();
  await assert.rejects(at.open(), (err: Error) => err.message.includes(at.path) && /another server/.test(err.message));
  await store.txn(put('a', 'x'));
});

test('a file that is no database, or of a newer version, is refused', async () => {
  using at = folder();
  const broken = join(at.made, 'broken.db');
  writeFileSync(broken, 'certainly not a database, though long enough to look at'.repeat(50));
  await assert.rejects(at.open({ path: broken }), /not a database/);
  const newer = join(at.made, 'newer.db');
  const db = new DatabaseSync(newer);
  db.exec('PRAGMA user_version = 99');
  db.close();
  await assert.rejects(at.open({ path: newer }), /newer version \(format 99/);
});

test('when no space is left writes are refused, reads go on, and it heals', async () => {
  using at = folder();
  await using store = await at.open({ maxBytes: 1 << 20 });
  const value = Buffer.alloc(10_000, 'v');
  let refused: unknown;
  for (let n = 0; n < 200 && refused === undefined; n++) {
    await store.txn(put('busy', value)).catch((err) => {
      refused = err;
    });
  }
  assert.ok(refused instanceof UnavailableError);
  const last = await store.get('busy');
  assert.equal(last?.modRevision, store.revision, 'the refused write took no revision');
  assert.ok(last?.value.equals(value));
  await store.compact(store.revision);
  const { revision } = await store.txn(put('busy', 'again'));
  assert.equal(revision, (last?.modRevision ?? 0) + 1);
  assert.equal(String((await store.get('busy'))?.value), 'again');
});

test('writes that were refused for space leave others of the same moment unharmed in order', async () => {
  using at = folder();
  await using store = await at.open({ maxBytes: 1 << 20 });
  const watch = recordWatch(store, '', 2, AbortSignal.timeout(10_000));
  const value = Buffer.alloc(20_000, 'v');
  const writes = Array.from({ length: 100 }, (_, n) => store.txn(put(`k${n}`, value)));
  const more = Array.from({ length: 100 }, async (_, n) => {
    await systemClock.sleep(n / 10);
    return store.txn(put(`m${n}`, 'small'));
  });
  const done = (await Promise.allSettled([...writes, ...more])).filter(({ status }) => status === 'fulfilled');
  await watch.seen(store.revision);
  assert.equal(watch.revisions.length, done.length);
  assert.equal(store.revision, done.length + 1);
});

test('freed space is given back', async () => {
  using at = folder();
  await using store = await at.open();
  const value = Buffer.alloc(50_000, 'v');
  for (let n = 0; n < 400; n++) await store.txn(put('busy', value));
  const before = await store.size();
  await store.compact(store.revision);
  const after = await store.size();
  assert.ok(before > 20_000_000 && after < 6_000_000, `${before} -> ${after}`);
  assert.ok((await store.get('busy'))?.value.equals(value));
});

test('a compaction that a crash cut short is finished at the next start', async () => {
  using at = folder();
  {
    await using store = await at.open();
    for (let n = 0; n < 50; n++) await store.txn(put('busy', `${n}`));
  }
  const db = new DatabaseSync(at.path);
  db.exec("INSERT INTO meta VALUES ('compacted', 40) ON CONFLICT DO UPDATE SET value = 40");
  db.close();
  const entries = () => {
    const read = new DatabaseSync(at.path);
    const { count } = read.prepare('SELECT count(*) AS count FROM log').get() ?? {};
    read.close();
    return Number(count);
  };
  {
    await using store = await at.open();
    assert.equal(store.compactedRevision, 40);
    await assert.rejects(store.range({ prefix: '', revision: 39 }), CompactedError);
    await store.compact(41); // waits for the work that was left, too
  }
  assert.equal(entries(), 51 - 40);
});

test('a backup is taken while writes go on, and a restore moves far ahead of it', async () => {
  using at = folder();
  const copy = join(at.made, 'copy.db');
  let newest: number;
  {
    await using store = await at.open();
    for (let n = 0; n < 500; n++) await store.txn(put(`/r/${n}`, Buffer.alloc(2_000, `${n}`)));
    const taken = store.backup(copy);
    let writing = true;
    const writer = (async () => {
      for (let n = 0; writing; n++) await store.txn(put('/r/during', `${n}`));
    })();
    await taken;
    writing = false;
    await writer;
    newest = store.revision;
    await assert.rejects(store.backup(copy), /EEXIST/);
  }
  assert.equal(statSync(copy).mode & 0o777, 0o600);
  assert.throws(() => restoreBackup(copy, at.path), /exists: move it away/);
  const restored = join(at.made, 'restored/store.db');
  const revision = restoreBackup(copy, restored);
  assert.ok(revision > newest + 1_000_000);
  await using store = await at.open({ path: restored });
  assert.equal(store.revision, revision);
  assert.equal((await store.range({ prefix: '/r/', limit: 500 })).items.length, 500);
  const watch = recordWatch(store, '/r/', newest, AbortSignal.timeout(10_000));
  assert.ok((await watch.closed) instanceof CompactedError, 'no informer goes on silently');
  await assert.rejects(store.range({ prefix: '/r/', revision: newest }), CompactedError);
  const write = await store.txn(put('/r/0', 'x'));
  assert.equal(write.revision, revision + 1);
});

test('what is no backup is not restored', () => {
  using at = folder();
  const broken = join(at.made, 'broken');
  writeFileSync(broken, 'no database at all'.repeat(100));
  assert.throws(() => restoreBackup(broken, at.path), /broken cannot be restored/);
  assert.throws(() => restoreBackup(join(at.made, 'nothing'), at.path), /there is no backup at/);
  writeFileSync(broken, '');
  assert.throws(() => restoreBackup(broken, at.path), /holds no store/);
  assert.ok(!existsSync(at.path));
  assert.deepEqual(existsSync(dirname(at.path)) ? readdirSync(dirname(at.path)) : [], []);
});

test('an error of the disk ends the process', () => {
  using at = folder();
  const child = fileURLToPath(new URL('./crash-writer.ts', import.meta.url));
  // A limit on file size makes the disk fail with an error that is not "full".
  const run = spawnSync(
    'bash',
    ['-c', 'ulimit -f 2000; exec "$0" --no-warnings "$1" "$2" 1', process.execPath, child, at.path],
    {
      encoding: 'utf8',
      timeout: 20_000,
      stdio: ['ignore', 'pipe', 'ignore'],
      maxBuffer: 1 << 26,
    },
  );
  assert.match(run.stdout.slice(-300), /fatal the store failed and must not go on: disk I\/O error/);
  assert.equal(run.status, 3);
});

test('100,000 objects are read in small pages after a start, and the last cost what the first did', async () => {
  using at = folder();
  {
    await using store = await at.open();
    const value = Buffer.alloc(300, 'v');
    const many = (from: number) => ({
      compares: [],
      ops: Array.from({ length: 100 }, (_, i) => ({ put: `/r/${from + i}`, value })),
    });
    for (let n = 0; n < 100_000; n += 10_000) {
      await Promise.all(Array.from({ length: 100 }, (_, i) => store.txn(many(n + i * 100))));
    }
  }
  // Not of the clock: others run beside this.
  const before = process.cpuUsage();
  await using store = await at.open();
  let found = 0;
  let after: string | undefined;
  for (let more = true; more; ) {
    const page = await store.range({ prefix: '/r/', after, limit: 100 });
    found += page.items.length;
    after = page.items.at(-1)?.key;
    more = page.more;
  }
  assert.equal(found, 100_000);
  const { user, system } = process.cpuUsage(before);
  assert.ok(user + system < 1_500_000, `${(user + system) / 1_000} ms`);
});
