// Who may use an image that is on the node: the decision, and the files it rests on.
import assert from 'node:assert/strict';
import { mkdir, mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import type { Credential } from '../../../agent/images/keyring.ts';
import { mustVerify, type VerificationPolicy } from '../../../agent/images/pulled-decide.ts';
import { PulledRecords } from '../../../agent/images/pulled-records.ts';
import { silent } from '../../../api/log.ts';
import { systemClock } from '../../../api/system.ts';

const policies: [VerificationPolicy, pulledHere: boolean, image: string, wants: boolean][] = [
  ['NeverVerify', true, 'reg.example/a', false],
  ['NeverVerifyPreloadedImages', true, 'reg.example/a', true],
  ['NeverVerifyPreloadedImages', false, 'reg.example/a', false],
  ['NeverVerifyAllowlistedImages', false, 'reg.example/a:1', false],
  ['NeverVerifyAllowlistedImages', false, 'reg.example/team/b', false],
  ['NeverVerifyAllowlistedImages', false, 'reg.example/ab', true],
  ['NeverVerifyAllowlistedImages', true, 'reg.example/a', true],
  ['AlwaysVerify', false, 'reg.example/a', true],
];
for (const [policy, pulledHere, image, wants] of policies) {
  test(`${policy}: ${image}, ${pulledHere ? 'pulled' : 'preloaded'}, is ${wants ? '' : 'not '}verified`, () =>
    assert.equal(mustVerify(image, pulledHere, { policy, allowlist: ['reg.example/a', 'reg.example/team/*'] }), wants));
}

const withSecret = (name: string, password: string): Credential => ({
  auth: { username: 'u', password },
  source: { from: 'secret', uid: `uid-${name}`, namespace: 'shop', name },
});
const account: Credential = {
  auth: { username: 'u', password: 'short-lived' },
  source: { from: 'serviceAccount', uid: 'sa', namespace: 'shop', name: 'sa' },
};

async function records(t: TestContext) {
  const dir = await mkdtemp(join(tmpdir(), 'pulled-'));
  t.after(() => rm(dir, { recursive: true, force: true }));
  const settings = { policy: 'NeverVerifyPreloadedImages', allowlist: [] } as const;
  const open = () => new PulledRecords({ dir, settings, clock: systemClock, log: silent });
  const pulled = open();
  const pull = (image: string, credential: Credential | undefined) =>
    pulled.pulling(image, async () => ({ imageRef: 'sha256:1', credential }));
  const may = (image: string, ...credentials: Credential[]) =>
    open().mayUse(image, 'sha256:1', async () => credentials);
  return { dir, pulled, pull, may };
}
const APP = 'reg.example/app:1';

test('what lay on the node before is for everybody', async (t) => {
  const { may } = await records(t);
  assert.equal(await may(APP), true);
});

test('what was pulled without a secret is for everybody, also after a restart', async (t) => {
  const { pull, may } = await records(t);
  await pull(APP, undefined);
  assert.equal(await may(APP), true);
});

test('what was pulled with a secret is for those who have it', async (t) => {
  const { pull, may } = await records(t);
  await pull(APP, withSecret('a', 'one'));
  assert.equal(await may(APP), false);
  assert.equal(await may(APP, withSecret('b', 'two')), false);
  assert.equal(await may(APP, withSecret('a', 'one')), true);
  // The same credentials in another secret, then new credentials in that one.
  assert.equal(await may(APP, withSecret('b', 'one')), true);
  assert.equal(await may(APP, withSecret('b', 'three')), true);
});

test('the same bytes under another name have to be shown for again', async (t) => {
  const { pull, may } = await records(t);
  await pull(APP, undefined);
  assert.equal(await may('other.example/app:1'), false);
  assert.equal(await may('reg.example/app:2'), true);
});

test('what an account has pulled is for its pods', async (t) => {
  const { pull, may } = await records(t);
  await pull(APP, account);
  assert.equal(await may(APP, { ...account, auth: { username: 'u', password: 'another' } }), true);
  assert.equal(await may(APP, { ...account, source: { ...account.source, uid: 'sb' } as Credential['source'] }), false);
});

test('a pull that failed leaves nothing; one whose end nobody saw has to be verified', async (t) => {
  const { dir, pulled, may } = await records(t);
  await assert.rejects(
    pulled.pulling(APP, () => Promise.reject(new Error('no'))),
    /no/,
  );
  assert.equal(await may(APP), true);
  const { promise, reject } = Promise.withResolvers<never>();
  const under = pulled.pulling(APP, () => promise);
  while ((await readdir(join(dir, 'pulling'))).length === 0) await new Promise(setImmediate);
  assert.equal(await may(APP), false);
  reject(new Error('ended'));
  await assert.rejects(under);
});

test('a record that cannot be read opens nothing and is kept', async (t) => {
  const { dir, pull, may, pulled } = await records(t);
  await pull(APP, withSecret('a', 'one'));
  const folder = join(dir, 'pulled');
  const [file] = await readdir(folder);
  await rm(join(folder, file!));
  await mkdir(join(folder, file!)); // EISDIR stands for a disk that errs
  assert.equal(await may(APP), false);
  await pulled.prune(new Set(), Date.now() + 5_000);
  assert.deepEqual(await readdir(folder), [file]);
});

test('records of images that are gone go', async (t) => {
  const { dir, pull, pulled } = await records(t);
  await pull(APP, undefined);
  const left = async () => (await readdir(join(dir, 'pulled'))).length;
  await pulled.prune(new Set(), Date.now() - 5_000);
  assert.equal(await left(), 1, 'younger than the list of images');
  await pulled.prune(new Set(['sha256:1']), Date.now() + 5_000);
  assert.equal(await left(), 1);
  await pulled.prune(new Set(), Date.now() + 5_000);
  assert.equal(await left(), 0);
});
