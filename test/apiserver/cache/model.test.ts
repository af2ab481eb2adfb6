// Whoever lists and then watches knows the truth: for any run of changes, any filter and any moment to begin at, the
// list and the events after it add up to what a fresh list shows, and older states are what they were.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { silent } from '../../../api/log.ts';
import { systemClock } from '../../../api/system.ts';
import { Caches } from '../../../apiserver/cache/caches.ts';
import type { CachedObject, CacheEvent, CacheWatchOptions, ResourceCache } from '../../../apiserver/cache/contract.ts';
import { DecodedStore } from '../../../apiserver/cache/decoded.ts';
import { MemoryStore } from '../../../apiserver/store/memory.ts';
import { CompactedError } from '../../../apiserver/store/store.ts';

type Filter = Pick<CacheWatchOptions, 'namespace' | 'field'>;
const filter: fc.Arbitrary<Filter> = fc.record(
  {
    namespace: fc.constantFrom('a', 'b'),
    field: fc.record({ path: fc.constant('spec.nodeName'), value: fc.constantFrom('', 'n1', 'n2') }),
  },
  { requiredKeys: [] },
);
const name = fc.record({ namespace: fc.constantFrom('a', 'b', 'c'), name: fc.constantFrom('x', 'y', 'z') });
const step = fc.oneof(
  { weight: 8, arbitrary: fc.record({ put: name, node: fc.constantFrom('', 'n1', 'n2') }) },
  { weight: 3, arbitrary: fc.record({ remove: name }) },
  { weight: 2, arbitrary: fc.record({ watch: filter, back: fc.nat(6) }) },
);

function matches(object: CachedObject, { namespace, field }: Filter): boolean {
  if (namespace !== undefined && object.namespace !== namespace) return false;
  return field === undefined || object.fields[field.path] === field.value;
}

/** What a client knows: it lists at a revision and applies what it is told. */
async function follow(cache: ResourceCache, options: Filter, back: number, signal: AbortSignal) {
  const listed = await cache.at(Math.max(1, cache.revision - back));
  const known = new Map<string, number>();
  for (const object of listed.objects()) if (matches(object, options)) known.set(object.key, object.revision);
  let last = listed.revision;
  const event = (told: CacheEvent) => {
    assert.ok(told.revision > last, 'revisions grow');
    last = told.revision;
    const [before, now] = [told.previous, told.object].map((one) => one !== undefined && matches(one, options));
    assert.ok(before || now, 'it concerns this watch');
    assert.equal(known.has(told.object.key), told.previous !== undefined && before === true);
    if (told.type !== 'DELETED' && now) known.set(told.object.key, told.object.revision);
    else known.delete(told.object.key);
  };
  const sink = { event, progress() {}, closed: (error: Error) => assert.fail(error) };
  cache.watch({ ...options, afterRevision: listed.revision }, sink, signal);
  return () => {
    const truth = [...cache.snapshot().objects()].filter((object) => matches(object, options));
    assert.deepEqual([...known].sort(), truth.map(({ key, revision }) => [key, revision]).sort());
  };
}

test('a list and the events after it add up to the truth', async () => {
  const history = fc.constantFrom({ maxEvents: 1000, maxBytes: 1 << 20 }, { maxEvents: 3, maxBytes: 1 << 20 });
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 5, maxLength: 80 }), history, async (steps, bounds) => {
      const stop = new AbortController();
      await using store = new MemoryStore(systemClock);
      const decoded = new DecodedStore(2_000);
      await using caches = new Caches({ store, clock: systemClock, log: silent, decoded, history: bounds });
      const cache = caches.open({
        prefix: '/registry/pods/',
        namespaced: true,
        project: (object) => ({
          labels: undefined,
          fields: { 'spec.nodeName': (object as { spec: { nodeName: string } }).spec.nodeName },
        }),
      });
      await cache.ready(stop.signal);
      const checks: (() => void)[] = [];
      const states = new Map<number, [string, number][]>();
      const now = () => [...cache.snapshot().objects()].map(({ key, revision }): [string, number] => [key, revision]);
      states.set(cache.revision, now());
      for (const one of steps) {
        if ('watch' in one) {
          const known = await follow(cache, one.watch, one.back, stop.signal).catch((err) => {
            if (err instanceof CompactedError) return undefined;
            throw err;
          });
          if (known !== undefined) checks.push(known);
          continue;
        }
        const of = 'put' in one ? one.put : one.remove;
        const key = `/registry/pods/${of.namespace}/${of.name}`;
        const spec = { nodeName: 'put' in one ? one.node : '' };
        const value = Buffer.from(JSON.stringify({ kind: 'Pod', apiVersion: 'v1', metadata: { name: of.name }, spec }));
        await store.txn({ compares: [], ops: ['put' in one ? { put: key, value } : { delete: key }] });
        states.set(cache.revision, now());
        for (const check of checks) check();
      }
      for (const [revision, wants] of states) {
        const then = await cache.at(revision);
        assert.deepEqual(
          [...then.objects()].map((object) => [object.key, object.revision]),
          wants,
        );
        for (const { bytes, revision: own, key } of then.objects()) {
          const { metadata } = JSON.parse(bytes.toString()) as { metadata: { name: string; resourceVersion: string } };
          assert.deepEqual([metadata.resourceVersion, metadata.name], [`${own}`, key.split('/')[1]]);
        }
      }
      stop.abort();
    }),
    { numRuns: 60 },
  );
});
