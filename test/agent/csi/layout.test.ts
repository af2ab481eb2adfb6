// The notes on disk: what was begun is found again, whatever came in between.
import assert from 'node:assert/strict';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { inlineHandle, Layout, linkDevice, type Use } from '../../../agent/csi/layout.ts';

async function setting(t: TestContext) {
  const dir = await mkdtemp(join(tmpdir(), 'csi-'));
  t.after(() => rm(dir, { recursive: true, force: true }));
  return { dir, layout: new Layout(dir) };
}
const use = (more: Partial<Use> = {}): Use => ({
  ...{ uid: 'u1', spec: 'pv-1', driver: 'd.example', handle: 'h/1', mode: 'Filesystem' },
  ...{ lifecycle: 'Persistent', podVolume: 'data', ...more },
});

for (const mode of ['Filesystem', 'Block'] as const) {
  test(`a ${mode} volume is noted, found by pod and by node, and forgotten without a trace`, async (t) => {
    const { dir, layout } = await setting(t);
    const mine = use({ mode });
    await layout.noteUse(mine, 'n');
    await layout.noteStaged(mine, 'n');
    if (mode === 'Block') await linkDevice(layout.deviceLink(mine), layout.target(mine));
    else await mkdir(layout.target(mine));
    await mkdir(layout.staging(mine), { recursive: true });
    assert.deepEqual(await layout.uses('u1'), [mine]);
    assert.deepEqual(await layout.allUses(), [mine]);
    assert.deepEqual(await layout.allStaged(), [{ spec: 'pv-1', driver: 'd.example', handle: 'h/1', mode }]);
    await layout.forgetUse(mine);
    await layout.forgetStaged(mine);
    assert.deepEqual([await layout.allUses(), await layout.allStaged()], [[], []]);
    const left = await import('node:fs').then(({ globSync }) => globSync('**/*.json', { cwd: dir }));
    assert.deepEqual(left, []);
  });
}

test('notes have the fields that other software reads', async (t) => {
  const { layout } = await setting(t);
  await layout.noteUse(use(), 'n');
  const file = join(dirname(layout.target(use())), 'vol_data.json');
  const { attachmentID, ...rest } = JSON.parse(await readFile(file, 'utf8')) as Record<string, string>;
  assert.match(attachmentID!, /^csi-[0-9a-f]{64}$/);
  assert.deepEqual(rest, {
    specVolID: 'pv-1',
    volumeHandle: 'h/1',
    driverName: 'd.example',
    nodeName: 'n',
    volumeLifecycleMode: 'Persistent',
    podVolume: 'data',
  });
});

test('a volume that still holds something is not forgotten', async (t) => {
  const { layout } = await setting(t);
  await layout.noteUse(use(), 'n');
  await mkdir(layout.target(use()));
  await writeFile(join(layout.target(use()), 'file'), 'data');
  await assert.rejects(layout.forgetUse(use()), { code: 'ENOTEMPTY' });
  assert.equal((await layout.uses('u1')).length, 1);
});

test('an inline volume is its own for every pod', () => {
  assert.notEqual(inlineHandle('u1', 'v'), inlineHandle('u2', 'v'));
  assert.match(inlineHandle('u1', 'v'), /^csi-[0-9a-f]{64}$/);
});
