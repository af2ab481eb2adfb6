// kubectl against custom kinds: defined, used and taken away as a person would.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { kubectlTooOld } from '../../cluster/harness/kubectl.ts';
import { startTestServer, type TestServer } from '../test-server.ts';

const skip = await kubectlTooOld();
let server: TestServer;
let kubeconfig: string;

before(async () => {
  if (skip !== false) return;
  server = await startTestServer({ run: ['api', 'controllers'] });
  const data = async (file: string) => (await readFile(file)).toString('base64');
  const [ca, cert, key] = await Promise.all([server.files.ca, server.files.cert, server.files.key].map(data));
  kubeconfig = join(server.folder, 'kubeconfig');
  const user = { 'client-certificate-data': cert, 'client-key-data': key };
  const config = {
    apiVersion: 'v1',
    kind: 'Config',
    'current-context': 'test',
    contexts: [{ name: 'test', context: { cluster: 'test', user: 'test' } }],
    clusters: [{ name: 'test', cluster: { server: server.url, 'certificate-authority-data': ca } }],
    users: [{ name: 'test', user }],
  };
  await writeFile(kubeconfig, JSON.stringify(config));
});
after(() => server?.[Symbol.asyncDispose]());

function kubectl(args: readonly string[], input?: object): Promise<string> {
  return new Promise((resolve, reject) => {
    const env = { ...process.env, KUBECONFIG: kubeconfig, HOME: server.folder };
    const child = execFile('kubectl', args, { env, timeout: 30_000 }, (err, out, errors) => {
      if (err === null) resolve(out + errors);
      else reject(new Error(`kubectl ${args.join(' ')}: ${errors}`));
    });
    child.stdin!.end(input === undefined ? '' : JSON.stringify(input));
  });
}

const definition = {
  apiVersion: 'apiextensions.k8s.io/v1',
  kind: 'CustomResourceDefinition',
  metadata: { name: 'crontabs.test.example.com' },
  spec: {
    group: 'test.example.com',
    scope: 'Namespaced',
    names: { plural: 'crontabs', singular: 'crontab', kind: 'CronTab', shortNames: ['ct'], categories: ['all'] },
    versions: [
      {
        name: 'v1',
        served: true,
        storage: true,
        subresources: {
          status: {},
          scale: { specReplicasPath: '.spec.replicas', statusReplicasPath: '.status.replicas' },
        },
        additionalPrinterColumns: [
          { name: 'Spec', type: 'string', jsonPath: '.spec.cronSpec' },
          { name: 'Replicas', type: 'integer', jsonPath: '.spec.replicas' },
          { name: 'Image', type: 'string', jsonPath: '.spec.image', priority: 1 },
        ],
        schema: {
          openAPIV3Schema: {
            type: 'object',
            properties: {
              spec: {
                type: 'object',
                description: 'What is wanted.',
                properties: {
                  cronSpec: { type: 'string', description: 'When it runs.' },
                  image: { type: 'string', default: 'busybox' },
                  replicas: { type: 'integer', minimum: 1, maximum: 10, default: 1 },
                },
              },
              status: { type: 'object', properties: { replicas: { type: 'integer' } } },
            },
          },
        },
      },
    ],
  },
};
const object = {
  apiVersion: 'test.example.com/v1',
  kind: 'CronTab',
  metadata: { name: 'mine' },
  spec: { cronSpec: '0 5 * * *' },
};

test('kubectl applies a definition and an object of it', { skip }, async () => {
  await kubectl(['apply', '-f', '-'], definition);
  await kubectl(['wait', '--for=condition=Established', 'crd/crontabs.test.example.com', '--timeout=20s']);
  assert.match(await kubectl(['apply', '-f', '-'], object), /crontab\.test\.example\.com\/mine created/);
  assert.match(await kubectl(['apply', '-f', '-'], object), /unchanged/);
});

test('kubectl knows it by its short name and category, and shows its columns', { skip }, async () => {
  assert.match(await kubectl(['get', 'ct']), /NAME +SPEC +REPLICAS\nmine +0 5 \* \* \* +1\n/);
  assert.match(await kubectl(['get', 'ct', '-o', 'wide']), /IMAGE\n.*busybox/);
  assert.match(await kubectl(['get', 'all']), /crontab\.test\.example\.com\/mine/);
  assert.match(
    await kubectl(['api-resources', '--api-group=test.example.com']),
    /crontabs +ct +test\.example\.com\/v1 +true/,
  );
});

test('kubectl explains it', { skip }, async () => {
  assert.match(
    await kubectl(['explain', 'crontab.spec']),
    /What is wanted\.[\s\S]*cronSpec\t<string>\n +When it runs\./,
  );
});

test('kubectl scales and patches it, and is told what may not be', { skip }, async () => {
  await kubectl(['scale', 'ct/mine', '--replicas=3']);
  assert.equal(await kubectl(['get', 'ct/mine', '-o', 'jsonpath={.spec.replicas}']), '3');
  await kubectl(['patch', 'ct/mine', '--type=merge', '-p', '{"spec":{"image":"other"}}']);
  await assert.rejects(
    kubectl(['patch', 'ct/mine', '--type=merge', '-p', '{"spec":{"replicas":99}}']),
    /spec\.replicas: Invalid value: 99: replicas in body should be less than or equal to 10/,
  );
  await assert.rejects(kubectl(['apply', '-f', '-'], { ...object, spec: { cron: 1 } }), /unknown field "spec\.cron"/);
});

test('kubectl applies it on the server, and is told of conflicts', { skip }, async () => {
  const next = { ...object, spec: { cronSpec: '0 6 * * *' } };
  await assert.rejects(
    kubectl(['apply', '--server-side', '-f', '-'], { ...next, spec: { image: 'third' } }),
    /conflict/,
  );
  await kubectl(['apply', '--server-side', '--force-conflicts', '-f', '-'], next);
  assert.equal(await kubectl(['get', 'ct/mine', '-o', 'jsonpath={.spec.cronSpec}']), '0 6 * * *');
});

test('kubectl deletes the object, and the definition with what is left', { skip }, async () => {
  await kubectl(['delete', 'ct/mine']);
  await kubectl(['apply', '-f', '-'], object);
  await kubectl(['delete', 'crd/crontabs.test.example.com', '--timeout=20s']);
  await assert.rejects(kubectl(['get', 'ct']));
});
