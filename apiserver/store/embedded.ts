// The durable store of a single server: SQLite in a worker thread. Writes that arrive while a commit is under way share
// the next one. When a commit is durable its events go to the watches in revision order, and then, in the same turn of
// the event loop, its writers are answered.
import type { Clock } from '../../api/clock.ts';
import type { Logger } from '../../api/log.ts';
import { checkTxn } from './check.ts';
import {
  type BatchAnswer,
  BatchMemory,
  DONE,
  type HistoryAnswer,
  packBatch,
  type RangeAnswer,
  REFUSED,
  unpackHistory,
  unpackKvs,
} from './embedded-messages.ts';
import { EmbeddedThread } from './embedded-thread.ts';
import { offer, type Watcher, WatchHub } from './hub.ts';
import { Leases } from './leases.ts';
import {
  type KeyValue,
  LeaseNotFoundError,
  NoSpaceError,
  type RangeOptions,
  type RangeResult,
  type Store,
  type StoreEvent,
  type Txn,
  type TxnResult,
  UnavailableError,
  type WatchSink,
} from './store.ts';

export interface EmbeddedOptions {
  /** The database file; its folder is made (0700). */
  readonly path: string;
  readonly clock: Clock;
  readonly log: Logger;
  /** The disk failed: the process must end, for what it holds is no longer known to be what the disk holds. */
  readonly onFatal: (error: Error) => void;
  readonly maxBytes?: number | undefined;
  readonly reserveBytes?: number | undefined;
}

/** Writes waiting for the next commit; beyond, they are refused rather than piled up. */
const WAITING_MAX = 20_000;
/** What one commit may bring along: it bounds how long the next one waits. */
const BATCH_TXNS = 1024;
const BATCH_BYTES = 4 << 20;
const LEASE_RETRY_SECONDS = 10;

interface Waiting {
  readonly txn: Txn;
  readonly bytes: number;
  readonly signal: AbortSignal | undefined;
  readonly resolve: (result: TxnResult) => void;
  readonly reject: (error: unknown) => void;
}

const EMPTY = Buffer.alloc(0);

export class EmbeddedStore implements Store {
  readonly #thread: EmbeddedThread;
  readonly #log: Logger;
  readonly #hub = new WatchHub();
  readonly #memory = new BatchMemory();
  readonly #leases: Leases;
  readonly #stop = new AbortController();
  #sweep: Promise<void> = Promise.resolve();
  #waiting: Waiting[] = [];
  #committing = false;
  #revision = 0;
  #compacted = 0;
  #writtenBytes = 0;
  #isFull = false;
  #closed: Error | undefined;

