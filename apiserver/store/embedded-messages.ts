// What the embedded store and its worker say to each other. Cloning many small objects between threads costs more
// than the writes themselves, so a batch is a few flat arrays and one buffer that changes hands without a copy.
import type { KeyValue, StoreEvent, Txn } from './store.ts';

export interface OpenRequest {
  readonly path: string;
  /** The database never grows beyond this; writes are then refused as on a full disk. */
  readonly maxBytes?: number | undefined;
  /** Space kept back for forgetting history when there is none. */
  readonly reserveBytes?: number | undefined;
}

export interface OpenAnswer {
  readonly revision: number;
  readonly compacted: number;
  /** A compaction was under way when the process ended. */
  readonly sweeping: boolean;
  readonly leases: readonly { id: string; ttlSeconds: number }[];
}

/**
 * Transactions in order. `plan`: for each the number of compares and ops, the revisions compared, the sizes put. The
 * bytes belong to whoever sent them again when the batch is answered.
 */
export interface Batch {
  readonly plan: readonly number[];
  readonly keys: readonly string[];
  /** One per op; left out when no op of the batch has a lease. */
  readonly leases: readonly (string | null)[] | null;
  readonly bytes: Uint8Array;
}

/** A size in a plan that says: delete. */
export const DELETE = -1;

export const REFUSED = 0;
export const DONE = 1;
export const NO_LEASE = 2;

/** `outcomes`: for each transaction how it ended and its revision; if DONE, for each op what create() or 0/1 was. */
export interface BatchAnswer {
  readonly outcomes: readonly number[];
  /** What compared keys hold where a compare failed, and what was deleted, in the order of the outcomes. */
  readonly kvs: PackedKvs;
}

/** `numbers`: for each its create revision, mod revision, and size; ABSENT as size where there is none. */
export interface PackedKvs {
  readonly keys: readonly string[];
  readonly numbers: readonly number[];
  readonly leases: readonly (string | null)[] | null;
  readonly bytes: Uint8Array<ArrayBuffer>;
}

const ABSENT = -1;

export interface HistoryAnswer {
  /** A deletion has the create revision 0. */
  readonly kvs: PackedKvs;
  /** For each deletion, in order, what was there. */
  readonly deleted: PackedKvs;
  /** All there is up to this revision is in this page or was in earlier ones. */
  readonly upTo: number;
  readonly more: boolean;
}

export interface RangeAnswer {
  readonly kvs: PackedKvs;
  readonly revision: number;
  readonly more: boolean;
}

export type Request =
  | { readonly do: 'commit'; readonly batch: Batch }
  | { readonly do: 'get'; readonly key: string }
  | {
      readonly do: 'range';
      readonly prefix: string;
      readonly after?: string;
      readonly limit?: number;
      readonly revision?: number;
    }
  | { readonly do: 'history'; readonly prefix: string; readonly from: number }
  | { readonly do: 'grant'; readonly ttlSeconds: number }
  | { readonly do: 'dropLease'; readonly id: string }
  | { readonly do: 'compact'; readonly revision: number }
  | { readonly do: 'sweep' }
  | { readonly do: 'size' }
  | { readonly do: 'backup'; readonly path: string }
  | { readonly do: 'close' };

export type Answer = { readonly id: number; readonly ok: unknown } | { readonly id: number; readonly failed: Failure };

/** Errors lose their class between threads. */
export type Failure =
  | { readonly why: 'compacted'; readonly compacted: number }
  | { readonly why: 'future'; readonly asked: number; readonly current: number }
  | { readonly why: 'full' | 'refused' | 'fatal'; readonly message: string };

const TRANSFER_MIN_BYTES = 16 << 10;
const BATCH_KEPT_BYTES = 1 << 20;

/** Handing memory over has a price of its own: a few KB are copied for less. */
export function toTransfer({ buffer }: Uint8Array<ArrayBuffer>): ArrayBuffer[] {
  return buffer.byteLength < TRANSFER_MIN_BYTES ? [] : [buffer];
}

