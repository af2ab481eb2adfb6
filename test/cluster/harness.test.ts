// The harness itself: a check that cannot fail proves nothing, and nodes have to go however a test ends.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readdirSync } from 'node:fs';
import { mkdir, rm, rmdir } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { beginLeakCheck, differences } from './harness/leaks.ts';
import { OWN_PREFIX, ownDir, ownerOf } from './harness/names.ts';
import { hierarchies } from './harness/node-cgroups.ts';
import { NodeNamespace } from './harness/node-namespace.ts';
import { exec } from './harness/process.ts';
import { Segment } from './harness/segment.ts';
import { InVain, waitFor } from './harness/wait.ts';

test('nodes reach one another and the test reaches them, and nothing stays', async () => {
  const leaks = await beginLeakCheck();
  {
    await using segment = await Segment.create();
    await using one = await NodeNamespace.create({ name: 'node-1', segment });
    await using two = await NodeNamespace.create({ name: 'node-2', segment });
    const web = two.spawn('busybox', ['httpd', '-f', '-p', '80', '-h', '/etc']);
    const url = `http://${two.address}/hostname`;
    const read = () => one.exec('busybox', ['wget', '-q', '-O', '-', url]);
    assert.equal((await waitFor('an answer', read)).stdout, 'node-2\n');
    assert.equal(await (await fetch(url)).text(), 'node-2\n');
    await web.kill('SIGTERM');
    assert.deepEqual(await web.exited, { code: null, signal: 'SIGTERM' });
  }
  await leaks.verify();
});

test('what a node writes to the machine`s folders stays in the node', async () => {
  await using segment = await Segment.create();
  await using node = await NodeNamespace.create({ name: 'node-1', segment });
  const places = ['/etc', '/run', '/var/lib', '/var/lib/skiff', '/opt', '/root'];
  for (const place of places) await node.exec('touch', [`${place}/skiff-test-mark`]);
  for (const place of places) {
    assert.ok(existsSync(node.path(`${place}/skiff-test-mark`)), `${place} in the node`);
    assert.ok(!existsSync(`${place}/skiff-test-mark`), `${place} on the host`);
  }
  assert.equal((await node.exec('hostname')).stdout, 'node-1\n');
});

test('a command in a node has a deadline, an exit code and an input', async () => {
  await using segment = await Segment.create();
  await using node = await NodeNamespace.create({ name: 'node-1', segment });
  assert.equal((await node.exec('cat', [], { input: 'given' })).stdout, 'given');
  assert.equal((await node.exec('sh', ['-c', 'exit 3'], { mayFail: true })).code, 3);
  await assert.rejects(node.exec('sh', ['-c', 'echo why >&2; exit 3']), /exit code 3\nwhy/);
  await assert.rejects(node.exec('sleep', ['60'], { timeoutMs: 200 }), /not done within 200 ms/);
  const { stdout } = await node.exec('ps', ['-e', '-o', 'comm=']);
  assert.doesNotMatch(stdout, /sleep/, 'what is out of time is gone');
});

test('the leak check names what is left', async () => {
  const leaks = await beginLeakCheck();
  const dir = await ownDir();
  const cgroup = join((await hierarchies())[0]!.mountPoint, `${OWN_PREFIX}left`);
  await mkdir(cgroup);
  await exec('ip', ['link', 'add', 'skt-left', 'type', 'bridge']);
  try {
    const found = await leaks.verify(100).catch((err: Error) => err.message);
    assert.match(found ?? '', /left behind: cgroup skiff-test-\d+-left/);
    assert.match(found ?? '', /left behind: folder skiff-test-/);
    assert.match(found ?? '', /left behind: interface skt-left/);
  } finally {
    await exec('ip', ['link', 'delete', 'skt-left']);
    await rmdir(cgroup);
    await rm(dir, { recursive: true });
  }
  await leaks.verify();
});

test('differences are what came and what went', () => {
  const before = new Map([['mount', ['/a', '/b']]]);
  assert.deepEqual(differences(before, new Map([['mount', ['/b', '/c']]])), [
    'left behind: mount /c',
    'gone: mount /a',
  ]);
  assert.deepEqual(differences(before, before), []);
});

test('the nodes of a killed test process go with it, and the next one clears their folders', async () => {
  const program = [
    `import { Segment } from ${JSON.stringify(join(import.meta.dirname, 'harness/segment.ts'))};`,
    `import { NodeNamespace } from ${JSON.stringify(join(import.meta.dirname, 'harness/node-namespace.ts'))};`,
    `const segment = await Segment.create();`,
    "const node = await NodeNamespace.create({ name: 'doomed', segment });",
    "node.spawn('sleep', ['600']);",
    'process.stdout.write(segment.hostInterface);',
    'setInterval(() => {}, 1000);',
  ].join('\n');
  const owner = spawn('node', ['--input-type=module', '--eval', program], { stdio: ['ignore', 'pipe', 'inherit'] });
  const [name] = await once(owner.stdout, 'data');
  owner.kill('SIGKILL');
  await once(owner, 'exit');
  await waitFor('its interface to be gone', () => !existsSync(`/sys/class/net/${String(name).trim()}`));
  await using segment = await Segment.create();
  await using _node = await NodeNamespace.create({ name: 'node-1', segment });
  const left = [tmpdir(), ...(await hierarchies()).map(({ mountPoint }) => mountPoint)].flatMap((dir) =>
    readdirSync(dir),
  );
  assert.deepEqual(
    left.filter((entry) => ownerOf(entry) === owner.pid),
    [],
  );
});

test('waiting in vain says what was seen last', async () => {
  const wait = waitFor('the moon', () => Promise.reject(new Error('clouds')), { timeoutMs: 60, intervalMs: 20 });
  await assert.rejects(wait, /waited 60 ms for the moon; last seen: clouds/);
  const hopeless = waitFor('the moon', () => Promise.reject(new InVain('it is gone')));
  await assert.rejects(hopeless, /waited for the moon in vain: it is gone/);
});
