import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { silent } from '../../../api/log.ts';
import { systemClock } from '../../../api/system.ts';
import { EtcdStore } from '../../../apiserver/store/etcd.ts';
import { type Implementation, recordWatch, storeContract } from './contract.ts';
import { type EtcdCluster, noEtcd, startEtcd } from './etcd-server.ts';
import { contend, HistoryRecorder } from './history.ts';
import { storeRobustness } from './robustness.ts';

const deps = { clock: systemClock, log: silent };
let running: Promise<EtcdCluster> | undefined;
const one = () => {
  running ??= startEtcd();
  return running;
};
after(async () => (await running)?.[Symbol.asyncDispose]());

const implementation: Implementation = {
  name: 'etcd',
  skip: noEtcd,
  async open() {
    const { to } = await one();
    const stores = [await EtcdStore.open({ ...to, ...deps })];
    const close = async () => {
      for (const store of stores) await store[Symbol.asyncDispose]();
    };
    return {
      store: stores[0]!,
      async reopen() {
        await close();
        stores.push(await EtcdStore.open({ ...to, ...deps }));
        return stores.at(-1)!;
      },
      close,
    };
  },
};
storeContract(implementation);
storeRobustness(implementation);

const put = (key: string, value: string) => ({ compares: [], ops: [{ put: key, value: Buffer.from(value) }] });

test('a member that restarts is met again: writes go on and watches miss nothing', { skip: noEtcd }, async (t) => {
  await using etcd = await startEtcd();
  await using store = await EtcdStore.open({ ...etcd.to, ...deps });
  const { revision: first } = await store.txn(put('/r/a', '0'));
  const signal = AbortSignal.any([t.signal, AbortSignal.timeout(20_000)]);
  const watch = recordWatch(store, '/r/', first, signal);
  await watch.seen(first);
  await etcd.kill(0);
  etcd.start(0);
  let last = 0;
  for (let n = 1; n <= 5; n++) last = (await store.txn(put('/r/a', String(n)))).revision;
  await watch.seen(last);
  const values = watch.revisions.map(({ events }) => String(events[0]?.kv.value));
  // A write without precondition may have been made twice while the member came back.
  assert.deepEqual([...new Set(values)], ['0', '1', '2', '3', '4', '5']);
  assert.deepEqual(values, values.toSorted());
});

test('lost write on crash of a single member: what clients saw adds up, whatever was under way', {
  skip: noEtcd,
}, async (t) => {
  await using etcd = await startEtcd();
  await using store = await EtcdStore.open({ ...etcd.to, ...deps });
  const signal = AbortSignal.any([t.signal, AbortSignal.timeout(25_000)]);
  const from = (await store.latestRevision()) + 1;
  const watch = recordWatch(store, '/r/', from, signal);
  const recorder = new HistoryRecorder(store);
  const contending = contend(recorder, '/r/', 6, 40);
  while (recorder.operations < 60) await systemClock.sleep(2);
  await etcd.kill(0);
  etcd.start(0);
  await contending;
  await watch.seen(await store.latestRevision());
  recorder.check(watch.revisions);
});

test('with one of three members gone the others serve on', { skip: noEtcd }, async (t) => {
  await using etcd = await startEtcd(3);
  await using store = await EtcdStore.open({ ...etcd.to, ...deps });
  const signal = AbortSignal.any([t.signal, AbortSignal.timeout(30_000)]);
  const { revision: first } = await store.txn(put('/r/a', '0'));
  const watch = recordWatch(store, '/r/', first, signal);
  await watch.seen(first);
  // The first carries the watch; one of the three is the leader, whose loss costs the others an election.
  for (const member of process.env['SKIFF_LONG'] ? [0, 1, 2] : [0]) {
    await etcd.kill(member);
    const { revision } = await store.txn(put('/r/a', `without ${member}`));
    await watch.seen(revision);
    etcd.start(member);
    assert.equal(String((await store.get('/r/a'))?.value), `without ${member}`);
  }
});

test('when no server answers, it is said which were asked', { skip: noEtcd }, async () => {
  const open = EtcdStore.open({ endpoints: ['http://127.0.0.1:1'], ...deps }, AbortSignal.timeout(500));
  await assert.rejects(open);
});
