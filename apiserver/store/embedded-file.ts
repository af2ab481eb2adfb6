// The file of the embedded store: its tables, its settings, and the lock that keeps a second process out. One log holds
// every value once; an index from key to its entries serves the newest state and older ones:
//
//   log      id = revision * 1024 + place in its transaction | key | created (0: a deletion) | lease | value
//   log_key  key, id
//   meta     compacted: nothing before it may be read; swept: up to here the log has been tidied
//   lease    id, ttl
import { closeSync, existsSync, fsyncSync, mkdirSync, openSync } from 'node:fs';
import { dirname } from 'node:path';
import { DatabaseSync, type StatementSync } from 'node:sqlite';

const FORMAT = 1;
const PAGE_BYTES = 4096;
const SQLITE_BUSY = 5;
const SQLITE_FULL = 13;

export function isFull(err: unknown): boolean {
  return err instanceof Error && 'errcode' in err && err.errcode === SQLITE_FULL;
}

export function openFile(path: string, maxBytes: number | undefined): DatabaseSync {
  mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
  const isNew = !existsSync(path);
  // Made here for its mode, which the files beside it inherit.
  closeSync(openSync(path, 'a', 0o600));
  if (isNew) syncFolder(dirname(path));
  const db = new DatabaseSync(path);
  try {
    db.exec(`PRAGMA page_size = ${PAGE_BYTES}`);
    db.exec('PRAGMA auto_vacuum = INCREMENTAL');
    db.exec('PRAGMA locking_mode = EXCLUSIVE');
    db.exec('PRAGMA journal_mode = WAL');
    db.exec('PRAGMA synchronous = FULL');
    db.exec('PRAGMA wal_autocheckpoint = 2000');
    db.exec(`PRAGMA journal_size_limit = ${64 << 20}`);
    db.exec('PRAGMA cache_size = -8192');
    makeTables(db, path);
    if (maxBytes !== undefined) db.exec(`PRAGMA max_page_count = ${Math.max(16, Math.floor(maxBytes / PAGE_BYTES))}`);
    return db;
  } catch (err) {
    db.close();
    if (err instanceof Error && 'errcode' in err && err.errcode === SQLITE_BUSY) {
      throw new Error(`${path} is in use: another server is running on this data folder`, { cause: err });
    }
    throw err;
  }
}

function makeTables(db: DatabaseSync, path: string): void {
  db.exec('BEGIN IMMEDIATE'); // takes the lock that keeps every other process out
  const format = Number(db.prepare('PRAGMA user_version').get()?.['user_version']);
  if (format > FORMAT) throw new Error(`${path} was written by a newer version (format ${format}, known is ${FORMAT})`);
  if (format === 0) {
    db.exec(`
      CREATE TABLE log (id INTEGER PRIMARY KEY, key TEXT NOT NULL, created INTEGER NOT NULL, lease INTEGER, value BLOB);
      CREATE INDEX log_key ON log (key);
      CREATE INDEX log_lease ON log (lease) WHERE lease IS NOT NULL;
      CREATE TABLE meta (name TEXT PRIMARY KEY, value INTEGER NOT NULL) WITHOUT ROWID;
      CREATE TABLE lease (id INTEGER PRIMARY KEY AUTOINCREMENT, ttl INTEGER NOT NULL);
      PRAGMA user_version = ${FORMAT};`);
  }
  db.exec('COMMIT');
}

export function syncFolder(path: string): void {
  const folder = openSync(path, 'r');
  fsyncSync(folder);
  closeSync(folder);
}

export function statements(db: DatabaseSync) {
  const prepare = (sql: string): StatementSync => {
    const statement = db.prepare(sql);
    statement.setReturnArrays(true);
    return statement;
  };
  const entry = 'SELECT id, key, created, lease, value FROM log';
  return {
    begin: prepare('BEGIN IMMEDIATE'),
    commit: prepare('COMMIT'),
    append: prepare('INSERT INTO log (id, key, created, lease, value) VALUES (?, ?, ?, ?, ?)'),
    head: prepare('SELECT id, created, lease FROM log WHERE key = ? ORDER BY id DESC LIMIT 1'),
    entry: prepare(`${entry} WHERE id = ?`),
    // One lower bound: of two the index would take the first, and every page would begin at the first key.
    heads: prepare('SELECT max(id) FROM log WHERE key >= ? AND key < ? AND id < ? GROUP BY key'),
    // The plus keeps the planner on the log, whose order is wanted, and off the index of keys.
    since: prepare(`${entry} WHERE id >= ? AND +key >= ? AND +key < ? ORDER BY id`),
    before: prepare(`${entry} WHERE key = ? AND id < ? ORDER BY id DESC LIMIT 1`),
    newest: prepare('SELECT max(id) FROM log'),
    sweep: prepare('SELECT id, key, created FROM log WHERE id >= ? AND id < ? ORDER BY id LIMIT ?'),
    forget: prepare('DELETE FROM log WHERE key = ? AND id < ?'),
    remove: prepare('DELETE FROM log WHERE id = ?'),
    leased: prepare('SELECT DISTINCT key FROM log WHERE lease = ?'),
    grant: prepare('INSERT INTO lease (ttl) VALUES (?)'),
    dropLease: prepare('DELETE FROM lease WHERE id = ?'),
    allLeases: prepare('SELECT id, ttl FROM lease'),
    getMeta: prepare('SELECT value FROM meta WHERE name = ?'),
    setMeta: prepare(
      'INSERT INTO meta (name, value) VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET value = excluded.value',
    ),
    freePages: prepare('PRAGMA freelist_count'),
    pages: prepare('PRAGMA page_count'),
    pageSize: prepare('PRAGMA page_size'),
  };
}
