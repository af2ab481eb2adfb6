import assert from 'node:assert/strict';
import { test } from 'node:test';
import { silent } from '../../../api/log.ts';
import { systemClock } from '../../../api/system.ts';
import { Caches } from '../../../apiserver/cache/caches.ts';
import type { CacheEvent, CacheWatchSink, Projection } from '../../../apiserver/cache/contract.ts';
import { DecodedStore } from '../../../apiserver/cache/decoded.ts';
import type { HistoryBounds } from '../../../apiserver/cache/history.ts';
import { MemoryStore } from '../../../apiserver/store/memory.ts';
import { CompactedError, FutureRevisionError, type Store, type WatchSink } from '../../../apiserver/store/store.ts';

interface Pod {
  metadata: { name: string; namespace: string; resourceVersion?: string; labels?: Record<string, string> };
  spec: { nodeName?: string };
}
const project = (object: unknown): Projection => {
  const { metadata, spec } = object as Pod;
  return { labels: metadata.labels, fields: { 'metadata.name': metadata.name, 'spec.nodeName': spec.nodeName ?? '' } };
};
const pods = { prefix: '/registry/pods/', namespaced: true, project };
const nodes = { prefix: '/registry/minions/', namespaced: false, project: () => ({ labels: undefined, fields: {} }) };

function podBytes(namespace: string, name: string, nodeName?: string): Buffer {
  const pod = {
    kind: 'Pod',
    apiVersion: 'v1',
    metadata: { name, namespace, labels: { app: 'web' } },
    spec: { nodeName },
  };
  return Buffer.from(JSON.stringify(pod));
}

async function open(history?: HistoryBounds, of?: { store: Store }) {
  const store = of?.store ?? new MemoryStore(systemClock);
  const decoded = new DecodedStore(1 << 20);
  const caches = new Caches({ store, clock: systemClock, log: silent, decoded, history, progressEveryMs: 5 });
  const put = async (namespace: string, name: string, nodeName?: string) => {
    const value = podBytes(namespace, name, nodeName);
    const { revision } = await store.txn({
      compares: [],
      ops: [{ put: `/registry/pods/${namespace}/${name}`, value }],
    });
    return revision;
  };
  const remove = async (namespace: string, name: string) => {
    const { revision } = await store.txn({ compares: [], ops: [{ delete: `/registry/pods/${namespace}/${name}` }] });
    return revision;
  };
  const stop = AbortSignal.timeout(10_000);
  return {
    store,
    caches,
    decoded,
    put,
    remove,
    signal: stop,
    async [Symbol.asyncDispose]() {
      await caches[Symbol.asyncDispose]();
      await store[Symbol.asyncDispose]();
    },
  };
}

function recorder() {
  const events: CacheEvent[] = [];
  const progress: number[] = [];
  const closed = Promise.withResolvers<Error>();
  const sink: CacheWatchSink = {
    event: (event) => events.push(event),
    progress: (revision) => progress.push(revision),
    closed: closed.resolve,
  };
  const brief = () => events.map(({ type, revision, object }) => `${type} ${object.key} ${revision}`);
  return { sink, events, progress, closed: closed.promise, brief };
}

test('a cache lists what was there and follows what comes', async () => {
  await using at = await open();
  await at.put('a', 'one');
  const cache = at.caches.open(pods);
  const second = at.put('a', 'two');
  await cache.ready(at.signal);
  await cache.waitFor(await second, at.signal);
  assert.deepEqual(
    [...cache.snapshot().objects()].map(({ key }) => key),
    ['a/one', 'a/two'],
  );
  const revision = await at.put('a', 'one', 'node-1');
  const object = cache.get('a', 'one');
  assert.equal(object?.revision, revision);
  assert.equal((JSON.parse(String(object?.bytes)) as Pod).metadata.resourceVersion, String(revision));
  assert.equal(object?.fields['spec.nodeName'], 'node-1');
  assert.deepEqual(object?.labels, { app: 'web' });
  assert.equal(cache.revision, revision);
});

