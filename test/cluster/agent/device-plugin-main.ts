// A device plugin for tests: as many devices as it is told, each seen by a container as a device node, an environment
// variable and a file with the nonce of the run. What it is asked is written to a log; which of its devices are broken
// it reads from a file. As real plugins do, it registers anew when the kubelet's socket is another one.
import { appendFileSync, existsSync, readFileSync, rmSync, statSync, watch, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import * as grpc from '@grpc/grpc-js';
import { load } from '@grpc/proto-loader';

const [dir = '', resource = '', count = '1', nonce = '', options = '{}'] = process.argv.slice(2);
const { preStart = false, prefer = false } = JSON.parse(options) as { preStart?: boolean; prefer?: boolean };
const slug = basename(resource);
const socket = join(dir, `${slug}.sock`);
const kubelet = join(dir, 'kubelet.sock');
const state = process.env['STATE_DIR']!;
const log = (entry: unknown) => appendFileSync(join(state, `${slug}.log`), `${JSON.stringify(entry)}\n`);
const broken = () => {
  const file = join(state, `${slug}.broken`);
  return existsSync(file) ? readFileSync(file, 'utf8').split(',') : [];
};

interface Wire {
  request: { containerRequests: { deviceIds: string[]; allocationSize?: number; availableDeviceIds?: string[] }[] };
}
const watchers = new Set<grpc.ServerWritableStream<unknown, unknown>>();
const devices = () =>
  Array.from({ length: Number(count) }, (_each, at) => {
    const id = `${slug}-${at}`;
    return { id, health: broken().includes(id) ? 'Unhealthy' : 'Healthy', topology: { nodes: [{ id: 0 }] } };
  });

const definition = await load(join(import.meta.dirname, '../../../proto/device-plugin.proto'), { defaults: true });
const service = definition['v1beta1.DevicePlugin'] as unknown as grpc.ServiceDefinition;
type Answer = (err: object | null, value?: unknown) => void;
const pluginOptions = { preStartRequired: preStart, getPreferredAllocationAvailable: prefer };

async function serve(): Promise<grpc.Server> {
  const server = new grpc.Server();
  server.addService(service, {
    GetDevicePluginOptions: (_call: unknown, answer: Answer) => answer(null, pluginOptions),
    ListAndWatch(stream: grpc.ServerWritableStream<unknown, unknown>) {
      watchers.add(stream);
      stream.on('cancelled', () => watchers.delete(stream));
      stream.write({ devices: devices() });
    },
    GetPreferredAllocation({ request }: Wire, answer: Answer) {
      log({ prefer: request.containerRequests });
      // The last ones first: nobody else would choose so.
      answer(null, {
        containerResponses: request.containerRequests.map(({ availableDeviceIds = [], allocationSize = 0 }) => ({
          deviceIds: [...availableDeviceIds].sort().reverse().slice(0, allocationSize),
        })),
      });
    },
    Allocate({ request }: Wire, answer: Answer) {
      const ids = request.containerRequests.flatMap(({ deviceIds }) => deviceIds);
      log({ allocate: ids });
      if (existsSync(join(state, `${slug}.fail`))) return answer({ code: 2, details: 'the device is on fire' });
      answer(null, {
        containerResponses: request.containerRequests.map(({ deviceIds }) => ({
          envs: { DEVICES: deviceIds.join(','), DEVICE_NONCE: nonce },
          devices: deviceIds.map((id) => ({ containerPath: `/dev/${id}`, hostPath: '/dev/zero', permissions: 'rw' })),
          mounts: [{ containerPath: '/device-nonce', hostPath: join(state, 'nonce'), readOnly: true }],
          annotations: { 'skiff.test/device': deviceIds.join(',') },
        })),
      });
    },
    PreStartContainer({ request }: { request: { deviceIds: string[] } }, answer: Answer) {
      log({ preStart: request.deviceIds });
      answer(null, {});
    },
  });
  rmSync(socket, { force: true });
  await new Promise<void>((resolve, reject) => {
    server.bindAsync(`unix://${socket}`, grpc.ServerCredentials.createInsecure(), (err) =>
      err === null ? resolve() : reject(err),
    );
  });
  return server;
}

function register(): Promise<string | undefined> {
  const Registration = grpc.makeClientConstructor(
    definition['v1beta1.Registration'] as unknown as grpc.ServiceDefinition,
    'Registration',
  );
  const client = new Registration(`unix://${kubelet}`, grpc.credentials.createInsecure());
  const request = {
    version: process.env['VERSION'] ?? 'v1beta1',
    endpoint: basename(socket),
    resourceName: resource,
    options: pluginOptions,
  };
  return new Promise((resolve) => {
    client['Register']!(request, (err: grpc.ServiceError | null) => {
      client.close();
      resolve(err?.details);
    });
  });
}

writeFileSync(join(state, 'nonce'), nonce);
let server = await serve();
let registered = '';
const look = async () => {
  const now = existsSync(kubelet) ? statSync(kubelet) : undefined;
  const identity = now === undefined ? '' : `${now.ino}:${now.ctimeMs}`;
  if (identity === '' || identity === registered) return;
  registered = identity;
  if (!existsSync(socket)) {
    server.forceShutdown();
    watchers.clear();
    server = await serve();
  }
  const refused = await register();
  log(refused === undefined ? { registered: resource } : { refused });
  if (refused !== undefined) registered = '';
};
let busy = Promise.resolve();
const soon = () => {
  busy = busy.then(look);
};
watch(dir, soon);
watch(state, (_event, name) => {
  if (name !== `${slug}.broken`) return;
  for (const stream of watchers) stream.write({ devices: devices() });
});
// The net under lost notifications of the file system.
setInterval(soon, 200);
soon();
