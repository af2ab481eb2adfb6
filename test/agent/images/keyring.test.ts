// Names of images, and which credentials fit them.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fullName, imageNameProblem, imageParts } from '../../../agent/images/image-name.ts';
import { authOf, credentialsFor, entriesOf, globMatches, matchesImage } from '../../../agent/images/keyring.ts';
import { keysOf } from '../../../agent/images/pull-secrets.ts';
import type { Secret } from '../../../api/types/core/config-map.ts';

const names: [string, string | undefined][] = [
  ['nginx', undefined],
  ['nginx:1.27', undefined],
  ['registry.example:5000/team/app:v1', undefined],
  ['localhost/app', undefined],
  ['[2001:db8::1]:5000/app', undefined],
  [`app@sha256:${'a'.repeat(64)}`, undefined],
  ['App', 'invalid reference format: repository name must be lowercase'],
  ['app:', 'invalid reference format'],
  ['', 'invalid reference format'],
  ['bad image', 'invalid reference format'],
];
for (const [image, wants] of names) {
  test(`${JSON.stringify(image)} names an image: ${wants ?? 'yes'}`, () =>
    assert.equal(imageNameProblem(image), wants));
}

const digest = `sha256:${'a'.repeat(64)}`;
const parts: [string, string, string][] = [
  ['nginx', 'docker.io/library/nginx', 'docker.io/library/nginx:latest'],
  ['team/app:v1', 'docker.io/team/app', 'docker.io/team/app:v1'],
  ['docker.io/nginx', 'docker.io/library/nginx', 'docker.io/library/nginx:latest'],
  ['index.docker.io/team/app', 'docker.io/team/app', 'docker.io/team/app:latest'],
  ['reg.example:5000/app', 'reg.example:5000/app', 'reg.example:5000/app:latest'],
  ['reg.example:5000/a/b:v1', 'reg.example:5000/a/b', 'reg.example:5000/a/b:v1'],
  ['localhost/app', 'localhost/app', 'localhost/app:latest'],
  [`nginx:1@${digest}`, 'docker.io/library/nginx', `docker.io/library/nginx@${digest}`],
];
for (const [image, repository, full] of parts) {
  test(`${image} written out is ${full}`, () =>
    assert.deepEqual([imageParts(image).repository, fullName(image)], [repository, full]));
}

const patterns: [string, string, boolean][] = [
  ['reg.example', 'reg.example/a', true],
  ['reg.example/a', 'reg.example/a/b', true],
  ['reg.example/a', 'reg.example/b', false],
  ['*.reg.example', 'eu.reg.example/a', true],
  ['*.reg.example', 'reg.example/a', false],
  ['*.reg.example', 'a.b.reg.example/a', false],
  ['eu-?.reg.example', 'eu-1.reg.example/a', true],
  ['eu-[12].reg.example', 'eu-3.reg.example/a', false],
  ['e*.*.example', 'eu.reg.example/a', true],
  ['reg.example', 'reg.example:5000/a', false],
  ['reg.example:5000', 'reg.example:5000/a', true],
  ['*.example:5000/team', 'reg.example:5000/team/a', true],
  ['reg+.example', 'regg.example/a', false],
];
for (const [pattern, image, fits] of patterns) {
  test(`${pattern} ${fits ? 'covers' : 'does not cover'} ${image}`, () =>
    assert.equal(matchesImage(pattern, image), fits));
}

