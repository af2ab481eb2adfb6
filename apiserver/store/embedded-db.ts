// What the embedded store does to its database (embedded-file.ts shows the tables). Every function is synchronous and
// what it changed is durable when it returns; the worker calls them one after the other.
import { closeSync, openSync, rmSync } from 'node:fs';
import { backup, type DatabaseSync } from 'node:sqlite';
import { checkCompaction, checkRevision } from './check.ts';
import { isFull, openFile, statements } from './embedded-file.ts';
import {
  type Batch,
  type BatchAnswer,
  DELETE,
  DONE,
  type HistoryAnswer,
  KvPacker,
  NO_LEASE,
  type OpenRequest,
  type RangeAnswer,
  REFUSED,
} from './embedded-messages.ts';
import { Reserve } from './reserve.ts';
import { justAfter, prefixEnd } from './sorted.ts';
import { CompactedError, type RangeOptions } from './store.ts';

export const PLACES = 1024;
/** The first write becomes revision 2, as on etcd: 0 and 1 never name a write. */
const FIRST_REVISION = 1;
/** Newest states of keys that are remembered; a compare then asks no index. */
const HEADS_MAX = 8192;
/** Keys an expired lease takes with it per transaction. */
const DROP_MAX = 128;
const HISTORY_ROWS = 500;
const HISTORY_BYTES = 2 << 20;
/** Log entries looked at per slice of a compaction: more than a transaction has, so that every slice comes forward. */
const SWEEP_ROWS = 250;
/** Pages given back per slice, and free pages kept for the next writes. */
const VACUUM_PAGES = 256;
const FREE_PAGES_KEPT = 1024;
const BACKUP_PAGES = 256;
const AFTER_ALL_KEYS = '\u{10ffff}';

interface Head {
  readonly id: number;
  readonly created: number;
  readonly lease: string | null;
}
const NOTHING: Head = { id: 0, created: 0, lease: null };
type Row = [id: number, key: string, created: number, lease: number | null, value: Uint8Array | null];

const revisionOf = (id: number) => Math.floor(id / PLACES);
const behind = (revision: number) => (revision + 1) * PLACES;
const EMPTY = new Uint8Array(0);

export class EmbeddedDb {
  readonly #db: DatabaseSync;
  readonly #sql: ReturnType<typeof statements>;
  readonly #heads = new Map<string, Head>();
  readonly #leases: Set<string>;
  readonly #reserve: Reserve;
  /** Somebody needed it and has not got it back. */
  #isSpent = false;
  #revision: number;
  #compacted: number;
  #swept: number;

  constructor({ path, maxBytes, reserveBytes = 0 }: OpenRequest) {
    this.#db = openFile(path, maxBytes);
    this.#sql = statements(this.#db);
    this.#reserve = new Reserve(`${path}.reserve`, reserveBytes);
    this.#compacted = this.#meta('compacted');
    this.#swept = this.#meta('swept');
    const [newest] = this.#sql.newest.get() as unknown as [number | null];
    this.#revision = Math.max(FIRST_REVISION, this.#compacted, revisionOf(newest ?? 0));
    this.#leases = new Set(this.leases().map(({ id }) => id));
  }

  get revision(): number {
    return this.#revision;
  }

  get compacted(): number {
    return this.#compacted;
  }

  get sweeping(): boolean {
    return this.#swept < this.#compacted;
  }

