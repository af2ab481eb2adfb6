import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Client, ListOf, ListOptions, WatchEvent, WatchOptions } from '../../../api/client/client.ts';
import { Informer, type InformerOptions } from '../../../api/client/informer.ts';
import { type Logger, silent } from '../../../api/log.ts';
import { ApiError } from '../../../api/status.ts';
import type { ConfigMap } from '../../../api/types/core/config-map.ts';
import { configMaps } from '../../../api/types/core/resources.ts';
import { VirtualClock } from '../../sim/virtual-clock.ts';

const gone = () => new ApiError(410, 'Expired', 'too old resource version');
const forbidden = () => new ApiError(403, 'Forbidden', 'configmaps is forbidden');
const tooLarge = () =>
  new ApiError(504, 'Timeout', 'Too large resource version', { causes: [{ reason: 'ResourceVersionTooLarge' }] });

const a = (name: string, version: number, uid = name) =>
  ({ metadata: { namespace: 'ns', name, uid, resourceVersion: String(version) } }) as ConfigMap;

type Page = ListOf<ConfigMap> | Error;
const page = (version: number, items: ConfigMap[], more?: string): Page => ({
  items,
  metadata: { resourceVersion: String(version), ...(more && { continue: more }) },
});
const told = (type: 'ADDED' | 'MODIFIED' | 'DELETED', object: ConfigMap): WatchEvent<ConfigMap> => ({ type, object });

/** What a watch says, and how it ends: by an error, by the server's will, or (without an end) never. */
interface Watch {
  events?: WatchEvent<ConfigMap>[];
  ends?: Error | 'closed';
}

interface Script {
  lists: Page[];
  watches: Watch[];
  options?: InformerOptions<ConfigMap>;
  log?: Logger;
}

/** Runs an informer against a server that plays a script; the last watch of it repeats for ever. */
function playing({ lists, watches, options = {}, log = silent }: Script) {
  const clock = new VirtualClock();
  const listed: ListOptions[] = [];
  const watched: WatchOptions[] = [];
  const client = {
    list: async (_of: unknown, asked: ListOptions) => {
      listed.push(asked);
      const answer = lists.shift();
      assert.ok(answer, 'a list that the script does not have');
      if (answer instanceof Error) throw answer;
      return answer;
    },
    async *watch(_of: unknown, asked: WatchOptions, signal: AbortSignal) {
      watched.push(asked);
      const { events = [], ends } = watches.length > 1 ? watches.shift()! : watches[0]!;
      yield* events;
      if (ends instanceof Error) throw ends;
      if (ends === undefined)
        await new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason)));
    },
  } as unknown as Client;
  const informer = new Informer(client, configMaps, options, { clock, log });
  const changes: string[] = [];
  informer.onChange((key, now, before) => {
    changes.push(`${key} ${before?.metadata.resourceVersion ?? '-'}>${now?.metadata.resourceVersion ?? '-'}`);
  });
  const stop = new AbortController();
  const running = informer.run(stop.signal);
  return {
    ...{ clock, informer, listed, watched, changes },
    async [Symbol.asyncDispose]() {
      stop.abort();
      await running;
    },
  };
}

test('what was deleted, made and made again while nobody watched is told after the new list', async () => {
  await using it = playing({
    lists: [
      page(10, [a('kept', 1), a('changed', 2), a('deleted', 3), a('again', 4)]),
      page(30, [a('kept', 1), a('changed', 20), a('again', 22, 'other'), a('new', 21)]),
    ],
    watches: [{ ends: gone() }, {}],
  });
  await it.clock.advance(0);
  assert.ok(it.informer.isSynced);
  it.changes.length = 0;
  await it.clock.advance(100);
  assert.deepEqual(it.changes, ['ns/changed 2>20', 'ns/again 4>22', 'ns/new ->21', 'ns/deleted 3>-']);
  assert.deepEqual(
    it.watched.map(({ resourceVersion }) => resourceVersion),
    ['10', '30'],
  );
  assert.deepEqual(
    [...it.informer.list('ns')].map(({ metadata }) => metadata.name),
    ['kept', 'changed', 'again', 'new'],
  );
});

test('a history that is gone is also known from an event of the watch, and events before it count', async () => {
  await using it = playing({
    lists: [page(10, [a('x', 1)]), page(30, [])],
    watches: [{ events: [told('ADDED', a('y', 11))], ends: gone() }, {}],
  });
  await it.clock.advance(100);
  assert.deepEqual(it.changes, ['ns/x ->1', 'ns/y ->11', 'ns/x 1>-', 'ns/y 11>-']);
});

