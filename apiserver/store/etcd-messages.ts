// Our transactions, ranges and events in the words of etcd's API. Pure: nothing here talks to anybody. 64-bit numbers
// arrive as strings; revisions fit a double, lease ids stay strings.
import { justAfter, prefixEnd } from './sorted.ts';
import type { KeyValue, RangeOptions, StoreEvent, Txn, TxnResult } from './store.ts';

export interface Header {
  readonly revision: string;
}
export interface EtcdKv {
  readonly key: Buffer;
  readonly value: Buffer;
  readonly create_revision: string;
  readonly mod_revision: string;
  readonly lease: string;
}
export interface RangeResponse {
  readonly header: Header;
  readonly kvs: readonly EtcdKv[];
  readonly more: boolean;
}
export interface TxnResponse {
  readonly header: Header;
  readonly succeeded: boolean;
  readonly responses: readonly { readonly response_range?: RangeResponse | null }[];
}
export interface WatchResponse {
  readonly header: Header;
  readonly created: boolean;
  readonly canceled: boolean;
  readonly compact_revision: string;
  readonly cancel_reason: string;
  readonly fragment: boolean;
  readonly events: readonly EtcdEvent[];
}
export interface EtcdEvent {
  readonly type: 'PUT' | 'DELETE';
  readonly kv: EtcdKv;
  readonly prev_kv: EtcdKv | null;
}

/** As first key and as end of a range it means: every key. */
export const ALL_KEYS = Buffer.from([0]);

export function kvOf({ key, value, create_revision, mod_revision, lease }: EtcdKv): KeyValue {
  return {
    key: key.toString(),
    value,
    createRevision: Number(create_revision),
    modRevision: Number(mod_revision),
    lease: lease === '0' ? undefined : lease,
  };
}

export function rangeRequest({ prefix, after, limit, revision }: RangeOptions): object {
  const from = after === undefined || after < prefix ? prefix : justAfter(after);
  const end = prefixEnd(prefix);
  return {
    key: from === '' ? ALL_KEYS : Buffer.from(from),
    range_end: end === undefined ? ALL_KEYS : Buffer.from(end),
    limit: limit ?? 0,
    revision: revision ?? 0,
  };
}

export function txnRequest({ compares, ops }: Txn): object {
  return {
    compare: compares.map(({ key, modRevision }) => ({
      result: 'EQUAL',
      target: 'MOD',
      key: Buffer.from(key),
      mod_revision: modRevision,
    })),
    success: ops.map((op) =>
      'put' in op
        ? { request_put: { key: Buffer.from(op.put), value: op.value, lease: op.lease ?? 0 } }
        : { request_delete_range: { key: Buffer.from(op.delete) } },
    ),
    failure: compares.map(({ key }) => ({ request_range: { key: Buffer.from(key) } })),
  };
}

export function txnResult({ header, succeeded, responses }: TxnResponse): TxnResult {
  const revision = Number(header.revision);
  if (succeeded) return { ok: true, revision };
  const current = responses.map(({ response_range }) => {
    const found = response_range?.kvs[0];
    return found === undefined ? undefined : kvOf(found);
  });
  return { ok: false, revision, current };
}

/** Events of one revision come together, also where etcd put several revisions into one message. */
export function commitsOf(events: readonly EtcdEvent[]): { revision: number; events: StoreEvent[] }[] {
  const commits: { revision: number; events: StoreEvent[] }[] = [];
  for (const { type, kv: told, prev_kv } of events) {
    const kv = kvOf(told);
    const prev = prev_kv === null ? undefined : kvOf(prev_kv);
    const event: StoreEvent = type === 'PUT' ? { type: 'put', kv } : { type: 'delete', kv, prev };
    const last = commits.at(-1);
    if (last?.revision === kv.modRevision) last.events.push(event);
    else commits.push({ revision: kv.modRevision, events: [event] });
  }
  return commits;
}