/** Memory that both threads see: one batch after the other lies in it, so that none has to be allocated or handed over. */
export class BatchMemory {
  #bytes: Uint8Array = new Uint8Array(0);

  take(size: number): Uint8Array {
    // What is larger than most is not kept.
    if (size > BATCH_KEPT_BYTES) return new Uint8Array(new SharedArrayBuffer(size));
    if (size > this.#bytes.length) this.#bytes = new Uint8Array(new SharedArrayBuffer(BATCH_KEPT_BYTES));
    return this.#bytes.subarray(0, size);
  }
}

export function packBatch(txns: readonly Txn[], memory: BatchMemory): Batch {
  const plan: number[] = [];
  const keys: string[] = [];
  const leases: (string | null)[] = [];
  let leased = false;
  let size = 0;
  for (const { compares, ops } of txns) {
    plan.push(compares.length, ops.length);
    for (const { key, modRevision } of compares) {
      keys.push(key);
      plan.push(modRevision);
    }
    for (const op of ops) {
      const put = 'put' in op;
      keys.push(put ? op.put : op.delete);
      plan.push(put ? op.value.length : DELETE);
      leases.push((put && op.lease) || null);
      leased ||= put && op.lease !== undefined;
      if (put) size += op.value.length;
    }
  }
  const bytes = memory.take(size);
  let at = 0;
  for (const { ops } of txns) {
    for (const op of ops) {
      if (!('put' in op)) continue;
      bytes.set(op.value, at);
      at += op.value.length;
    }
  }
  return { plan, keys, leases: leased ? leases : null, bytes };
}

export class KvPacker {
  readonly #keys: string[] = [];
  readonly #numbers: number[] = [];
  readonly #leases: (string | null)[] = [];
  readonly #values: Uint8Array[] = [];
  #leased = false;
  #size = 0;

  get length(): number {
    return this.#keys.length;
  }

  get size(): number {
    return this.#size;
  }

  add(key: string, createRevision: number, modRevision: number, lease: string | null, value: Uint8Array): void {
    this.#keys.push(key);
    this.#numbers.push(createRevision, modRevision, value.length);
    this.#leases.push(lease);
    this.#leased ||= lease !== null;
    this.#values.push(value);
    this.#size += value.length;
  }

  addAbsent(key: string): void {
    this.#keys.push(key);
    this.#numbers.push(0, 0, ABSENT);
    this.#leases.push(null);
  }

  finish(): PackedKvs {
    const bytes = new Uint8Array(this.#size);
    let at = 0;
    for (const value of this.#values) {
      bytes.set(value, at);
      at += value.length;
    }
    return { keys: this.#keys, numbers: this.#numbers, leases: this.#leased ? this.#leases : null, bytes };
  }
}

/** The values are views of the one buffer. */
export function unpackKvs({ keys, numbers, leases, bytes }: PackedKvs): (KeyValue | undefined)[] {
  let at = bytes.byteOffset;
  return keys.map((key, index) => {
    const size = numbers[index * 3 + 2]!;
    if (size === ABSENT) return undefined;
    const value = Buffer.from(bytes.buffer, at, size);
    at += size;
    const lease = leases?.[index] ?? undefined;
    return { key, value, createRevision: numbers[index * 3]!, modRevision: numbers[index * 3 + 1]!, lease };
  });
}

/** Revisions with their events, in order. */
export function unpackHistory({ kvs, deleted }: HistoryAnswer): { revision: number; events: StoreEvent[] }[] {
  const commits: { revision: number; events: StoreEvent[] }[] = [];
  const gone = unpackKvs(deleted)[Symbol.iterator]();
  for (const kv of unpackKvs(kvs)) {
    if (kv === undefined) continue;
    const event: StoreEvent =
      kv.createRevision === 0 ? { type: 'delete', kv, prev: gone.next().value } : { type: 'put', kv };
    const last = commits.at(-1);
    if (last?.revision === kv.modRevision) last.events.push(event);
    else commits.push({ revision: kv.modRevision, events: [event] });
  }
  return commits;
}
