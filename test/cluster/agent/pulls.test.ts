// Images from a real registry that wants to know who asks.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { useCluster } from '../harness/cluster.ts';
import { testImages } from '../harness/images.ts';
import { Registry } from '../harness/registry.ts';
import { Pods, statusOf, waitsFor } from './pods.ts';

const cluster = useCluster();
const pods = new Pods(cluster);
type Events = { items: { reason: string; message: string; involvedObject: { name: string } }[] };

test('an image behind a password is pulled with the secret of the pod, and not without', async () => {
  const { node } = cluster().node;
  const auth = { user: 'puller', password: 'open sesame' };
  await using registry = await Registry.start(node, { port: 5002, auth });
  await registry.trustOn(node);
  await registry.push((await testImages(registry.host)).web);
  const image = `${registry.host}/test/web:1`;
  const containers = [{ name: 'main', image, imagePullPolicy: 'Always' as const }];

  await pods.create('stranger', { containers });
  const refused = await pods.until('stranger', 'refused', (pod) => waitsFor(pod, 'main') === 'ErrImagePull');
  assert.match(statusOf(refused, 'main').state?.waiting?.message ?? '', /authorization|401|credentials/i);

  const config = { auths: { [registry.host]: { auth: btoa(`${auth.user}:${auth.password}`) } } };
  await pods.call('POST', '/api/v1/namespaces/default/secrets', {
    metadata: { name: 'registry' },
    type: 'kubernetes.io/dockerconfigjson',
    stringData: { '.dockerconfigjson': JSON.stringify(config) },
  });
  await pods.create('guest', { containers, imagePullSecrets: [{ name: 'registry' }] });
  const pod = await pods.ready('guest');
  assert.match(statusOf(pod, 'main').imageID, /@sha256:/);
  const { items } = await cluster().api.get<Events>('/api/v1/namespaces/default/events');
  const of = (name: string) => items.filter(({ involvedObject }) => involvedObject.name === name);
  assert.deepEqual(
    of('guest').map(({ reason }) => reason),
    ['Pulling', 'Pulled', 'Created', 'Started'],
  );
  assert.match(
    of('guest')[1]!.message,
    /^Successfully pulled image ".*" in .+ \(.+ including waiting\)\. Image size: \d+ bytes\.$/,
  );
  assert.ok(of('stranger').some(({ reason, message }) => reason === 'Failed' && message === 'Error: ErrImagePull'));
  await Promise.all(['stranger', 'guest'].map((name) => pods.remove(name)));
});