test('a snapshot stays as it is, and older states can be asked for', async () => {
  await using at = await open();
  const cache = at.caches.open(pods);
  await cache.ready(at.signal);
  const first = await at.put('a', 'one');
  const second = await at.put('b', 'two');
  const held = cache.snapshot();
  await at.put('a', 'one', 'node-1');
  const last = await at.remove('b', 'two');
  assert.deepEqual(
    [...held.objects()].map(({ revision }) => revision),
    [first, second],
  );
  assert.deepEqual(
    [...(await cache.at(first)).objects()].map(({ key }) => key),
    ['a/one'],
  );
  const older = await cache.at(second);
  assert.equal(older.revision, second);
  assert.deepEqual(
    [...older.objects()].map(({ key, revision }) => [key, revision]),
    [
      ['a/one', first],
      ['b/two', second],
    ],
  );
  assert.deepEqual(
    [...cache.snapshot().objects()].map(({ key }) => key),
    ['a/one'],
  );
  await assert.rejects(cache.at(last + 1), FutureRevisionError);
});

test('a snapshot is narrowed to a namespace and continues behind a key', async () => {
  await using at = await open();
  const cache = at.caches.open(pods);
  await cache.ready(at.signal);
  for (const [namespace, name] of [
    ['a', 'x'],
    ['a', 'y'],
    ['a-b', 'x'],
    ['b', 'x'],
  ] as const)
    await at.put(namespace, name);
  const snapshot = cache.snapshot();
  const keys = (range?: { namespace?: string; after?: string }) => [...snapshot.objects(range)].map(({ key }) => key);
  assert.deepEqual(keys({ namespace: 'a' }), ['a/x', 'a/y']);
  assert.deepEqual(keys({ namespace: 'a', after: 'a/x' }), ['a/y']);
  assert.deepEqual(
    keys({ after: 'a/x' }),
    ['a/y', 'b/x']
      .toSpliced(0, 0, 'a-b/x')
      .sort()
      .filter((key) => key > 'a/x'),
  );
  assert.equal(snapshot.count({ namespace: 'a', after: 'a/x' }), 1);
  assert.equal(snapshot.count(), 4);
  assert.equal(snapshot.size, 4);
});

test('a state older than the history comes from the store, until that is compacted', async () => {
  await using at = await open({ maxEvents: 2, maxBytes: 1 << 20 });
  const cache = at.caches.open(pods);
  await cache.ready(at.signal);
  const first = await at.put('a', 'one');
  for (let n = 0; n < 6; n++) await at.put('a', `more-${n}`);
  assert.deepEqual(
    [...(await cache.at(first)).objects()].map(({ key }) => key),
    ['a/one'],
  );
  await at.store.compact(first + 2);
  await assert.rejects(cache.at(first + 1), CompactedError);
});

test('a watch resumes from history and goes on without a gap or a double', async () => {
  await using at = await open();
  const cache = at.caches.open(pods);
  await cache.ready(at.signal);
  const first = await at.put('a', 'one');
  const second = await at.put('a', 'one', 'node-1');
  const watch = recorder();
  cache.watch({ afterRevision: first }, watch.sink, at.signal);
  const third = await at.remove('a', 'one');
  assert.deepEqual(watch.brief(), [`MODIFIED a/one ${second}`, `DELETED a/one ${third}`]);
  const deleted = watch.events[1];
  assert.equal(deleted?.previous?.revision, second);
  const last = JSON.parse(String(deleted?.object.bytes)) as Pod;
  assert.deepEqual([last.metadata.resourceVersion, last.spec.nodeName], [String(third), 'node-1']);
  assert.deepEqual(deleted?.object.decoded(), last);
  assert.deepEqual(watch.progress.slice(0, 1), [second]);
});

test('new caches over an old store know its recent past, so that watches resume across a restart', async () => {
  await using first = await open();
  const one = await first.put('default', 'one');
  await first.put('default', 'two');
  await first.remove('default', 'one');
  const decoded = new DecodedStore(1 << 20);
  await using again = new Caches({ store: first.store, clock: systemClock, log: silent, decoded });
  const cache = again.open(pods);
  await cache.ready(first.signal);
  assert.equal(cache.revision, first.store.revision);
  assert.deepEqual(
    [...cache.snapshot().objects()].map(({ key }) => key),
    ['default/two'],
  );
  const { sink, brief } = recorder();
  cache.watch({ afterRevision: one }, sink, first.signal);
  assert.deepEqual(brief(), [`ADDED default/two ${one + 1}`, `DELETED default/one ${one + 2}`]);
});

test('a watch from before the history is refused', async () => {
  await using at = await open({ maxEvents: 2, maxBytes: 1 << 20 });
  const cache = at.caches.open(pods);
  await cache.ready(at.signal);
  const first = await at.put('a', 'one');
  for (let n = 0; n < 3; n++) await at.put('a', `more-${n}`);
  assert.throws(() => cache.watch({ afterRevision: first }, recorder().sink, at.signal), CompactedError);
  const watch = recorder();
  cache.watch({ afterRevision: first + 1 }, watch.sink, at.signal);
  assert.equal(watch.events.length, 2);
});

