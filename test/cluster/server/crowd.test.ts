// Crowds of clients that behave badly, beside one that behaves well: what it waits stays what it was, the server's
// memory stays within bounds, and when a crowd vanishes without a word it is forgotten.
import assert from 'node:assert/strict';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { after, before, type TestContext, test } from 'node:test';
import type { ApiAccess } from '../harness/api-access.ts';
import { waitFor } from '../harness/wait.ts';
import { accessTo, firstLine, run, type Where } from './child.ts';
import type { Doing } from './crowd-main.ts';

const LONG = process.env['SKIFF_LONG'] === '1';
const LIMITS = { requestMs: 8_000, pingEveryMs: 2_000 };
const CALLS = 200;
const STARVED_MS = 1_000;
const MAPS = '/api/v1/namespaces/default/configmaps';
const MIB = 1 << 20;
const PAGE_BYTES = 4096;
const BIG_OBJECTS = 100;

let server: ChildProcess;
let where: Where;
let api: ApiAccess;
/** What the well-behaved client waits when it is alone. */
let alone: number;

before(async () => {
  server = run('server-main.ts', [JSON.stringify({ httpLimits: LIMITS })]);
  where = JSON.parse(await firstLine(server)) as Where;
  api = accessTo(where);
  const data = { big: 'x'.repeat(100_000) };
  for (let n = 0; n < BIG_OBJECTS; n++) {
    assert.equal((await api.call('POST', MAPS, { metadata: { name: `big-${n}` }, data })).status, 201);
  }
  await api.call('POST', MAPS, { metadata: { name: 'mine' } });
  await waitOfOne();
  alone = await waitOfOne();
});
after(async () => {
  api[Symbol.dispose]();
  server.kill('SIGTERM');
  await once(server, 'exit');
});

/** The 99th percentile, in ms, of writes and reads one after the other. */
async function waitOfOne(): Promise<number> {
  const took: number[] = [];
  for (let n = 0; n < CALLS; n++) {
    const began = performance.now();
    const { status } =
      n % 2 === 0
        ? await api.call('GET', `${MAPS}/mine`)
        : await api.call('PUT', `${MAPS}/mine`, { metadata: { name: 'mine' }, data: { n: String(n) } });
    assert.equal(status, 200);
    took.push(performance.now() - began);
  }
  return took.sort((a, b) => a - b)[Math.floor(CALLS * 0.99)]!;
}

const rss = () => Number(readFileSync(`/proc/${server.pid}/statm`, 'utf8').split(' ')[1]) * PAGE_BYTES;

async function sockets(): Promise<number> {
  const { body } = await api.call('GET', '/metrics');
  return Number(/^process_open_fds (\d+)$/m.exec(String(body))?.[1]);
}

const crowds: { doing: Doing; what: string; connections: number; streams: number; maxBytes: number }[] = [
  { doing: 'watch', what: '10,000 idle watches', connections: 40, streams: 250, maxBytes: 400 * MIB },
  {
    doing: 'watch',
    what: 'idle watches on connections of their own',
    connections: LONG ? 5_000 : 500,
    streams: 1,
    maxBytes: (LONG ? 900 : 150) * MIB,
  },
  { doing: 'list', what: '1,000 lists that nobody reads', connections: 4, streams: 250, maxBytes: 400 * MIB },
  { doing: 'drip', what: '1,000 bodies of a byte a second', connections: 4, streams: 250, maxBytes: 150 * MIB },
  { doing: 'reset', what: 'streams reset without end', connections: 20, streams: 200, maxBytes: 250 * MIB },
];

for (const { doing, what, connections, streams, maxBytes } of crowds) {
  test(`${what} slow down nobody, are bounded, and are forgotten when their client vanishes`, async (t: TestContext) => {
    const [fds, memory] = [await sockets(), rss()];
    const crowd = run('crowd-main.ts', [where.url, JSON.stringify(where.files), doing, `${connections}`, `${streams}`]);
    try {
      assert.equal(await firstLine(crowd), 'ready');
      const beside = await waitOfOne();
      const grown = rss() - memory;
      t.diagnostic(`p99 ${beside.toFixed(1)} ms (alone ${alone.toFixed(1)}), ${Math.round(grown / MIB)} MB more`);
      assert.ok(grown < maxBytes, `${grown} bytes more`);
      // A crowd in the same machine takes its processors too: this is about not being starved.
      assert.ok(beside < Math.max(STARVED_MS, 10 * alone), `${beside} ms instead of ${alone}`);
      // Its end of every connection stays, and says nothing any more.
      crowd.kill('SIGSTOP');
      await waitFor('the crowd to be forgotten', async () => (await sockets()) <= fds + 1);
    } finally {
      crowd.kill('SIGKILL');
    }
  });
}
