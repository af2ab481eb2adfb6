// What every implementation refuses before it does anything, in the same words.
import type { RangeOptions, Txn } from './store.ts';
import { CompactedError, FutureRevisionError } from './store.ts';

/** etcd's own default bound. */
const OPS_MAX = 128;

export function checkTxn({ compares, ops }: Txn): void {
  if (ops.length > OPS_MAX) throw new RangeError(`a transaction of ${ops.length} operations, ${OPS_MAX} are allowed`);
  for (const { key } of compares) checkKey(key);
  for (const op of ops) checkKey('put' in op ? op.put : op.delete);
  if (ops.length < 2) return;
  const keys = new Set(ops.map((op) => ('put' in op ? op.put : op.delete)));
  if (keys.size < ops.length) throw new RangeError('a transaction names a key twice');
}

function checkKey(key: string): void {
  if (key === '' || key.includes('\u0000')) throw new RangeError(`not a key: ${JSON.stringify(key)}`);
}

export function checkRevision({ revision }: RangeOptions, current: number, compacted: number): void {
  if (revision === undefined) return;
  if (revision > current) throw new FutureRevisionError(revision, current);
  if (revision < compacted) throw new CompactedError(compacted);
}

export function checkCompaction(revision: number, current: number, compacted: number): void {
  if (revision > current) throw new FutureRevisionError(revision, current);
  if (revision <= compacted) throw new CompactedError(compacted);
}
