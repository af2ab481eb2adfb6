import assert from 'node:assert/strict';
import { mkdtemp, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { planMirror } from '../../../agent/pods/mirror-pods.ts';
import { ANNOTATION } from '../../../agent/pods/names.ts';
import { isStatic, readStaticPods, StaticPods, staticPod } from '../../../agent/pods/static-pods.ts';
import { silent } from '../../../api/log.ts';
import { systemClock } from '../../../api/system.ts';
import type { Pod } from '../../../api/types/core/pod.ts';
import { aPod } from './make.ts';

const manifest = (image = 'busybox') => `apiVersion: v1
kind: Pod
metadata: { name: web, labels: { app: web } }
spec: { containers: [ { name: main, image: ${image}, ports: [ { containerPort: 80 } ] } ] }
`;
const parse = (text: string, node = 'n1') => staticPod(Buffer.from(text), node);

test('a file is a pod of this node, with defaults', async () => {
  const { metadata, spec } = await parse(manifest());
  assert.deepEqual([metadata.name, metadata.namespace, spec.nodeName], ['web-n1', 'default', 'n1']);
  assert.equal(spec.restartPolicy, 'Always');
  assert.equal(spec.containers[0]?.ports?.[0]?.protocol, 'TCP');
  assert.match(metadata.uid, /^[0-9a-f]{32}$/);
  assert.equal(metadata.annotations?.[ANNOTATION.configHash], metadata.uid);
  assert.equal(isStatic(await parse(manifest())), true);
});

test('of two files with pods of one name the first has it, until it goes', async (t) => {
  const dir = await mkdtemp(join(tmpdir(), 'manifests-'));
  t.after(() => rm(dir, { recursive: true, force: true }));
  await writeFile(join(dir, 'a.yaml'), manifest());
  await writeFile(join(dir, 'b.yaml'), manifest('nginx'));
  const both = await readStaticPods(dir, 'n1');
  assert.deepEqual(
    Array.from(both.pods.values(), ({ spec }) => spec.containers[0]?.image),
    ['busybox'],
  );
  assert.deepEqual(
    [...both.problems],
    [[join(dir, 'b.yaml'), `pod default/web-n1 is in ${join(dir, 'a.yaml')} already`]],
  );
  await rm(join(dir, 'a.yaml'));
  const one = await readStaticPods(dir, 'n1');
  assert.deepEqual(
    Array.from(one.pods.values(), ({ spec }) => spec.containers[0]?.image),
    ['nginx'],
  );
  assert.equal(one.problems.size, 0);
});

test('another text, and another node, is another pod', async () => {
  const uids = await Promise.all([
    parse(manifest()),
    parse(manifest('nginx')),
    parse(manifest(), 'n2'),
    parse(manifest()),
  ]);
  assert.equal(new Set(uids.map(({ metadata }) => metadata.uid)).size, 3);
});

const wrong: [string, RegExp][] = [
  ['apiVersion: apps/v1\nkind: Deployment\n', /expected a v1 Pod, found apps\/v1 Deployment/],
  ['apiVersion: v1\nkind: Pod\nmetadata: {}\nspec: { containers: [ { name: a } ] }\n', /metadata.name: Required value/],
  ['apiVersion: v1\nkind: Pod\nmetadata: { name: a }\nspec: {}\n', /spec.containers: Required value/],
  [
    'apiVersion: v1\nkind: Pod\nmetadata: { name: a }\nspec: { containers: [ { name: a, imagee: b } ] }\n',
    /unknown field .*imagee/,
  ],
  ['a: [', /./],
];
for (const [text, says] of wrong) {
  test(`a file that is no pod is refused: ${says}`, () => assert.rejects(parse(text), { message: says }));
}

test('files that come, change and go are noticed', async (t) => {
  const dir = await mkdtemp(join(tmpdir(), 'manifests-'));
  t.after(() => rm(dir, { recursive: true, force: true }));
  await using source = new StaticPods(dir, 'n1', systemClock, silent);
  let heard = Promise.withResolvers<ReadonlyMap<string, Pod>>();
  await source.start((pods) => heard.resolve(pods));
  const next = async (change: () => Promise<unknown>) => {
    heard = Promise.withResolvers();
    await change();
    return [...(await heard.promise).values()].map(({ spec }) => spec.containers[0]!.image);
  };
  assert.equal(source.pods.size, 0);
  assert.deepEqual(await next(() => writeFile(join(dir, 'web.yaml'), manifest())), ['busybox']);
  await writeFile(join(dir, '.new'), manifest('nginx'));
  assert.deepEqual(await next(() => rename(join(dir, '.new'), join(dir, 'web.yaml'))), ['nginx']);
  assert.deepEqual(await next(() => rm(join(dir, 'web.yaml'))), []);
});

const file = aPod({ metadata: { uid: 'hash-2' } });
const mirror = (hash: string, more: Partial<Pod['metadata']> = {}) =>
  aPod({ metadata: { uid: 'api', annotations: { [ANNOTATION.configMirror]: hash }, ...more } });
const mirrors: { it: string; wanted?: Pod; there?: Pod; wants: ReturnType<typeof planMirror> }[] = [
  { it: 'is made', wanted: file, wants: { do: 'create' } },
  { it: 'is left alone when it is right', wanted: file, there: mirror('hash-2'), wants: undefined },
  { it: 'goes when the file changed', wanted: file, there: mirror('hash-1'), wants: { do: 'delete', uid: 'api' } },
  { it: 'goes when the file is gone', there: mirror('hash-2'), wants: { do: 'delete', uid: 'api' } },
  {
    it: 'is let go when somebody deletes it',
    wanted: file,
    there: mirror('hash-2', { deletionTimestamp: 'x' }),
    wants: { do: 'delete', uid: 'api' },
  },
  { it: 'never takes the place of a pod that is no mirror', wanted: file, there: aPod(), wants: undefined },
];
for (const { it, wanted, there, wants } of mirrors) {
  test(`a mirror pod ${it}`, () => assert.deepEqual(planMirror(wanted, there), wants));
}
