// Volumes without mounts, in a folder: what needs the kernel's help is in test/cluster/agent.
import assert from 'node:assert/strict';
import { mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import type { PodCsi } from '../../../agent/csi/csi-volumes.ts';
import { Objects } from '../../../agent/pods/objects.ts';
import { setUpHostPath } from '../../../agent/volumes/host-path.ts';
import { Tokens } from '../../../agent/volumes/service-account-token.ts';
import { Volumes } from '../../../agent/volumes/volumes.ts';
import type { Client } from '../../../api/client/client.ts';
import { notFound } from '../../../api/status.ts';
import { systemClock, systemRandom } from '../../../api/system.ts';
import type { Container } from '../../../api/types/core/container.ts';
import type { Volume } from '../../../api/types/core/volume.ts';
import { aContainer, aPod } from '../pods/make.ts';

const never = new AbortController().signal;

/** An API that has these objects and can be away. */
class SmallApi implements Pick<Client, 'get' | 'post'> {
  readonly objects = new Map<string, object>();
  away = false;
  tokens = 0;
  get: Client['get'] = async (of, { name }) => {
    if (this.away) throw new Error('connection refused');
    const found = this.objects.get(`${of.plural}/${name}`);
    if (found === undefined) throw notFound(of, name);
    return { metadata: {}, ...found } as never;
  };
  post = async <R>(): Promise<R> => {
    this.tokens++;
    const expirationTimestamp = new Date(Date.now() + 3_600_000).toISOString();
    return { status: { token: `token-${this.tokens}`, expirationTimestamp } } as R;
  };
}

const noDrivers: PodCsi = {
  setUp: async () => {},
  setUpInline: async () => {},
  adopt: async () => false,
  pathOf: () => undefined,
  republishes: () => false,
  ownFolders: () => [],
  tearDown: async () => {},
};

async function setting(t: TestContext) {
  const dir = await mkdtemp(join(tmpdir(), 'kubelet-'));
  t.after(() => rm(dir, { recursive: true, force: true }));
  const api = new SmallApi();
  const client = api as unknown as Client;
  const volumes = new Volumes(
    { kubeletDir: dir, podLogsDir: dir, containerLogsDir: dir },
    {
      client,
      objects: new Objects(client, systemClock),
      tokens: new Tokens(client, systemClock),
      clock: systemClock,
      random: systemRandom,
      node: () => undefined,
      recursiveReadOnly: false,
      localDirs: { note: async () => {} },
      imageViews: { setUp: async () => {}, tearDown: async () => {} },
      csi: noDrivers,
      facts: () => ({ podIps: [], hostIps: [], allocatable: {} }),
    },
  );
  return { dir, api, volumes };
}

function podWith(volume: Volume, mount: Partial<NonNullable<Container['volumeMounts']>[number]> = {}) {
  const web = aContainer('web', { volumeMounts: [{ name: volume.name, mountPath: '/v', ...mount }] });
  return aPod({ containers: [web], spec: { volumes: [volume] }, metadata: { labels: { app: 'web' } } });
}
const at = (dir: string, type: string) => join(dir, 'pods/uid-1/volumes', `kubernetes.io~${type}`, 'v');

test('a config map becomes files, and follows its object', async (t) => {
  const { dir, api, volumes } = await setting(t);
  const pod = podWith({ name: 'v', configMap: { name: 'settings' } });
  api.objects.set('configmaps/settings', { data: { color: 'blue' }, binaryData: { raw: 'AAE=' } });
  await volumes.setUp(pod, true, never);
  assert.equal(await readFile(join(at(dir, 'configmap'), 'color'), 'utf8'), 'blue');
  assert.deepEqual(await readFile(join(at(dir, 'configmap'), 'raw')), Buffer.from([0, 1]));
  api.objects.set('configmaps/settings', { data: { color: 'red' } });
  await volumes.setUp(pod, true, never);
  assert.equal(await readFile(join(at(dir, 'configmap'), 'color'), 'utf8'), 'red');
  const [mount] = await volumes.mounts(pod, pod.spec.containers[0]!, new Map(), never);
  assert.deepEqual(mount, {
    containerPath: '/v',
    hostPath: at(dir, 'configmap'),
    readonly: true,
    propagation: 'PROPAGATION_PRIVATE',
  });
});

test('items choose keys, paths and modes', async (t) => {
  const { dir, api, volumes } = await setting(t);
  api.objects.set('configmaps/settings', { data: { a: '1', b: '2' } });
  const items = [{ key: 'a', path: 'sub/one', mode: 0o400 }];
  await volumes.setUp(podWith({ name: 'v', configMap: { name: 'settings', items } }), true, never);
  assert.deepEqual(
    (await readdir(at(dir, 'configmap'))).filter((name) => !name.startsWith('..')),
    ['sub'],
  );
  assert.equal((await stat(join(at(dir, 'configmap'), 'sub/one'))).mode & 0o777, 0o400);
});

const broken: { volume: Volume; says: string }[] = [
  { volume: { name: 'v', configMap: { name: 'absent' } }, says: 'configmap "absent" not found' },
  {
    volume: { name: 'v', configMap: { name: 'settings', items: [{ key: 'no', path: 'no' }] } },
    says: 'references non-existent config key: no',
  },
];
for (const { volume, says } of broken) {
  test(`a volume that cannot be made says why: ${says}`, async (t) => {
    const { api, volumes } = await setting(t);
    api.objects.set('configmaps/settings', { data: {} });
    const message = `MountVolume.SetUp failed for volume "v" : ${says}`;
    await assert.rejects(volumes.setUp(podWith(volume), true, never), { message });
  });
}

test('an optional config map that is not there is an empty volume', async (t) => {
  const { dir, volumes } = await setting(t);
  await volumes.setUp(podWith({ name: 'v', configMap: { name: 'absent', optional: true } }), true, never);
  assert.deepEqual(
    (await readdir(at(dir, 'configmap'))).filter((name) => !name.startsWith('..')),
    [],
  );
});

test('with the API away a pod starts again with what was there', async (t) => {
  const { dir, api, volumes } = await setting(t);
  const pod = podWith({ name: 'v', configMap: { name: 'settings' } });
  api.objects.set('configmaps/settings', { data: { color: 'blue' } });
  await volumes.setUp(pod, true, never);
  api.away = true;
  await volumes.setUp(pod, true, never);
  assert.equal(await readFile(join(at(dir, 'configmap'), 'color'), 'utf8'), 'blue');
});

test('the downward API tells a pod about itself', async (t) => {
  const { dir, volumes } = await setting(t);
  const items = [{ path: 'labels', fieldRef: { fieldPath: 'metadata.labels' } }];
  await volumes.setUp(podWith({ name: 'v', downwardAPI: { items } }), true, never);
  assert.equal(await readFile(join(at(dir, 'downward-api'), 'labels'), 'utf8'), 'app="web"');
});

test('an emptyDir keeps what is in it when it is set up again', async (t) => {
  const { dir, volumes } = await setting(t);
  const pod = podWith({ name: 'v', emptyDir: {} });
  await volumes.setUp(pod, true, never);
  await writeFile(join(at(dir, 'empty-dir'), 'f'), 'mine');
  await volumes.setUp(pod, true, never);
  assert.equal(await readFile(join(at(dir, 'empty-dir'), 'f'), 'utf8'), 'mine');
  assert.equal((await stat(at(dir, 'empty-dir'))).mode & 0o777, 0o777);
});

test('a volume nobody mounts is not made', async (t) => {
  const { dir, volumes } = await setting(t);
  const pod = aPod({ spec: { volumes: [{ name: 'v', configMap: { name: 'absent' } }] } });
  await volumes.setUp(pod, true, never);
  assert.deepEqual(await readdir(join(dir, 'pods/uid-1')), []);
});

test('taking down removes everything', async (t) => {
  const { dir, volumes } = await setting(t);
  await volumes.setUp(podWith({ name: 'v', emptyDir: {} }), true, never);
  await volumes.tearDown('uid-1', never);
  assert.deepEqual(await readdir(join(dir, 'pods/uid-1')), []);
});

test('tokens are asked for once, until they are old', async () => {
  const api = new SmallApi();
  let nowMs = Date.now();
  const tokens = new Tokens(api as unknown as Client, { ...systemClock, now: () => nowMs });
  const token = () => tokens.token(aPod(), undefined, 3_600, never);
  assert.equal(await token(), 'token-1');
  nowMs += 2_700_000;
  assert.equal(await token(), 'token-1');
  nowMs += 300_000;
  assert.equal(await token(), 'token-2');
});

const paths: { type: string; path: string; says?: string }[] = [
  { type: '', path: 'absent' },
  { type: 'Directory', path: 'folder' },
  { type: 'Directory', path: 'file', says: 'is not a directory' },
  { type: 'Directory', path: 'absent', says: 'is not a directory' },
  { type: 'DirectoryOrCreate', path: 'made/deep' },
  { type: 'File', path: 'file' },
  { type: 'File', path: 'absent', says: 'is not a file' },
  { type: 'FileOrCreate', path: 'made-file' },
  { type: 'Socket', path: 'file', says: 'is not a socket file' },
  { type: 'CharDevice', path: 'file', says: 'is not a character device' },
  { type: 'BlockDevice', path: 'file', says: 'is not a block device' },
];
for (const { type, path, says } of paths) {
  test(`a host path of type ${JSON.stringify(type)} at ${path}: ${says ?? 'fine'}`, async (t) => {
    const dir = await mkdtemp(join(tmpdir(), 'host-'));
    t.after(() => rm(dir, { recursive: true, force: true }));
    await mkdir(join(dir, 'folder'));
    await writeFile(join(dir, 'file'), '');
    const made = setUpHostPath({ path: join(dir, path), type: type as 'File' });
    if (says === undefined) await assert.doesNotReject(made);
    else await assert.rejects(made, new RegExp(`hostPath type check failed: .* ${says}`));
  });
}
