// The official JavaScript client: what a person writes with it, against a live server. Says ok at its end.
// @ts-nocheck The types come with the package, which is in the cache and not here.
import assert from 'node:assert/strict';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';

const [, , kubeconfig, packages] = process.argv;
const found = createRequire(join(packages, 'package.json')).resolve('@kubernetes/client-node');
const k8s = await import(pathToFileURL(found).href);
const NS = 'clients-javascript';

const config = new k8s.KubeConfig();
config.loadFromFile(kubeconfig);
const core = config.makeApiClient(k8s.CoreV1Api);
const apps = config.makeApiClient(k8s.AppsV1Api);
const as = (type) => k8s.setHeaderOptions('Content-Type', type);
const code = async (promise) => {
  try {
    await promise;
  } catch (err) {
    return err.code;
  }
  throw new Error('this was to be refused');
};

await core.createNamespace({ body: { metadata: { name: NS } } });
try {
  const list = () => core.listNamespacedConfigMap({ namespace: NS });
  const informer = k8s.makeInformer(config, `/api/v1/namespaces/${NS}/configmaps`, list);
  const seen = [];
  const gone = Promise.withResolvers();
  informer.on('add', ({ metadata }) => seen.push(`add ${metadata.name}`));
  informer.on('update', ({ metadata }) => seen.push(`update ${metadata.name}`));
  informer.on('delete', gone.resolve);
  informer.on('error', gone.reject);
  await informer.start();

  for (let i = 0; i < 5; i++) {
    const body = {
      metadata: { name: `m${i}`, labels: { round: String(i % 2) } },
      data: { i: String(i), text: 'zwölf ☃' },
    };
    await core.createNamespacedConfigMap({ namespace: NS, body });
  }
  const odd = await core.listNamespacedConfigMap({ namespace: NS, labelSelector: 'round=1' });
  assert.deepEqual(
    odd.items.map(({ metadata }) => metadata.name),
    ['m1', 'm3'],
  );
  assert.equal(odd.items[0].data.text, 'zwölf ☃');

  const named = { namespace: NS, name: 'm0' };
  const merged = await core.patchNamespacedConfigMap(
    { ...named, body: { data: { i: null, merged: '1' } } },
    as(k8s.PatchStrategy.MergePatch),
  );
  assert.deepEqual(Object.keys(merged.data).sort(), ['merged', 'text']);
  await core.patchNamespacedConfigMap(
    { ...named, body: [{ op: 'add', path: '/data/json', value: '1' }] },
    as(k8s.PatchStrategy.JsonPatch),
  );
  const applied = await core.patchNamespacedConfigMap(
    {
      ...named,
      fieldManager: 'js',
      body: { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'm0' }, data: { applied: '1' } },
    },
    as(k8s.PatchStrategy.ServerSideApply),
  );
  assert.ok(applied.metadata.managedFields.some(({ manager, operation }) => manager === 'js' && operation === 'Apply'));
  assert.ok(applied.metadata.creationTimestamp instanceof Date);

  const stale = await core.readNamespacedConfigMap({ namespace: NS, name: 'm1' });
  await core.replaceNamespacedConfigMap({ namespace: NS, name: 'm1', body: { ...stale, data: { first: '1' } } });
  const second = core.replaceNamespacedConfigMap({
    namespace: NS,
    name: 'm1',
    body: { ...stale, data: { second: '1' } },
  });
  assert.equal(await code(second), 409);

  const labels = { app: 'd' };
  const template = { metadata: { labels }, spec: { containers: [{ name: 'app', image: 'app:1' }] } };
  const spec = { replicas: 0, selector: { matchLabels: labels }, template };
  await apps.createNamespacedDeployment({ namespace: NS, body: { metadata: { name: 'd' }, spec } });
  const scale = await apps.readNamespacedDeploymentScale({ namespace: NS, name: 'd' });
  assert.equal(scale.status.selector, 'app=d');
  await apps.deleteNamespacedDeployment({ namespace: NS, name: 'd', propagationPolicy: 'Background' });
  assert.equal(await code(apps.readNamespacedDeployment({ namespace: NS, name: 'd' })), 404);

  await core.deleteNamespacedConfigMap({ namespace: NS, name: 'm4' });
  assert.equal((await gone.promise).metadata.name, 'm4');
  await informer.stop();
  assert.deepEqual(
    seen.filter((each) => each.startsWith('add')),
    ['add m0', 'add m1', 'add m2', 'add m3', 'add m4'],
  );
  assert.ok(seen.includes('update m0'));
} finally {
  await core.deleteNamespace({ name: NS });
}
console.log('ok');
// The informer's connection is the client's own business.
process.exit(0);
