// The thread in which the embedded store's database lives, so that no sync of the disk stops the event loop. Requests
// are carried out in the order they arrive; each is answered once what it did is durable.
import { parentPort, workerData } from 'node:worker_threads';
import { EmbeddedDb } from './embedded-db.ts';
import { isFull } from './embedded-file.ts';
import {
  type Answer,
  type Failure,
  type OpenRequest,
  type PackedKvs,
  type Request,
  toTransfer,
} from './embedded-messages.ts';
import { CompactedError, FutureRevisionError } from './store.ts';

const port = parentPort;
if (port === null) throw new Error('this file is run as a worker thread');

const send = (answer: Answer, transfer: ArrayBuffer[] = []) => port.postMessage(answer, transfer);

function failureOf(err: unknown): Failure {
  if (err instanceof CompactedError) return { why: 'compacted', compacted: err.compactedRevision };
  if (err instanceof FutureRevisionError) return { why: 'future', asked: err.asked, current: err.current };
  const message = err instanceof Error ? err.message : String(err);
  const code = err instanceof Error && 'errcode' in err ? Number(err.errcode) : undefined;
  if (isFull(err)) return { why: 'full', message };
  // After any other failure of the database nobody knows what the disk holds: the process must not go on.
  return code === undefined ? { why: 'refused', message } : { why: 'fatal', message: `${message} (${code})` };
}

function open(): EmbeddedDb | undefined {
  try {
    const db = new EmbeddedDb(workerData as OpenRequest);
    const { revision, compacted, sweeping } = db;
    send({ id: 0, ok: { revision, compacted, sweeping, leases: db.leases() } });
    return db;
  } catch (err) {
    send({ id: 0, failed: { why: 'refused', message: err instanceof Error ? err.message : String(err) } });
    return undefined;
  }
}

function carryOut(db: EmbeddedDb, request: Exclude<Request, { do: 'backup' }>): unknown {
  switch (request.do) {
    case 'commit':
      return db.commit(request.batch);
    case 'get':
      return db.get(request.key);
    case 'range':
      return db.range(request);
    case 'history':
      return db.history(request.prefix, request.from);
    case 'grant':
      return db.grant(request.ttlSeconds);
    case 'dropLease':
      return db.dropLease(request.id);
    case 'compact':
      return db.compact(request.revision);
    case 'sweep':
      return db.sweep();
    case 'size':
      return db.size();
    case 'close':
      return db.close();
    default:
      return request satisfies never;
  }
}

function buffersIn(answer: unknown): ArrayBuffer[] {
  if (typeof answer !== 'object' || answer === null) return [];
  const packed = Object.values(answer) as Partial<PackedKvs>[];
  return packed.flatMap((kvs) => (kvs?.bytes === undefined ? [] : toTransfer(kvs.bytes)));
}

interface Sent {
  readonly id: number;
  readonly request: Request;
}

const db = open();
/** While a backup copies pages nothing may write; what comes meanwhile waits for the pause between two of its steps. */
let held: Sent[] | undefined;

function answer({ id, request }: Sent): void {
  if (db === undefined) return;
  if (request.do === 'backup') {
    send({ id, failed: { why: 'refused', message: 'a backup is being taken already' } });
    return;
  }
  try {
    const ok = carryOut(db, request);
    send({ id, ok }, buffersIn(ok));
    if (request.do === 'close') port?.close();
  } catch (err) {
    send({ id, failed: failureOf(err) });
  }
}

function release(): void {
  const waiting = held ?? [];
  held = [];
  for (const sent of waiting) {
    if (sent.request.do === 'close') held.push(sent);
    else answer(sent);
  }
}

async function backUp(id: number, path: string): Promise<void> {
  try {
    held = [];
    await db?.backup(path, release);
    send({ id, ok: undefined });
  } catch (err) {
    // It is the copy that failed, not the store.
    send({ id, failed: { why: 'refused', message: err instanceof Error ? err.message : String(err) } });
  } finally {
    const waiting = held ?? [];
    held = undefined;
    for (const sent of waiting) receive(sent);
  }
}

function receive(sent: Sent): void {
  if (held !== undefined) held.push(sent);
  else if (sent.request.do === 'backup') void backUp(sent.id, sent.request.path);
  else answer(sent);
}

port.on('message', receive);
