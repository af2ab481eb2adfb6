// A driver of dynamic resources for tests: registers in plugins_registry, and describes each device it prepares in a
// CDI file: an environment variable with the run's nonce, a device node and a mount. What it is asked is logged.
import { appendFileSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import * as grpc from '@grpc/grpc-js';
import { load } from '@grpc/proto-loader';

const [kubeletDir = '', driver = '', version = 'v1', nonce = ''] = process.argv.slice(2);
const state = process.env['STATE_DIR']!;
const cdiDir = '/var/run/cdi';
const socket = join(kubeletDir, 'plugins', driver, 'dra.sock');
const registration = join(kubeletDir, 'plugins_registry', `${driver}-reg.sock`);
const log = (entry: unknown) => appendFileSync(join(state, `${driver}.log`), `${JSON.stringify(entry)}\n`);
const proto = (name: string) => join(import.meta.dirname, '../../../proto', name);
type Answer = (err: object | null, value?: unknown) => void;
type Claim = { namespace: string; name: string; uid: string };
type Wire = { request: { claims: Claim[] } };
/** What the test says is allocated, by the claim's UID: a real driver would ask the API. */
const allocated = (uid: string): { request: string; pool: string; device: string }[] =>
  JSON.parse(readFileSync(join(state, 'allocated.json'), 'utf8'))[uid] ?? [];
const cdiFile = (uid: string) => join(cdiDir, `${driver}-${uid}.json`);

const plugin = {
  NodePrepareResources({ request }: Wire, answer: Answer) {
    log({ prepare: request.claims.map(({ name }) => name) });
    if (existsSync(join(state, `${driver}.fail`))) return answer(null, { claims: errors(request.claims, 'no light') });
    mkdirSync(cdiDir, { recursive: true });
    writeFileSync(join(state, 'claim-nonce'), nonce);
    answer(null, { claims: Object.fromEntries(request.claims.map((claim) => [claim.uid, prepare(claim)])) });
  },
  NodeUnprepareResources({ request }: Wire, answer: Answer) {
    log({ unprepare: request.claims.map(({ name }) => name) });
    for (const { uid } of request.claims) rmSync(cdiFile(uid), { force: true });
    answer(null, { claims: Object.fromEntries(request.claims.map(({ uid }) => [uid, {}])) });
  },
};

function prepare({ uid }: Claim) {
  const devices = allocated(uid);
  const spec = {
    cdiVersion: '0.6.0',
    kind: `${driver}/device`,
    containerEdits: { env: [`CLAIM_NONCE=${nonce}`] },
    devices: devices.map(({ device }) => ({
      name: `${uid}-${device}`,
      containerEdits: {
        env: [`CLAIM_${device.toUpperCase().replaceAll('-', '_')}=${device}`],
        deviceNodes: [{ path: `/dev/${device}`, hostPath: '/dev/zero', permissions: 'rw' }],
        mounts: [{ hostPath: join(state, 'claim-nonce'), containerPath: '/claim-nonce', options: ['ro', 'bind'] }],
      },
    })),
  };
  writeFileSync(cdiFile(uid), JSON.stringify(spec));
  return {
    devices: devices.map(({ request, pool, device }) => ({
      requestNames: [request],
      poolName: pool,
      deviceName: device,
      cdiDeviceIds: [`${driver}/device=${uid}-${device}`],
    })),
  };
}

function errors(claims: Claim[], error: string) {
  return Object.fromEntries(claims.map(({ uid }) => [uid, { error }]));
}

async function serve(path: string, file: string, service: string, handlers: object): Promise<void> {
  const definition = await load(proto(file), { defaults: true });
  const server = new grpc.Server();
  server.addService(definition[service] as unknown as grpc.ServiceDefinition, handlers as never);
  mkdirSync(dirname(path), { recursive: true });
  rmSync(path, { force: true });
  await new Promise<void>((resolve, reject) => {
    server.bindAsync(`unix://${path}`, grpc.ServerCredentials.createInsecure(), (err) =>
      err === null ? resolve() : reject(err),
    );
  });
}

await serve(socket, `dra-${version}.proto`, `k8s.io.kubelet.pkg.apis.dra.${version}.DRAPlugin`, plugin);
await serve(registration, 'plugin-registration.proto', 'pluginregistration.Registration', {
  GetInfo(_call: unknown, answer: Answer) {
    const supportedVersions = [`${version}.DRAPlugin`];
    answer(null, { type: 'DRAPlugin', name: driver, endpoint: socket, supportedVersions });
  },
  NotifyRegistrationStatus({ request }: { request: { pluginRegistered: boolean; error: string } }, answer: Answer) {
    log(request.pluginRegistered ? { registered: driver } : { refused: request.error });
    answer(null, {});
  },
});
process.on('SIGTERM', () => {
  rmSync(registration, { force: true });
  process.exit(0);
});
