// Requests to port 10250, decided without a server: which page is meant, who may, what a stream is to be.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Access, type Credentials, type ResourceQuestion, type User } from '../../../agent/server/access.ts';
import { type Instance, loggedInstance, runningInstance } from '../../../agent/server/container-choice.ts';
import { attributesOf, routeOf } from '../../../agent/server/route.ts';
import { Slots } from '../../../agent/server/slots.ts';
import { commandOf, portsOf, protocolOf, streamsOf } from '../../../agent/server/stream-options.ts';
import type { ContainerStatus } from '../../../api/types/core/container-status.ts';
import type { Pod } from '../../../api/types/core/pod.ts';
import { VirtualClock } from '../../sim/virtual-clock.ts';

const never = new AbortController().signal;

const target = { namespace: 'ns', pod: 'web', container: 'main' };
const routes: [path: string, route: unknown][] = [
  ['/healthz', { to: 'page', page: '/healthz' }],
  ['/runningpods/', { to: 'page', page: '/runningpods' }],
  ['/stats/summary', { to: 'page', page: '/stats/summary' }],
  ['/containerLogs/ns/web/main', { to: 'containerLogs', target }],
  ['/exec/ns/web/main', { to: 'exec', target }],
  ['/exec/ns/web/u-1/main', { to: 'exec', target: { ...target, uid: 'u-1' } }],
  ['/attach/ns/web/main', { to: 'attach', target }],
  ['/run/ns/web/main', { to: 'run', target }],
  ['/portForward/ns/web', { to: 'portForward', target: { namespace: 'ns', pod: 'web' } }],
  ['/portForward/ns/web/u-1', { to: 'portForward', target: { namespace: 'ns', pod: 'web', uid: 'u-1' } }],
  ['/checkpoint/ns/web/main', { to: 'checkpoint', target }],
  ['/metrics/probes', { to: 'page', page: '/metrics/probes' }],
  ['/logs/', { to: 'nodeLogs', path: '' }],
  ['/logs/pods/a%20b', { to: 'nodeLogs', path: 'pods/a b' }],
  ['/checkpoint/ns/web/u-1/main', undefined],
  ['/containerLogs/ns/web', undefined],
  ['/containerLogs/ns//main', undefined],
  ['/containerLogs/ns/web/main/more', undefined],
  ['/exec/ns/%zz/main', undefined],
  ['/', undefined],
  ['/metrics/other', undefined],
];
for (const [path, route] of routes) {
  test(`${path} is ${route === undefined ? 'not there' : 'routed'}`, () => {
    assert.deepEqual(routeOf(path)?.route, route);
  });
}

const attributes: [method: string, path: string, verb: string, subresources: string[]][] = [
  ['GET', '/containerLogs/ns/web/main', 'get', ['proxy']],
  ['POST', '/exec/ns/web/main', 'create', ['proxy']],
  ['GET', '/stats/summary', 'get', ['stats']],
  ['GET', '/metrics/cadvisor', 'get', ['metrics']],
  ['GET', '/metricsx', 'get', ['proxy']],
  ['HEAD', '/healthz', 'get', ['healthz', 'proxy']],
  ['GET', '/pods', 'get', ['pods', 'proxy']],
  ['DELETE', '/', 'delete', ['proxy']],
];
for (const [method, path, verb, subresources] of attributes) {
  test(`${method} ${path} asks for ${verb} nodes/${subresources.join(' or ')}`, () => {
    assert.deepEqual(attributesOf(method, path), { verb, subresources });
  });
}

const reader: User = { name: 'reader', groups: ['system:authenticated'] };

function access(allowed: readonly string[]) {
  const clock = new VirtualClock();
  const asked: string[] = [];
  const state = { down: false };
  const reviews = {
    userOf: async (token: string) => {
      asked.push(`token ${token}`);
      if (state.down) throw new Error('no API');
      return token === 'good' ? reader : undefined;
    },
    allows: async (user: User, { verb, subresource, name }: ResourceQuestion) => {
      asked.push(`${user.name} ${verb} ${name}/${subresource}`);
      if (state.down) throw new Error('no API');
      return allowed.includes(`${verb} ${subresource}`);
    },
  };
  const gate = new Access(reviews, 'n1', clock);
  const check = (credentials: Credentials, path: string, method = 'GET') =>
    gate.check(credentials, method, path, never).then(
      ({ name }) => name,
      (err: { code: number; message: string }) => `${err.code} ${err.message.trim()}`,
    );
  return { check, asked, clock, state };
}

