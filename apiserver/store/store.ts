// The revisioned key-value contract, and nothing of Kubernetes. Three implementations pass one contract suite:
// embedded (node:sqlite in a worker), etcd (gRPC) and in-memory (for the simulator).
//
// One revision counts all transactions. What a promise acknowledged is durable. Within one turn of the event loop the
// order is: watch sinks are called in revision order, then the answers of the writes in that batch resolve.

export interface KeyValue {
  readonly key: string;
  readonly value: Buffer;
  readonly createRevision: number;
  readonly modRevision: number;
  readonly lease?: string;
  /** What the writer said the value decodes to, where this process wrote it. For looking at, in the turn of the event. */
  readonly object?: object;
}

/** The key's newest revision must be this; 0 means the key must not exist. */
export interface Compare {
  readonly key: string;
  readonly modRevision: number;
}

export type Op =
  /** `object` is never stored: it spares those who are told of the write in this process to decode the value. */
  | { readonly put: string; readonly value: Buffer; readonly lease?: string; readonly object?: object }
  | { readonly delete: string };

/** No ops: only the question whether the compares hold. A key may appear once in `ops`. */
export interface Txn {
  readonly compares: readonly Compare[];
  readonly ops: readonly Op[];
}

export type TxnResult =
  | { readonly ok: true; readonly revision: number }
  /** A compare failed: what the compared keys hold, in the order of the compares. */
  | { readonly ok: false; readonly revision: number; readonly current: readonly (KeyValue | undefined)[] };

export interface RangeOptions {
  /** Keys that begin with this. */
  readonly prefix: string;
  /** Start after this key (for paging). */
  readonly after?: string;
  /** At least 1. */
  readonly limit?: number;
  /** As of this revision; throws CompactedError or FutureRevisionError. */
  readonly revision?: number;
}

export interface RangeResult {
  /** In key order. Values may share memory: copy what is kept. */
  readonly items: readonly KeyValue[];
  readonly revision: number;
  readonly more: boolean;
}

export type StoreEvent =
  | { readonly type: 'put'; readonly kv: KeyValue }
  /** kv.modRevision is the revision of the deletion, kv.value is empty. `prev` is missing where etcd compacted it. */
  | { readonly type: 'delete'; readonly kv: KeyValue; readonly prev?: KeyValue };

export interface WatchSink {
  /** All events of one revision under the prefix, in order; never twice, never out of order. */
  events(revision: number, events: readonly StoreEvent[]): void;
  /** All there is under this prefix up to and including `revision` has been given. Once per batch at most. */
  progress?(revision: number): void;
  /** The watch is over: CompactedError, or the store is gone. */
  closed(error: Error): void;
}

export interface Store extends AsyncDisposable {
  /** The newest revision that is durable and has been handed to the watches. */
  readonly revision: number;
  readonly compactedRevision: number;
  /** The newest revision anyone was told of before this call. A watch will come to it; embedded: `revision`. */
  latestRevision(signal?: AbortSignal): Promise<number>;
  get(key: string, signal?: AbortSignal): Promise<KeyValue | undefined>;
  range(options: RangeOptions, signal?: AbortSignal): Promise<RangeResult>;
  /** The signal takes back what is not yet on its way; from then on the answer says what happened. */
  txn(txn: Txn, signal?: AbortSignal): Promise<TxnResult>;
  /** Everything under `prefix` from `fromRevision` (inclusive) on, past first. Never calls the sink before it returned. */
  watch(prefix: string, fromRevision: number, sink: WatchSink, signal: AbortSignal): void;
  /** Forgets what was overwritten or deleted at or before `revision`; the state at `revision` stays readable. */
  compact(revision: number): Promise<void>;
  grantLease(ttlSeconds: number): Promise<string>;
  keepLeaseAlive(id: string): Promise<void>;
  revokeLease(id: string): Promise<void>;
  /** Bytes on disk, or 0 where that has no meaning. */
  size(): Promise<number>;
}

export class CompactedError extends Error {
  readonly compactedRevision: number;
  constructor(compactedRevision: number) {
    super(`revisions up to ${compactedRevision} have been compacted`);
    this.compactedRevision = compactedRevision;
  }
}

export class FutureRevisionError extends Error {
  readonly asked: number;
  readonly current: number;
  constructor(asked: number, current: number) {
    super(`revision ${asked} is in the future, the store is at ${current}`);
    this.asked = asked;
    this.current = current;
  }
}

/** The write did not happen and may be tried again: a full disk, a member that is electing. */
export class UnavailableError extends Error {}

/** There is no space for writes; reads go on, and writes too once there is. */
export class NoSpaceError extends UnavailableError {}

/** A write was sent and its answer lost: it happened or it did not. It must not be repeated blindly. */
export class OutcomeUnknownError extends Error {}

export class LeaseNotFoundError extends Error {
  constructor(id: string) {
    super(`lease ${id} is not there or has run out`);
  }
}
