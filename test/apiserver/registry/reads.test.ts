import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { isGone } from '../../../api/status.ts';
import { configMaps, events as coreEvents, pods, secrets } from '../../../api/types/core/resources.ts';
import { events } from '../../../api/types/events/resources.ts';
import { TestRegistry, take } from './fixture.ts';

let api: TestRegistry;
before(async () => {
  api = await TestRegistry.open();
});
after(() => api[Symbol.asyncDispose]());

const DEADLINE_MS = 5_000;
const within = () => AbortSignal.timeout(DEADLINE_MS);
const create = (name: string, labels: Record<string, string> = {}) =>
  api.client.create(configMaps, { metadata: { name, namespace: 'ns', labels } });
const names = (items: readonly { metadata: { name: string } }[]) => items.map(({ metadata }) => metadata.name);

test('pages of a list show one moment, whatever happens between them', async () => {
  for (const name of ['p1', 'p2', 'p3', 'p4']) await create(name, { pages: 'yes' });
  const labelSelector = 'pages';
  const first = await api.client.list(configMaps, { namespace: 'ns', labelSelector, limit: 2 });
  await api.client.delete(configMaps, { namespace: 'ns', name: 'p3' });
  await create('p2b', { pages: 'yes' });
  const rest = { namespace: 'ns', labelSelector, limit: 2, continue: first.metadata.continue };
  const second = await api.client.list(configMaps, rest);
  assert.deepEqual([...names(first.items), ...names(second.items)], ['p1', 'p2', 'p3', 'p4']);
  assert.equal(second.metadata.resourceVersion, first.metadata.resourceVersion);
});

test('a version that has not come yet is waited for, and refused when it does not come', async () => {
  const coming = String(api.store.revision + 1);
  const waiting = api.client.get(configMaps, { namespace: 'ns', name: 'p1' }, { resourceVersion: coming });
  await create('newer');
  assert.equal((await waiting).metadata.name, 'p1');
  const never = { resourceVersion: String(api.store.revision + 1_000_000) };
  await assert.rejects(
    api.client.get(configMaps, { namespace: 'ns', name: 'p1' }, never),
    /Too large resource version/,
  );
});

test('a watch tells what is there, then what happens, each once and in order', async () => {
  const watch = api.client.watch(secrets, { namespace: 'ns' }, within());
  const told = take(watch, 4);
  const made = await api.client.create(secrets, { metadata: { name: 'w', namespace: 'ns' }, data: { a: 'MQ==' } });
  await api.client.update(secrets, { ...made, data: { a: 'Mg==' } });
  await api.client.delete(secrets, { namespace: 'ns', name: 'w' });
  await api.client.create(secrets, { metadata: { name: 'w2', namespace: 'ns' } });
  const types = (await told).map((event) =>
    event.type === 'BOOKMARK' ? event.type : `${event.type} ${event.object.metadata.name}`,
  );
  assert.deepEqual(types, ['ADDED w', 'MODIFIED w', 'DELETED w', 'ADDED w2']);
});

test('an object that leaves the selection is told as deleted, as of that version', async () => {
  const watch = api.client.watch(configMaps, { namespace: 'ns', labelSelector: 'on=yes' }, within());
  const told = take(watch, 3);
  await create('toggled', { on: 'yes' });
  const key = { namespace: 'ns', name: 'toggled' };
  const set = (on: string) =>
    api.client.patch(configMaps, key, { type: 'merge', body: { metadata: { labels: { on } } } });
  const off = await set('no');
  await set('yes');
  const [added, deleted, again] = await told;
  assert.equal(added!.type, 'ADDED');
  assert.ok(deleted!.type === 'DELETED');
  assert.equal(deleted!.object.metadata.resourceVersion, off.metadata.resourceVersion);
  assert.equal(deleted!.object.metadata.labels!['on'], 'yes');
  assert.equal(again!.type, 'ADDED');
});

test('a watch of the pods of a node hears of pods that are bound to it', async () => {
  const watch = api.client.watch(pods, { fieldSelector: 'spec.nodeName=n7' }, within());
  const told = take(watch, 1);
  const spec = { containers: [{ name: 'a', image: 'a' }] };
  for (const name of ['here', 'there']) await api.client.create(pods, { metadata: { name, namespace: 'ns' }, spec });
  for (const [name, node] of [
    ['there', 'n8'],
    ['here', 'n7'],
  ] as const) {
    await api.client.post(pods, { namespace: 'ns', name }, 'binding', { metadata: { name }, target: { name: node } });
  }
  const [event] = await told;
  assert.ok(event!.type === 'ADDED');
  assert.equal(event!.object.metadata.name, 'here');
});

test('sendInitialEvents ends the beginning with a bookmark', async () => {
  const options = { namespace: 'ns', labelSelector: 'pages', sendInitialEvents: true, allowWatchBookmarks: true };
  let initial = 0;
  for await (const event of api.client.watch(configMaps, options, within())) {
    if (event.type === 'BOOKMARK') {
      assert.equal(event.initialEventsEnd, true);
      break;
    }
    initial++;
  }
  assert.equal(initial, 4);
});

test('a watch from a version that history no longer holds ends with Gone', async () => {
  const watch = api.client.watch(configMaps, { resourceVersion: '1' }, within());
  await api.store.compact(api.store.revision);
  for (let i = 0; i < 3; i++) await create(`later-${i}`);
  const outcome = await take(watch, 1).then(
    () => 'events',
    (err: unknown) => (isGone(err) ? 'gone' : String(err)),
  );
  // The cache's own history may reach back that far: both are right, silence is not.
  assert.ok(['events', 'gone'].includes(outcome), outcome);
});

test('both versions of an event are one object', async () => {
  const regarding = { kind: 'Pod', namespace: 'ns', name: 'p' };
  const event = {
    regarding,
    note: 'hello',
    reason: 'R',
    type: 'Normal',
    reportingController: 'c',
    reportingInstance: 'c-1',
    action: 'Do',
    eventTime: '2020-01-01T00:00:00.000000Z',
  };
  await api.client.create(events, { metadata: { name: 'e1', namespace: 'ns' }, ...event } as never);
  const core = await api.client.get(coreEvents, { namespace: 'ns', name: 'e1' });
  assert.equal(core.message, 'hello');
  assert.equal(core.involvedObject.name, 'p');
  const found = await api.client.list(events, { namespace: 'ns', fieldSelector: 'regarding.name=p' });
  assert.deepEqual(names(found.items), ['e1']);
  assert.equal(found.items[0]!.note, 'hello');
});

test('what is read is frozen and shared', async () => {
  const one = await api.client.get(configMaps, { namespace: 'ns', name: 'p1' });
  const two = await api.client.get(configMaps, { namespace: 'ns', name: 'p1' });
  assert.equal(one, two);
  assert.ok(Object.isFrozen(one.metadata));
});
