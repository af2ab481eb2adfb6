// When a volume leaves its node: after its last pod, whatever happens while that is looked for.
import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { Layout, type Use } from '../../../agent/csi/layout.ts';
import { Operations } from '../../../agent/csi/operations.ts';
import { Staging } from '../../../agent/csi/staging.ts';
import { VolumePending } from '../../../agent/volumes/types.ts';
import { silent } from '../../../api/log.ts';
import { systemClock } from '../../../api/system.ts';

const use: Use = {
  ...{ uid: 'u1', spec: 'pv-1', driver: 'd.example', handle: 'h/1', mode: 'Filesystem' },
  ...{ lifecycle: 'Persistent', podVolume: 'data' },
};

/** Says when it has looked, and answers when it is let. */
class SlowLayout extends Layout {
  readonly looked = Promise.withResolvers<void>();
  readonly mayAnswer = Promise.withResolvers<void>();
  failures = 0;

  override async allUses(): Promise<Use[]> {
    const found = await super.allUses();
    if (this.failures-- > 0) throw Object.assign(new Error('too many open files'), { code: 'EMFILE' });
    this.looked.resolve();
    await this.mayAnswer.promise;
    return found;
  }
}

async function setting(t: TestContext) {
  const dir = await mkdtemp(join(tmpdir(), 'staging-'));
  t.after(() => rm(dir, { recursive: true, force: true }));
  const layout = new SlowLayout(dir);
  await layout.noteUse(use, 'n');
  await layout.noteStaged(use, 'n');
  const released = Promise.withResolvers<void>();
  const staging = new Staging({
    ...{ node: 'n', layout, drivers: { get: () => undefined }, clock: systemClock, log: silent },
    attachments: { use: () => {}, release: () => released.resolve() },
  });
  return { layout, staging, released: released.promise };
}

test('a pod that lets go while it is looked who uses the volume is not overlooked', { timeout: 5_000 }, async (t) => {
  const { layout, staging, released } = await setting(t);
  await using _staging = staging;
  layout.mayAnswer.resolve();
  await staging.start();
  const second = Promise.withResolvers<void>();
  const looked = Promise.withResolvers<void>();
  Object.assign(layout, { looked, mayAnswer: second });
  staging.release(use);
  await looked.promise;
  await layout.forgetUse(use);
  staging.release(use);
  second.resolve();
  await released;
  assert.deepEqual(await layout.allStaged(), []);
});

test('a look that fails lets nothing go, and is made again', { timeout: 5_000 }, async (t) => {
  const { layout, staging, released } = await setting(t);
  await using _staging = staging;
  layout.mayAnswer.resolve();
  await staging.start();
  await layout.forgetUse(use);
  layout.failures = 1;
  staging.release(use);
  await released;
});

test('what cannot be read is not taken for a volume that nobody uses', async (t) => {
  const { layout } = await setting(t);
  layout.mayAnswer.resolve();
  const loop = join(layout.target(use), '../vol_data.json');
  await rm(loop);
  const { symlink } = await import('node:fs/promises');
  await symlink('vol_data.json', loop);
  await assert.rejects(layout.allUses(), { code: 'ELOOP' });
});

test('work of another kind on a volume waits for what is under way, and only the newest begins', async () => {
  await using operations = new Operations(systemClock);
  const mounting = Promise.withResolvers<void>();
  const begun: string[] = [];
  const run = (what: string, work: () => Promise<void>, waitMs: number) =>
    operations.run('key', what, work, () => begun.push(`${what} ended`), waitMs);
  await assert.rejects(
    run('mount', () => mounting.promise, 0),
    VolumePending,
  );
  await assert.rejects(
    run('unmount', async () => {}, 0),
    /mount is still under way/,
  );
  const unmounted = run('unmount', async () => void begun.push('unmounting'), 5_000);
  mounting.resolve();
  await unmounted;
  assert.deepEqual(begun, ['mount ended', 'unmounting', 'unmount ended']);
});
