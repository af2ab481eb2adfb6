// The store of several servers beside one another: etcd over gRPC with TLS. Each server has its own caches; what one
// wrote reaches the others by their watches, and latestRevision() tells how far a cache must come for a consistent read.
import type { Clock } from '../../api/clock.ts';
import type { Logger } from '../../api/log.ts';
import { checkTxn } from './check.ts';
import { EtcdClient, type EtcdEndpoints } from './etcd-client.ts';
import {
  ALL_KEYS,
  type Header,
  kvOf,
  type RangeResponse,
  rangeRequest,
  type TxnResponse,
  txnRequest,
  txnResult,
} from './etcd-messages.ts';
import { followEtcd } from './etcd-watch.ts';
import {
  CompactedError,
  FutureRevisionError,
  type KeyValue,
  LeaseNotFoundError,
  type RangeOptions,
  type RangeResult,
  type Store,
  type Txn,
  type TxnResult,
  type WatchSink,
} from './store.ts';

export interface EtcdOptions extends EtcdEndpoints {
  readonly clock: Clock;
  readonly log: Logger;
}

export class EtcdStore implements Store {
  readonly #client: EtcdClient;
  readonly #clock: Clock;
  readonly #log: Logger;
  readonly #stop = new AbortController();
  readonly #watches = new Set<Promise<void>>();
  #revision = 0;
  #compacted = 0;

  private constructor(client: EtcdClient, { clock, log }: EtcdOptions) {
    this.#client = client;
    this.#clock = clock;
    this.#log = log;
  }

  /** Fails when no server answers within a few seconds. */
  static async open(options: EtcdOptions, signal?: AbortSignal): Promise<EtcdStore> {
    const store = new EtcdStore(await EtcdClient.connect(options, options.clock), options);
    try {
      await store.latestRevision(signal);
    } catch (err) {
      await store[Symbol.asyncDispose]();
      throw err;
    }
    return store;
  }

  /** The newest revision this server was told of. */
  get revision(): number {
    return this.#revision;
  }

  get compactedRevision(): number {
    return this.#compacted;
  }

  async latestRevision(signal?: AbortSignal): Promise<number> {
    // Any range that is not serializable asks the leader's quorum first.
    const request = { key: ALL_KEYS, range_end: ALL_KEYS, limit: 1, count_only: true };
    const { header } = await this.#call<RangeResponse>('Range', request, 'freely', signal);
    return Number(header.revision);
  }

  async get(key: string, signal?: AbortSignal): Promise<KeyValue | undefined> {
    const { kvs } = await this.#call<RangeResponse>('Range', { key: Buffer.from(key) }, 'freely', signal);
    return kvs[0] === undefined ? undefined : kvOf(kvs[0]);
  }

  async range(options: RangeOptions, signal?: AbortSignal): Promise<RangeResult> {
    try {
      const answer = await this.#call<RangeResponse>('Range', rangeRequest(options), 'freely', signal);
      return { items: answer.kvs.map(kvOf), revision: Number(answer.header.revision), more: answer.more };
    } catch (err) {
      throw this.#aboutRevision(err, options.revision ?? 0);
    }
  }

  async txn(txn: Txn, signal?: AbortSignal): Promise<TxnResult> {
    checkTxn(txn);
    // Carried out twice, a write without precondition leaves what it left the first time; one with a precondition
    // would fail on its own success.
    const repeat = txn.compares.length === 0 || txn.ops.length === 0 ? 'freely' : 'never';
    signal?.throwIfAborted();
    return txnResult(await this.#call<TxnResponse>('Txn', txnRequest(txn), repeat));
  }

  watch(prefix: string, fromRevision: number, sink: WatchSink, signal: AbortSignal): void {
    const both = AbortSignal.any([signal, this.#stop.signal]);
    // Revision 0 means "from now on" to etcd; to us there is nothing before 1.
    const watcher = { prefix, sink, signal: both, next: Math.max(1, fromRevision) };
    const deps = {
      client: this.#client,
      clock: this.#clock,
      log: this.#log,
      reached: (revision: number) => this.#reached(revision),
    };
    const follow = async () => {
      await Promise.resolve(); // never calls the sink before watch() returned
      try {
        await followEtcd(watcher, deps);
        if (!signal.aborted) sink.closed(new Error('the store is closed'));
      } catch (err) {
        if (err instanceof CompactedError) this.#compacted = Math.max(this.#compacted, err.compactedRevision);
        if (!signal.aborted) sink.closed(err instanceof Error ? err : new Error(String(err)));
      }
    };
    const following = follow().finally(() => this.#watches.delete(following));
    this.#watches.add(following);
  }

  async compact(revision: number): Promise<void> {
    try {
      await this.#call('Compact', { revision, physical: false }, 'freely');
      this.#compacted = Math.max(this.#compacted, revision);
    } catch (err) {
      throw this.#aboutRevision(err, revision);
    }
  }

  /** etcd says that a revision is compacted or in the future, but not what would not be. */
  #aboutRevision(err: unknown, asked: number): unknown {
    if (err instanceof CompactedError) {
      this.#compacted = Math.max(this.#compacted, asked);
      return new CompactedError(this.#compacted);
    }
    const future = err instanceof Error && err.message.includes('future revision');
    return future ? new FutureRevisionError(asked, this.#revision) : err;
  }

  async grantLease(ttlSeconds: number): Promise<string> {
    const request = { TTL: Math.ceil(ttlSeconds), ID: 0 };
    const { ID } = await this.#client.call<{ ID: string }>('Lease', 'LeaseGrant', request, 'freely');
    return ID;
  }

  async keepLeaseAlive(id: string): Promise<void> {
    const { stream, failed } = this.#client.stream<object, { TTL: string }>('Lease', 'LeaseKeepAlive');
    const { promise, resolve, reject } = Promise.withResolvers<string>();
    using _deadline = this.#clock.after(10_000, () => reject(new Error(`etcd did not renew lease ${id} in time`)));
    stream.on('data', ({ TTL }) => resolve(TTL));
    stream.on('end', () => reject(new Error(`etcd did not renew lease ${id}`)));
    stream.on('error', (err) => {
      failed();
      reject(err);
    });
    stream.write({ ID: id });
    try {
      if (Number(await promise) <= 0) throw new LeaseNotFoundError(id);
    } finally {
      stream.cancel();
    }
  }

  async revokeLease(id: string): Promise<void> {
    try {
      await this.#client.call('Lease', 'LeaseRevoke', { ID: id }, 'freely');
    } catch (err) {
      throw err instanceof LeaseNotFoundError ? new LeaseNotFoundError(id) : err;
    }
  }

  async size(): Promise<number> {
    const { dbSize } = await this.#client.call<{ dbSize: string }>('Maintenance', 'Status', {}, 'freely');
    return Number(dbSize);
  }

  async #call<T extends { readonly header: Header }>(
    method: string,
    request: object,
    repeat: 'freely' | 'never',
    signal?: AbortSignal,
  ): Promise<T> {
    this.#stop.signal.throwIfAborted();
    const both = signal === undefined ? this.#stop.signal : AbortSignal.any([signal, this.#stop.signal]);
    const answer = await this.#client.call<T>('KV', method, request, repeat, both);
    this.#reached(Number(answer.header.revision));
    return answer;
  }

  #reached(revision: number): void {
    if (revision > this.#revision) this.#revision = revision;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop.abort(new Error('the store is closed'));
    await Promise.all(this.#watches);
    this.#client[Symbol.dispose]();
  }
}
