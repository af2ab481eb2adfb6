// The store in memory: for the simulator and for tests, held to the same contract suite as the durable ones.
// Like them it works in batches, so that a sink which writes in its turn changes no order.
import type { Clock } from '../../api/clock.ts';
import { checkCompaction, checkRevision, checkTxn } from './check.ts';
import { offer, WatchHub } from './hub.ts';
import { Leases } from './leases.ts';
import { justAfter, prefixEnd, SortedMap } from './sorted.ts';
import {
  CompactedError,
  type KeyValue,
  LeaseNotFoundError,
  type RangeOptions,
  type RangeResult,
  type Store,
  type StoreEvent,
  type Txn,
  type TxnResult,
  type WatchSink,
} from './store.ts';

/** One state of a key; a deletion has no kv. */
interface Version {
  readonly revision: number;
  readonly kv?: KeyValue;
}

interface Waiting {
  readonly txn: Txn;
  readonly signal?: AbortSignal;
  readonly resolve: (result: TxnResult) => void;
  readonly reject: (error: unknown) => void;
}

const EMPTY = Buffer.alloc(0);

export class MemoryStore implements Store {
  readonly #versions = new SortedMap<Version[]>();
  readonly #log: { revision: number; events: StoreEvent[] }[] = [];
  readonly #hub = new WatchHub();
  readonly #leases: Leases;
  #queue: Waiting[] = [];
  #revision = 1;
  #delivered = 1;
  #compacted = 0;
  #lastLease = 0;
  #closed: Error | undefined;

  constructor(clock: Clock) {
    this.#leases = new Leases(clock, (id) => void this.#removeLease(id));
  }

  get revision(): number {
    return this.#delivered;
  }

  get compactedRevision(): number {
    return this.#compacted;
  }

  async latestRevision(): Promise<number> {
    this.#assertOpen();
    return this.#delivered;
  }

  async get(key: string, signal?: AbortSignal): Promise<KeyValue | undefined> {
    signal?.throwIfAborted();
    this.#assertOpen();
    return this.#current(key);
  }

