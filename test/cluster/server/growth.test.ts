// What the data folder takes when the same objects are written again and again, with compaction running as it does in a
// server, on a smaller scale.
import assert from 'node:assert/strict';
import { mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { silent } from '../../../api/log.ts';
import { systemClock } from '../../../api/system.ts';
import { autoCompact } from '../../../apiserver/store/auto-compact.ts';
import { EmbeddedStore } from '../../../apiserver/store/embedded.ts';
import { waitFor } from '../harness/wait.ts';

const OBJECTS = 50;
const VALUE_BYTES = 20_000;
const KEEP_BYTES = 8 << 20;
const ROUNDS = process.env['SKIFF_LONG'] === '1' ? 2_000 : 200;
const MIB = 1 << 20;

const kinds: { what: string; keepMs: number; keepBytes: number; most: number; left: number }[] = [
  // Twice what is kept: until the next look as much again is written; and a log of at most 64 MB beside it.
  { what: 'by bytes', keepMs: 3_600_000, keepBytes: KEEP_BYTES, most: 96 * MIB, left: 4 * KEEP_BYTES },
  { what: 'by age', keepMs: 200, keepBytes: 1 << 40, most: 160 * MIB, left: KEEP_BYTES },
];

for (const { what, keepMs, keepBytes, most, left } of kinds) {
  test(`${ROUNDS * OBJECTS} overwrites of ${OBJECTS} objects take bounded space (history kept ${what}), which is given back`, async (t) => {
    const dir = mkdtempSync(join(tmpdir(), `skiff-test-${process.pid}-growth-`));
    const used = () => readdirSync(dir).reduce((sum, name) => sum + statSync(join(dir, name)).size, 0);
    const stop = new AbortController();
    try {
      const onFatal = (err: Error) => assert.fail(err);
      await using store = await EmbeddedStore.open({
        path: join(dir, 'store.db'),
        clock: systemClock,
        log: silent,
        onFatal,
      });
      const compacting = autoCompact(store, { keepMs, keepBytes, everyMs: 50 }, systemClock, silent, stop.signal);
      let largest = 0;
      for (let round = 0; round < ROUNDS; round++) {
        const value = Buffer.alloc(VALUE_BYTES, String(round));
        const put = (n: number) => store.txn({ compares: [], ops: [{ put: `/r/${n}`, value }] });
        await Promise.all(Array.from({ length: OBJECTS }, (_, n) => put(n)));
        largest = Math.max(largest, used());
      }
      const written = ROUNDS * OBJECTS * VALUE_BYTES;
      t.diagnostic(`${Math.round(written / MIB)} MB written, at most ${Math.round(largest / MIB)} MB on disk`);
      assert.ok(written > 1.1 * most, 'what is written is more than what is allowed');
      assert.ok(largest < most, `${largest} bytes on disk`);
      // What is too big goes as it is written; what is old goes with time. One more object now and then moves the present on, and history behind it.
      await waitFor('the space to be given back', async () => {
        await store.txn({ compares: [], ops: [{ put: '/tick', value: Buffer.from('t') }] });
        return (await store.size()) < left;
      });
      assert.equal((await store.range({ prefix: '/r/' })).items.length, OBJECTS);
      stop.abort();
      await compacting;
    } finally {
      stop.abort();
      rmSync(dir, { recursive: true });
    }
  });
}
