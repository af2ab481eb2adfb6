import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { buildEnv, ConfigError, type EnvSources } from '../../../agent/pods/env.ts';
import { valueIn } from '../../../agent/pods/env-file.ts';
import { expand } from '../../../agent/pods/expand.ts';
import type { PodFacts } from '../../../agent/pods/field-ref.ts';
import { serviceEnv } from '../../../agent/pods/service-env.ts';
import type { Container } from '../../../api/types/core/container.ts';
import type { Service } from '../../../api/types/core/service.ts';
import { aContainer, aPod } from './make.ts';

const known: Record<string, string> = { A: '1', B: 'two', EMPTY: '' };
const expansions: [string, string][] = [
  ['plain', 'plain'],
  ['$(A)', '1'],
  ['x$(A)y$(B)z', 'x1ytwoz'],
  ['$(EMPTY)', ''],
  ['$(NOPE)', '$(NOPE)'],
  ['$$(A)', '$(A)'],
  ['$$$(A)', '$1'],
  ['$$', '$'],
  ['$', '$'],
  ['$A', '$A'],
  ['$(A', '$(A'],
  ['a$', 'a$'],
  ['$()', '$()'],
];
for (const [text, wants] of expansions) {
  test(`expand makes ${JSON.stringify(wants)} of ${JSON.stringify(text)}`, () => {
    assert.equal(
      expand(text, (name) => known[name]),
      wants,
    );
  });
}

test('expand leaves text without a dollar sign alone', () => {
  fc.assert(
    fc.property(
      fc.string().filter((text) => !text.includes('$')),
      (text) => expand(text, () => 'x') === text,
    ),
  );
});

const facts: PodFacts = { podIps: ['10.42.0.5'], hostIps: ['192.0.2.7'], allocatable: { cpu: '4', memory: '8Gi' } };
const sources: EnvSources = {
  configMaps: new Map([
    ['settings', { color: 'blue', size: 'L' }],
    ['absent', undefined],
  ]),
  secrets: new Map([
    ['login', { password: 'hush' }],
    ['absent', undefined],
  ]),
  services: { DB_SERVICE_HOST: '10.43.0.8' },
};
const pod = aPod({ metadata: { labels: { app: 'web' } }, spec: { nodeName: 'n1' } });
const envOf = (parts: Partial<Container>) =>
  Object.fromEntries(buildEnv(pod, aContainer('web', parts), sources, facts));
const from = (valueFrom: NonNullable<NonNullable<Container['env']>[number]['valueFrom']>) => ({
  env: [{ name: 'X', valueFrom }],
});

const values: { it: string; parts: Partial<Container>; wants: string | undefined }[] = [
  { it: 'a literal', parts: { env: [{ name: 'X', value: 'v' }] }, wants: 'v' },
  {
    it: 'a reference to an earlier variable',
    parts: {
      env: [
        { name: 'A', value: '1' },
        { name: 'X', value: '$(A)2' },
      ],
    },
    wants: '12',
  },
  {
    it: 'a reference to a later variable, which stays as written',
    parts: {
      env: [
        { name: 'X', value: '$(A)' },
        { name: 'A', value: '1' },
      ],
    },
    wants: '$(A)',
  },
  { it: 'a reference to a service', parts: { env: [{ name: 'X', value: '$(DB_SERVICE_HOST)' }] }, wants: '10.43.0.8' },
  { it: 'a field', parts: from({ fieldRef: { fieldPath: 'metadata.namespace' } }), wants: 'shop' },
  { it: 'a label', parts: from({ fieldRef: { fieldPath: "metadata.labels['app']" } }), wants: 'web' },
  { it: 'the address of the pod', parts: from({ fieldRef: { fieldPath: 'status.podIP' } }), wants: '10.42.0.5' },
  { it: 'the address of the node', parts: from({ fieldRef: { fieldPath: 'status.hostIP' } }), wants: '192.0.2.7' },
  { it: 'a key of a config map', parts: from({ configMapKeyRef: { name: 'settings', key: 'color' } }), wants: 'blue' },
  { it: 'a key of a secret', parts: from({ secretKeyRef: { name: 'login', key: 'password' } }), wants: 'hush' },
  {
    it: 'nothing, for an optional key that is not there',
    parts: from({ secretKeyRef: { name: 'absent', key: 'x', optional: true } }),
    wants: undefined,
  },
  {
    it: 'a limit, rounded up to whole cores',
    parts: { ...from({ resourceFieldRef: { resource: 'limits.cpu' } }), resources: { limits: { cpu: '1500m' } } },
    wants: '2',
  },
  {
    it: 'a limit in thousandths',
    parts: {
      ...from({ resourceFieldRef: { resource: 'limits.cpu', divisor: '1m' } }),
      resources: { limits: { cpu: '100m' } },
    },
    wants: '100',
  },
  {
    it: 'a limit in mebibytes',
    parts: {
      ...from({ resourceFieldRef: { resource: 'limits.memory', divisor: '1Mi' } }),
      resources: { limits: { memory: '1Gi' } },
    },
    wants: '1024',
  },
  {
    it: 'what the node has, without a limit',
    parts: from({ resourceFieldRef: { resource: 'limits.cpu' } }),
    wants: '4',
  },
];
for (const { it, parts, wants } of values) {
  test(`an environment variable can be ${it}`, () => assert.equal(envOf(parts)['X'], wants));
}

