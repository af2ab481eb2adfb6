import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { ApiError } from '../../../api/status.ts';
import { applyConfiguration, type Stored, trackUpdate } from '../../../apiserver/patch/apply.ts';
import { Example, example } from './example.ts';

const NOW = Date.UTC(2026, 0, 1);

interface Options {
  manager?: string;
  force?: boolean;
  nowMs?: number;
}

function apply(
  live: Stored | undefined,
  config: Stored,
  { manager = 'one', force = false, nowMs = NOW }: Options = {},
): Stored {
  return applyConfiguration({ schema: Example, apiVersion: 'v1', manager, live, config, force, nowMs });
}

function update(live: Stored | undefined, next: Stored, manager = 'updater'): Stored {
  const managedFields = trackUpdate({ schema: Example, apiVersion: 'v1', manager, live, next, nowMs: NOW });
  return { ...next, metadata: { ...next.metadata, managedFields } };
}

/** What was said, without the bookkeeping and without what pruning left empty. */
function content({ metadata: { managedFields: _, ...metadata }, ...rest }: Stored): unknown {
  return JSON.parse(JSON.stringify({ ...rest, metadata }), (_key, value) => (value === null ? undefined : value));
}

const ownersOf = (object: Stored) =>
  Object.fromEntries(
    (object.metadata.managedFields ?? []).map(({ manager, operation, fieldsV1 }) => [
      `${manager} ${operation}`,
      fieldsV1,
    ]),
  );

test('an applier owns what it applied, and what it applies no longer goes', () => {
  const first = apply(undefined, example({ data: { a: '1', b: '2' } }));
  assert.deepEqual(ownersOf(first), { 'one Apply': { 'f:data': { 'f:a': {}, 'f:b': {} } } });
  const second = apply(first, example({ data: { b: '2' } }));
  assert.deepEqual(content(second), content(example({ data: { b: '2' }, spec: {} })));
});

test('what another manager owns stays when its applier lets go', () => {
  const first = apply(undefined, example({ data: { a: '1', b: '2' } }));
  const agreed = apply(first, example({ data: { a: '1' } }), { manager: 'two' });
  const left = apply(agreed, example({ data: { b: '2' } }));
  assert.deepEqual((left as unknown as { data: unknown }).data, { a: '1', b: '2' });
});

test('changing what another owns is a conflict that names field and owner, and force takes it', () => {
  const first = apply(undefined, example({ spec: { items: [{ name: 'app', image: 'a:1' }] } }));
  const config = example({ spec: { items: [{ name: 'app', image: 'a:2' }] } });
  assert.throws(
    () => apply(first, config, { manager: 'two' }),
    (err: ApiError) =>
      err.message === 'Apply failed with 1 conflict: conflict with "one": .spec.items[name="app"].image',
  );
  const forced = apply(first, config, { manager: 'two', force: true });
  assert.deepEqual(ownersOf(forced)['one Apply'], {
    'f:spec': { 'f:items': { 'k:{"name":"app"}': { '.': {}, 'f:name': {} } } },
  });
});

test('items without a key that has a default are the same item as those that name it', () => {
  const first = apply(undefined, example({ spec: { ports: [{ port: 80, name: 'web' }] } }));
  const second = apply(first, example({ spec: { ports: [{ port: 80, protocol: 'TCP', name: 'http' }] } }));
  assert.deepEqual((second as unknown as { spec: { ports: unknown[] } }).spec.ports, [
    { port: 80, protocol: 'TCP', name: 'http' },
  ]);
});

test('an atomic list and an atomic structure are replaced whole', () => {
  const first = apply(
    undefined,
    example({ spec: { selector: { matchLabels: { a: '1' } }, items: [{ name: 'x', args: ['a', 'b'] }] } }),
  );
  const next = example({ spec: { selector: { matchLabels: { b: '1' } }, items: [{ name: 'x', args: ['c'] }] } });
  assert.deepEqual(content(apply(first, next)), content(next));
});

test('a field the schema does not know is refused, not dropped', () => {
  assert.throws(() => apply(undefined, example({ spec: { bogus: 1 } })), /\.spec\.bogus: field not declared in schema/);
});

