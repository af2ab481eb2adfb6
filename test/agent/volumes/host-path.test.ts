// Paths of the node by their type: what must be there, what is made, and what is said when it is something else.
import assert from 'node:assert/strict';
import { lstat, mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { setUpHostPath } from '../../../agent/volumes/host-path.ts';
import type { HostPathVolumeSource } from '../../../api/types/core/volume-sources.ts';

type Type = NonNullable<HostPathVolumeSource['type']>;
const WORDS: Partial<Record<Type, string>> = {
  Directory: 'a directory',
  DirectoryOrCreate: 'a directory',
  File: 'a file',
  FileOrCreate: 'a file',
  Socket: 'a socket file',
  CharDevice: 'a character device',
  BlockDevice: 'a block device',
};

async function things(t: TestContext) {
  const dir = await mkdtemp(join(tmpdir(), 'host-path-'));
  t.after(() => rm(dir, { recursive: true, force: true }));
  await mkdir(join(dir, 'folder'));
  await writeFile(join(dir, 'file'), 'text');
  await symlink('folder', join(dir, 'link'));
  const server = createServer();
  t.after(() => void server.close());
  await new Promise<void>((resolve) => void server.listen(join(dir, 'socket'), resolve));
  const at = (name: string) => (name === 'device' ? '/dev/null' : join(dir, name));
  return { dir, at };
}

test('each type takes what it names, and says of anything else that it is not', async (t) => {
  const { at } = await things(t);
  const fits: Partial<Record<Type, string[]>> = {
    Directory: ['folder', 'link'],
    DirectoryOrCreate: ['folder', 'link', 'new-folder'],
    File: ['file'],
    FileOrCreate: ['file', 'new-file'],
    Socket: ['socket'],
    CharDevice: ['device'],
    BlockDevice: [],
  };
  for (const [type, names] of Object.entries(fits) as [Type, string[]][]) {
    for (const name of ['folder', 'link', 'file', 'socket', 'device', 'absent', ...names]) {
      if (name === 'absent' && type.endsWith('OrCreate')) continue;
      const path = at(name);
      if (names.includes(name)) await setUpHostPath({ path, type });
      else {
        const message = `hostPath type check failed: ${path} is not ${WORDS[type]}`;
        await assert.rejects(setUpHostPath({ path, type }), { message }, `${type} ${name}`);
      }
    }
  }
  assert.equal((await lstat(at('new-folder'))).mode & 0o777, 0o755);
  assert.equal((await lstat(at('new-file'))).mode & 0o777, 0o644);
});

test('without a type nothing is asked and nothing is made', async (t) => {
  const { at } = await things(t);
  await setUpHostPath({ path: at('absent') });
  await setUpHostPath({ path: at('absent'), type: '' });
  await assert.rejects(lstat(at('absent')));
});
