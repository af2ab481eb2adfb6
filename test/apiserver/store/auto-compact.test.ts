import assert from 'node:assert/strict';
import { test } from 'node:test';
import { silent } from '../../../api/log.ts';
import { systemClock } from '../../../api/system.ts';
import { autoCompact, compactionTarget, type Sample } from '../../../apiserver/store/auto-compact.ts';
import { MemoryStore } from '../../../apiserver/store/memory.ts';

const policy = { keepMs: 300, keepBytes: 1000, everyMs: 10 };
const at = (atMs: number, revision: number, writtenBytes = 0): Sample => ({ atMs, revision, writtenBytes });

const cases: { it: string; samples: Sample[]; now: Sample; compacted?: number; wants: number | undefined }[] = [
  { it: 'nothing while all of it is young', samples: [at(0, 5), at(100, 9)], now: at(299, 20), wants: undefined },
  {
    it: 'up to the newest sample that is old enough',
    samples: [at(0, 5), at(100, 9), at(200, 12)],
    now: at(450, 20),
    wants: 9,
  },
  {
    it: 'young history that is too big',
    samples: [at(0, 5, 0), at(1, 9, 500), at(2, 12, 900)],
    now: at(3, 20, 1600),
    wants: 9,
  },
  { it: 'nothing twice', samples: [at(0, 5)], now: at(400, 20), compacted: 5, wants: undefined },
  { it: 'never the newest revision', samples: [at(0, 20)], now: at(400, 20), wants: undefined },
  { it: 'nothing without samples', samples: [], now: at(400, 20), wants: undefined },
];
for (const { it, samples, now, compacted = 0, wants } of cases) {
  test(`compaction forgets ${it}`, () => assert.equal(compactionTarget(samples, now, compacted, policy), wants));
}

test('the loop compacts what has grown old and ends with its signal', async () => {
  await using store = new MemoryStore(systemClock);
  const stop = new AbortController();
  const loop = autoCompact(store, { keepMs: 20, keepBytes: 1 << 30, everyMs: 5 }, systemClock, silent, stop.signal);
  const put = () => store.txn({ compares: [], ops: [{ put: 'a', value: Buffer.from('x') }] });
  const { revision } = await put();
  const deadline = performance.now() + 5_000;
  while (store.compactedRevision < revision && performance.now() < deadline) {
    await put();
    await systemClock.sleep(2);
  }
  assert.ok(store.compactedRevision >= revision);
  stop.abort();
  await loop;
});
