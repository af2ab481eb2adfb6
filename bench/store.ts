// The embedded store against its floor: the same writes through a bare node:sqlite worker that keeps no revisions for
// compares, no watches, no leases. Values of 1.5 KB, each answered after the sync; floor and store take turns in one
// run. On a shared machine trust the CPU columns and the ratios.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Worker } from 'node:worker_threads';
import { silent } from '../api/log.ts';
import { systemClock } from '../api/system.ts';
import { EmbeddedStore } from '../apiserver/store/embedded.ts';

const SECONDS = Number(process.env['BENCH_SECONDS'] ?? 1.5);
const WRITERS = [1, 16, 64];
const VALUE = Buffer.alloc(1_500, 'v');

type Write = (key: string) => Promise<unknown>;
interface Figures {
  readonly perSecond: number;
  readonly cpuPerThousand: number;
  readonly mainMicros: number;
  readonly p99Ms: number;
}

async function measure(write: Write, writers: number): Promise<Figures> {
  const until = performance.now() + SECONDS * 1_000;
  const [cpu, main, start] = [process.cpuUsage(), process.threadCpuUsage(), performance.now()];
  const waits: number[] = [];
  const one = async (n: number) => {
    for (let i = 0; performance.now() < until; i++) {
      const asked = performance.now();
      await write(`/registry/pods/bench-${n}/pod-${i % 500}`);
      waits.push(performance.now() - asked);
    }
  };
  await Promise.all(Array.from({ length: writers }, (_, n) => one(n)));
  const used = process.cpuUsage(cpu);
  const onMain = process.threadCpuUsage(main);
  waits.sort((a, b) => a - b);
  return {
    perSecond: (waits.length / (performance.now() - start)) * 1_000,
    cpuPerThousand: (used.user + used.system) / 1e6 / (waits.length / 1_000),
    mainMicros: (onMain.user + onMain.system) / waits.length,
    p99Ms: waits[Math.floor(waits.length * 0.99)] ?? 0,
  };
}

const FLOOR = `
const { parentPort, workerData } = require('node:worker_threads');
const { DatabaseSync } = require('node:sqlite');
const db = new DatabaseSync(workerData);
db.exec('PRAGMA locking_mode = EXCLUSIVE; PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA wal_autocheckpoint = 2000');
db.exec('CREATE TABLE log (id INTEGER PRIMARY KEY, value BLOB); CREATE TABLE keys (key TEXT PRIMARY KEY, id INTEGER) WITHOUT ROWID');
const log = db.prepare('INSERT INTO log VALUES (?, ?)');
const index = db.prepare('INSERT INTO keys VALUES (?, ?) ON CONFLICT DO UPDATE SET id = excluded.id');
let id = 0;
parentPort.on('message', ({ keys, values }) => {
  db.exec('BEGIN');
  for (let i = 0; i < keys.length; i++) { log.run(++id, values[i]); index.run(keys[i], id); }
  db.exec('COMMIT');
  parentPort.postMessage(keys.length);
});`;

/** One batch under way, the rest waits for the next: what the store does, and nothing else. */
function floor(path: string): { write: Write; close: () => Promise<unknown> } {
  const worker = new Worker(FLOOR, { eval: true, workerData: path });
  let waiting: { key: string; value: Uint8Array; done: () => void }[] = [];
  let under: typeof waiting = [];
  const flush = () => {
    if (under.length > 0 || waiting.length === 0) return;
    under = waiting;
    waiting = [];
    worker.postMessage({ keys: under.map(({ key }) => key), values: under.map(({ value }) => value) });
  };
  worker.on('message', () => {
    const done = under;
    under = [];
    flush();
    for (const one of done) one.done();
  });
  const write = (key: string) =>
    new Promise<void>((done) => {
      waiting.push({ key, value: new Uint8Array(VALUE), done });
      if (waiting.length === 1) queueMicrotask(flush);
    });
  return { write, close: () => worker.terminate() };
}

const folder = mkdtempSync(join(tmpdir(), 'skiff-bench-'));
try {
  const onFatal = (error: Error) => {
    throw error;
  };
  await using store = await EmbeddedStore.open({
    path: join(folder, 'store.db'),
    clock: systemClock,
    log: silent,
    onFatal,
  });
  const bare = floor(join(folder, 'floor.db'));
  const revisions = new Map<string, number>();
  const writeStore: Write = async (key) => {
    const compares = [{ key, modRevision: revisions.get(key) ?? 0 }];
    const { ok, revision } = await store.txn({ compares, ops: [{ put: key, value: VALUE }] });
    if (!ok) throw new Error('a compare failed');
    revisions.set(key, revision);
  };
  const row = (cells: readonly (string | number)[]) => cells.map((cell) => String(cell).padStart(13)).join('');
  console.log(row(['writers', '', 'writes/s', 'CPU s/1000', 'main µs', 'p99 ms']));
  for (const writers of WRITERS) {
    const figures = { floor: await measure(bare.write, writers), store: await measure(writeStore, writers) };
    for (const [name, { perSecond, cpuPerThousand, mainMicros, p99Ms }] of Object.entries(figures)) {
      const shown = [cpuPerThousand.toFixed(3), mainMicros.toFixed(1), p99Ms.toFixed(2)];
      console.log(row([writers, name, Math.round(perSecond), ...shown]));
    }
    const rate = figures.store.perSecond / figures.floor.perSecond;
    const cpu = figures.store.cpuPerThousand / figures.floor.cpuPerThousand;
    console.log(row(['', 'ratio', rate.toFixed(2), cpu.toFixed(2)]));
  }
  await bare.close();
} finally {
  rmSync(folder, { recursive: true, force: true });
}
