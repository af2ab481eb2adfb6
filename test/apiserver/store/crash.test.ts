// kill -9 at any instant. What is on the disk afterwards is read here with node:sqlite, not with the store's code.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { DatabaseSync } from 'node:sqlite';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';

const ROUNDS = process.env['SKIFF_LONG'] ? 200 : 6;
const child = fileURLToPath(new URL('./crash-writer.ts', import.meta.url));

interface Report {
  readonly tried: Map<string, Set<string>>;
  readonly acknowledged: { writer: string; count: string; revision: number }[];
  opened: number;
}

/** Lets the child write until so many writes were acknowledged, then kills it in whatever it is doing. */
async function killedWhileWriting(path: string, round: number, enough: number, compacting: boolean): Promise<Report> {
  const args = ['--no-warnings', child, path, `${round}`, ...(compacting ? ['compacting'] : [])];
  const writing = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] });
  const report: Report = { tried: new Map(), acknowledged: [], opened: 0 };
  const reached = Promise.withResolvers<void>();
  const closed = new Promise<void>((resolve) => writing.once('close', () => resolve()));
  const lines = createInterface({ input: writing.stdout });
  lines.on('line', (line) => {
    const [what, writer = '', count = '', revision = ''] = line.split(' ');
    if (what === 'fatal') reached.reject(new Error(line));
    if (what === 'open') report.opened = Number(writer);
    if (what === 'try') report.tried.set(writer, (report.tried.get(writer) ?? new Set()).add(count));
    if (what !== 'ack' || revision === '') return;
    report.acknowledged.push({ writer, count, revision: Number(revision) });
    if (report.acknowledged.length === enough) reached.resolve();
  });
  try {
    await Promise.race([reached.promise, closed]);
  } finally {
    writing.kill('SIGKILL');
    await closed;
  }
  assert.ok(report.acknowledged.length >= enough, 'it wrote until it was killed');
  return report;
}

function folder(): { path: string } & Disposable {
  const made = mkdtempSync(join(tmpdir(), 'skiff-crash-'));
  return { path: join(made, 'store.db'), [Symbol.dispose]: () => rmSync(made, { recursive: true, force: true }) };
}

test('after kill -9 every acknowledged write is there, and of those in flight only the first ones', async () => {
  using at = folder();
  let newest = 1;
  for (let round = 1; round <= ROUNDS; round++) {
    const { tried, acknowledged, opened } = await killedWhileWriting(
      at.path,
      round,
      1 + Math.floor(Math.random() * 800),
      false,
    );
    assert.equal(opened, newest, 'the revision does not go back, nor ahead');
    const db = new DatabaseSync(at.path);
    const rows = db.prepare('SELECT id, key, CAST(value AS TEXT) AS value FROM log WHERE id >= ? ORDER BY id');
    const found = new Map<number, { key: string; value: string }[]>();
    for (const { id, key, value } of rows.all((newest + 1) * 1024)) {
      const revision = Math.floor(Number(id) / 1024);
      found.set(revision, [...(found.get(revision) ?? []), { key: String(key), value: String(value) }]);
    }
    db.close();
    for (const { writer, count, revision } of acknowledged) {
      const [value, counted] = found.get(revision) ?? [];
      assert.equal(value?.key, `/crash/value/${writer}`);
      assert.deepEqual(counted, { key: `/crash/count/${writer}`, value: count });
    }
    // No gap: what is there beyond the acknowledged is what was committed next, whole, and was really asked for.
    const revisions = [...found.keys()];
    assert.deepEqual(
      revisions,
      Array.from({ length: revisions.length }, (_, n) => newest + 1 + n),
    );
    for (const ops of found.values()) {
      assert.equal(ops.length, 2, 'a transaction is whole or not there');
      const { key = '', value = '' } = ops[1] ?? {};
      assert.ok(tried.get(key.slice('/crash/count/'.length))?.has(value), `${key} ${value} was tried`);
    }
    newest = revisions.at(-1) ?? newest;
  }
});

test('kill -9 while history is being compacted loses no newest state', async () => {
  using at = folder();
  const last = new Map<string, number>();
  for (let round = 1; round <= ROUNDS / 2; round++) {
    const { tried, acknowledged } = await killedWhileWriting(
      at.path,
      round,
      200 + Math.floor(Math.random() * 800),
      true,
    );
    for (const { writer, count } of acknowledged) last.set(writer, Number(count));
    const db = new DatabaseSync(at.path);
    assert.equal(db.prepare('PRAGMA integrity_check').get()?.['integrity_check'], 'ok');
    const newest = db.prepare('SELECT CAST(value AS TEXT) AS value FROM log WHERE key = ? ORDER BY id DESC LIMIT 1');
    for (const [writer, count] of last) {
      const value = Number(newest.get(`/crash/count/${writer}`)?.['value']);
      assert.ok(
        value === count || (value > count && tried.get(writer)?.has(`${value}`)),
        `${writer}: ${value} after ${count}`,
      );
    }
    const revisions = db.prepare(
      'SELECT max(id) / 1024 AS newest, (SELECT value FROM meta WHERE name = ?) AS compacted FROM log',
    );
    const { newest: revision, compacted } = revisions.get('compacted') ?? {};
    assert.ok(Number(revision) >= Number(compacted));
    db.close();
  }
});
