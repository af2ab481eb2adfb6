// What etcd's published robustness tests look for in watches, against every store: order, each event once, whole
// revisions, going on anywhere, and progress that holds. Named after the faults that were found in etcd's versions.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Op, Store, StoreEvent } from '../../../apiserver/store/store.ts';
import type { Implementation } from './contract.ts';

const DEADLINE_MS = 30_000;
const WRITERS = 4;
const ROUNDS = 60;
const KEYS = 6;
/** A watch is left after at most so many. */
const MOST_WORDS = 5;

interface Revision {
  readonly revision: number;
  readonly events: readonly string[];
}
type Told = Revision | { readonly progress: number };

interface Collected {
  readonly told: Told[];
  /** Resolves when `isEnough` holds. */
  until(isEnough: (told: readonly Told[]) => boolean): Promise<void>;
}

const brief = ({ type, kv }: StoreEvent) => `${type} ${kv.key} ${kv.value}`;
const reached = (one: Told) => ('progress' in one ? one.progress : one.revision);

function collect(store: Store, prefix: string, from: number, signal: AbortSignal): Collected {
  const told: Told[] = [];
  let failure: Error | undefined;
  let wake = Promise.withResolvers<void>();
  const tell = (one?: Told) => {
    if (one !== undefined) told.push(one);
    wake.resolve();
    wake = Promise.withResolvers();
  };
  const sink = {
    events: (revision: number, events: readonly StoreEvent[]) => tell({ revision, events: events.map(brief) }),
    progress: (progress: number) => tell({ progress }),
    closed(error: Error) {
      failure = error;
      tell();
    },
  };
  store.watch(prefix, from, sink, signal);
  signal.addEventListener('abort', () => tell(), { once: true });
  return {
    told,
    async until(isEnough) {
      while (!isEnough(told)) {
        if (failure !== undefined) throw failure;
        signal.throwIfAborted();
        await wake.promise;
      }
    },
  };
}

const upTo = (last: number) => (told: readonly Told[]) => told.some((one) => reached(one) >= last);

/** Several clients at once: single puts, transactions of three keys, deletions, values of half a megabyte. */
async function load(store: Store, prefix: string): Promise<number> {
  let count = 0;
  const writer = async (n: number) => {
    for (let round = 0; round < ROUNDS; round++) {
      const key = (i: number) => `${prefix}k${(n + round + i) % KEYS}`;
      const value = Buffer.from(`${++count}${round % 30 === 29 ? 'x'.repeat(500_000) : ''}`);
      const put = (i: number): Op => ({ put: key(i), value });
      const ops: Op[] = round % 3 === 0 ? [put(0), put(1), put(2)] : round % 7 === 6 ? [{ delete: key(0) }] : [put(0)];
      await store.txn({ compares: [], ops });
    }
  };
  await Promise.all(Array.from({ length: WRITERS }, (_, n) => writer(n)));
  return store.latestRevision();
}

/** What happened, as it is told to one who asks afterwards. */
async function truth(store: Store, prefix: string, from: number, last: number): Promise<Revision[]> {
  const stop = new AbortController();
  const all = collect(store, prefix, from, AbortSignal.any([stop.signal, AbortSignal.timeout(DEADLINE_MS)]));
  await all.until(upTo(last));
  stop.abort();
  return all.told.filter((one) => 'revision' in one);
}

function holds(told: readonly Told[], happened: readonly Revision[]): void {
  const given = told.filter((one) => 'revision' in one);
  assert.deepEqual(given, happened.slice(0, given.length), 'in order, each once, whole, and what happened');
  let newest = 0;
  let next = 0;
  for (const one of told) {
    if ('revision' in one) {
      newest = one.revision;
      next++;
    } else {
      const ahead = happened[next];
      assert.ok(ahead === undefined || ahead.revision > one.progress, `progress ${one.progress} ahead of its events`);
      assert.ok(one.progress >= newest, 'progress behind what was told');
    }
  }
}

let made = 0;

