import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { after, test } from 'node:test';
import { bundle } from '../../cli/bundle.ts';

const folder = await mkdtemp(join(tmpdir(), 'skiff-bundle-'));
after(() => rm(folder, { recursive: true }));

test('the bundle is one file per process, and runs without the checkout', async () => {
  const files = (await bundle(join(folder, 'dist'))).map(({ file }) => basename(file));
  for (const name of ['server.mjs', 'agent.mjs', 'skiff.mjs']) assert.ok(files.includes(name), name);
  assert.ok(existsSync(join(folder, 'dist/proto/cri.proto')));
  const run = (...args: string[]) => spawnSync(process.execPath, args, { cwd: join(folder, 'dist'), encoding: 'utf8' });
  assert.match(run('skiff.mjs', 'version').stdout, /^skiff \d/);
  // The server both as a process of its own and as a command.
  assert.equal(run('server.mjs', '--prot').stderr, 'skiff server: unknown flag --prot\n');
  assert.equal(run('skiff.mjs', 'agent', '--prot').stderr, 'skiff agent: unknown flag --prot\n');
});