  async range(options: RangeOptions, signal?: AbortSignal): Promise<RangeResult> {
    signal?.throwIfAborted();
    this.#assertOpen();
    checkRevision(options, this.#delivered, this.#compacted);
    const { prefix, after, limit = Number.POSITIVE_INFINITY, revision = this.#delivered } = options;
    const from = after === undefined || after < prefix ? prefix : justAfter(after);
    const items: KeyValue[] = [];
    for (const versions of this.#versions.values(from, prefixEnd(prefix))) {
      const kv = versions.findLast((version) => version.revision <= revision)?.kv;
      if (kv === undefined) continue;
      if (items.length >= limit) return { items, revision: this.#delivered, more: true };
      items.push(kv);
    }
    return { items, revision: this.#delivered, more: false };
  }

  txn(txn: Txn, signal?: AbortSignal): Promise<TxnResult> {
    return new Promise((resolve, reject) => {
      signal?.throwIfAborted();
      this.#assertOpen();
      checkTxn(txn);
      this.#queue.push({ txn, signal, resolve, reject });
      if (this.#queue.length === 1) queueMicrotask(() => this.#commit());
    });
  }

  #commit(): void {
    const batch = this.#queue;
    this.#queue = [];
    const answers: (() => void)[] = [];
    const commits: { revision: number; events: StoreEvent[] }[] = [];
    for (const { txn, signal, resolve, reject } of batch) {
      try {
        signal?.throwIfAborted();
        this.#assertOpen();
        const { result, events } = this.#apply(txn);
        if (events.length > 0) commits.push({ revision: this.#revision, events });
        answers.push(() => resolve(result));
      } catch (err) {
        answers.push(() => reject(err));
      }
    }
    this.#deliver(commits);
    for (const answer of answers) answer();
  }

  #deliver(commits: readonly { revision: number; events: StoreEvent[] }[]): void {
    if (commits.length === 0) return;
    for (const commit of commits) {
      this.#log.push(commit);
      this.#delivered = commit.revision;
      this.#hub.deliver(commit.revision, commit.events);
    }
    this.#hub.progress(this.#delivered);
  }

  #apply({ compares, ops }: Txn): { result: TxnResult; events: StoreEvent[] } {
    for (const op of ops) {
      if ('put' in op && op.lease !== undefined && !this.#leases.has(op.lease)) throw new LeaseNotFoundError(op.lease);
    }
    const holds = compares.every(({ key, modRevision }) => (this.#current(key)?.modRevision ?? 0) === modRevision);
    if (!holds) {
      const current = compares.map(({ key }) => this.#current(key));
      return { result: { ok: false, revision: this.#revision, current }, events: [] };
    }
    const revision = this.#revision + 1;
    const events: StoreEvent[] = [];
    for (const op of ops) {
      const key = 'put' in op ? op.put : op.delete;
      const prev = this.#current(key);
      if ('put' in op) {
        const createRevision = prev?.createRevision ?? revision;
        const kv: KeyValue = { key, value: op.value, createRevision, modRevision: revision, lease: op.lease };
        this.#add(key, { revision, kv });
        events.push({ type: 'put', kv: op.object === undefined ? kv : { ...kv, object: op.object } });
      } else if (prev !== undefined) {
        this.#add(key, { revision });
        const kv: KeyValue = { key, value: EMPTY, createRevision: 0, modRevision: revision };
        events.push({ type: 'delete', kv, prev });
      }
    }
    if (events.length > 0) this.#revision = revision;
    return { result: { ok: true, revision: this.#revision }, events };
  }

  #current(key: string): KeyValue | undefined {
    return this.#versions.get(key)?.at(-1)?.kv;
  }

  #add(key: string, version: Version): void {
    const versions = this.#versions.get(key);
    if (versions === undefined) this.#versions.set(key, [version]);
    else versions.push(version);
  }

  watch(prefix: string, fromRevision: number, sink: WatchSink, signal: AbortSignal): void {
    queueMicrotask(() => {
      if (signal.aborted) return;
      const compacted = fromRevision <= this.#compacted ? new CompactedError(this.#compacted) : undefined;
      const refusal = this.#closed ?? compacted;
      if (refusal !== undefined) {
        sink.closed(refusal);
        return;
      }
      const watcher = { prefix, sink, signal, next: fromRevision };
      for (const { revision, events } of this.#log) if (!offer(watcher, revision, events)) return;
      if (watcher.next <= this.#delivered + 1 && !signal.aborted) sink.progress?.(this.#delivered);
      this.#hub.add(watcher);
    });
  }

  async compact(revision: number): Promise<void> {
    this.#assertOpen();
    checkCompaction(revision, this.#delivered, this.#compacted);
    this.#compacted = revision;
    const keep = this.#log.findIndex((commit) => commit.revision > revision);
    this.#log.splice(0, keep < 0 ? this.#log.length : keep);
    for (const [key, versions] of this.#versions.snapshot().entries()) {
      // The newest state at or before the compaction stays, unless it is a deletion.
      const newest = versions.findLastIndex((version) => version.revision <= revision);
      if (newest < 0) continue;
      versions.splice(0, versions[newest]?.kv === undefined ? newest + 1 : newest);
      if (versions.length === 0) this.#versions.delete(key);
    }
  }

  async grantLease(ttlSeconds: number): Promise<string> {
    this.#assertOpen();
    const id = `${++this.#lastLease}`;
    this.#leases.add(id, ttlSeconds);
    return id;
  }

  async keepLeaseAlive(id: string): Promise<void> {
    this.#assertOpen();
    if (!this.#leases.renew(id)) throw new LeaseNotFoundError(id);
  }

  async revokeLease(id: string): Promise<void> {
    this.#assertOpen();
    if (!this.#leases.remove(id)) throw new LeaseNotFoundError(id);
    await this.#removeLease(id);
  }

  async #removeLease(id: string): Promise<void> {
    await Promise.resolve(); // behind the batch that may be on its way
    const keys = [...this.#versions.values()].map((versions) => versions.at(-1)?.kv).filter((kv) => kv?.lease === id);
    if (keys.length === 0 || this.#closed !== undefined) return;
    const { events } = this.#apply({ compares: [], ops: keys.map((kv) => ({ delete: kv?.key ?? '' })) });
    this.#deliver([{ revision: this.#revision, events }]);
  }

  async size(): Promise<number> {
    return 0;
  }

  #assertOpen(): void {
    if (this.#closed !== undefined) throw this.#closed;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#closed !== undefined) return;
    this.#closed = new Error('the store is closed');
    this.#leases[Symbol.dispose]();
    this.#hub.close(this.#closed);
  }
}
