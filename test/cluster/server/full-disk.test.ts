// A disk without space under a whole server: writes are refused in words, reads and watches go on, and when there is
// space again, whether a person made it or the server by forgetting history, so do writes. Nothing is restarted.
import assert from 'node:assert/strict';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, mkdtempSync, openSync, readdirSync, readFileSync, rmSync, statSync, writeSync } from 'node:fs';
import { get } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import type { ApiAccess, ApiAnswer } from '../harness/api-access.ts';
import { waitFor } from '../harness/wait.ts';
import { accessTo, firstLine, run, type Where } from './child.ts';

const DISK_MB = 64;
const MAPS = '/api/v1/namespaces/default/configmaps';
const VALUE_BYTES = 400_000;

const dir = mkdtempSync(join(tmpdir(), `skiff-test-${process.pid}-disk-`));
let server: ChildProcess;
let where: Where;
let api: ApiAccess;

before(async () => {
  const mount = `mount -t tmpfs -o size=${DISK_MB}m tmpfs "$0" && exec "$@"`;
  const inside = ['unshare', '--mount', '--propagation', 'private', 'sh', '-c', mount, dir];
  const store = { kind: 'embedded', path: join(dir, 'store.db') };
  server = run('server-main.ts', [JSON.stringify({ store })], { prefix: inside });
  where = JSON.parse(await firstLine(server)) as Where;
  api = accessTo(where);
});
after(async () => {
  api[Symbol.dispose]();
  server.kill('SIGTERM');
  await once(server, 'exit');
  rmSync(dir, { recursive: true });
});

/** A file on the server's disk. */
const onDisk = (name = '') => `/proc/${server.pid}/root${dir}/${name}`;

function used(): number {
  return readdirSync(onDisk()).reduce((sum, name) => sum + (statSync(onDisk(name)).blocks ?? 0) * 512, 0);
}

/** Takes all the space that is left. */
function fill(name: string): void {
  const file = openSync(onDisk(name), 'w');
  try {
    for (const chunk of [Buffer.alloc(1 << 20), Buffer.alloc(4096)]) {
      try {
        for (;;) writeSync(file, chunk);
      } catch (err) {
        assert.equal((err as NodeJS.ErrnoException).code, 'ENOSPC');
      }
    }
  } finally {
    closeSync(file);
  }
}

let writes = 0;
function overwrite(name: string): Promise<ApiAnswer> {
  const data = { n: `${++writes}`, big: 'x'.repeat(VALUE_BYTES) };
  return api.call('PUT', `${MAPS}/${name}`, { metadata: { name }, data });
}

const numberOf = ({ body }: ApiAnswer) => (body as { data: { n: string } }).data.n;

/** Overwrites until it is refused: the refusal, and the number of the last write that was not. */
async function untilRefused(name: string): Promise<{ refusal: ApiAnswer; last: string }> {
  for (let last = '0', n = 0; n < 1_000; n++) {
    const answer = await overwrite(name);
    if (answer.status !== 200) return { refusal: answer, last };
    last = numberOf(answer);
  }
  throw new Error('the disk never became full');
}

function watch(name: string): { seen: string[]; end(): void } {
  const read = (file: keyof Where['files']) => readFileSync(where.files[file]);
  const seen: string[] = [];
  const url = `${where.url}${MAPS}?watch=1&fieldSelector=metadata.name%3D${name}`;
  const request = get(url, { ca: read('ca'), cert: read('cert'), key: read('key'), agent: false }, (answer) => {
    let rest = '';
    answer.setEncoding('utf8');
    answer.on('error', () => {});
    answer.on('data', (chunk: string) => {
      const lines = (rest + chunk).split('\n');
      rest = lines.pop()!;
      for (const line of lines) seen.push((JSON.parse(line) as { object: { data: { n: string } } }).object.data.n);
    });
  });
  request.on('error', () => {});
  return { seen, end: () => request.destroy() };
}

test('while others fill the disk writes are refused, reads and watches go on, and space that returns heals it', async () => {
  await api.call('POST', MAPS, { metadata: { name: 'one' }, data: { n: '0' } });
  const watching = watch('one');
  await waitFor('the watch to stand', () => watching.seen.length > 0);
  fill('ballast');
  const { refusal, last } = await untilRefused('one');
  assert.equal(refusal.status, 507);
  const { kind, reason, message } = refusal.body as { kind: string; reason: string; message: string };
  assert.deepEqual([kind, reason], ['Status', 'InsufficientStorage']);
  assert.match(message, /^no space is left for writes: the store cannot write: database or disk is full$/);
  const read = await api.call('GET', `${MAPS}/one`);
  assert.deepEqual([read.status, numberOf(read)], [200, last]);
  assert.equal((await api.call('GET', MAPS)).status, 200);
  assert.equal((await api.call('GET', '/livez')).status, 200);
  rmSync(onDisk('ballast'));
  const healed = await overwrite('one');
  assert.equal(healed.status, 200);
  await waitFor('the watch to tell of it', () => watching.seen.at(-1) === numberOf(healed));
  assert.deepEqual(watching.seen.slice(-2), [last, numberOf(healed)], 'what was refused was not told');
  assert.equal(server.exitCode, null);
  watching.end();
});

test('a disk that its own history filled is emptied by forgetting it, and the space is given back', async () => {
  await api.call('POST', MAPS, { metadata: { name: 'two' }, data: { n: '0' } });
  const { refusal } = await untilRefused('two');
  assert.equal(refusal.status, 507);
  const full = used();
  const healed = await waitFor('writes to go on', async () => {
    const answer = await overwrite('two');
    return answer.status === 200 && answer;
  });
  assert.equal(numberOf(await api.call('GET', `${MAPS}/two`)), numberOf(healed));
  await waitFor('space to be given back', () => used() < full / 2);
  // And once more: what had been kept back for this is there again.
  assert.equal((await untilRefused('two')).refusal.status, 507);
  await waitFor('writes to go on again', async () => (await overwrite('two')).status === 200);
});
