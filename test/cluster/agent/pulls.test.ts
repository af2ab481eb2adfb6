// Images from a real registry that wants to know who asks.
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { join } from 'node:path';
import { test } from 'node:test';
import type { Pod } from '../../../api/types/core/pod.ts';
import { assembleImage } from '../../../cli/oci-image.ts';
import { useCluster } from '../harness/cluster.ts';
import { testImages } from '../harness/images.ts';
import { Registry } from '../harness/registry.ts';
import { waitFor } from '../harness/wait.ts';
import { FOREVER, Pods, shell, statusOf, waitsFor } from './pods.ts';

const cluster = useCluster();
const pods = new Pods(cluster);
type Events = { items: { reason: string; message: string; involvedObject: { name: string } }[] };
const AUTH = { user: 'puller', password: 'open sesame' };

async function eventsOf(name: string) {
  const { items } = await cluster().api.get<Events>('/api/v1/namespaces/default/events');
  return items.filter(({ involvedObject }) => involvedObject.name === name);
}

async function secret(name: string, host: string, { user, password } = AUTH): Promise<void> {
  const config = { auths: { [host]: { auth: btoa(`${user}:${password}`) } } };
  await pods.call('POST', '/api/v1/namespaces/default/secrets', {
    metadata: { name },
    type: 'kubernetes.io/dockerconfigjson',
    stringData: { '.dockerconfigjson': JSON.stringify(config) },
  });
}

const messageOf = (pod: Pod) => statusOf(pod, 'main').state?.waiting?.message ?? '';

test('an image behind a password is pulled with the secret of the pod, and not without', async () => {
  const { node } = cluster().node;
  await using registry = await Registry.start(node, { port: 5002, auth: AUTH });
  await registry.trustOn(node);
  await registry.push((await testImages(registry.host)).web);
  const image = `${registry.host}/test/web:1`;
  const containers = [{ name: 'main', image, imagePullPolicy: 'Always' as const }];

  await pods.create('stranger', { containers });
  const refused = await pods.until('stranger', 'refused', (pod) => waitsFor(pod, 'main') === 'ErrImagePull');
  assert.match(messageOf(refused), /authorization|401|credentials/i);

  await secret('registry', registry.host);
  await pods.create('guest', { containers, imagePullSecrets: [{ name: 'registry' }] });
  const pod = await pods.ready('guest');
  assert.match(statusOf(pod, 'main').imageID, /@sha256:/);
  const said = await waitFor('the last event', async () => {
    const events = await eventsOf('guest');
    return events.some(({ reason }) => reason === 'Started') && events;
  });
  assert.deepEqual(
    said.map(({ reason }) => reason),
    ['Pulling', 'Pulled', 'Created', 'Started'],
  );
  assert.match(
    said[1]!.message,
    /^Successfully pulled image ".*" in .+ \(.+ including waiting\)\. Image size: \d+ bytes\.$/,
  );
  const failed = await eventsOf('stranger');
  assert.ok(failed.some(({ reason, message }) => reason === 'Failed' && message === 'Error: ErrImagePull'));
  await Promise.all(['stranger', 'guest'].map((name) => pods.remove(name)));
});

test('an image that a secret has pulled is not for pods without it, and is for pods that have it', async () => {
  const { node } = cluster().node;
  await using registry = await Registry.start(node, { port: 5003, auth: AUTH });
  await registry.trustOn(node);
  await registry.push((await testImages(registry.host)).web);
  const image = `${registry.host}/test/web:1`;
  const containers = (imagePullPolicy: 'IfNotPresent' | 'Never') => [{ name: 'main', image, imagePullPolicy }];
  await secret('good', registry.host);
  await secret('bad', registry.host, { user: 'puller', password: 'wrong' });

  // All credentials that fit are tried: the wrong ones come first.
  const imagePullSecrets = [{ name: 'bad' }, { name: 'absent' }, { name: 'good' }];
  await pods.create('owner', { containers: containers('IfNotPresent'), imagePullSecrets });
  await pods.ready('owner');
  const absent = (await eventsOf('owner')).find(({ reason }) => reason === 'FailedToRetrieveImagePullSecret');
  assert.match(absent?.message ?? '', /^Unable to retrieve some image pull secrets \(absent\); /);

  await pods.create('thief', { containers: containers('IfNotPresent') });
  await pods.create('waiter', { containers: containers('Never') });
  await pods.create('friend', { containers: containers('Never'), imagePullSecrets: [{ name: 'good' }] });
  await pods.until('thief', 'refused', (pod) => waitsFor(pod, 'main') === 'ErrImagePull');
  const waiter = await pods.until('waiter', 'refused', (pod) => waitsFor(pod, 'main') === 'ErrImageNeverPull');
  assert.equal(messageOf(waiter), `Container image "${image}" is not present with pull policy of Never`);
  await pods.ready('friend');
  await Promise.all(['owner', 'thief', 'waiter', 'friend'].map((name) => pods.remove(name)));
});

test('a mirror serves a registry that is not there, with the credentials of that registry', async () => {
  const { node } = cluster().node;
  await using registry = await Registry.start(node, { port: 5004, auth: AUTH });
  const dir = '/etc/skiff/certs.d/absent.invalid';
  const hosts = `server = "https://absent.invalid"\n[host."http://${registry.host}"]\n  capabilities = ["pull", "resolve"]\n`;
  await node.exec('mkdir', ['-p', dir]);
  await node.exec('tee', [`${dir}/hosts.toml`], { input: hosts });
  await registry.push((await testImages(registry.host)).web);
  await secret('mirrored', 'https://absent.invalid/v2/');
  const containers = [{ name: 'main', image: 'absent.invalid/test/web:1' }];
  await pods.create('mirrored', { containers, imagePullSecrets: [{ name: 'mirrored' }] });
  await pods.ready('mirrored');
  await pods.remove('mirrored');
});