  private constructor({ path, maxBytes, reserveBytes, clock, log, onFatal }: EmbeddedOptions) {
    this.#log = log;
    this.#leases = new Leases(clock, (id) => this.#expire(id));
    this.#thread = new EmbeddedThread({ path, maxBytes, reserveBytes }, (error) => {
      this.#end(error);
      onFatal(error);
    });
  }

  static async open(options: EmbeddedOptions): Promise<EmbeddedStore> {
    const store = new EmbeddedStore(options);
    const { revision, compacted, sweeping, leases } = await store.#thread.opened();
    store.#revision = revision;
    store.#compacted = compacted;
    for (const { id, ttlSeconds } of leases) store.#leases.add(id, ttlSeconds);
    if (sweeping) store.#startSweep();
    return store;
  }

  get revision(): number {
    return this.#revision;
  }

  get compactedRevision(): number {
    return this.#compacted;
  }

  /** Value bytes written since the start: what bounds the history by size. */
  get writtenBytes(): number {
    return this.#writtenBytes;
  }

  /** The last write found no space. */
  get isFull(): boolean {
    return this.#isFull;
  }

  async latestRevision(): Promise<number> {
    this.#assertOpen();
    return this.#revision;
  }

  async get(key: string, signal?: AbortSignal): Promise<KeyValue | undefined> {
    signal?.throwIfAborted();
    this.#assertOpen();
    const { kvs } = await this.#thread.ask<RangeAnswer>({ do: 'get', key });
    return unpackKvs(kvs)[0];
  }

  async range(options: RangeOptions, signal?: AbortSignal): Promise<RangeResult> {
    signal?.throwIfAborted();
    this.#assertOpen();
    const { prefix, after, limit, revision } = options;
    const answer = await this.#thread.ask<RangeAnswer>({ do: 'range', prefix, after, limit, revision });
    const items = unpackKvs(answer.kvs).filter((kv) => kv !== undefined);
    return { items, revision: answer.revision, more: answer.more };
  }

  txn(txn: Txn, signal?: AbortSignal): Promise<TxnResult> {
    return new Promise((resolve, reject) => {
      signal?.throwIfAborted();
      this.#assertOpen();
      checkTxn(txn);
      if (this.#waiting.length >= WAITING_MAX) throw new UnavailableError(`${WAITING_MAX} writes are waiting already`);
      let bytes = 0;
      for (const op of txn.ops) if ('put' in op) bytes += op.value.length;
      this.#waiting.push({ txn, bytes, signal, resolve, reject });
      // Whoever else writes in this turn comes along.
      if (this.#waiting.length === 1 && !this.#committing) queueMicrotask(() => this.#commit());
    });
  }

  #commit(): void {
    if (this.#committing) return;
    const batch = this.#nextBatch();
    if (batch.length === 0) return;
    this.#committing = true;
    // The last batch is answered, so its memory is free.
    const packed = packBatch(
      batch.map(({ txn }) => txn),
      this.#memory,
    );
    this.#thread.send(
      { do: 'commit', batch: packed },
      (ok) => {
        this.#committing = false;
        this.#isFull = false;
        this.#commit(); // the disk need not wait for what is told to whom
        this.#committed(batch, ok as BatchAnswer);
      },
      (error) => {
        this.#committing = false;
        this.#isFull = error instanceof NoSpaceError;
        for (const { reject } of batch) reject(error);
        this.#commit();
      },
    );
  }

  #nextBatch(): Waiting[] {
    const batch: Waiting[] = [];
    let bytes = 0;
    let taken = 0;
    for (const waiting of this.#waiting) {
      if (batch.length >= BATCH_TXNS || bytes >= BATCH_BYTES) break;
      taken++;
      if (waiting.signal?.aborted) {
        waiting.reject(waiting.signal.reason);
        continue;
      }
      bytes += waiting.bytes;
      batch.push(waiting);
    }
    this.#waiting = this.#waiting.slice(taken);
    return batch;
  }

  #committed(batch: readonly Waiting[], { outcomes, kvs }: BatchAnswer): void {
    const found = unpackKvs(kvs)[Symbol.iterator]();
    const results: (TxnResult | LeaseNotFoundError)[] = [];
    let at = 0;
    for (const { txn, bytes } of batch) {
      const outcome = outcomes[at]!;
      const revision = outcomes[at + 1]!;
      at += 2;
      if (outcome === DONE) {
        const events = eventsOf(txn, revision, outcomes.slice(at, at + txn.ops.length), found);
        at += txn.ops.length;
        this.#writtenBytes += bytes;
        results.push({ ok: true, revision });
        this.#deliver(revision, events);
      } else if (outcome === REFUSED) {
        results.push({ ok: false, revision, current: txn.compares.map(() => found.next().value) });
      } else {
        const lease = txn.ops.flatMap((op) => ('put' in op && op.lease !== undefined ? [op.lease] : []));
        results.push(new LeaseNotFoundError(lease.join(', ')));
      }
    }
    this.#hub.progress(this.#revision);
    for (const [index, { resolve, reject }] of batch.entries()) {
      const result = results[index]!;
      if (result instanceof Error) reject(result);
      else resolve(result);
    }
  }

  #deliver(revision: number, events: readonly StoreEvent[]): void {
    if (events.length === 0) return;
    this.#revision = revision;
    this.#hub.deliver(revision, events);
  }

  watch(prefix: string, fromRevision: number, sink: WatchSink, signal: AbortSignal): void {
    const watcher: Watcher = { prefix, sink, signal, next: fromRevision };
    queueMicrotask(() => this.#replay(watcher));
  }

  /** Page by page until the present is reached, and from that same turn on live. */
  #replay(watcher: Watcher): void {
    const { prefix, sink, signal } = watcher;
    if (signal.aborted) return;
    if (this.#closed !== undefined) {
      sink.closed(this.#closed);
      return;
    }
    if (watcher.next > this.#revision) {
      // Nothing of the past is wanted, and nothing happens between here and the next line.
      if (watcher.next === this.#revision + 1) sink.progress?.(this.#revision);
      this.#hub.add(watcher);
      return;
    }
    this.#thread.send(
      { do: 'history', prefix, from: watcher.next },
      (ok) => {
        const page = ok as HistoryAnswer;
        for (const { revision, events } of unpackHistory(page)) if (!offer(watcher, revision, events)) return;
        watcher.next = Math.max(watcher.next, page.upTo + 1);
        this.#replay(watcher);
      },
      (error) => {
        if (!signal.aborted) sink.closed(error);
      },
    );
  }

  async compact(revision: number): Promise<void> {
    this.#assertOpen();
    await this.#thread.ask({ do: 'compact', revision });
    this.#compacted = revision;
    this.#startSweep();
    await this.#sweep;
  }

  /** Slice after slice, so that writes get their turn in between. */
  #startSweep(): void {
    const work = async () => {
      while (!this.#stop.signal.aborted && (await this.#thread.ask<boolean>({ do: 'sweep' })));
    };
    this.#sweep = this.#sweep.then(work).catch((err) => {
      if (this.#closed === undefined) this.#log.warn({ err }, 'what was compacted could not be freed yet');
    });
  }

  async grantLease(ttlSeconds: number): Promise<string> {
    this.#assertOpen();
    const id = await this.#thread.ask<string>({ do: 'grant', ttlSeconds: Math.ceil(ttlSeconds) });
    this.#leases.add(id, ttlSeconds);
    return id;
  }

  async keepLeaseAlive(id: string): Promise<void> {
    this.#assertOpen();
    if (!this.#leases.renew(id)) throw new LeaseNotFoundError(id);
  }

  async revokeLease(id: string): Promise<void> {
    this.#assertOpen();
    if (!this.#leases.has(id)) throw new LeaseNotFoundError(id);
    await this.#dropLease(id);
    this.#leases.remove(id);
  }

  #expire(id: string): void {
    this.#dropLease(id).catch((err) => {
      if (this.#closed !== undefined) return;
      this.#log.warn({ lease: id, err }, 'what a lease held could not be deleted yet');
      this.#leases.add(id, LEASE_RETRY_SECONDS);
    });
  }

  #dropLease(id: string): Promise<void> {
    return new Promise((resolve, reject) => {
      const done = (ok: unknown) => {
        for (const { revision, events } of unpackHistory(ok as HistoryAnswer)) this.#deliver(revision, events);
        this.#hub.progress(this.#revision);
        resolve();
      };
      this.#thread.send({ do: 'dropLease', id }, done, reject);
    });
  }

  size(): Promise<number> {
    return this.#thread.ask({ do: 'size' });
  }

  /** Writes a consistent copy into a new file (0600) while everything goes on. */
  async backup(path: string): Promise<void> {
    this.#assertOpen();
    await this.#thread.ask({ do: 'backup', path });
  }

  #assertOpen(): void {
    if (this.#closed !== undefined) throw this.#closed;
  }

  #end(error: Error): void {
    if (this.#closed !== undefined) return;
    this.#closed = error;
    this.#stop.abort(error);
    this.#leases[Symbol.dispose]();
    for (const { reject } of this.#waiting.splice(0)) reject(error);
    this.#hub.close(error);
  }

  /** Writes under way are answered; those still waiting are refused. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#end(new Error('the store is closed'));
    await this.#sweep;
    await this.#thread[Symbol.asyncDispose]();
  }
}

function eventsOf(
  { ops }: Txn,
  revision: number,
  done: readonly number[],
  found: Iterator<KeyValue | undefined, undefined>,
): StoreEvent[] {
  const events: StoreEvent[] = [];
  for (const [index, op] of ops.entries()) {
    if ('put' in op) {
      const { put: key, value, lease, object } = op;
      const kv = { key, value, createRevision: done[index]!, modRevision: revision, lease, object };
      events.push({ type: 'put', kv });
    } else if (done[index] === 1) {
      const kv = { key: op.delete, value: EMPTY, createRevision: 0, modRevision: revision };
      events.push({ type: 'delete', kv, prev: found.next().value });
    }
  }
  return events;
}
