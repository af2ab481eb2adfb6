// What every store promises, as tests that run against each of them. A test keeps below a prefix of its own, for one
// etcd serves them all; revisions are compared with one another, never with numbers.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  CompactedError,
  FutureRevisionError,
  type KeyValue,
  LeaseNotFoundError,
  type Op,
  type Store,
  type StoreEvent,
} from '../../../apiserver/store/store.ts';
import { contend, HistoryRecorder } from './history.ts';

export interface StoreUnderTest {
  readonly store: Store;
  /** Ends the store and opens what it left; undefined where nothing outlives it. */
  readonly reopen?: () => Promise<Store>;
  close(): Promise<void>;
}

export interface Implementation {
  readonly name: string;
  open(): Promise<StoreUnderTest>;
  /** Why it cannot be tested here. */
  readonly skip?: string;
}

interface Subject extends StoreUnderTest {
  readonly prefix: string;
  readonly signal: AbortSignal;
  key(name: string): string;
  put(name: string, value: string | Buffer, modRevision?: number): Promise<number>;
  remove(name: string): Promise<number>;
  names(options?: { revision?: number; after?: string; limit?: number }): Promise<string[]>;
}

let made = 0;

export function recordWatch(store: Store, prefix: string, from: number, signal: AbortSignal) {
  const revisions: { revision: number; events: readonly StoreEvent[] }[] = [];
  const closed = Promise.withResolvers<Error>();
  let progress = 0;
  let wake = Promise.withResolvers<void>();
  const look = () => {
    wake.resolve();
    wake = Promise.withResolvers();
  };
  store.watch(
    prefix,
    from,
    {
      events(revision, events) {
        assert.ok(revision > (revisions.at(-1)?.revision ?? 0), 'revisions only grow');
        revisions.push({ revision, events });
        look();
      },
      progress(revision) {
        assert.ok(revision >= (revisions.at(-1)?.revision ?? 0) && revision >= progress, 'progress only grows');
        progress = revision;
        look();
      },
      closed: closed.resolve,
    },
    signal,
  );
  const seen = async (revision: number) => {
    while ((revisions.at(-1)?.revision ?? 0) < revision) {
      signal.throwIfAborted();
      await Promise.race([wake.promise, ended(signal)]);
    }
  };
  const brief = () =>
    revisions.flatMap(({ events }) =>
      events.map(({ type, kv }) => `${type} ${kv.key.slice(prefix.length)} ${kv.value}`),
    );
  return { revisions, brief, seen, closed: closed.promise };
}

function ended(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason), { once: true }));
}

