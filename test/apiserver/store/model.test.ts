// The two stores of ours do the same: any run of writes, compactions and leases gives the same revisions, the same
// states at every revision that can be read, and the same events to a watch from any revision.
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import fc from 'fast-check';
import { silent } from '../../../api/log.ts';
import { systemClock } from '../../../api/system.ts';
import { EmbeddedStore } from '../../../apiserver/store/embedded.ts';
import { MemoryStore } from '../../../apiserver/store/memory.ts';
import type { Compare, Op, Store } from '../../../apiserver/store/store.ts';
import { recordWatch } from './contract.ts';

const key = fc.constantFrom('/a/1', '/a/2', '/a-b/1', '/b/1', '/b/é');
const op: fc.Arbitrary<Op> = fc.oneof(
  fc.record({ put: key, value: fc.string().map((text) => Buffer.from(text)) }),
  fc.record({ delete: key }),
);
const ops = fc.uniqueArray(op, { maxLength: 3, selector: (one) => ('put' in one ? one.put : one.delete) });
/** Revisions are chosen among those near the present, so that compares hold about as often as not. */
const step = fc.oneof(
  {
    weight: 12,
    arbitrary: fc.record({ compare: fc.option(fc.record({ key, back: fc.nat(4) })), ops, sync: fc.boolean() }),
  },
  { weight: 1, arbitrary: fc.record({ compactBack: fc.nat(6) }) },
);

async function everything(store: Store): Promise<unknown> {
  const states: unknown[] = [];
  for (let revision = Math.max(1, store.compactedRevision); revision <= store.revision; revision++) {
    const { items } = await store.range({ prefix: '/', revision });
    states.push(items.map((kv) => [kv.key, String(kv.value), kv.createRevision, kv.modRevision]));
  }
  const watch = recordWatch(store, '/', store.compactedRevision + 1, AbortSignal.timeout(5_000));
  // Nobody wrote revision 1: a store begins there.
  await watch.seen(store.revision > Math.max(1, store.compactedRevision) ? store.revision : 0);
  const events = watch.revisions.flatMap(({ revision, events: together }) =>
    together.map((event) => [
      revision,
      event.type,
      event.kv.key,
      String(event.kv.value),
      event.type === 'delete' ? [String(event.prev?.value), event.prev?.modRevision] : event.kv.createRevision,
    ]),
  );
  return { revision: store.revision, compacted: store.compactedRevision, states, events };
}

test('the embedded and the in-memory store do the same', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'skiff-store-'));
  let runs = 0;
  const onFatal = (error: Error) => {
    throw error;
  };
  try {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 5, maxLength: 60 }), async (steps) => {
        const path = join(folder, `${++runs}.db`);
        await using memory = new MemoryStore(systemClock);
        await using embedded = await EmbeddedStore.open({ path, clock: systemClock, log: silent, onFatal });
        const stores = [memory, embedded] as const;
        let open: Promise<unknown>[][] = [[], []];
        const settle = async () => {
          const [a, b] = await Promise.all(open.map((writes) => Promise.all(writes)));
          assert.deepEqual(a, b);
          open = [[], []];
        };
        for (const one of steps) {
          if ('compactBack' in one) {
            await settle();
            const revision = memory.revision - one.compactBack;
            if (revision <= memory.compactedRevision) continue;
            await Promise.all(stores.map((store) => store.compact(revision)));
            continue;
          }
          const back = one.compare === null ? undefined : memory.revision - one.compare.back;
          const compares: Compare[] =
            one.compare === null ? [] : [{ key: one.compare.key, modRevision: Math.max(0, back ?? 0) }];
          for (const [n, store] of stores.entries()) open[n]?.push(store.txn({ compares, ops: one.ops }));
          if (one.sync) await settle();
        }
        await settle();
        assert.deepEqual(await everything(embedded), await everything(memory));
      }),
      { numRuns: 25 },
    );
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});