test('a watch by field hears of what enters, changes and leaves, and of nothing else', async () => {
  await using at = await open();
  const cache = at.caches.open(pods);
  await cache.ready(at.signal);
  const before = cache.revision;
  const field = { path: 'spec.nodeName', value: 'node-1' };
  const [live, other, unbound, inNamespace] = [recorder(), recorder(), recorder(), recorder()];
  cache.watch({ afterRevision: before, field }, live.sink, at.signal);
  cache.watch({ afterRevision: before, field: { ...field, value: 'node-2' } }, other.sink, at.signal);
  cache.watch({ afterRevision: before, field: { ...field, value: '' } }, unbound.sink, at.signal);
  cache.watch({ afterRevision: before, field, namespace: 'b' }, inNamespace.sink, at.signal);
  const r = [
    await at.put('a', 'x'),
    await at.put('a', 'x', 'node-1'),
    await at.put('a', 'x', 'node-2'),
    await at.remove('a', 'x'),
    await at.put('b', 'y', 'node-1'),
  ];
  const wants = [`MODIFIED a/x ${r[1]}`, `MODIFIED a/x ${r[2]}`, `ADDED b/y ${r[4]}`];
  assert.deepEqual(live.brief(), wants);
  assert.deepEqual(other.brief(), [`MODIFIED a/x ${r[2]}`, `DELETED a/x ${r[3]}`]);
  assert.deepEqual(unbound.brief(), [`ADDED a/x ${r[0]}`, `MODIFIED a/x ${r[1]}`]);
  assert.deepEqual(inNamespace.brief(), [`ADDED b/y ${r[4]}`]);
  const replayed = recorder();
  cache.watch({ afterRevision: before, field }, replayed.sink, at.signal);
  assert.deepEqual(replayed.brief(), wants, 'the past by the same rule as the present');
  assert.equal(live.events[0], replayed.events[0], 'one event for all, so that it is framed once');
});

test('all caches have taken a revision in before anyone is told of it', async () => {
  await using at = await open();
  const [podCache, nodeCache] = [at.caches.open(pods), at.caches.open(nodes)];
  await podCache.ready(at.signal);
  await nodeCache.ready(at.signal);
  let seen: unknown;
  const watch = recorder();
  const event = () => {
    seen = nodeCache.get('', 'node-1')?.revision;
  };
  podCache.watch({ afterRevision: podCache.revision }, { ...watch.sink, event }, at.signal);
  const node = Buffer.from('{"kind":"Node","apiVersion":"v1","metadata":{"name":"node-1"}}');
  const { revision } = await at.store.txn({
    compares: [],
    ops: [
      { put: '/registry/pods/a/x', value: podBytes('a', 'x') },
      { put: '/registry/minions/node-1', value: node },
    ],
  });
  assert.equal(seen, revision);
});

test('an idle watch learns how far its cache is', async () => {
  await using at = await open();
  const cache = at.caches.open(pods);
  await cache.ready(at.signal);
  const far = Promise.withResolvers<number>();
  const progress = (revision: number) => revision > 1 && far.resolve(revision);
  cache.watch({ afterRevision: cache.revision }, { ...recorder().sink, progress }, at.signal);
  const { revision } = await at.store.txn({ compares: [], ops: [{ put: '/elsewhere', value: Buffer.from('x') }] });
  assert.equal(await far.promise, revision);
  assert.equal(cache.revision, revision);
});

test('what a writer says its value decodes to is read for labels and fields, and stays its own', async () => {
  await using at = await open();
  const cache = at.caches.open(pods);
  await cache.ready(at.signal);
  const value = podBytes('a', 'x', 'node-1');
  const object = JSON.parse(value.toString()) as Pod;
  object.metadata.labels = { said: 'by the writer' };
  const { revision } = await at.store.txn({ compares: [], ops: [{ put: '/registry/pods/a/x', value, object }] });
  const found = cache.get('a', 'x')!;
  assert.deepEqual(found.labels, { said: 'by the writer' });
  assert.equal(found.fields['spec.nodeName'], 'node-1');
  const decoded = found.decoded() as Pod;
  assert.equal(decoded.metadata.resourceVersion, String(revision));
  assert.ok(Object.isFrozen(decoded.metadata.labels));
  assert.equal(found.decoded(), decoded);
  assert.ok(!Object.isFrozen(object.metadata.labels));
});

