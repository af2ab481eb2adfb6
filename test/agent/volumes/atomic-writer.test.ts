import assert from 'node:assert/strict';
import { lstat, mkdir, mkdtemp, readdir, readFile, readlink, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import fc from 'fast-check';
import { checkPath, isPopulated, type Payload, writeAtomically } from '../../../agent/volumes/atomic-writer.ts';

async function aFolder(t: TestContext): Promise<string> {
  const dir = await mkdtemp(join(tmpdir(), 'volume-'));
  t.after(() => rm(dir, { recursive: true, force: true }));
  return dir;
}
const files = (contents: Record<string, string>, mode = 0o644): Payload =>
  new Map(Object.entries(contents).map(([path, text]) => [path, { data: Buffer.from(text), mode }]));
const v = (n: number) => ({ version: `..v${n}` });

test('every file is seen through one link', async (t) => {
  const dir = await aFolder(t);
  assert.equal(await isPopulated(dir), false);
  await writeAtomically(dir, files({ a: '1', 'sub/b': '2', 'sub/deep/c': '3' }), v(1));
  assert.equal(await readlink(join(dir, '..data')), '..v1');
  assert.equal(await readlink(join(dir, 'a')), '..data/a');
  assert.equal(await readlink(join(dir, 'sub')), '..data/sub');
  assert.equal(await readFile(join(dir, 'sub/deep/c'), 'utf8'), '3');
  assert.equal(await isPopulated(dir), true);
});

test('a change swaps everything at once and leaves nothing old', async (t) => {
  const dir = await aFolder(t);
  await writeAtomically(dir, files({ a: '1', gone: 'x' }), v(1));
  assert.equal(await writeAtomically(dir, files({ a: '2', fresh: 'y' }), v(2)), true);
  assert.deepEqual((await readdir(dir)).sort(), ['..data', '..v2', 'a', 'fresh']);
  assert.equal(await readFile(join(dir, 'a'), 'utf8'), '2');
});

test('the same content is not written again', async (t) => {
  const dir = await aFolder(t);
  await writeAtomically(dir, files({ a: '1' }), v(1));
  const { ino } = await lstat(join(dir, '..data'));
  assert.equal(await writeAtomically(dir, files({ a: '1' }), v(2)), false);
  assert.equal((await lstat(join(dir, '..data'))).ino, ino);
  assert.deepEqual((await readdir(dir)).sort(), ['..data', '..v1', 'a']);
});

test('what a crash left behind is finished and tidied', async (t) => {
  const dir = await aFolder(t);
  await writeAtomically(dir, files({ a: '1' }), v(1));
  await rm(join(dir, 'a'));
  await mkdir(join(dir, '..v0'));
  await writeFile(join(dir, '..v0/half'), '');
  await symlink('..v0', join(dir, '..data_tmp'));
  await writeAtomically(dir, files({ a: '1' }), v(2));
  assert.deepEqual((await readdir(dir)).sort(), ['..data', '..v1', 'a']);
});

test('modes are those asked for, whatever the mask of the process', async (t) => {
  const dir = await aFolder(t);
  const before = process.umask(0o077);
  try {
    await writeAtomically(dir, new Map([['a', { data: Buffer.from(''), mode: 0o666 }]]), v(1));
  } finally {
    process.umask(before);
  }
  assert.equal((await stat(join(dir, 'a'))).mode & 0o777, 0o666);
});

test('an empty set is a volume too', async (t) => {
  const dir = await aFolder(t);
  await writeAtomically(dir, new Map(), v(1));
  assert.deepEqual((await readdir(dir)).sort(), ['..data', '..v1']);
});

for (const path of ['', '/etc/passwd', '../up', 'a/../../b', '..hidden', '..']) {
  test(`the path ${JSON.stringify(path)} is refused`, () => assert.throws(() => checkPath(path), /invalid path/));
}
for (const path of ['a', 'a/b', '.hidden', 'a..b', 'a/..b']) {
  test(`the path ${JSON.stringify(path)} is fine`, () => assert.doesNotThrow(() => checkPath(path)));
}

test('after any series of changes the folder shows the last one', async (t) => {
  const name = fc.constantFrom('a', 'b', 'c', 'sub/d', 'sub/e');
  const contents = fc.dictionary(name, fc.string({ maxLength: 3 }));
  await fc.assert(
    fc.asyncProperty(fc.array(contents, { minLength: 1, maxLength: 5 }), async (series) => {
      const dir = await aFolder(t);
      for (const [index, each] of series.entries()) await writeAtomically(dir, files(each), v(index));
      const last = series.at(-1)!;
      for (const [path, text] of Object.entries(last)) assert.equal(await readFile(join(dir, path), 'utf8'), text);
      const tops = new Set(Object.keys(last).map((path) => path.split('/')[0]!));
      const shown = (await readdir(dir)).filter((entry) => !entry.startsWith('..'));
      assert.deepEqual(new Set(shown), tops);
    }),
    { numRuns: 25 },
  );
});
