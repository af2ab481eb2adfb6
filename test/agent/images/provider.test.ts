// Credential provider programs: their configuration, and how their answers are kept. The programs here are shell
// scripts that note each call.
import assert from 'node:assert/strict';
import { chmod, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { credentialFinder } from '../../../agent/images/credentials.ts';
import { Provider } from '../../../agent/images/provider.ts';
import { type CredentialProvider, parseProviders, readProviders } from '../../../agent/images/provider-config.ts';
import { Objects } from '../../../agent/pods/objects.ts';
import type { Client } from '../../../api/client/client.ts';
import { silent } from '../../../api/log.ts';
import { systemClock } from '../../../api/system.ts';
import type { ServiceAccount } from '../../../api/types/core/service-account.ts';
import { aPod } from '../pods/make.ts';

const never = new AbortController().signal;
const V1 = 'credentialprovider.kubelet.k8s.io/v1';
const good = { name: 'p', apiVersion: V1, matchImages: ['*.example'], defaultCacheDuration: '10m' };
const config = (...providers: object[]) =>
  Buffer.from(JSON.stringify({ apiVersion: 'kubelet.config.k8s.io/v1', kind: 'CredentialProviderConfig', providers }));
const token = { serviceAccountTokenAudience: 'reg', requireServiceAccount: true, cacheType: 'ServiceAccount' };

const wrong: [string, object, RegExp][] = [
  ['no name', { ...good, name: '' }, /providers\[0\]\.name: Required value/],
  ['a path for a name', { ...good, name: '../p' }, /providers\[0\]\.name: Invalid value/],
  ['no images', { ...good, matchImages: [] }, /matchImages: Required value/],
  ['an image that is none', { ...good, matchImages: ['a b'] }, /matchImages: Invalid value/],
  ['no duration', { ...good, defaultCacheDuration: undefined }, /defaultCacheDuration: Required value/],
  ['a duration that is none', { ...good, defaultCacheDuration: 'soon' }, /defaultCacheDuration: Invalid value/],
  ['another protocol', { ...good, apiVersion: 'v7' }, /apiVersion: Unsupported value/],
  ['a token for nobody', { ...good, tokenAttributes: {} }, /serviceAccountTokenAudience: Required value/],
  ['no word on caching', { ...good, tokenAttributes: { ...token, cacheType: undefined } }, /cacheType: Required/],
  [
    'annotations of no account',
    {
      ...good,
      tokenAttributes: { ...token, requireServiceAccount: false, requiredServiceAccountAnnotationKeys: ['a'] },
    },
    /requiredServiceAccountAnnotationKeys: Forbidden/,
  ],
];
for (const [it, provider, why] of wrong) {
  test(`a configuration with ${it} is refused`, async () =>
    assert.rejects(parseProviders(config(provider), 'file'), why));
}

test('a configuration is YAML of the right kind', async () => {
  await assert.rejects(parseProviders(Buffer.from('kind: Other'), 'file'), /file: unexpected kind "Other"/);
  await assert.rejects(parseProviders(Buffer.from('a: [b'), 'file'), /^ProviderConfigError: file: /);
  const [provider] = await parseProviders(config({ ...good, args: ['get'], env: [{ name: 'A', value: 'b' }] }), 'file');
  assert.deepEqual([provider?.defaultCacheMs, provider?.args, provider?.env], [600_000, ['get'], { A: 'b' }]);
});

async function aProvider(t: TestContext, answer: object, more: Partial<CredentialProvider> = {}) {
  const dir = await mkdtemp(join(tmpdir(), 'provider-'));
  t.after(() => rm(dir, { recursive: true, force: true }));
  const said = JSON.stringify({ kind: 'CredentialProviderResponse', apiVersion: V1, ...answer });
  await writeFile(join(dir, 'p'), `#!/bin/sh\ncat >> ${dir}/asked\necho >> ${dir}/asked\necho '${said}'\n`);
  await chmod(join(dir, 'p'), 0o755);
  let nowMs = 1_000_000;
  const account = {
    metadata: { uid: 'sa-1', annotations: { role: 'puller', other: 'x' } },
  } as unknown as ServiceAccount;
  const deps = {
    binDir: dir,
    serviceAccount: async () => account,
    token: async () => 'a-token',
    clock: { ...systemClock, monotonic: () => nowMs },
    log: silent,
  };
  const base = { name: 'p', apiVersion: V1, matchImages: ['*.example'], defaultCacheMs: 60_000, args: [], env: {} };
  const provider = new Provider({ ...base, ...more }, deps);
  const asked = async () =>
    (await readFile(join(dir, 'asked'), 'utf8').catch(() => '')).trim().split('\n').filter(Boolean);
  const later = (ms: number) => {
    nowMs += ms;
  };
  return { provider, asked, later, dir };
}
const auth = { '*.example': { username: 'u', password: 'p' } };

const caches: [by: string, duration: string | undefined, asked: number][] = [
  ['Image', '1h', 3],
  ['Registry', '1h', 2],
  ['Global', '1h', 1],
  ['Global', '0s', 4],
  ['Registry', undefined, 2],
];
for (const [cacheKeyType, cacheDuration, wants] of caches) {
  test(`an answer for ${cacheKeyType}, kept ${cacheDuration ?? 'as configured'}, is asked for ${wants} times`, async (t) => {
    const { provider, asked } = await aProvider(t, { cacheKeyType, cacheDuration, auth });
    for (const image of ['a.example/x', 'a.example/x', 'a.example/y', 'b.example/x']) {
      const found = await provider.credentials(aPod(), image, never);
      assert.equal(found[0]?.[1].auth.username, 'u');
    }
    assert.equal((await asked()).length, wants);
  });
}

test('a provider is asked again when its answer is old, and never for images it does not cover', async (t) => {
  const { provider, asked, later } = await aProvider(t, { cacheKeyType: 'Global', auth });
  assert.deepEqual(await provider.credentials(aPod(), 'docker.io/library/nginx', never), []);
  await provider.credentials(aPod(), 'a.example/x', never);
  later(60_001);
  await provider.credentials(aPod(), 'a.example/x', never);
  const requests = (await asked()).map((line) => JSON.parse(line));
  assert.deepEqual(
    requests,
    Array(2).fill({ kind: 'CredentialProviderRequest', apiVersion: V1, image: 'a.example/x' }),
  );
});

test('pods that want the same image at once ask once', async (t) => {
  const { provider, asked } = await aProvider(t, { cacheKeyType: 'Image', cacheDuration: '0s', auth });
  await Promise.all([1, 2, 3].map(() => provider.credentials(aPod(), 'a.example/x', never)));
  assert.equal((await asked()).length, 1);
});

test('a provider may be told who the pod is, and is asked for each account alone', async (t) => {
  const attributes = { audience: 'reg', cacheType: 'ServiceAccount', requireServiceAccount: true } as const;
  const more = { token: { ...attributes, requiredAnnotations: ['role'], optionalAnnotations: ['none'] } };
  const { provider, asked } = await aProvider(t, { cacheKeyType: 'Global', auth }, more);
  const pod = (serviceAccountName?: string) => aPod({ spec: serviceAccountName ? { serviceAccountName } : {} });
  assert.deepEqual(await provider.credentials(pod(), 'a.example/x', never), []);
  for (const name of ['a', 'a', 'b']) {
    const [found] = await provider.credentials(pod(name), 'a.example/x', never);
    assert.deepEqual(found?.[1].source, { from: 'serviceAccount', uid: 'sa-1', namespace: 'shop', name });
  }
  const requests = (await asked()).map((line) => JSON.parse(line));
  assert.equal(requests.length, 2);
  assert.deepEqual(requests[0].serviceAccountAnnotations, { role: 'puller' });
  assert.equal(requests[0].serviceAccountToken, 'a-token');
});

test('an account without the annotation that a provider wants is not taken to it', async (t) => {
  const attributes = { audience: 'reg', cacheType: 'Token', requireServiceAccount: true } as const;
  const more = { token: { ...attributes, requiredAnnotations: ['absent'], optionalAnnotations: [] } };
  const { provider, asked } = await aProvider(t, { cacheKeyType: 'Global', auth }, more);
  assert.deepEqual(await provider.credentials(aPod({ spec: { serviceAccountName: 'a' } }), 'a.example/x', never), []);
  assert.deepEqual(await asked(), []);
});

const broken: [string, object][] = [
  ['of another kind', { kind: 'Other', cacheKeyType: 'Global', auth }],
  ['kept by nothing known', { cacheKeyType: 'Moon', auth }],
  ['kept for no duration', { cacheKeyType: 'Global', cacheDuration: 'soon', auth }],
];
for (const [it, answer] of broken) {
  test(`an answer ${it} gives no credentials and no failure`, async (t) => {
    const { provider } = await aProvider(t, answer);
    assert.deepEqual(await provider.credentials(aPod(), 'a.example/x', never), []);
  });
}

test('programs that are not there are told at the start', async (t) => {
  const { dir } = await aProvider(t, {});
  await writeFile(join(dir, 'config.yaml'), config({ ...good, name: 'absent' }));
  await assert.rejects(readProviders(join(dir, 'config.yaml'), dir), /plugin binary executable .*absent did not exist/);
  await writeFile(join(dir, 'config.yaml'), config(good));
  assert.equal((await readProviders(dir, dir)).length, 1);
  await writeFile(join(dir, 'more.json'), config(good));
  await assert.rejects(readProviders(dir, dir), /duplicate provider name p/);
});

test("secrets of the pod are tried before the node's credentials", async (t) => {
  const { provider, dir } = await aProvider(t, { cacheKeyType: 'Global', auth });
  const data = { '.dockercfg': Buffer.from('{"a.example":{"username":"s","password":"p"}}').toString('base64') };
  const secret = { type: 'kubernetes.io/dockercfg', metadata: { uid: 'u', name: 's', namespace: 'shop' }, data };
  const client = {
    get: async (_of: unknown, { name }: { name: string }) => {
      if (name === 's') return secret;
      throw Object.assign(new Error(), { status: 404 });
    },
  } as unknown as Client;
  await writeFile(join(dir, 'config.json'), '{"auths":{"a.example/x":{"username":"n","password":"p"}}}');
  const find = credentialFinder({
    objects: new Objects(client, systemClock),
    providers: [provider],
    nodeConfig: join(dir, 'config.json'),
    clock: systemClock,
    log: silent,
  });
  const { found } = await find(aPod({ spec: { imagePullSecrets: [{ name: 's' }] } }), 'a.example/x:1', never);
  assert.deepEqual(
    found.map((each) => each.auth.username),
    ['s', 'n', 'u'],
  );
});