test('decoded objects are bounded by bytes and come back from the bytes when they were dropped', async () => {
  await using at = await open();
  const cache = at.caches.open(pods);
  await cache.ready(at.signal);
  const small = new DecodedStore(1000);
  for (let n = 0; n < 20; n++) await at.put('a', `x-${n}`);
  for (const object of cache.snapshot().objects()) {
    assert.deepEqual(small.get(object), JSON.parse(object.bytes.toString()));
    assert.ok(small.bytes <= 1000);
  }
});

test('a value that cannot be read leaves its neighbours alone', async () => {
  await using at = await open();
  await at.store.txn({ compares: [], ops: [{ put: '/registry/pods/a/broken', value: Buffer.from('{"kind"') }] });
  await at.put('a', 'x');
  const cache = at.caches.open(pods);
  await cache.ready(at.signal);
  await at.store.txn({ compares: [], ops: [{ put: '/registry/pods/a/proto', value: Buffer.from('k8s\0rest') }] });
  assert.deepEqual(
    [...cache.snapshot().objects()].map(({ key }) => key),
    ['a/x'],
  );
});

test('sealed values and the protobuf of another server are read through what the cache is told', async () => {
  await using at = await open();
  const cache = at.caches.open({
    ...pods,
    unseal: (_key, value) => (value.toString().startsWith('sealed:') ? value.subarray(7) : value),
    decodeEnvelope: (value) => ({ kind: 'Pod', metadata: { name: value.toString('utf8', 4) }, spec: {} }),
  });
  const sealed = Buffer.concat([Buffer.from('sealed:'), podBytes('a', 's')]);
  await at.store.txn({ compares: [], ops: [{ put: '/registry/pods/a/s', value: sealed }] });
  const { revision } = await at.store.txn({
    compares: [],
    ops: [{ put: '/registry/pods/a/p', value: Buffer.from('k8s\0p') }],
  });
  await cache.ready(at.signal);
  const wants = { kind: 'Pod', metadata: { name: 'p', resourceVersion: String(revision) }, spec: {} };
  assert.deepEqual(JSON.parse(String(cache.get('a', 'p')?.bytes)), wants);
  assert.deepEqual(cache.get('a', 's')?.labels, { app: 'web' });
});

test('when the watch of the store is lost, watches end and the cache lists anew', async () => {
  const store = new MemoryStore(systemClock);
  const sinks: WatchSink[] = [];
  const watch = store.watch.bind(store);
  store.watch = (prefix, from, sink, signal) => {
    sinks.push(sink);
    watch(prefix, from, sink, signal);
  };
  await using at = await open(undefined, { store });
  const cache = at.caches.open(pods);
  await cache.ready(at.signal);
  await at.put('a', 'x');
  const lost = recorder();
  cache.watch({ afterRevision: cache.revision }, lost.sink, at.signal);
  const lists = recorder();
  sinks[0]?.closed(new CompactedError(1));
  assert.ok((await lost.closed) instanceof CompactedError);
  assert.throws(() => cache.snapshot(), /still being listed/);
  await cache.ready(at.signal);
  const revision = await at.put('a', 'y');
  await cache.catchUp(at.signal);
  assert.equal(sinks.length, 2);
  assert.deepEqual(
    [...cache.snapshot().objects()].map(({ key }) => key),
    ['a/x', 'a/y'],
  );
  cache.watch({ afterRevision: revision }, lists.sink, at.signal);
  const next = await at.put('a', 'z');
  assert.deepEqual(lists.brief(), [`ADDED a/z ${next}`]);
});

test('waiting for a revision ends with it or with its signal', async () => {
  await using at = await open();
  const cache = at.caches.open(pods);
  await cache.ready(at.signal);
  const stop = new AbortController();
  const never = cache.waitFor(1_000, stop.signal);
  stop.abort(new Error('enough'));
  await assert.rejects(never, /enough/);
  const next = cache.waitFor(cache.revision + 1, at.signal);
  await at.put('a', 'x');
  await next;
});

test('a cache that is closed says so to its watches and readers', async () => {
  await using at = await open();
  const cache = at.caches.open(pods);
  await cache.ready(at.signal);
  const watch = recorder();
  cache.watch({ afterRevision: cache.revision }, watch.sink, at.signal);
  await at.caches.close(pods.prefix);
  assert.match((await watch.closed).message, /no longer served/);
  assert.throws(() => cache.snapshot(), /no longer served/);
  at.caches.open(pods);
});