export function storeContract(implementation: Implementation): void {
  const { name, skip } = implementation;
  const it = (says: string, body: (at: Subject) => Promise<void>) => {
    test(`${name}: ${says}`, { skip }, async (t) => {
      const opened = await implementation.open();
      const { store } = opened;
      const prefix = `/contract/${++made}-${process.pid}/`;
      const key = (of: string) => prefix + of;
      const write = async (op: Op, modRevision?: number) => {
        const compares = modRevision === undefined ? [] : [{ key: 'put' in op ? op.put : op.delete, modRevision }];
        const result = await store.txn({ compares, ops: [op] });
        assert.ok(result.ok, 'the compare holds');
        return result.revision;
      };
      try {
        await body({
          ...opened,
          prefix,
          key,
          signal: AbortSignal.any([t.signal, AbortSignal.timeout(20_000)]),
          put: (of, value, modRevision) => write({ put: key(of), value: Buffer.from(value) }, modRevision),
          remove: (of) => write({ delete: key(of) }),
          names: async (options) =>
            (await store.range({ prefix, ...options })).items.map((kv) => kv.key.slice(prefix.length)),
        });
      } finally {
        await opened.close();
      }
    });
  };

  it('a key that was put is read back with its revisions', async ({ store, key, put }) => {
    assert.equal(await store.get(key('a')), undefined);
    const created = await put('a', 'one');
    const modified = await put('a', 'two');
    const kv = await store.get(key('a'));
    assert.deepEqual(
      [kv?.key, String(kv?.value), kv?.createRevision, kv?.modRevision],
      [key('a'), 'two', created, modified],
    );
    assert.equal(modified, created + 1);
    assert.equal(store.revision, modified);
    assert.equal(await store.latestRevision(), modified);
  });

  it('a key that is made again after its deletion has a new create revision', async ({ store, key, put, remove }) => {
    await put('a', 'one');
    await remove('a');
    assert.equal(await store.get(key('a')), undefined);
    const again = await put('a', 'two', 0);
    assert.equal((await store.get(key('a')))?.createRevision, again);
  });

  it('a compare that fails changes nothing and tells what is there', async ({ store, key, put, names }) => {
    const revision = await put('a', 'one');
    const compares = [
      { key: key('a'), modRevision: 0 },
      { key: key('b'), modRevision: 0 },
    ];
    const result = await store.txn({ compares, ops: [{ put: key('b'), value: Buffer.from('x') }] });
    assert.ok(!result.ok);
    assert.equal(result.revision, revision);
    assert.deepEqual(
      result.current.map((kv) => kv && `${kv.key} ${kv.value} ${kv.modRevision}`),
      [`${key('a')} one ${revision}`, undefined],
    );
    assert.deepEqual(await names(), ['a']);
    assert.equal(await store.latestRevision(), revision);
  });

  it('a compare with an older revision fails, with the newest one it holds', async ({ store, key, put }) => {
    const first = await put('a', 'one');
    const second = await put('a', 'two', first);
    const write = { ops: [{ put: key('a'), value: Buffer.from('three') }] };
    const late = await store.txn({ compares: [{ key: key('a'), modRevision: first }], ...write });
    assert.equal(late.ok, false);
    const right = await store.txn({ compares: [{ key: key('a'), modRevision: second }], ...write });
    assert.equal(right.ok, true);
  });

  it('a transaction has one revision for all it does', async ({ store, key, put, names, prefix, signal }) => {
    const before = await put('gone', 'x');
    const watch = recordWatch(store, prefix, before + 1, signal);
    const ops: Op[] = [
      { put: key('b'), value: Buffer.from('1') },
      { delete: key('gone') },
      { put: key('a'), value: Buffer.from('2') },
      { delete: key('never-there') },
    ];
    const { revision } = await store.txn({ compares: [{ key: key('gone'), modRevision: before }], ops });
    assert.equal(revision, before + 1);
    assert.deepEqual(await names(), ['a', 'b']);
    await watch.seen(revision);
    assert.equal(watch.revisions.length, 1, 'all of it at once');
    assert.deepEqual(watch.brief(), ['put b 1', 'delete gone ', 'put a 2']);
  });

  it('a transaction that changes nothing takes no revision', async ({ store, key, put }) => {
    const revision = await put('a', 'one');
    const removed = await store.txn({ compares: [], ops: [{ delete: key('never-there') }] });
    assert.deepEqual(removed, { ok: true, revision });
    const asked = await store.txn({ compares: [{ key: key('a'), modRevision: revision }], ops: [] });
    assert.deepEqual(asked, { ok: true, revision });
    assert.equal(await put('a', 'two'), revision + 1);
  });

  it('a transaction that names a key twice, or no key, is refused', async ({ store, key }) => {
    const value = Buffer.from('x');
    await assert.rejects(store.txn({ compares: [], ops: [{ put: key('a'), value }, { delete: key('a') }] }), /twice/);
    await assert.rejects(store.txn({ compares: [], ops: [{ put: '', value }] }), /not a key/);
  });

  it('a range is in key order, page by page, and within its prefix', async ({ store, put, names, prefix, key }) => {
    for (const name of ['c/1', 'a/2', 'b/1', 'a/1', 'a-b/1']) await put(name, name);
    const all = ['a-b/1', 'a/1', 'a/2', 'b/1', 'c/1'];
    assert.deepEqual(await names(), all);
    const under = await store.range({ prefix: key('a/') });
    assert.deepEqual(
      under.items.map((kv) => String(kv.value)),
      ['a/1', 'a/2'],
    );
    const paged: string[] = [];
    let after: string | undefined;
    for (let more = true; more; ) {
      const page = await store.range({ prefix, after, limit: 2 });
      paged.push(...page.items.map((kv) => kv.key.slice(prefix.length)));
      after = page.items.at(-1)?.key;
      more = page.more;
    }
    assert.deepEqual(paged, all);
    const exact = await store.range({ prefix, limit: 5 });
    assert.equal(exact.more, false);
  });

  it('a range at an older revision shows what was then', async ({ store, prefix, key, put, remove, names }) => {
    const r1 = await put('a', 'one');
    const r2 = await put('b', 'two');
    const r3 = await put('a', 'three');
    const r4 = await remove('b');
    const at = async (revision: number) => {
      const { items } = await store.range({ prefix, revision });
      return items.map((kv: KeyValue) => `${kv.key.slice(prefix.length)}=${kv.value}@${kv.modRevision}`);
    };
    assert.deepEqual(await at(r1), [`a=one@${r1}`]);
    assert.deepEqual(await at(r2), [`a=one@${r1}`, `b=two@${r2}`]);
    assert.deepEqual(await at(r3), [`a=three@${r3}`, `b=two@${r2}`]);
    assert.deepEqual(await at(r4), [`a=three@${r3}`]);
    assert.deepEqual(await names({ revision: r2, limit: 1, after: key('a') }), ['b']);
    await assert.rejects(store.range({ prefix, revision: r4 + 1 }), FutureRevisionError);
  });

  it('a watch gives the past first and then the present, each once and in order', async (at) => {
    const { store, prefix, signal, put, remove } = at;
    const first = await put('a', 'one');
    await put('b', 'two');
    const watch = recordWatch(store, prefix, first, signal);
    await put('a', 'three');
    await remove('b');
    const last = await put('c', 'four');
    await watch.seen(last);
    assert.deepEqual(watch.brief(), ['put a one', 'put b two', 'put a three', 'delete b ', 'put c four']);
    assert.deepEqual(
      watch.revisions.map(({ revision }) => revision),
      [0, 1, 2, 3, 4].map((n) => first + n),
    );
  });

  it('a deletion tells what was deleted, and when', async ({ store, prefix, put, remove, signal }) => {
    const put1 = await put('a', 'one');
    const gone = await remove('a');
    const live = recordWatch(store, prefix, gone + 1, signal);
    const past = recordWatch(store, prefix, gone, signal);
    await put('a', 'two');
    const again = await remove('a');
    for (const [watch, revision, value, mod] of [
      [past, gone, 'one', put1],
      [live, again, 'two', again - 1],
    ] as const) {
      await watch.seen(revision);
      const event = watch.revisions.find((one) => one.revision === revision)?.events[0];
      assert.ok(event?.type === 'delete');
      assert.deepEqual([event.kv.modRevision, event.kv.value.length], [revision, 0]);
      assert.deepEqual([String(event.prev?.value), event.prev?.modRevision], [value, mod]);
    }
  });

  it('events lost by a slow watcher: one that starts far behind catches up while writes go on', async (at) => {
    const { store, key, prefix, signal } = at;
    const from = (await store.latestRevision()) + 1;
    const write = (n: number) =>
      store.txn({ compares: [], ops: [{ put: key(`k${n % 50}`), value: Buffer.from(`${n}`) }] });
    await Promise.all(Array.from({ length: 1_200 }, (_, n) => write(n)));
    const watches = [recordWatch(store, prefix, from, signal), recordWatch(store, prefix, from + 700, signal)];
    for (let n = 0; n < 30; n++) await Promise.all(Array.from({ length: 10 }, (_, i) => write(n * 10 + i)));
    const last = store.revision;
    for (const [index, watch] of watches.entries()) {
      await watch.seen(last);
      const first = from + index * 700;
      const wants = Array.from({ length: last - first + 1 }, (_, n) => first + n);
      assert.deepEqual(
        watch.revisions.map(({ revision }) => revision),
        wants,
      );
    }
  });

  it('a watch hears only of its prefix', async ({ store, key, put, signal }) => {
    const first = await put('pods/a', 'x');
    const watch = recordWatch(store, key('pods/'), first, signal);
    await put('podsets/a', 'x');
    const last = await put('pods/b', 'y');
    await watch.seen(last);
    assert.deepEqual(watch.brief(), ['put a x', 'put b y']);
  });

  it('a watch from a revision that is still to come stays silent until it comes', async (at) => {
    const { store, prefix, put, signal } = at;
    const now = await put('a', '0');
    const watch = recordWatch(store, prefix, now + 3, signal);
    for (const value of ['1', '2', '3', '4']) await put('a', value);
    await watch.seen(now + 4);
    assert.deepEqual(watch.brief(), ['put a 3', 'put a 4']);
  });

  it('a watch that is aborted hears no more', async ({ store, prefix, put, signal }) => {
    const stop = new AbortController();
    const first = await put('a', '0');
    const watch = recordWatch(store, prefix, first, stop.signal);
    const other = recordWatch(store, prefix, first, signal);
    await watch.seen(first);
    stop.abort();
    await other.seen(await put('a', '1'));
    assert.deepEqual(watch.brief(), ['put a 0']);
  });

  it('what was compacted can be neither listed nor watched, and the rest can', async (at) => {
    const { store, prefix, put, remove, names, signal } = at;
    const r1 = await put('a', '1');
    await put('b', '1');
    await remove('b');
    const r4 = await put('a', '2');
    const r5 = await put('a', '3');
    await store.compact(r4);
    assert.equal(store.compactedRevision, r4);
    await assert.rejects(store.range({ prefix, revision: r1 }), CompactedError);
    assert.deepEqual(await names({ revision: r4 }), ['a']);
    assert.deepEqual(await names(), ['a']);
    const refused = recordWatch(store, prefix, r1, signal);
    const error = await refused.closed;
    assert.ok(error instanceof CompactedError);
    assert.equal(error.compactedRevision, r4);
    const allowed = recordWatch(store, prefix, r4 + 1, signal);
    await allowed.seen(r5);
    assert.deepEqual(allowed.brief(), ['put a 3']);
    await assert.rejects(store.compact(r4), CompactedError);
    await assert.rejects(store.compact(r5 + 1_000), FutureRevisionError);
  });

  it('delete missed at compaction: a watch behind the compaction is told of the deletion', async (at) => {
    const { store, prefix, put, remove, signal } = at;
    const made1 = await put('a', '1');
    await put('b', '1');
    const gone = await remove('a');
    await put('b', '2');
    await store.compact(gone - 1);
    const watch = recordWatch(store, prefix, gone, signal);
    await watch.seen(gone + 1);
    assert.deepEqual(watch.brief(), ['delete a ', 'put b 2']);
    const event = watch.revisions[0]?.events[0];
    assert.ok(event?.type === 'delete' && event.prev?.modRevision === made1);
  });

  it('a compaction leaves keys alone that are as old as it is', async ({ store, prefix, put, remove, names }) => {
    await put('old', 'x');
    for (let n = 0; n < 20; n++) await put('busy', `${n}`);
    await put('gone', 'x');
    const last = await remove('gone');
    await store.compact(last);
    assert.deepEqual(await names(), ['busy', 'old']);
    const { items } = await store.range({ prefix });
    assert.deepEqual(
      items.map(({ value }) => String(value)),
      ['19', 'x'],
    );
    assert.equal(await put('gone', 'y', 0), last + 1);
  });

  it('values come back as they were: empty, binary, and of 1.5 MB', async ({ store, key, put, prefix, signal }) => {
    const big = Buffer.alloc(1_500_000, 'abcdefg');
    const all = { empty: Buffer.alloc(0), binary: Buffer.from([0, 255, 128, 0]), big };
    const first = store.revision + 1;
    let last = 0;
    for (const [name, value] of Object.entries(all)) last = await put(name, value);
    for (const [name, value] of Object.entries(all)) assert.ok((await store.get(key(name)))?.value.equals(value), name);
    const watch = recordWatch(store, prefix, first, signal);
    await watch.seen(last);
    const values = watch.revisions.map(({ events }) => events[0]?.kv.value);
    assert.ok(Object.values(all).every((value, n) => values[n]?.equals(value)));
  });

  it('concurrent writers on one counter lose no count', async ({ store, key, prefix, put, signal }) => {
    const first = await put('counter', '0');
    const watch = recordWatch(store, prefix, first, signal);
    const rounds = 15;
    const writers = 8;
    const count = async () => {
      for (let done = 0; done < rounds; ) {
        const now = await store.get(key('counter'));
        const compares = [{ key: key('counter'), modRevision: now?.modRevision ?? 0 }];
        const value = Buffer.from(String(Number(now?.value) + 1));
        const { ok } = await store.txn({ compares, ops: [{ put: key('counter'), value }] });
        if (ok) done++;
      }
    };
    await Promise.all(Array.from({ length: writers }, count));
    const end = await store.get(key('counter'));
    assert.equal(Number(end?.value), rounds * writers);
    await watch.seen(end?.modRevision ?? 0);
    const values = watch.revisions.map(({ events }) => Number(events[0]?.kv.value));
    assert.deepEqual(
      values,
      Array.from({ length: rounds * writers + 1 }, (_, n) => n),
    );
  });

  it('what concurrent clients saw can have happened one after the other', async ({ store, prefix, signal }) => {
    const from = (await store.latestRevision()) + 1;
    const watch = recordWatch(store, prefix, from, signal);
    const recorder = new HistoryRecorder(store);
    await contend(recorder, prefix, 6, 15);
    await watch.seen(await store.latestRevision());
    recorder.check(watch.revisions);
  });

  it('writes sent at once are carried out in the order they were sent', async ({ store, key, prefix, signal }) => {
    const from = (await store.latestRevision()) + 1;
    const watch = recordWatch(store, prefix, from, signal);
    const writes = Array.from({ length: 50 }, (_, n) =>
      store.txn({ compares: n === 0 ? [] : [], ops: [{ put: key(`k${n % 7}`), value: Buffer.from(`${n}`) }] }),
    );
    const revisions = (await Promise.all(writes)).map(({ revision }) => revision);
    await watch.seen(Math.max(...revisions));
    assert.equal(watch.revisions.length, 50);
    assert.equal(new Set(revisions).size, 50);
    for (const [n, revision] of revisions.entries()) {
      const told = watch.revisions.find((one) => one.revision === revision)?.events[0];
      assert.equal(String(told?.kv.value), `${n}`);
    }
  });

  it('when a write was answered, the present can be read', async ({ put, names, store }) => {
    const revision = await put('a', '1');
    assert.deepEqual(await names({ revision }), ['a']);
    assert.ok((await store.latestRevision()) >= revision);
  });

  it('keys end with their lease', async ({ store, key, prefix, signal, names }) => {
    const lease = await store.grantLease(1);
    const from = (await store.latestRevision()) + 1;
    const value = Buffer.from('x');
    await store.txn({
      compares: [],
      ops: [
        { put: key('a'), value, lease },
        { put: key('b'), value, lease },
        { put: key('stays'), value },
      ],
    });
    await store.txn({ compares: [], ops: [{ put: key('b'), value }] });
    assert.equal((await store.get(key('a')))?.lease, lease);
    assert.equal((await store.get(key('b')))?.lease, undefined, 'a put without lease lets go of it');
    const watch = recordWatch(store, prefix, from + 2, signal);
    await watch.seen(from + 2);
    assert.deepEqual(watch.brief(), ['delete a ']);
    assert.deepEqual(await names(), ['b', 'stays']);
    await assert.rejects(store.keepLeaseAlive(lease), LeaseNotFoundError);
  });

  it('a lease that is revoked takes its keys with it at once', async ({ store, key, names }) => {
    const lease = await store.grantLease(600);
    await store.txn({ compares: [], ops: [{ put: key('a'), value: Buffer.from('x'), lease }] });
    await store.keepLeaseAlive(lease);
    await store.revokeLease(lease);
    assert.deepEqual(await names(), []);
    await assert.rejects(store.revokeLease(lease), LeaseNotFoundError);
  });

  it('a put under a lease that is not there is refused', async ({ store, key, put, names }) => {
    const revision = await put('a', '1');
    const ops = [{ put: key('b'), value: Buffer.from('x'), lease: '987654321' }];
    await assert.rejects(store.txn({ compares: [], ops }), LeaseNotFoundError);
    assert.deepEqual(await names(), ['a']);
    assert.equal(await store.latestRevision(), revision);
  });

  it('a signal that was aborted before keeps a write from happening', async ({ store, key, names }) => {
    const ops = [{ put: key('a'), value: Buffer.from('x') }];
    await assert.rejects(store.txn({ compares: [], ops }, AbortSignal.abort(new Error('too late'))), /too late/);
    assert.deepEqual(await names(), []);
  });

  it('a watcher that throws is closed with its error, in the past as in the present', async (at) => {
    const { store, prefix, put, signal } = at;
    const first = await put('a', '1');
    const breaking = (from: number) =>
      new Promise<Error>((closed) => {
        const events = () => {
          throw new Error('broken watcher');
        };
        store.watch(prefix, from, { events, closed }, signal);
      });
    const inThePast = breaking(first);
    assert.match((await inThePast).message, /broken watcher/);
    const live = breaking(store.revision + 1);
    const other = recordWatch(store, prefix, store.revision + 1, signal);
    const second = await put('a', '2');
    assert.match((await live).message, /broken watcher/);
    await other.seen(second);
  });

  it('a store that is closed says so and ends its watches', async ({ store, key, prefix, signal, close }) => {
    const watch = recordWatch(store, prefix, store.revision + 1, signal);
    await close();
    await watch.closed;
    await assert.rejects(store.txn({ compares: [], ops: [{ delete: key('a') }] }));
  });

  it('what was written is there when it is opened again', async ({
    store,
    key,
    prefix,
    put,
    remove,
    reopen,
    signal,
  }) => {
    if (reopen === undefined) return;
    const first = await put('a', '1');
    await put('b', '1');
    await put('a', '2');
    const lease = await store.grantLease(600);
    await store.txn({ compares: [], ops: [{ put: key('leased'), value: Buffer.from('x'), lease }] });
    const last = await remove('b');
    const again = await reopen();
    assert.equal(again.revision, last);
    const { items } = await again.range({ prefix });
    assert.deepEqual(
      items.map((kv) => `${kv.key.slice(prefix.length)} ${kv.value}`),
      ['a 2', 'leased x'],
    );
    const watch = recordWatch(again, prefix, first, signal);
    await watch.seen(last);
    assert.deepEqual(watch.brief(), ['put a 1', 'put b 1', 'put a 2', 'put leased x', 'delete b ']);
    await again.keepLeaseAlive(lease);
    await again.revokeLease(lease);
    assert.equal(await again.get(key('leased')), undefined);
    assert.equal((await again.grantLease(10)) === lease, false, 'an id is not given twice');
  });
}
