// The watcher with real sockets in a real folder; what plugins answer is put in.
import assert from 'node:assert/strict';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { type Plugin, PluginWatcher } from '../../../agent/plugins/plugin-watcher.ts';
import type { PluginInfo } from '../../../agent/plugins/registration.ts';
import { silent } from '../../../api/log.ts';
import { systemClock } from '../../../api/system.ts';

async function listen(path: string): Promise<AsyncDisposable> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(path, resolve));
  return {
    async [Symbol.asyncDispose]() {
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

async function watching(t: TestContext, refusals: string[] = []) {
  const dir = await mkdtemp(join(tmpdir(), 'plugins-'));
  const said: string[] = [];
  const told: [string, string | undefined][] = [];
  const infos = new Map<string, Partial<PluginInfo>>();
  let moved = Promise.withResolvers<void>();
  const say = (line: string) => {
    said.push(line);
    moved.resolve();
  };
  const watcher = new PluginWatcher(join(dir, 'registry'), {
    clock: systemClock,
    log: silent,
    registration: {
      getInfo: async (socket) => {
        const info = { type: 'CSIPlugin', name: 'a', endpoint: '', supportedVersions: ['1.0.0'], ...infos.get(socket) };
        return info;
      },
      notify: async (socket, error) => {
        told.push([socket, error]);
        moved.resolve();
      },
    },
  });
  const named = ({ name, endpoint, socket }: Plugin) => `${name}${endpoint === socket ? '' : ` at ${endpoint}`}`;
  watcher.onPlugin('CSIPlugin', {
    register: async (plugin) => {
      const refusal = refusals.shift();
      if (refusal !== undefined) throw new Error(refusal);
      say(`+${named(plugin)}`);
    },
    deregister: async (plugin) => say(`-${named(plugin)}`),
  });
  t.after(async () => {
    await watcher[Symbol.asyncDispose]();
    await rm(dir, { recursive: true, force: true });
  });
  const until = async (look: () => boolean) => {
    const deadline = systemClock.deadline(5_000);
    const expired = new Promise<void>((_, reject) =>
      deadline.addEventListener('abort', () => reject(new Error(`only ${said.join(' ')}`)), { once: true }),
    );
    while (!look()) {
      await Promise.race([moved.promise, expired]);
      moved = Promise.withResolvers<void>();
    }
  };
  return { watcher, dir: join(dir, 'registry'), said, told, infos, until };
}

test('a socket that comes is registered and told so, and taken back when it goes', async (t) => {
  const { watcher, dir, said, told, infos, until } = await watching(t);
  const socket = join(dir, 'a-reg.sock');
  infos.set(socket, { endpoint: '/elsewhere/csi.sock' });
  watcher.start();
  await mkdir(dir, { recursive: true });
  {
    await using _plugin = await listen(socket);
    await until(() => told.length === 1);
    assert.deepEqual(told, [[socket, undefined]]);
  }
  await until(() => said.length === 2);
  assert.deepEqual(said, ['+a at /elsewhere/csi.sock', '-a at /elsewhere/csi.sock']);
});

test('what was there before the start is registered, in folders below too; files and hidden names are not', async (t) => {
  const { watcher, dir, said, infos, until } = await watching(t);
  await mkdir(join(dir, 'below'), { recursive: true });
  infos.set(join(dir, 'below', 'b.sock'), { name: 'b' });
  await writeFile(join(dir, 'file'), '');
  await using _hidden = await listen(join(dir, '.hidden.sock'));
  await using _one = await listen(join(dir, 'a.sock'));
  await using _two = await listen(join(dir, 'below', 'b.sock'));
  watcher.start();
  await until(() => said.length === 2);
  assert.deepEqual(said.sort(), ['+a', '+b']);
});

test('a driver that comes back at the same path is registered again without being taken back', async (t) => {
  const { watcher, dir, said, until } = await watching(t);
  await mkdir(dir, { recursive: true });
  const socket = join(dir, 'a.sock');
  const first = await listen(socket);
  watcher.start();
  await until(() => said.length === 1);
  await rm(socket); // as a driver does before it binds
  await using _second = await listen(socket);
  await until(() => said.length === 2 || said.includes('-a'));
  if (said.includes('-a')) await until(() => said.at(-1) === '+a'); // the watcher came in between
  assert.equal(said.at(-1), '+a');
  await first[Symbol.asyncDispose]();
});

test('a refused plugin is told why and asked again', async (t) => {
  const { watcher, dir, said, told, until } = await watching(t, ['not now']);
  await mkdir(dir, { recursive: true });
  await using _plugin = await listen(join(dir, 'a.sock'));
  watcher.start();
  await until(() => said.length === 1 && told.length === 2);
  assert.deepEqual(
    told.map(([, error]) => error),
    ['not now', undefined],
  );
});

test('a plugin of a type that nobody takes is told so', async (t) => {
  const { watcher, dir, told, infos, until } = await watching(t);
  await mkdir(dir, { recursive: true });
  const socket = join(dir, 'x.sock');
  infos.set(socket, { type: 'Odd' });
  await using _plugin = await listen(socket);
  watcher.start();
  await until(() => told.length > 0);
  assert.equal(told[0]![1], `no handler registered for plugin type: Odd at socket ${socket}`);
});