export function storeRobustness({ name, skip, open }: Implementation): void {
  type Body = (store: Store, prefix: string, from: number, signal: AbortSignal) => Promise<void>;
  const it = (says: string, body: Body) => {
    test(`${name}: ${says}`, { skip, timeout: DEADLINE_MS }, async (t) => {
      const opened = await open();
      const stop = new AbortController();
      try {
        const signal = AbortSignal.any([t.signal, stop.signal, AbortSignal.timeout(DEADLINE_MS)]);
        const from = (await opened.store.latestRevision()) + 1;
        await body(opened.store, `/robust/${++made}-${process.pid}/`, from, signal);
      } finally {
        stop.abort();
        await opened.close();
      }
    });
  };

  it('progress notifications ahead of events, and transactions torn in a watch: neither under load', async (store, prefix, from, signal) => {
    const live = Array.from({ length: 3 }, () => collect(store, prefix, from, signal));
    const last = await load(store, prefix);
    const happened = await truth(store, prefix, from, last);
    assert.ok(happened.some(({ events }) => events.length === 3));
    for (const each of live) {
      await each.until(upTo(happened.at(-1)!.revision));
      holds(each.told, happened);
    }
  });

  it('duplicated or lost events after reconnecting: none, wherever and on whatever word a watch goes on', async (store, prefix, from, signal) => {
    let isOver = false;
    const loading = load(store, prefix).then(async () => {
      isOver = true;
      // What is waited for at this moment comes.
      for (let n = 0; n < MOST_WORDS; n++) {
        await store.txn({ compares: [], ops: [{ put: `${prefix}end`, value: Buffer.from(`end ${n}`) }] });
      }
      return store.latestRevision();
    });
    const told: Told[] = [];
    let next = from;
    const goOn = async (words: number, last = Number.POSITIVE_INFINITY) => {
      const stop = new AbortController();
      const part = collect(store, prefix, next, AbortSignal.any([signal, stop.signal]));
      await part.until((some) => some.length >= words || upTo(last)(some));
      stop.abort();
      const some = part.told.slice(0, words);
      told.push(...some);
      next = Math.max(next, reached(some.at(-1)!) + 1);
    };
    for (let n = 0; !isOver; n++) await goOn(1 + (n % MOST_WORDS));
    const last = await loading;
    const happened = await truth(store, prefix, from, last);
    while (next <= happened.at(-1)!.revision) await goOn(20, happened.at(-1)!.revision);
    const given = told.filter((one) => 'revision' in one);
    assert.deepEqual(given, happened);
  });

  it('compaction during a watch: one that keeps up loses nothing', async (store, prefix, from, signal) => {
    const live = collect(store, prefix, from, signal);
    const loading = load(store, prefix);
    const seen = () => live.told.findLast((one) => 'revision' in one);
    let compacted = 0;
    for (let isOver = false; !isOver; ) {
      isOver = await Promise.race([
        loading.then(() => true),
        live.until(() => (seen()?.revision ?? 0) > compacted + 20).then(() => false),
      ]);
      compacted = seen()?.revision ?? 0;
      if (!isOver) await store.compact(compacted - 1);
    }
    const last = await loading;
    const put = await store.txn({ compares: [], ops: [{ put: `${prefix}end`, value: Buffer.from('end') }] });
    await live.until(upTo(put.revision));
    const given = live.told.filter((one) => 'revision' in one);
    // Every write under the prefix took a revision of its own, deletions of what is not there apart.
    const { items } = await store.range({ prefix });
    for (const { key, value, modRevision } of items) {
      const event = given.findLast(({ events }) => events.some((text) => text.split(' ')[1] === key));
      assert.equal(event?.revision, modRevision);
      assert.ok(event.events.includes(`put ${key} ${value}`));
    }
    const revisions = given.map(({ revision }) => revision);
    assert.deepEqual(
      revisions,
      [...new Set(revisions)].sort((a, b) => a - b),
      'not back in time, nothing twice',
    );
    assert.ok(last < put.revision && compacted > from);
  });

  it('a lease that ends while its key is put anew takes nothing that is not its own', async (store, prefix, from, signal) => {
    const live = collect(store, prefix, from, signal);
    const rounds = 20;
    for (let n = 0; n < rounds; n++) {
      const lease = await store.grantLease(600);
      const key = `${prefix}k${n}`;
      await store.txn({ compares: [], ops: [{ put: key, value: Buffer.from('leased'), lease }] });
      // At once: either comes first, and both orders leave the key there.
      const free = store.txn({ compares: [], ops: [{ put: key, value: Buffer.from('free') }] });
      await Promise.all([free, store.revokeLease(lease)]);
    }
    const end = await store.txn({ compares: [], ops: [{ put: `${prefix}l`, value: Buffer.from('end') }] });
    await live.until(upTo(end.revision));
    const { items } = await store.range({ prefix: `${prefix}k` });
    assert.deepEqual(
      items.map(({ value, lease }) => [String(value), lease]),
      Array(rounds).fill(['free', undefined]),
    );
    holds(live.told, await truth(store, prefix, from, end.revision));
  });
}