test('a failing pull is called back-off after a moment, and says what failed', async () => {
  const { address } = cluster().node.node;
  const image = `${address}:1/absent:1`;
  await pods.create('wrong', { containers: [{ name: 'main', image }] });
  await pods.create('nameless', { containers: [{ name: 'main', image: 'Not An Image' }] });
  const nameless = await pods.until('nameless', 'refused', (pod) => waitsFor(pod, 'main') === 'InvalidImageName');
  assert.match(messageOf(nameless), /^Failed to apply default image tag "Not An Image": couldn't parse image name/);
  const wrong = await pods.until('wrong', 'backing off', (pod) => waitsFor(pod, 'main') === 'ImagePullBackOff');
  assert.match(messageOf(wrong), new RegExp(`^Back-off pulling image "${image}": ErrImagePull: failed to pull`));
  const said = (await eventsOf('wrong')).map(({ reason, message }) => `${reason} ${message}`);
  assert.ok(said.includes(`BackOff Back-off pulling image "${image}"`), said.join('\n'));
  assert.ok(said.includes('Failed Error: ImagePullBackOff'));
  await Promise.all(['wrong', 'nameless'].map((name) => pods.remove(name)));
});

test('a pull that takes long tells how far it has come, in events and to skiff status', async () => {
  const { node } = cluster().node;
  await using registry = await Registry.start(node, { port: 5005 });
  const port = 5006;
  const slow = `${node.address}:${port}`;
  const script = join(import.meta.dirname, '../harness/slow-mirror-main.ts');
  const mirror = node.spawn('node', [script, node.address, String(port), registry.host, String(1 << 20)]);
  try {
    await once(mirror.child.stdout!, 'data');
    await registry.trustOn(node);
    await node.exec('mkdir', ['-p', `/etc/skiff/certs.d/${slow}`]);
    await node.exec('tee', [`/etc/skiff/certs.d/${slow}/hosts.toml`], { input: `[host."http://${slow}"]\n` });
    const files = [{ path: '/big', data: randomBytes(8 << 20) }];
    const { busybox: base } = await testImages(registry.host);
    await registry.push(await assembleImage({ ref: `${registry.host}/test/big:1`, base, files }));
    await pods.create('slow', { containers: [shell('main', FOREVER, { image: `${slow}/test/big:1` })] });
    const line = await waitFor('progress in skiff status', async () => {
      const cli = join(import.meta.dirname, '../../../cli/main.ts');
      const { stdout } = await node.exec('node', [cli, 'status'], { mayFail: true });
      return /pulling \S+ for \d+ s: \d+% .*/.exec(stdout)?.[0] ?? Promise.reject(new Error(stdout));
    });
    assert.match(
      line,
      new RegExp(`^pulling ${slow}/test/big:1 for \\d+ s: \\d+% \\(\\d+\\.\\dMiB of 9\\.\\dMiB, \\S+iB/s\\)$`),
    );
    await pods.ready('slow');
    const told = (await eventsOf('slow')).filter(({ reason }) => reason === 'Pulling').map((event) => event.message);
    assert.match(told[1] ?? '', /^Pulling image ".*": \d+% \(\d+\.\dMiB of 9\.\dMiB, \S+iB\/s\)$/);
    await pods.remove('slow');
  } finally {
    await mirror.kill('SIGKILL');
  }
});

test('a provider program knows the credentials of a private registry', async () => {
  const { node } = cluster().node;
  await using registry = await Registry.start(node, { port: 5007, auth: AUTH });
  await registry.trustOn(node);
  await registry.push((await testImages(registry.host)).web);
  const answer = {
    kind: 'CredentialProviderResponse',
    apiVersion: 'credentialprovider.kubelet.k8s.io/v1',
    cacheKeyType: 'Registry',
    cacheDuration: '1h',
    auth: { [registry.host]: { username: AUTH.user, password: AUTH.password } },
  };
  const dir = '/etc/skiff/providers';
  await node.exec('mkdir', ['-p', dir]);
  const program = `#!/bin/sh\ncat >> ${dir}/asked\necho '${JSON.stringify(answer)}'\n`;
  await node.exec('sh', ['-c', `cat > ${dir}/known && chmod 755 ${dir}/known`], { input: program });
  const provider = { name: 'known', matchImages: [registry.host], defaultCacheDuration: '1m' };
  const config = { kind: 'CredentialProviderConfig', apiVersion: 'kubelet.config.k8s.io/v1' };
  const providers = [{ ...provider, apiVersion: answer.apiVersion }];
  await node.exec('tee', [`${dir}/config.yaml`], { input: JSON.stringify({ ...config, providers }) });
  const settings = {
    'image-credential-provider-config': `${dir}/config.yaml`,
    'image-credential-provider-bin-dir': dir,
  };
  await node.exec('tee', ['/etc/skiff/config.yaml'], { input: JSON.stringify(settings) });
  await cluster().kill('agent', 'SIGKILL');
  await cluster().restart('agent');
  for (const name of ['one', 'two']) {
    const image = `${registry.host}/test/web:1`;
    await pods.create(name, { containers: [{ name: 'main', image, imagePullPolicy: 'Always' }] });
    await pods.ready(name);
  }
  const { stdout } = await node.exec('cat', [`${dir}/asked`]);
  assert.deepEqual(JSON.parse(stdout).image, `${registry.host}/test/web`);
  await Promise.all(['one', 'two'].map((name) => pods.remove(name)));
});
