// A storage driver for tests, a process of its own: Identity, Node and Controller on one socket, and the socket by which
// it registers with the kubelet. It remembers nothing that is not on disk, so it may be killed at any time.
import { mkdir, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { parseArgs } from 'node:util';
import { Server, ServerCredentials, type ServiceDefinition, type UntypedServiceImplementation } from '@grpc/grpc-js';
import { load } from '@grpc/proto-loader';
import { assetPath } from '../../../api/assets.ts';
import { systemClock } from '../../../api/system.ts';
import { controllerService } from './controller-service.ts';
import { nodeService } from './node-service.ts';
import { Store } from './store.ts';
import { CODE, type Method, Refusal, type Request } from './types.ts';

const { values } = parseArgs({
  options: {
    name: { type: 'string', default: 'test.csi.skiff.dev' },
    root: { type: 'string' },
    'node-id': { type: 'string', default: 'node-1' },
    'kubelet-dir': { type: 'string', default: '/var/lib/kubelet' },
    'max-volumes': { type: 'string', default: '0' },
    /** key=value, several times. */
    topology: { type: 'string', multiple: true, default: [] },
    /** A capability it is to be without, several times. */
    without: { type: 'string', multiple: true, default: [] },
  },
});
const { name } = values;
const kubeletDir = values['kubelet-dir'];
const endpoint = join(kubeletDir, 'plugins', name, 'csi.sock');
const registration = join(kubeletDir, 'plugins_registry', `${name}-reg.sock`);
const store = new Store(values.root ?? join(kubeletDir, 'plugins', name, 'data'));
const without = new Set(values.without);
const topology =
  values.topology.length === 0
    ? undefined
    : Object.fromEntries(values.topology.map((pair) => pair.split('=') as [string, string]));

const identity: Record<string, Method> = {
  GetPluginInfo: async () => ({ name, vendorVersion: '1' }),
  GetPluginCapabilities: async () => ({
    capabilities: [
      { service: { type: 'CONTROLLER_SERVICE' } },
      ...(topology === undefined ? [] : [{ service: { type: 'VOLUME_ACCESSIBILITY_CONSTRAINTS' } }]),
      { volumeExpansion: { type: 'ONLINE' } },
    ],
  }),
  Probe: async () => ({ ready: { value: true } }),
};
const register: Record<string, Method> = {
  GetInfo: async () => ({ type: 'CSIPlugin', name, endpoint, supportedVersions: ['1.0.0'] }),
  NotifyRegistrationStatus: async () => ({}),
};

type Call = { request: Request };
type Answer = (err: { code: number; details: string } | null, value?: object) => void;

function serve(methods: Record<string, Method>): UntypedServiceImplementation {
  return Object.fromEntries(
    Object.entries(methods).map(([method, work]) => [
      method,
      ({ request }: Call, answer: Answer) => {
        const failed = (err: unknown) => {
          const code = err instanceof Refusal ? err.code : CODE.internal;
          const details = err instanceof Error ? err.message : String(err);
          void store.called({ method, request, failed: details }).finally(() => answer({ code, details }));
        };
        // The line is there before the answer: who was answered finds it.
        const succeeded = (value: object) => void store.called({ method, request }).then(() => answer(null, value));
        withFault(method, () => work(request)).then(succeeded, failed);
      },
    ]),
  );
}

async function withFault(method: string, work: () => Promise<object>): Promise<object> {
  const fault = await store.fault(method);
  if (fault === undefined) return work();
  if (fault.delayMs !== undefined) await systemClock.sleep(fault.delayMs);
  if (fault.code === undefined) return work();
  if (fault.done) await work();
  throw new Refusal(fault.code, fault.message ?? `${method} fails on purpose`);
}

async function listen(path: string, services: [proto: string, service: string, methods: Record<string, Method>][]) {
  const server = new Server();
  for (const [proto, service, methods] of services) {
    const definition = await load(proto, { longs: String, enums: String, defaults: true });
    server.addService(definition[service] as unknown as ServiceDefinition, serve(methods));
  }
  await mkdir(dirname(path), { recursive: true });
  await rm(path, { force: true });
  await new Promise<void>((resolve, reject) =>
    server.bindAsync(`unix://${path}`, ServerCredentials.createInsecure(), (err) => (err ? reject(err) : resolve())),
  );
  return server;
}

await mkdir(store.root, { recursive: true });
const csi = assetPath('proto/csi.proto');
const node = nodeService({
  ...{ store, topology, without },
  nodeId: values['node-id'],
  maxVolumes: Number(values['max-volumes']),
});
const servers = [
  await listen(endpoint, [
    [csi, 'csi.v1.Identity', identity],
    [csi, 'csi.v1.Node', node],
    [csi, 'csi.v1.Controller', controllerService({ store, topology, without })],
  ]),
  await listen(registration, [
    [assetPath('proto/plugin-registration.proto'), 'pluginregistration.Registration', register],
  ]),
];
process.on('SIGTERM', () => {
  for (const server of servers) server.forceShutdown();
  void Promise.all([rm(registration, { force: true }), rm(endpoint, { force: true })]).then(() => process.exit(0));
});
