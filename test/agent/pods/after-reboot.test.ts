import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { lookAtBoot } from '../../../agent/node/boot.ts';
import { staleAddresses, staleResults } from '../../../agent/pods/after-reboot.ts';
import { Comeback } from '../../../agent/pods/comeback.ts';
import type { Pod } from '../../../api/types/core/pod.ts';
import { VirtualClock } from '../../sim/virtual-clock.ts';

const ID = 'a'.repeat(64);
const notes: { it: string; name: string; text: string; stale: boolean }[] = [
  { it: 'held by a live sandbox stays', name: '10.42.0.2', text: `${ID}\r\neth0`, stale: false },
  { it: 'of a sandbox that is gone goes', name: '10.42.0.3', text: `${'b'.repeat(64)}\r\neth0`, stale: true },
  { it: 'without an owner goes, or it would be taken for ever', name: '10.42.0.4', text: '', stale: true },
  { it: 'of the other family goes, too', name: 'fd42::4', text: '', stale: true },
  { it: 'that is none, but the plugin’s lock, stays', name: 'lock', text: '', stale: false },
  { it: 'that says which was given last stays', name: 'last_reserved_ip.0', text: '10.42.0.4', stale: false },
];
for (const { it, name, text, stale } of notes) {
  test(`an address ${it}`, () => {
    assert.deepEqual(staleAddresses(new Map([[name, text]]), new Set([ID])), stale ? [name] : []);
  });
}

test('answers of plugins go with their sandboxes, those of other networks stay', () => {
  const names = [`skiff-${ID}-eth0`, `skiff-${'b'.repeat(64)}-eth0`, `other-${'b'.repeat(64)}-eth0`, 'lost+found'];
  assert.deepEqual(staleResults(names, 'skiff', new Set([ID])), [names[1]]);
});

test('a boot is new until what it left behind is cleared up, and then not before the next', async () => {
  const dir = await mkdtemp(join(tmpdir(), 'skiff-boot-'));
  const [note, kernels] = [join(dir, 'agent/boot-id'), join(dir, 'kernels')];
  await writeFile(kernels, 'one\n');
  const first = await lookAtBoot(note, kernels);
  assert.equal(first.anew, true);
  assert.equal((await lookAtBoot(note, kernels)).anew, true);
  await first.cleared();
  assert.equal(await readFile(note, 'utf8'), 'one\n');
  assert.equal((await lookAtBoot(note, kernels)).anew, false);
  await writeFile(kernels, 'two\n');
  assert.equal((await lookAtBoot(note, kernels)).anew, true);
  await rm(dir, { recursive: true });
});

function aPod(uid: string, priority?: number): Pod {
  const file = uid.startsWith('file') ? { 'kubernetes.io/config.source': 'file' } : undefined;
  return { metadata: { uid, annotations: file }, spec: { priority } } as unknown as Pod;
}

function aComeback(pods: Pod[]) {
  const clock = new VirtualClock();
  const woken: string[] = [];
  const comeback = new Comeback({ wake: (uid) => woken.push(uid), clock });
  comeback.expect(pods);
  return { comeback, clock, woken, asked: (...uids: string[]) => uids.filter((uid) => comeback.mayStart(uid)) };
}

test('pods come back from files first, then by priority, whoever asks first', () => {
  const { comeback, woken, asked } = aComeback([aPod('low'), aPod('high', 1_000), aPod('file')]);
  assert.deepEqual(asked('low', 'high'), []);
  assert.deepEqual(asked('file'), ['file']);
  assert.deepEqual(woken, ['file', 'high', 'low']);
  comeback.settled('file');
  assert.deepEqual(asked('low', 'high'), ['low', 'high']);
});

test('only four start at once, and each that has started makes room', () => {
  const { comeback, woken, asked } = aComeback(['a', 'b', 'c', 'd', 'e'].map((uid) => aPod(uid)));
  assert.deepEqual(asked('a', 'b', 'c', 'd', 'e'), ['a', 'b', 'c', 'd']);
  comeback.settled('e'); // it waits: nothing of it has settled
  assert.ok(!woken.includes('e'));
  comeback.settled('b');
  assert.ok(woken.includes('e'));
  assert.deepEqual(asked('e'), ['e']);
});

test('a pod that has nothing to start, is gone or takes too long holds up nobody', async () => {
  const { comeback, clock, woken, asked } = aComeback([
    aPod('done', 9),
    aPod('gone', 8),
    aPod('stuck', 7),
    aPod('low'),
  ]);
  assert.deepEqual(asked('low'), []);
  comeback.settled('done');
  comeback.forget('gone');
  assert.deepEqual(woken, []);
  await clock.advance(30_000);
  assert.deepEqual(woken, ['low']);
  assert.deepEqual(asked('low', 'stuck'), ['low', 'stuck']);
});

test('pods that are new on this node do not wait, and nobody starts before it is known who comes back', () => {
  const clock = new VirtualClock();
  const woken: string[] = [];
  const comeback = new Comeback({ wake: (uid) => woken.push(uid), clock });
  assert.equal(comeback.mayStart('early'), false);
  comeback.expect([aPod('old', 5)]);
  assert.deepEqual(woken, ['early']);
  assert.equal(comeback.mayStart('early'), true);
});