test('who writes without applying owns what changed by it, and its fields conflict by version', () => {
  const created = update(undefined, example({ data: { a: '1' }, spec: {} }));
  assert.deepEqual(ownersOf(created), { 'updater Update': { 'f:data': { '.': {}, 'f:a': {} } } });
  assert.throws(() => apply(created, example({ data: { a: '2' } })), /conflict with "updater" using v1: \.data\.a/);
});

test('a write that changes nothing changes no manager', () => {
  const created = update(undefined, example({ data: { a: '1' }, spec: {} }));
  const again = trackUpdate({
    schema: Example,
    apiVersion: 'v1',
    manager: 'other',
    live: created,
    next: created,
    nowMs: NOW + 60_000,
  });
  assert.deepEqual(again, created.metadata.managedFields);
});

test('at most ten updaters are remembered apart, the oldest become one', () => {
  let object = update(undefined, example({ data: {}, spec: {} }));
  for (let i = 0; i < 15; i++) {
    const data = { ...(object as unknown as { data: Record<string, string> }).data, [`k${i}`]: 'v' };
    object = update(object, { ...object, data } as Stored, `m${i}`);
  }
  const updaters = object.metadata.managedFields!.map(({ manager }) => manager);
  assert.equal(updaters.length, 10);
  assert.ok(updaters.includes('ancient-changes'));
});

const aValue = fc.constantFrom('1', '2', '3');
const aKey = fc.constantFrom('a', 'b', 'c', 'd');
const aMap = fc.dictionary(aKey, aValue, { maxKeys: 4 });
const anItem = fc.record({ name: aKey, image: aValue, env: aMap }, { requiredKeys: ['name'] });
const aPort = fc.record(
  { port: fc.constantFrom(80, 443), protocol: fc.constantFrom('TCP', 'UDP'), name: aKey },
  { requiredKeys: ['port', 'protocol'] },
);
const aSpec = fc.record(
  {
    replicas: fc.integer({ min: 0, max: 3 }),
    selector: fc.record({ matchLabels: aMap }),
    items: fc.uniqueArray(anItem, { selector: ({ name }) => name, minLength: 1 }),
    ports: fc.uniqueArray(aPort, { selector: ({ port, protocol }) => `${port}${protocol}`, minLength: 1 }),
    flags: fc.uniqueArray(aValue, { minLength: 1 }),
  },
  { requiredKeys: [] },
);
const aConfig = fc.record({ spec: aSpec, data: aMap }, { requiredKeys: [] }).map((parts) => example(parts));

test('applying the same twice changes nothing the second time', () => {
  fc.assert(
    fc.property(aConfig, aConfig, (before, config) => {
      const live = apply(undefined, before, { manager: 'other' });
      const once = apply(live, config, { force: true });
      const twice = apply(once, config, { force: true, nowMs: NOW + 60_000 });
      assert.deepEqual(content(twice), content(once));
      assert.deepEqual(ownersOf(twice), ownersOf(once));
    }),
  );
});

test('applying something and then nothing restores what was there before', () => {
  fc.assert(
    fc.property(aSpec, aMap, (spec, data) => {
      const keep = example({ spec: { items: [{ name: 'z', image: 'keep' }] }, data: { z: 'keep' } });
      const live = apply(undefined, keep, { manager: 'other' });
      const applied = apply(live, example({ spec, data }));
      const removed = apply(applied, example({}));
      assert.deepEqual(content(removed), content(live));
    }),
  );
});

test('two managers never lose what each of them alone owns', () => {
  fc.assert(
    fc.property(aMap, aMap, aMap, (mine, theirs, next) => {
      const prefixed = (prefix: string, map: Record<string, string>) =>
        Object.fromEntries(Object.entries(map).map(([key, value]) => [`${prefix}-${key}`, value]));
      let live = apply(undefined, example({ data: prefixed('one', mine) }));
      live = apply(live, example({ data: prefixed('two', theirs) }), { manager: 'two' });
      live = apply(live, example({ data: prefixed('one', next) }));
      const data = (live as unknown as { data?: Record<string, string> }).data ?? {};
      assert.deepEqual(data, { ...prefixed('one', next), ...prefixed('two', theirs) });
    }),
  );
});