  #meta(name: string): number {
    const row = this.#sql.getMeta.get(name) as unknown as [number] | undefined;
    return row?.[0] ?? 0;
  }

  leases(): { id: string; ttlSeconds: number }[] {
    const rows = this.#sql.allLeases.all() as unknown as [number, number][];
    return rows.map(([id, ttlSeconds]) => ({ id: String(id), ttlSeconds }));
  }

  /** All of `work` or nothing of it, durable when this returns. */
  #atomically<T>(work: () => T): T {
    const before = this.#revision;
    this.#sql.begin.run();
    try {
      const result = work();
      this.#sql.commit.run();
      return result;
    } catch (err) {
      this.#revision = before;
      this.#heads.clear();
      if (this.#db.isTransaction) this.#db.exec('ROLLBACK');
      throw err;
    }
  }

  /** Transactions see what those before them in the batch did; all become durable at once. */
  commit(batch: Batch): BatchAnswer {
    return this.#atomically(() => {
      const { plan, keys, leases, bytes } = batch;
      const outcomes: number[] = [];
      const kvs = new KvPacker();
      let [at, key, op, byte] = [0, 0, 0, 0];
      while (at < plan.length) {
        const compares = plan[at]!;
        const ops = plan[at + 1]!;
        at += 2;
        let holds = true;
        for (let i = 0; i < compares; i++) {
          const head = this.#head(keys[key + i]!);
          if ((head.created === 0 ? 0 : revisionOf(head.id)) !== plan[at + i]) holds = false;
        }
        const compared = key;
        at += compares;
        key += compares;
        let outcome = holds ? DONE : REFUSED;
        for (let i = 0; i < ops && holds && leases !== null; i++) {
          const lease = leases[op + i] ?? null;
          if (lease !== null && !this.#leases.has(lease)) outcome = NO_LEASE;
        }
        const revision = this.#revision + 1;
        outcomes.push(outcome, 0);
        const revisionAt = outcomes.length - 1;
        if (outcome === REFUSED) for (let i = 0; i < compares; i++) this.#addCurrent(kvs, keys[compared + i]!);
        let place = 0;
        for (let i = 0; i < ops; i++, at++, key++, op++) {
          const size = plan[at]!;
          const value = size === DELETE ? null : bytes.subarray(byte, byte + size);
          byte += value === null ? 0 : size;
          if (outcome !== DONE) continue;
          const name = keys[key]!;
          const head = this.#head(name);
          if (value === null) {
            outcomes.push(head.created === 0 ? 0 : 1);
            if (head.created === 0) continue;
            this.#addCurrent(kvs, name);
            this.#append(revision, place++, name, 0, null, EMPTY);
          } else {
            const created = head.created === 0 ? revision : head.created;
            this.#append(revision, place++, name, created, leases?.[op] ?? null, value);
            outcomes.push(created);
          }
        }
        if (place > 0) this.#revision = revision;
        outcomes[revisionAt] = this.#revision;
      }
      return { outcomes, kvs: kvs.finish() };
    });
  }

  #append(revision: number, place: number, key: string, created: number, lease: string | null, value: Uint8Array) {
    const id = revision * PLACES + place;
    this.#sql.append.run(id, key, created, lease === null ? null : Number(lease), created === 0 ? null : value);
    this.#remember(key, { id, created, lease });
  }

  #head(key: string): Head {
    const known = this.#heads.get(key);
    if (known !== undefined) return known;
    const row = this.#sql.head.get(key) as unknown as [number, number, number | null] | undefined;
    const head = row === undefined ? NOTHING : { id: row[0], created: row[1], lease: leaseName(row[2]) };
    this.#remember(key, head);
    return head;
  }

  #remember(key: string, head: Head): void {
    if (this.#heads.size >= HEADS_MAX) this.#heads.clear();
    this.#heads.set(key, head);
  }

  #addCurrent(kvs: KvPacker, key: string): void {
    const head = this.#head(key);
    if (head.created === 0) kvs.addAbsent(key);
    else this.#addRow(kvs, this.#sql.entry.get(head.id) as unknown as Row);
  }

  #addRow(kvs: KvPacker, [id, key, created, lease, value]: Row): void {
    kvs.add(key, created, revisionOf(id), leaseName(lease), value ?? EMPTY);
  }

  get(key: string): RangeAnswer {
    const kvs = new KvPacker();
    this.#addCurrent(kvs, key);
    return { kvs: kvs.finish(), revision: this.#revision, more: false };
  }

  range(options: RangeOptions): RangeAnswer {
    checkRevision(options, this.#revision, this.#compacted);
    const { prefix, after = '', limit = Number.POSITIVE_INFINITY, revision = this.#revision } = options;
    const kvs = new KvPacker();
    const end = prefixEnd(prefix) ?? AFTER_ALL_KEYS;
    const from = after > prefix ? justAfter(after) : prefix;
    const heads = this.#sql.heads.iterate(from, end, behind(revision)) as unknown as Iterable<[number]>;
    for (const [id] of heads) {
      const row = this.#sql.entry.get(id) as unknown as Row;
      if (row[2] === 0) continue;
      if (kvs.length >= limit) return { kvs: kvs.finish(), revision: this.#revision, more: true };
      this.#addRow(kvs, row);
    }
    return { kvs: kvs.finish(), revision: this.#revision, more: false };
  }

  /** What happened under `prefix` from a revision on: a page of whole revisions. */
  history(prefix: string, from: number): HistoryAnswer {
    if (from <= this.#compacted) throw new CompactedError(this.#compacted);
    const kvs = new KvPacker();
    const deleted = new KvPacker();
    let upTo = this.#revision;
    let more = false;
    const rows = this.#sql.since.iterate(from * PLACES, prefix, prefixEnd(prefix) ?? AFTER_ALL_KEYS);
    let last = 0;
    for (const row of rows as unknown as Iterable<Row>) {
      const revision = revisionOf(row[0]);
      const full = kvs.length >= HISTORY_ROWS || kvs.size + deleted.size >= HISTORY_BYTES;
      if (full && revision !== last) {
        upTo = last;
        more = true;
        break;
      }
      last = revision;
      this.#addRow(kvs, row);
      if (row[2] !== 0) continue;
      const before = this.#sql.before.get(row[1], row[0]) as unknown as Row | undefined;
      if (before === undefined) deleted.addAbsent(row[1]);
      else this.#addRow(deleted, before);
    }
    return { kvs: kvs.finish(), deleted: deleted.finish(), upTo, more };
  }

  grant(ttlSeconds: number): string {
    const id = this.#atomically(() => String(this.#sql.grant.run(ttlSeconds).lastInsertRowid));
    this.#leases.add(id);
    return id;
  }

  /** Deletes what hangs on a lease, then the lease; says what happened. */
  dropLease(id: string): HistoryAnswer {
    const rows = this.#sql.leased.all(Number(id)) as unknown as [string][];
    const keys = rows.map(([key]) => key).filter((key) => this.#head(key).lease === id);
    const first = this.#revision + 1;
    const plan: number[] = [];
    const kvs = new KvPacker();
    for (let at = 0; at < keys.length; at += DROP_MAX) {
      const some = keys.slice(at, at + DROP_MAX);
      plan.push(0, some.length, ...some.map(() => DELETE));
      for (const key of some) kvs.add(key, 0, first + at / DROP_MAX, null, EMPTY);
    }
    const { kvs: deleted } = this.commit({ plan, keys, leases: null, bytes: EMPTY });
    this.#atomically(() => this.#sql.dropLease.run(Number(id)));
    this.#leases.delete(id);
    return { kvs: kvs.finish(), deleted, upTo: this.#revision, more: false };
  }

  /** From now on nothing before `revision` can be read. sweep() then frees the space. */
  compact(revision: number): void {
    checkCompaction(revision, this.#revision, this.#compacted);
    this.#withReserve(() => this.#atomically(() => this.#sql.setMeta.run('compacted', revision)));
    this.#compacted = revision;
  }

  #withReserve<T>(work: () => T): T {
    try {
      return work();
    } catch (err) {
      if (!isFull(err) || !this.#reserve.spend()) throw err;
      this.#isSpent = true;
      return work();
    }
  }

  /** What is in the log moves into the file, whose free space holds it, and the log's own space comes back. */
  #regain(): void {
    if (!this.#isSpent) return;
    this.#db.exec('PRAGMA wal_checkpoint(TRUNCATE)');
    this.#reserve.keep();
    this.#isSpent = false;
  }

  /**
   * One slice of tidying up; false when nothing is left to do. An entry of the log makes all earlier ones of its key
   * superfluous, and a deletion itself too; entries before `swept` have had their turn.
   */
  sweep(): boolean {
    return this.#withReserve(() => this.#sweep());
  }

  #sweep(): boolean {
    if (this.#swept < this.#compacted) {
      const rows = this.#sql.sweep.all(behind(this.#swept), behind(this.#compacted), SWEEP_ROWS);
      const entries = rows as unknown as [number, string, number][];
      // The slice may have cut its last transaction in two; the next begins with that one.
      const swept = entries.length < SWEEP_ROWS ? this.#compacted : revisionOf(entries.at(-1)![0]) - 1;
      this.#atomically(() => {
        for (const [id, key, created] of entries) {
          this.#sql.forget.run(key, id);
          if (created === 0) this.#sql.remove.run(id);
        }
        this.#sql.setMeta.run('swept', swept);
      });
      this.#swept = swept;
      return true;
    }
    const [free] = this.#sql.freePages.get() as unknown as [number];
    if (free <= FREE_PAGES_KEPT) {
      this.#regain();
      return false;
    }
    this.#db.exec(`PRAGMA incremental_vacuum(${VACUUM_PAGES})`);
    return true;
  }

  size(): number {
    const [pages] = this.#sql.pages.get() as unknown as [number];
    const [pageSize] = this.#sql.pageSize.get() as unknown as [number];
    return pages * pageSize;
  }

  /**
   * A copy of the whole at one instant. SQLite copies pages in another thread; `pause` is called between two steps,
   * and only there may this database be written.
   */
  async backup(path: string, pause: () => void): Promise<void> {
    closeSync(openSync(path, 'wx', 0o600));
    try {
      await backup(this.#db, path, { rate: BACKUP_PAGES, progress: pause });
    } catch (err) {
      rmSync(path, { force: true });
      throw err;
    }
  }

  /** Makes a restored copy a new beginning: no revision anybody saw before can be met again. */
  jumpAhead(by: number): void {
    const revision = this.#revision + by;
    this.#atomically(() => this.#sql.setMeta.run('compacted', revision));
    this.#compacted = revision;
    this.#revision = revision;
  }

  close(): void {
    this.#db.close();
  }
}

const leaseName = (lease: number | null) => (lease === null ? null : String(lease));
