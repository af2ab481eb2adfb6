// Checked with the tools that read images and archives everywhere: tar and gzip; test/cluster imports them for real.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { gunzipSync } from 'node:zlib';
import { isStaticProgram } from '../../cli/oci-elf.ts';
import { assembleImage, type ImageFile, type ImageSpec, writeImageArchive } from '../../cli/oci-image.ts';
import { tar } from '../../cli/oci-tar.ts';

const spec: ImageSpec = {
  ref: 'skiff.local/test/one:1',
  files: [
    { path: '/bin/tool', data: 'tool', mode: 0o755 },
    { path: '/bin/alias', symlink: 'tool' },
    { path: '/bin/again', hardlink: '/bin/tool' },
    { path: '/tmp', directory: true, mode: 0o1777 },
    { path: `/deep/${'d'.repeat(60)}/${'f'.repeat(60)}`, data: 'long' },
    { path: '/to-long', symlink: `/deep/${'d'.repeat(60)}/${'f'.repeat(60)}` },
  ],
  entrypoint: ['/bin/tool'],
  cmd: ['run'],
  env: { NONCE: 'abc' },
  user: '65535:65535',
  workdir: '/tmp',
  labels: { a: 'b' },
  exposedPorts: ['80/tcp'],
};

async function inTempDir(use: (dir: string) => Promise<void>): Promise<void> {
  const dir = await mkdtemp(join(tmpdir(), 'skiff-oci-'));
  try {
    await use(dir);
  } finally {
    await rm(dir, { recursive: true, force: true });
  }
}

test('the same files in another order give the same digest, other content another', async () => {
  const one = await assembleImage(spec);
  const again = await assembleImage({ ...spec, files: [...spec.files].reverse() });
  const other = await assembleImage({ ...spec, env: { NONCE: 'abd' } });
  assert.equal(again.manifest.digest, one.manifest.digest);
  assert.notEqual(other.manifest.digest, one.manifest.digest);
  assert.equal(other.layers[0]!.digest, one.layers[0]!.digest);
});

test('the layer unpacks with modes, links and long names, root`s at time zero', () =>
  inTempDir(async (dir) => {
    const { layers } = await assembleImage(spec);
    const file = join(dir, 'layer.tar');
    await writeFile(file, gunzipSync(layers[0]!.data));
    const listing = execFileSync('tar', ['--numeric-owner', '--utc', '-tvf', file], { encoding: 'utf8' }).split('\n');
    const long = `deep/${'d'.repeat(60)}/${'f'.repeat(60)}`;
    const row = (path: string) => listing.find((line) => line.includes(` ${path}`)) ?? `no ${path}`;
    assert.match(row('bin/tool'), /^-rwxr-xr-x 0\/0 +4 1970-01-01 00:00/);
    assert.match(row('bin/alias'), /^lrwxrwxrwx .* bin\/alias -> tool$/);
    assert.match(row('bin/again'), /^hrwxr-xr-x .* link to bin\/tool$/);
    assert.match(row('tmp/'), /^drwxrwxrwt/);
    assert.ok(row('to-long').endsWith(`-> /${long}`));
    execFileSync('tar', ['-xf', file, '-C', dir]);
    assert.equal(await readFile(join(dir, long), 'utf8'), 'long');
    assert.deepEqual(await readdir(join(dir, 'bin')), ['again', 'alias', 'tool']);
  }));

test('the configuration says how to run it', async () => {
  const image = await assembleImage(spec);
  const { config, rootfs, os } = JSON.parse(image.config.data.toString('utf8'));
  assert.equal(os, 'linux');
  assert.deepEqual(config.Entrypoint, ['/bin/tool']);
  assert.deepEqual(config.Cmd, ['run']);
  assert.equal(config.User, '65535:65535');
  assert.equal(config.WorkingDir, '/tmp');
  assert.ok(config.Env.includes('NONCE=abc'));
  assert.deepEqual(config.ExposedPorts, { '80/tcp': {} });
  assert.match(rootfs.diff_ids[0], /^sha256:[0-9a-f]{64}$/);
  assert.notEqual(rootfs.diff_ids[0], image.layers[0]!.digest, 'the digest of what is unpacked');
});

test('an image on top of another shares its layers', async () => {
  const base = await assembleImage(spec);
  const same = await assembleImage({ ref: 'skiff.local/test/same:1', base, files: [], cmd: ['other'] });
  const more = await assembleImage({ ref: 'skiff.local/test/more:1', base, files: [{ path: '/new', data: 'new' }] });
  assert.deepEqual(same.layers, base.layers);
  assert.deepEqual(more.layers.slice(0, 1), base.layers);
  const { rootfs, history } = JSON.parse(more.config.data.toString('utf8'));
  assert.deepEqual([more.layers.length, rootfs.diff_ids.length, history.length], [2, 2, 2]);
});

test('the archive is an OCI layout in which every digest is found', () =>
  inTempDir(async (dir) => {
    const image = await assembleImage(spec);
    await writeImageArchive([image], join(dir, 'image.tar'));
    execFileSync('tar', ['-xf', join(dir, 'image.tar'), '-C', dir]);
    const index = JSON.parse(await readFile(join(dir, 'index.json'), 'utf8'));
    assert.equal(index.manifests[0].annotations['io.containerd.image.name'], spec.ref);
    const blobs = await readdir(join(dir, 'blobs/sha256'));
    const wanted = [image.manifest, image.config, ...image.layers].map(({ digest }) => digest.slice('sha256:'.length));
    assert.deepEqual(blobs.sort(), wanted.sort());
  }));

const badPaths: ImageFile[] = ['relative', '/a/../b', '/a//b', '/'].map((path) => ({ path, data: '' }));
for (const file of badPaths) {
  test(`a file at ${file.path} is refused`, async () => {
    await assert.rejects(assembleImage({ ref: 'x:1', files: [file] }), /not an absolute, plain path/);
  });
}

const programs: [string, Buffer, boolean][] = [
  ['a program without an interpreter', elf([1, 1]), true],
  ['a program with one', elf([6, 3, 1]), false],
  ['a program that is cut off', elf([1, 1]).subarray(0, 70), false],
  ['a script', Buffer.from('#!/bin/sh\n'.repeat(20)), false],
];
for (const [what, file, wants] of programs) {
  test(`${what} ${wants ? 'can' : 'cannot'} be an image by itself`, () => assert.equal(isStaticProgram(file), wants));
}

test('the program that runs this test needs an interpreter', async () => {
  assert.equal(isStaticProgram(await readFile(process.execPath)), false);
});

/** A header and program headers of these types. */
function elf(types: number[]): Buffer {
  const file = Buffer.alloc(64 + 56 * types.length);
  file.set([0x7f, 0x45, 0x4c, 0x46, 2, 1]);
  file.writeBigUInt64LE(64n, 32);
  file.writeUInt16LE(56, 54);
  file.writeUInt16LE(types.length, 56);
  for (const [i, type] of types.entries()) file.writeUInt32LE(type, 64 + 56 * i);
  return file;
}

test('an archive is whole blocks and ends in two empty ones', () => {
  const bytes = tar([{ path: 'a', mode: 0o644, content: { data: Buffer.alloc(513) } }]);
  assert.equal(bytes.length, 512 + 1024 + 1024);
  assert.ok(bytes.subarray(-1024).every((byte) => byte === 0));
});
