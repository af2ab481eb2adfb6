// The recorder of histories is itself held against stores that break a promise.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { systemClock } from '../../../api/system.ts';
import { MemoryStore } from '../../../apiserver/store/memory.ts';
import type { KeyValue, Store } from '../../../apiserver/store/store.ts';
import { recordWatch } from './contract.ts';
import { contend, HistoryRecorder } from './history.ts';

const broken: { it: string; breakIt: (store: Store) => void }[] = [
  {
    it: 'reads the past',
    breakIt(store) {
      const get = store.get.bind(store);
      const seen = new Map<string, KeyValue | undefined>();
      store.get = async (key) => {
        const before = seen.get(key);
        seen.set(key, await get(key));
        return before;
      };
    },
  },
  {
    it: 'acknowledges what it does not write',
    breakIt(store) {
      const txn = store.txn.bind(store);
      let writes = 0;
      store.txn = async (asked) => (++writes % 7 === 0 ? { ok: true, revision: store.revision } : txn(asked));
    },
  },
  {
    it: 'ignores compares',
    breakIt(store) {
      const txn = store.txn.bind(store);
      store.txn = ({ ops }) => txn({ compares: [], ops });
    },
  },
];
for (const { it, breakIt } of broken) {
  test(`a store that ${it} is found out`, async () => {
    await using store = new MemoryStore(systemClock);
    breakIt(store);
    const signal = AbortSignal.timeout(5_000);
    const watch = recordWatch(store, '/r/', 2, signal);
    const recorder = new HistoryRecorder(store);
    await contend(recorder, '/r/', 6, 15);
    await watch.seen(await store.latestRevision());
    assert.throws(() => recorder.check(watch.revisions), assert.AssertionError);
  });
}
