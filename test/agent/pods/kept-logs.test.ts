// What containers wrote last outlives them, for a while and within bounds.
import assert from 'node:assert/strict';
import { mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { test } from 'node:test';
import { KeptLogs, keptLogs } from '../../../agent/pods/kept-logs.ts';
import { expired, type KeptFile } from '../../../agent/pods/kept-logs-decide.ts';
import { podLogDir } from '../../../agent/pods/names.ts';
import { systemClock } from '../../../api/system.ts';

const nobody = () => {};
const log = { debug: nobody, info: nobody, warn: nobody, error: nobody, child: () => log };
const pod = { namespace: 'shop', name: 'web-1', uid: 'uid-1' };

test('the last megabyte is kept in whole lines, over a rotation; the log itself goes', async () => {
  const dir = await mkdtemp(join(tmpdir(), 'kept-'));
  try {
    const folders = { kubeletDir: dir, podLogsDir: join(dir, 'logs'), containerLogsDir: join(dir, 'links') };
    const file = join(podLogDir(folders, pod), 'main', '0.log');
    await mkdir(dirname(file), { recursive: true });
    const line = (number: number) => `2026-01-01T00:00:00.0Z stdout F line ${String(number).padStart(6, '0')}\n`;
    const lines = (from: number, to: number) => Array.from({ length: to - from }, (_v, at) => line(from + at)).join('');
    await writeFile(`${file}.20260101-000000`, lines(0, 40_000));
    await writeFile(file, lines(40_000, 40_010));
    {
      await using kept = new KeptLogs(join(dir, 'kept'), { folders, clock: systemClock, log });
      await kept.keepAll(pod);
    }
    const [found, ...more] = await keptLogs(join(dir, 'kept'));
    assert.deepEqual(more, []);
    assert.deepEqual([found?.namespace, found?.pod, found?.container, found?.attempt], ['shop', 'web-1', 'main', 0]);
    const text = await readFile(found!.path, 'utf8');
    assert.ok(text.length > 1_048_000 && text.length <= 2 ** 20, String(text.length));
    assert.ok(text.startsWith('2026-') && text.endsWith(line(40_009)));
    assert.equal((await stat(found!.path)).mode & 0o777, 0o600);
    assert.deepEqual(await readdir(dirname(file)), []);
  } finally {
    await rm(dir, { recursive: true });
  }
});

test('the old go, and the oldest of too many', () => {
  const file = (path: string, keptAtMs: number, bytes = 10): KeptFile => ({ path, bytes, keptAtMs });
  const files = [file('a', 1_000), file('b', 2_000), file('c', 3_000), file('d', 4_000)];
  const gone = (more: object, nowMs = 4_000) =>
    expired(files, { maxAgeMs: 10_000, maxBytes: 1_000, maxFiles: 10, ...more }, nowMs)
      .map(({ path }) => path)
      .sort();
  assert.deepEqual(gone({}), []);
  assert.deepEqual(gone({}, 12_500), ['a', 'b']);
  assert.deepEqual(gone({ maxBytes: 25 }), ['a', 'b']);
  assert.deepEqual(gone({ maxFiles: 3 }), ['a']);
});