test('envFrom takes every key, with its prefix, and env has the last word', () => {
  const env = envOf({
    envFrom: [{ prefix: 'S_', configMapRef: { name: 'settings' } }, { secretRef: { name: 'login' } }],
    env: [{ name: 'S_color', value: 'red' }],
  });
  assert.deepEqual(env, { S_color: 'red', S_size: 'L', password: 'hush', DB_SERVICE_HOST: '10.43.0.8' });
});

const failures: { parts: Partial<Container>; says: string }[] = [
  { parts: { envFrom: [{ configMapRef: { name: 'absent' } }] }, says: 'configmap "absent" not found' },
  { parts: { envFrom: [{ secretRef: { name: 'absent' } }] }, says: 'secret "absent" not found' },
  {
    parts: from({ configMapKeyRef: { name: 'settings', key: 'no' } }),
    says: "couldn't find key no in ConfigMap shop/settings",
  },
  { parts: from({ secretKeyRef: { name: 'login', key: 'no' } }), says: "couldn't find key no in Secret shop/login" },
];
for (const { parts, says } of failures) {
  test(`what is not there is named: ${says}`, () => {
    assert.throws(
      () => envOf(parts),
      (err) => err instanceof ConfigError && err.message === says,
    );
  });
}

const service = (namespace: string, name: string, spec: Partial<Service['spec']>): Service => ({
  apiVersion: 'v1',
  kind: 'Service',
  metadata: { name, namespace, uid: name, resourceVersion: '1', creationTimestamp: '' },
  spec,
  status: {},
});
const cluster = [
  service('default', 'kubernetes', { clusterIP: '10.43.0.1', ports: [{ name: 'https', port: 443 }] }),
  service('shop', 'my-db', { clusterIP: '10.43.0.8', ports: [{ port: 5432, protocol: 'TCP' }] }),
  service('shop', 'headless', { clusterIP: 'None', ports: [{ port: 80 }] }),
  service('other', 'mail', { clusterIP: '10.43.0.9', ports: [{ port: 25 }] }),
];

test('services of the namespace and the API are variables; headless ones and others are not', () => {
  assert.deepEqual(serviceEnv(cluster, 'shop', true), {
    KUBERNETES_SERVICE_HOST: '10.43.0.1',
    KUBERNETES_SERVICE_PORT: '443',
    KUBERNETES_SERVICE_PORT_HTTPS: '443',
    KUBERNETES_PORT: 'tcp://10.43.0.1:443',
    KUBERNETES_PORT_443_TCP: 'tcp://10.43.0.1:443',
    KUBERNETES_PORT_443_TCP_PROTO: 'tcp',
    KUBERNETES_PORT_443_TCP_PORT: '443',
    KUBERNETES_PORT_443_TCP_ADDR: '10.43.0.1',
    MY_DB_SERVICE_HOST: '10.43.0.8',
    MY_DB_SERVICE_PORT: '5432',
    MY_DB_PORT: 'tcp://10.43.0.8:5432',
    MY_DB_PORT_5432_TCP: 'tcp://10.43.0.8:5432',
    MY_DB_PORT_5432_TCP_PROTO: 'tcp',
    MY_DB_PORT_5432_TCP_PORT: '5432',
    MY_DB_PORT_5432_TCP_ADDR: '10.43.0.8',
  });
});

test('without service links only the API is left', () => {
  assert.ok(Object.keys(serviceEnv(cluster, 'shop', false)).every((name) => name.startsWith('KUBERNETES_')));
});

const files: [string, string, string | undefined | RegExp][] = [
  ["A='b'", 'A', 'b'],
  ["  A='b' # why\n", 'A', 'b'],
  ["# A='c'\n\nA='b'", 'A', 'b'],
  ["A='$B \\n \"'", 'A', '$B \\n "'],
  ["A='one\ntwo'\nB='c'", 'A', 'one\ntwo'],
  ["A='one\ntwo'\nB='c'", 'B', 'c'],
  ["A= 'b'", 'A', ''],
  ["A='b'", 'C', undefined],
  ['A=b', 'A', /line 1: value must be enclosed in single quotes/],
  ["A ='b'", 'A', /line 1: whitespace before '=' is not allowed/],
  ["\nA='b", 'A', /line 2: unclosed single quote/],
  ["A='b'c", 'A', /unexpected content after closing quote/],
  ['A', 'A', /missing '='/],
  ["='b'", 'A', /empty variable name/],
];
for (const [text, key, wants] of files) {
  test(`${JSON.stringify(text)} has for ${key}: ${wants}`, () => {
    if (wants instanceof RegExp) assert.throws(() => valueIn(text, key), wants);
    else assert.equal(valueIn(text, key), wants);
  });
}