test('nobody without a name gets in, and the API is not asked', async () => {
  const { check, asked } = access([]);
  assert.equal(await check({}, '/healthz'), '401 Unauthorized');
  assert.deepEqual(asked, []);
});

test('the API`s own certificate gets in while the API is away', async () => {
  const { check, asked, state } = access([]);
  state.down = true;
  const certificate = { name: 'kube-apiserver-kubelet-client', groups: ['system:masters'] };
  assert.equal(await check({ certificate }, '/exec/ns/web/main', 'POST'), 'kube-apiserver-kubelet-client');
  assert.deepEqual(asked, []);
});

test('a token is looked up once for a while, and so is what its user may', async () => {
  const { check, asked, clock } = access(['get stats']);
  assert.equal(await check({ token: 'good' }, '/stats/summary'), 'reader');
  assert.equal(await check({ token: 'good' }, '/stats/summary'), 'reader');
  assert.deepEqual(asked, ['token good', 'reader get n1/stats']);
  await clock.advance(3 * 60_000);
  assert.equal(await check({ token: 'good' }, '/stats/summary'), 'reader');
  assert.equal(asked.length, 3, 'the token again, the permission not yet');
});

test('one of several names of a page is enough', async () => {
  const { check, asked } = access(['get proxy']);
  assert.equal(await check({ certificate: reader }, '/pods'), 'reader');
  assert.deepEqual(asked, ['reader get n1/pods', 'reader get n1/proxy']);
});

test('who may not is told what was asked, and a refusal is soon asked again', async () => {
  const { check, asked, clock } = access([]);
  const refusal = '403 Forbidden (user=reader, verb=create, resource=nodes, subresource(s)=[proxy])';
  assert.equal(await check({ certificate: reader }, '/exec/ns/web/main', 'POST'), refusal);
  assert.equal(await check({ certificate: reader }, '/exec/ns/web/main', 'POST'), refusal);
  assert.equal(asked.length, 1);
  await clock.advance(31_000);
  await check({ certificate: reader }, '/exec/ns/web/main', 'POST');
  assert.equal(asked.length, 2);
});

test('a token that is nobody`s is refused, and an API that does not answer is no refusal to remember', async () => {
  const { check, state } = access(['get proxy']);
  assert.equal(await check({ token: 'bad' }, '/pods'), '401 Unauthorized');
  state.down = true;
  assert.equal(await check({ token: 'good' }, '/pods'), '500 Authorization error (token)');
  state.down = false;
  assert.equal(await check({ token: 'good' }, '/pods'), 'reader');
});

test('streams are what the query says, in the words of kubelets and of the API', () => {
  const of = (query: string) => streamsOf(new URLSearchParams(query));
  assert.deepEqual(of('input=1&output=1&error=1'), { stdin: true, stdout: true, stderr: true, tty: false });
  assert.deepEqual(of('stdin=true&stdout=true&tty=true&stderr=true'), {
    stdin: true,
    stdout: true,
    stderr: false,
    tty: true,
  });
  assert.throws(() => of('input=0&tty=1'), { code: 400, message: /at least 1 of stdin, stdout, stderr/ });
  assert.deepEqual(commandOf(new URLSearchParams('command=sh&command=-c&command=')), ['sh', '-c', '']);
  assert.throws(() => commandOf(new URLSearchParams('')), { code: 400 });
});

test('ports are named beforehand by WebSocket clients only', () => {
  const of = (query: string) => portsOf(new URLSearchParams(query), true);
  assert.deepEqual(of('port=80,443&port=8080'), [80, 443, 8080]);
  assert.deepEqual(portsOf(new URLSearchParams(''), false), []);
  for (const query of ['', 'port=0', 'port=65536', 'port=x', 'port=80,']) assert.throws(() => of(query), { code: 400 });
});

const websocket = (protocols?: string) => ({
  connection: 'Upgrade',
  upgrade: 'websocket',
  ...(protocols !== undefined && { 'sec-websocket-protocol': protocols }),
});
const upgrades: [headers: Record<string, string>, command: string, portForward: string][] = [
  [{ connection: 'Upgrade', upgrade: 'SPDY/3.1' }, 'spdy', 'spdy'],
  [{ ...websocket(), connection: 'keep-alive, upgrade' }, 'websocket', 'websocket'],
  [websocket('v4.channel.k8s.io'), 'websocket', 'websocket'],
  [websocket('v5.channel.k8s.io, v4.channel.k8s.io'), 'v5.channel.k8s.io', 'websocket'],
  [websocket('v5.channel.k8s.io'), 'v5.channel.k8s.io', 'refused'],
  [websocket('SPDY/3.1+portforward.k8s.io'), 'refused', 'SPDY/3.1+portforward.k8s.io'],
  [websocket('v6.channel.k8s.io'), 'refused', 'refused'],
  [{ connection: 'Upgrade', upgrade: 'h2c' }, 'refused', 'refused'],
  [{ upgrade: 'SPDY/3.1' }, 'refused', 'refused'],
];
for (const [headers, command, portForward] of upgrades) {
  test(`an upgrade with ${JSON.stringify(headers)} is ${command} for a command, ${portForward} for ports`, () => {
    for (const [wanted, ports] of [
      [command, false],
      [portForward, true],
    ] as const) {
      if (wanted === 'refused') assert.throws(() => protocolOf(headers, ports), { code: 400 });
      else assert.equal(protocolOf(headers, ports), wanted);
    }
  });
}

