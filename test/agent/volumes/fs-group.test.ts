import assert from 'node:assert/strict';
import { lstat, mkdir, mkdtemp, rename, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { giveToGroup } from '../../../agent/volumes/fs-group.ts';
import { aPod } from '../pods/make.ts';

const GROUP = 4711;
const pod = (policy?: 'OnRootMismatch') =>
  aPod({ spec: { securityContext: { fsGroup: GROUP, ...(policy !== undefined && { fsGroupChangePolicy: policy }) } } });

async function folders(t: TestContext) {
  const dir = await mkdtemp(join(tmpdir(), 'fs-group-'));
  t.after(() => rm(dir, { recursive: true, force: true }));
  const [volume, outside] = [join(dir, 'volume'), join(dir, 'outside')];
  for (const each of [volume, outside]) await mkdir(each);
  return { volume, outside };
}

const modeOf = async (path: string) => (await lstat(path)).mode & 0o7777;

test('the group gets folders, files and links, and what links lead to stays as it is', async (t) => {
  const { volume, outside } = await folders(t);
  await mkdir(join(volume, 'folder'), { mode: 0o700 });
  await writeFile(join(volume, 'folder/file'), '', { mode: 0o600 });
  await writeFile(join(outside, 'shadow'), '', { mode: 0o600 });
  await symlink(join(outside, 'shadow'), join(volume, 'link'));
  await giveToGroup(volume, pod());
  for (const name of ['', 'folder', 'folder/file', 'link']) {
    assert.equal((await lstat(join(volume, name))).gid, GROUP, name);
  }
  assert.equal(await modeOf(join(volume, 'folder')), 0o2770);
  assert.equal(await modeOf(join(volume, 'folder/file')), 0o660);
  const kept = await lstat(join(outside, 'shadow'));
  assert.deepEqual([kept.gid, kept.mode & 0o777], [0, 0o600]);
});

test('a volume whose root fits is left alone where the pod says that this is enough', async (t) => {
  const { volume } = await folders(t);
  await giveToGroup(volume, pod());
  await writeFile(join(volume, 'later'), '', { mode: 0o600 });
  await giveToGroup(volume, pod('OnRootMismatch'));
  assert.equal(await modeOf(join(volume, 'later')), 0o600);
});

test('names that are swapped for links meanwhile lead nobody out of the volume', async (t) => {
  const { volume, outside } = await folders(t);
  await writeFile(join(outside, 'shadow'), '', { mode: 0o600 });
  const inside = (name: string) => join(volume, name);
  for (let round = 0; round < 50; round++) {
    await mkdir(inside('real'));
    await writeFile(inside('real/shadow'), '');
    await symlink(outside, inside('link'));
    const swap = async () => {
      await rename(inside('real'), inside('spare'));
      await rename(inside('link'), inside('real'));
    };
    await Promise.all([giveToGroup(volume, pod()), swap()]);
    const kept = await lstat(join(outside, 'shadow'));
    assert.deepEqual([kept.gid, kept.mode & 0o777], [0, 0o600], `round ${round}`);
    for (const name of ['real', 'spare']) await rm(inside(name), { recursive: true });
  }
});
