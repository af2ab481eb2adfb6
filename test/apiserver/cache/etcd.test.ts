// Two servers on one etcd, each with caches of its own.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { silent } from '../../../api/log.ts';
import { systemClock } from '../../../api/system.ts';
import { Caches } from '../../../apiserver/cache/caches.ts';
import { DecodedStore } from '../../../apiserver/cache/decoded.ts';
import { EtcdStore } from '../../../apiserver/store/etcd.ts';
import { noEtcd, startEtcd } from '../store/etcd-server.ts';

test('two servers on one etcd see what the other wrote, also after etcd restarted', { skip: noEtcd }, async () => {
  await using etcd = await startEtcd();
  const signal = AbortSignal.timeout(20_000);
  const server = async () => {
    const store = await EtcdStore.open({ ...etcd.to, clock: systemClock, log: silent });
    const caches = new Caches({ store, clock: systemClock, log: silent, decoded: new DecodedStore(1 << 20) });
    const project = () => ({ labels: undefined, fields: {} });
    const cache = caches.open({ prefix: '/registry/pods/', namespaced: true, project });
    await cache.ready(signal);
    const put = async (name: string) => {
      const value = Buffer.from(`{"kind":"Pod","apiVersion":"v1","metadata":{"name":"${name}"}}`);
      const { revision } = await store.txn({ compares: [], ops: [{ put: `/registry/pods/a/${name}`, value }] });
      return revision;
    };
    const close = async () => {
      await caches[Symbol.asyncDispose]();
      await store[Symbol.asyncDispose]();
    };
    return { store, cache, put, [Symbol.asyncDispose]: close };
  };
  await using one = await server();
  await using two = await server();
  const told: string[] = [];
  const sink = {
    event: ({ object }: { object: { name: string } }) => told.push(object.name),
    progress() {},
    closed() {},
  };
  two.cache.watch({ afterRevision: two.cache.revision }, sink, signal);
  for (let n = 0; n < 10; n++) {
    const revision = await one.put(`pod-${n}`);
    await two.cache.catchUp(signal);
    assert.equal(two.cache.get('a', `pod-${n}`)?.revision, revision);
  }
  // A revision that touches no cache is seen all the same.
  await one.store.txn({ compares: [], ops: [{ put: '/elsewhere', value: Buffer.from('x') }] });
  await two.cache.catchUp(signal);
  await etcd.kill(0);
  etcd.start(0);
  const revision = await one.put('after');
  await two.cache.waitFor(revision, signal);
  assert.equal(two.cache.get('a', 'after')?.revision, revision);
  assert.deepEqual([...new Set(told)], [...Array.from({ length: 10 }, (_, n) => `pod-${n}`), 'after']);
});
