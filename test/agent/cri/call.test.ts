// The client against a real gRPC server on a socket: what containerd's good manners would not show.
import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import {
  Server,
  ServerCredentials,
  type ServiceDefinition,
  status,
  type UntypedServiceImplementation,
} from '@grpc/grpc-js';
import { load } from '@grpc/proto-loader';
import { type CriError, call, isCri } from '../../../agent/cri/call.ts';
import { RuntimeEvents } from '../../../agent/cri/events.ts';
import { RuntimeClient } from '../../../agent/cri/runtime.ts';
import { assetPath } from '../../../api/assets.ts';
import { silent } from '../../../api/log.ts';
import { systemClock } from '../../../api/system.ts';

const never = new AbortController().signal;

async function aRuntime(
  t: TestContext,
  answers: UntypedServiceImplementation,
  proto = 'cri.proto',
  service = 'runtime.v1.RuntimeService',
) {
  const dir = await mkdtemp(join(tmpdir(), 'cri-'));
  const socket = join(dir, 's');
  const definition = await load(assetPath(`proto/${proto}`), { longs: String, enums: String, defaults: true });
  const server = new Server();
  server.addService(definition[service] as unknown as ServiceDefinition, answers);
  await new Promise<void>((resolve, reject) =>
    server.bindAsync(`unix://${socket}`, ServerCredentials.createInsecure(), (err) => (err ? reject(err) : resolve())),
  );
  const client = new RuntimeClient(socket, systemClock);
  t.after(async () => {
    client[Symbol.dispose]();
    server.forceShutdown();
    await rm(dir, { recursive: true, force: true });
  });
  return { client, socket };
}
type Reply = (err: { code: number; details: string } | null, answer?: object) => void;

test('a failure carries the code of the runtime and what it said', async (t) => {
  const { client } = await aRuntime(t, {
    startContainer: (_call: unknown, reply: Reply) =>
      reply({ code: status.FAILED_PRECONDITION, details: 'already running' }),
  });
  await assert.rejects(client.startContainer('c', never), (err: CriError) => {
    assert.deepEqual([err.code, err.detail, err.method], ['FAILED_PRECONDITION', 'already running', 'StartContainer']);
    return true;
  });
});

test('removing what is gone succeeds', async (t) => {
  const { client } = await aRuntime(t, {
    removeContainer: (_call: unknown, reply: Reply) => reply({ code: status.NOT_FOUND, details: 'no such container' }),
  });
  await client.removeContainer('c', never);
});

test('64-bit numbers arrive whole', async (t) => {
  const nanoseconds = '1795195998464316445';
  const { client } = await aRuntime(t, {
    containerStatus: (_call: unknown, reply: Reply) => reply(null, { status: { id: 'c', createdAt: nanoseconds } }),
  });
  const found = await client.containerStatus('c', never);
  assert.equal(found.createdAt, nanoseconds);
  assert.deepEqual([found.state, found.labels, found.image], ['CONTAINER_CREATED', {}, null]);
});

test('whoever gives up gets his own reason, and the runtime hears of it', async (t) => {
  const [asked, cancelled] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
  const { client } = await aRuntime(t, {
    version: (under: { on(event: string, run: () => void): void }) => {
      under.on('cancelled', () => cancelled.resolve());
      asked.resolve();
    },
  });
  const stop = new AbortController();
  const waiting = client.version(stop.signal);
  void asked.promise.then(() => stop.abort(new Error('enough')));
  await assert.rejects(waiting, { message: 'enough' });
  await cancelled.promise;
});

test('a runtime that does not answer is told from one that does', async () => {
  const rpc = {
    method: 'Hang',
    invoke: (_request: object, signal: AbortSignal) =>
      new Promise<never>((_resolve, reject) => signal.addEventListener('abort', () => reject(signal.reason))),
  };
  const opts = { signal: never, deadlineMs: 20, clock: systemClock };
  await assert.rejects(call(rpc, {}, opts), (err) => isCri(err, 'DEADLINE_EXCEEDED'));
});

test('a runtime that is not there is unavailable, not a hang', async (t) => {
  using client = new RuntimeClient(join(tmpdir(), 'no-such-socket'), systemClock);
  t.after(() => client[Symbol.dispose]());
  await assert.rejects(client.version(never), (err) => isCri(err, 'UNAVAILABLE'));
});

test('events wake for the container, and everything is looked at when the stream begins', async (t) => {
  const { socket } = await aRuntime(t, {
    getContainerEvents: (stream: { write(event: object): void }) => {
      stream.write({ containerId: 'c1' });
      stream.write({ containerId: 'c2' });
    },
  });
  const seen: (string | undefined)[] = [];
  const both = Promise.withResolvers<void>();
  await using _events = new RuntimeEvents(socket, systemClock, silent, (id) => {
    seen.push(id);
    if (id === 'c2') both.resolve();
  });
  await both.promise;
  assert.deepEqual(seen.slice(0, 3), [undefined, 'c1', 'c2']);
});

test('where the runtime has no events of its own, those of containerd are taken', async (t) => {
  const exit = Buffer.from('0a02633112026331', 'hex'); // container c1, process c1
  const exec = Buffer.from('0a02633112026578', 'hex'); // container c1, process ex
  const event = (value: Buffer) => ({ topic: '/tasks/exit', event: { typeUrl: 'containerd.events.TaskExit', value } });
  const { socket } = await aRuntime(
    t,
    {
      subscribe: (stream: { write(event: object): void }) => {
        stream.write(event(exec));
        stream.write(event(exit));
      },
    },
    'containerd-events.proto',
    'containerd.services.events.v1.Events',
  );
  const first = Promise.withResolvers<string>();
  await using _events = new RuntimeEvents(socket, systemClock, silent, (id) => id && first.resolve(id));
  assert.equal(await first.promise, 'c1');
});