const tries: { it: string; image: string; keys: string[]; wants: string[] }[] = [
  { it: 'by host', image: 'reg.example/a/b:1', keys: ['reg.example'], wants: ['reg.example'] },
  { it: 'as URLs', image: 'reg.example/a', keys: ['https://reg.example/v2/'], wants: ['https://reg.example/v2/'] },
  {
    it: 'the longer path first',
    image: 'reg.example/team/app',
    keys: ['reg.example', 'reg.example/team'],
    wants: ['reg.example/team', 'reg.example'],
  },
  { it: 'by pattern', image: 'eu.reg.example/a', keys: ['*.reg.example'], wants: ['*.reg.example'] },
  {
    it: 'with the port',
    image: '192.0.2.1:5000/a',
    keys: ['192.0.2.1:1', '192.0.2.1:5000'],
    wants: ['192.0.2.1:5000'],
  },
  {
    it: 'for the hub under its old name',
    image: 'nginx',
    keys: ['https://index.docker.io/v1/'],
    wants: ['https://index.docker.io/v1/'],
  },
  { it: 'for no other host', image: 'other.example/a', keys: ['reg.example'], wants: [] },
];
for (const { it, image, keys, wants } of tries) {
  test(`credentials are found ${it}`, () => {
    const auths = Object.fromEntries(keys.map((key) => [key, { username: key, password: 'p' }]));
    const known = entriesOf(JSON.stringify({ auths }), { from: 'node' });
    const found = credentialsFor(imageParts(image).repository, known);
    assert.deepEqual(
      found.map(({ auth }) => auth.username),
      wants,
    );
  });
}

test('two secrets for one registry are both tried, in their order', () => {
  const one = entriesOf('{"auths":{"reg.example":{"username":"a","password":"1"}}}', { from: 'node' });
  const two = entriesOf('{"auths":{"https://reg.example":{"username":"b","password":"2"}}}', { from: 'node' });
  const found = credentialsFor('reg.example/app', [...one, ...two]);
  assert.deepEqual(
    found.map(({ auth }) => auth.username),
    ['a', 'b'],
  );
});

test('credentials written as one text win over those beside it, and may have colons', () => {
  const auth = Buffer.from('user:pass:word').toString('base64');
  assert.deepEqual(authOf({ username: 'other', auth }), { username: 'user', password: 'pass:word' });
  assert.equal(authOf({ auth: Buffer.from('nocolon').toString('base64') }), undefined);
});

const secret = (type: string, key: string, text: string): Secret => ({
  apiVersion: 'v1',
  kind: 'Secret',
  metadata: { name: 's', namespace: 'shop', uid: 'u', resourceVersion: '1', creationTimestamp: '' },
  type,
  data: { [key]: Buffer.from(text).toString('base64') },
});

test('pull secrets of both forms are read, and each credential knows its secret', () => {
  const source = { from: 'secret', uid: 'u', namespace: 'shop', name: 's' } as const;
  const entry = '{"reg.example":{"username":"a","password":"b"}}';
  const wants = [['reg.example', { auth: { username: 'a', password: 'b' }, source }]];
  assert.deepEqual(keysOf(secret('kubernetes.io/dockercfg', '.dockercfg', entry)), wants);
  const json = secret('kubernetes.io/dockerconfigjson', '.dockerconfigjson', `{"auths":${entry}}`);
  assert.deepEqual(keysOf(json), wants);
  assert.deepEqual(keysOf(secret('Opaque', '.dockercfg', entry)), []);
});

test('a broken pull secret is no help and no failure', () => {
  for (const text of ['not json', '[]', '{"auths":7}', '{"auths":{"reg.example":null}}', 'null']) {
    assert.deepEqual(keysOf(secret('kubernetes.io/dockerconfigjson', '.dockerconfigjson', text)), [], text);
  }
});

test('patterns of hosts take no longer than their length, however many stars they have', () => {
  const startMs = performance.now();
  assert.equal(matchesImage(`${'*a'.repeat(40)}b`, 'a'.repeat(120)), false);
  assert.equal(matchesImage(`${'*a'.repeat(40)}*`, 'a'.repeat(120)), true);
  assert.ok(performance.now() - startMs < 1_000);
});

for (const [pattern, text, wants] of [
  ['[a-c]?*', 'bxyz', true],
  ['[^a-c]*', 'bxyz', false],
  ['[z-a]', 'b', false],
  ['a[', 'a[', true],
  ['*', '', true],
  ['?', '', false],
] as const) {
  test(`the pattern ${pattern} ${wants ? 'covers' : 'does not cover'} '${text}'`, () =>
    assert.equal(globMatches(pattern, text), wants));
}

test('what is wrong with credentials is said without quoting them', () => {
  assert.throws(
    () => entriesOf('{"auths":{"r.example":{"password":"hunter2"', { from: 'node' }),
    (err: Error) => !String(err).includes('hunter2') && err.cause === undefined,
  );
});
