// kill -9 of an API server in a burst of writes (kill-rounds.ts), on a real disk and with nothing beside it, so that a
// round takes about a second.
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { firstLine, run, type Where } from './child.ts';
import { killRounds } from './kill-rounds.ts';

const ROUNDS = process.env['SKIFF_LONG'] === '1' ? 1_000 : 10;

test(`kill -9 in a burst of writes, ${ROUNDS} times, of a bare server: nothing acknowledged is lost, no watch has a gap`, async (t) => {
  const dir = mkdtempSync(join(tmpdir(), `skiff-test-${process.pid}-kill-`));
  const store = { kind: 'embedded', path: join(dir, 'store.db') };
  const env = { NODE_COMPILE_CACHE: join(dir, 'compiled') };
  const start = async (port: number) => {
    const child = run('server-main.ts', [JSON.stringify({ store, port }), dir], { env });
    return { child, where: JSON.parse(await firstLine(child)) as Where };
  };
  let { child, where } = await start(0);
  // What was compiled is kept when a process ends by itself; it takes two thirds of the work out of every start.
  const ended = once(child, 'exit');
  child.kill('SIGTERM');
  await ended;
  ({ child, where } = await start(0));
  const read = (name: keyof Where['files']) => readFileSync(where.files[name], 'utf8');
  const victim = {
    dataFile: store.path,
    access: async () => ({ server: where.url, caPem: read('ca'), certPem: read('cert'), keyPem: read('key') }),
    async kill() {
      const gone = once(child, 'exit');
      child.kill('SIGKILL');
      await gone;
    },
    async restart() {
      ({ child, where } = await start(Number(new URL(where.url).port)));
    },
  };
  try {
    t.diagnostic(`${await killRounds(victim, ROUNDS)} acknowledged writes in ${ROUNDS} rounds`);
  } finally {
    if (child.exitCode === null && child.signalCode === null) await victim.kill();
    rmSync(dir, { recursive: true });
  }
});