const aPod = (status?: Partial<ContainerStatus>): Pod =>
  ({
    metadata: { name: 'web', namespace: 'ns', uid: 'u' },
    spec: { containers: [{ name: 'main' }] },
    status: { containerStatuses: status === undefined ? [] : [{ name: 'main', ...status }] },
  }) as unknown as Pod;
const instance = (id: string, attempt: number, state: Instance['state']): Instance => ({
  id,
  name: 'main',
  attempt,
  state,
});
const ended = (id: string) => ({ terminated: { exitCode: 1, containerID: `containerd://${id}` } });
const of = 'container "main" in pod "web"';

const choices: { it: string; pod: Pod; instances?: Instance[]; previous?: boolean; gives: string }[] = [
  { it: 'the running one', pod: aPod({ state: { running: {} }, containerID: 'containerd://b' }), gives: 'b' },
  { it: 'the one that ended', pod: aPod({ state: ended('b') }), gives: 'b' },
  {
    it: 'the last one while the next waits',
    pod: aPod({ state: { waiting: { reason: 'CrashLoopBackOff' } }, lastState: ended('a') }),
    gives: 'a',
  },
  { it: 'the one before', pod: aPod({ state: { running: {} }, lastState: ended('a') }), previous: true, gives: 'a' },
  {
    it: 'none before the first',
    pod: aPod({ state: { running: {} } }),
    previous: true,
    gives: `previous terminated ${of} not found`,
  },
  {
    it: 'none while it is created',
    pod: aPod({ state: { waiting: { reason: 'ContainerCreating' } } }),
    gives: `${of} is waiting to start: ContainerCreating`,
  },
  {
    it: 'none without an image',
    pod: aPod({ state: { waiting: { reason: 'ErrImagePull' } } }),
    gives: `${of} is waiting to start: image can't be pulled`,
  },
  {
    it: 'none while pulling is put off',
    pod: aPod({ state: { waiting: { reason: 'ImagePullBackOff' } } }),
    gives: `${of} is waiting to start: trying and failing to pull image`,
  },
  { it: 'none that status has never seen', pod: aPod(), gives: `${of} is not available` },
  {
    it: 'the newest that runs when status is behind',
    pod: aPod(),
    instances: [instance('a', 0, 'CONTAINER_EXITED'), instance('b', 1, 'CONTAINER_RUNNING')],
    gives: 'b',
  },
  {
    it: 'none that was only created',
    pod: aPod({ state: { waiting: { reason: 'ContainerCreating' } } }),
    instances: [instance('a', 0, 'CONTAINER_CREATED')],
    gives: `${of} is waiting to start: ContainerCreating`,
  },
];
for (const { it, pod, instances = [], previous = false, gives } of choices) {
  test(`the log is that of ${it}`, () => {
    const given = () => loggedInstance(pod, 'main', instances, previous);
    if (gives.length > 1) assert.throws(given, { code: 400, message: gives });
    else assert.equal(given(), gives);
  });
}

test('a command runs in the newest instance, and only while it runs', () => {
  const before = instance('a', 0, 'CONTAINER_EXITED');
  assert.equal(runningInstance('main', [before, instance('b', 1, 'CONTAINER_RUNNING')]), 'b');
  const message = 'container not found ("main")';
  assert.throws(() => runningInstance('main', [before]), { code: 500, message });
  assert.throws(() => runningInstance('main', []), { code: 500, message });
});

test('there are only so many slots, and one given back twice is one', () => {
  const slots = new Slots(1, 'streams');
  const slot = slots.take();
  assert.throws(() => slots.take(), { code: 429, message: /too many streams/ });
  slot[Symbol.dispose]();
  slot[Symbol.dispose]();
  assert.equal(slots.taken, 0);
});
