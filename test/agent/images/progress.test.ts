// How far a pull has come, and how that is told.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { candidates, layersOf, type PullView, progressOf, progressText } from '../../../agent/images/progress.ts';

const layers = [
  { digest: 'sha256:a', bytes: 100 },
  { digest: 'sha256:b', bytes: 300 },
  { digest: 'sha256:c', bytes: 600 },
];

test('layers that are there count whole, those coming in as far as they came', () => {
  const coming = [
    { ref: 'layer-sha256:b', bytes: 50 },
    { ref: 'layer-sha256:of-another-pull', bytes: 7 },
  ];
  assert.deepEqual(progressOf(layers, new Set(['sha256:a']), coming), { bytes: 150, totalBytes: 1_000 });
  assert.deepEqual(progressOf(layers, new Set(layers.map(({ digest }) => digest)), []).bytes, 1_000);
});

const blob = (digest: string, createdSeconds: number, labels: Record<string, string> = {}) => ({
  digest,
  createdSeconds,
  bytes: 1,
  labels,
});
const manifest = (digest: string, createdSeconds: number, config: string, layer: string) =>
  blob(digest, createdSeconds, {
    'containerd.io/gc.ref.content.config': config,
    'containerd.io/gc.ref.content.l.0': layer,
  });
const from = (host: string, paths: string) => ({ [`containerd.io/distribution.source.${host}`]: paths });

test('of the manifests in the store the one that lacks something or came just now is pulled', () => {
  const blobs = [manifest('old', 5, 'c1', 'l1'), blob('c1', 5), blob('l1', 5), manifest('open', 3, 'c2', 'l2')];
  const found = (since: number) => candidates(blobs, 'reg.example:5000/a', since).map(({ digest }) => digest);
  assert.deepEqual(found(10), ['open']);
  assert.deepEqual(found(5), ['old', 'open']);
});

test('of two that are pulled at once each is told by where its configuration came from', () => {
  const ours = manifest('ours', 5, 'c1', 'l1');
  const theirs = manifest('theirs', 6, 'c2', 'l2');
  const unknown = manifest('unknown', 7, 'c3', 'l3');
  const configs = [blob('c1', 5, from('reg.example', 'b,team/a')), blob('c2', 6, from('reg.example', 'team/b'))];
  const found = candidates([theirs, unknown, ours, ...configs], 'reg.example:5000/team/a', 1);
  assert.deepEqual(
    found.map(({ digest }) => digest),
    ['ours', 'unknown'],
  );
});

test('an index is no manifest, and a layer named twice comes once', () => {
  assert.equal(layersOf('{"manifests":[]}'), undefined);
  assert.equal(layersOf('binary'), undefined);
  const twice = { layers: [layers[0], layers[0]].map((layer) => ({ digest: layer!.digest, size: layer!.bytes })) };
  assert.deepEqual(layersOf(JSON.stringify(twice)), [layers[0]]);
});

const texts: [Partial<PullView>, string][] = [
  [{}, 'waiting for the registry'],
  [{ bytes: 0, totalBytes: 1_000 }, '0% (0B of 1000B, 0B/s)'],
  [{ bytes: 12_897_485, totalBytes: 30_303_846, bytesPerSecond: 5_347_737 }, '42% (12.3MiB of 28.9MiB, 5.1MiB/s)'],
  [{ bytes: 2_048, totalBytes: 2_048 }, '100% (2.0KiB), unpacking'],
];
for (const [view, wants] of texts) {
  test(`a pull says ${wants}`, () => assert.equal(progressText({ image: 'a', seconds: 1, ...view }), wants));
}