test('a list that breaks in the middle deletes nothing, and begins again at its first page', async () => {
  await using it = playing({
    lists: [
      page(10, [a('x', 1), a('y', 2)]),
      page(20, [a('x', 1)], 'more'),
      gone(),
      page(30, [a('x', 1)], 'more'),
      page(30, [a('y', 2)]),
    ],
    watches: [{ ends: gone() }, {}],
  });
  await it.clock.advance(1_000);
  assert.deepEqual(it.changes, ['ns/x ->1', 'ns/y ->2']);
  assert.deepEqual(
    it.listed.map((options) => options.continue),
    [undefined, undefined, 'more', undefined, 'more'],
  );
});

test('a watch goes on from the last event or bookmark', async () => {
  await using it = playing({
    lists: [page(10, [])],
    watches: [
      { events: [told('ADDED', a('x', 11))], ends: 'closed' },
      { events: [{ type: 'BOOKMARK', resourceVersion: '40' }], ends: new Error('broken') },
      {},
    ],
  });
  await it.clock.advance(10_000);
  assert.deepEqual(
    it.watched.map(({ resourceVersion }) => resourceVersion),
    ['10', '11', '40'],
  );
  assert.equal(it.listed.length, 1);
});

test('a version that the server never had leads to a new list', async () => {
  await using it = playing({ lists: [page(10, [a('x', 9)]), page(5, [])], watches: [{ ends: tooLarge() }, {}] });
  await it.clock.advance(1_000);
  assert.deepEqual(it.changes, ['ns/x ->9', 'ns/x 9>-']);
});

for (const { it: what, ends } of [
  { it: 'refused', ends: forbidden() },
  { it: 'closed at once', ends: 'closed' as const },
]) {
  test(`a watch that is ${what} again and again is asked for ever more rarely`, async () => {
    await using it = playing({ lists: [page(10, [])], watches: [{ ends }] });
    await it.clock.advance(60_000);
    assert.ok(it.watched.length > 5 && it.watched.length < 20, `${it.watched.length} watches in a minute`);
  });
}

test('a watch that lived its time is followed by the next without a pause', async () => {
  const clock = new VirtualClock();
  const began: number[] = [];
  const client = {
    list: async () => page(10, []),
    async *watch(_of: unknown, _options: unknown, signal: AbortSignal) {
      began.push(clock.monotonic());
      await clock.sleep(300_000, signal);
      yield* [];
    },
  } as unknown as Client;
  const stop = new AbortController();
  const running = new Informer(client, configMaps, {}, { clock, log: silent }).run(stop.signal);
  await clock.advance(600_000);
  stop.abort();
  await running;
  assert.deepEqual(
    began.map((ms) => ms - began[0]!),
    [0, 300_000, 600_000],
  );
});

test('an operator reads once that a resource cannot be followed, and once that it can again', async () => {
  const lines: string[] = [];
  const log: Logger = {
    ...silent,
    child: () => log,
    warn: (_, said) => lines.push(said),
    info: (_, said) => lines.push(said),
  };
  await using it = playing({
    lists: [...Array.from({ length: 12 }, forbidden), page(10, [])],
    watches: [{ events: [{ type: 'BOOKMARK', resourceVersion: '11' }] }],
    log,
  });
  await it.clock.advance(120_000);
  assert.ok(it.informer.isSynced);
  assert.deepEqual(lines, ['cannot follow a resource', 'following it again']);
});

test('a listener that throws keeps no other from hearing, and costs no new list', async () => {
  const errors: string[] = [];
  const log: Logger = { ...silent, child: () => log, error: (_, said) => errors.push(said) };
  await using it = playing({
    lists: [page(10, [])],
    watches: [{ events: [told('ADDED', a('x', 11)), told('DELETED', a('x', 12))] }],
    log,
  });
  it.informer.onChange(() => {
    throw new Error('broken listener');
  });
  const heard: string[] = [];
  it.informer.onChange((key) => heard.push(key));
  await it.clock.advance(1_000);
  assert.deepEqual(heard, ['ns/x', 'ns/x']);
  assert.equal(errors.length, 2);
  assert.equal(it.watched.length, 1);
});

test('indexes hold what objects say of themselves now, and nothing of what is gone', async () => {
  const withLabel = (name: string, version: number, label: string) => {
    const object = a(name, version);
    return { ...object, metadata: { ...object.metadata, labels: { app: label } } };
  };
  await using it = playing({
    lists: [page(10, [withLabel('x', 1, 'web'), withLabel('y', 2, 'web')])],
    watches: [{ events: [told('MODIFIED', withLabel('x', 11, 'db')), told('DELETED', withLabel('y', 12, 'web'))] }],
    options: { indexes: { app: ({ metadata }) => [metadata.labels?.['app'] ?? ''] } },
  });
  await it.clock.advance(0);
  const names = (label: string) => it.informer.byIndex('app', label).map(({ metadata }) => metadata.name);
  assert.deepEqual([names('web'), names('db')], [[], ['x']]);
});
