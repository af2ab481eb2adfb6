// A node with containerd and port 10250 for the tests of this folder, and pods made straight through CRI.
import { writeFileSync } from 'node:fs';
import { readFile, rm } from 'node:fs/promises';
import type { IncomingMessage } from 'node:http';
import { type RequestOptions, request } from 'node:https';
import { join, resolve } from 'node:path';
import { createInterface } from 'node:readline';
import type { Duplex } from 'node:stream';
import { text } from 'node:stream/consumers';
import { RuntimeClient } from '../../../agent/cri/runtime.ts';
import type { ContainerConfig, PodSandboxConfig } from '../../../agent/cri/types.ts';
import type { User } from '../../../agent/server/access.ts';
import { systemClock, systemRandom } from '../../../api/system.ts';
import type { Pod } from '../../../api/types/core/pod.ts';
import { writeImageArchive } from '../../../cli/oci-image.ts';
import { ensurePki, pkiFiles } from '../../../cli/pki.ts';
import { TestContainerd } from '../harness/containerd.ts';
import { testImages } from '../harness/images.ts';
import { ownDir } from '../harness/names.ts';
import { NodeNamespace, type NodeProcess } from '../harness/node-namespace.ts';
import { Segment } from '../harness/segment.ts';
import { waitFor } from '../harness/wait.ts';

/** What the server in the node is told. */
export interface TestState {
  pods: Pod[];
  users: Record<string, User>;
  /** `<user> <verb> <subresource>` */
  allowed: string[];
}

const PKI_DIR = '/var/lib/skiff/pki';
const STATE = '/etc/skiff-test-state.json';
const LOGS = '/var/log/pods';
const MAIN = resolve(import.meta.dirname, 'server-main.ts');
const never = new AbortController().signal;

export interface Answer {
  readonly status: number;
  readonly body: string;
}

export type As = 'masters' | 'nobody' | { token: string };

export interface TestPod {
  readonly name: string;
  readonly sandbox: string;
  readonly id: string;
  /** Seen from the test. */
  readonly logDir: string;
}

export class World implements AsyncDisposable {
  readonly node: NodeNamespace;
  readonly runtime: RuntimeClient;
  readonly #opened: AsyncDisposableStack;
  readonly #state: TestState = { pods: [], users: {}, allowed: [] };
  readonly #tls: { ca: Buffer; cert: Buffer; key: Buffer };
  readonly server: NodeProcess;
  readonly port: number;
  #serial = 0;

  private constructor(given: {
    node: NodeNamespace;
    runtime: RuntimeClient;
    opened: AsyncDisposableStack;
    tls: { ca: Buffer; cert: Buffer; key: Buffer };
    server: NodeProcess;
    port: number;
  }) {
    this.node = given.node;
    this.runtime = given.runtime;
    this.#opened = given.opened;
    this.#tls = given.tls;
    this.server = given.server;
    this.port = given.port;
  }

  static async start(): Promise<World> {
    await using opened = new AsyncDisposableStack();
    const dir = await ownDir();
    opened.defer(() => rm(dir, { recursive: true, force: true }));
    const archive = join(dir, 'images.tar');
    await writeImageArchive(Object.values(await testImages()), archive);
    const segment = opened.use(await Segment.create());
    const node = opened.use(await NodeNamespace.create({ name: 'node-1', segment }));
    const names = { hostname: node.name, nodeName: node.name, nodeIps: [node.address] };
    const ranges = { serviceCidrs: ['10.43.0.0/16'], clusterDomain: 'cluster.local' };
    await ensurePki(node.path(PKI_DIR), { ...names, ...ranges }, { random: systemRandom, nowMs: Date.now() });
    const files = pkiFiles(node.path(PKI_DIR));
    const [ca, cert, key] = await Promise.all(
      [files.cert('ca'), files.cert('apiserver-kubelet-client'), files.key('apiserver-kubelet-client')].map((path) =>
        readFile(path),
      ),
    );
    await node.exec('mkdir', ['-p', '/var/lib/skiff/cni/net.d']);
    await node.exec('tee', ['/var/lib/skiff/cni/net.d/10-test.conflist'], { input: JSON.stringify(podNetwork) });
    const containerd = opened.use(await TestContainerd.start(node, [archive]));
    const runtime = opened.use(new RuntimeClient(containerd.socket, systemClock));
    writeFileSync(node.path(STATE), JSON.stringify({ pods: [], users: {}, allowed: [] }));
    const server = node.spawn('node', [MAIN, STATE, PKI_DIR], { stdio: ['ignore', 'pipe', 2] });
    let line: string | undefined;
    createInterface({ input: server.child.stdout! }).once('line', (said) => {
      line = said;
    });
    await waitFor('the server to listen', () => line !== undefined || !server.running);
    const { port } = JSON.parse(line ?? '{}') as { port: number };
    const tls = { ca: ca!, cert: cert!, key: key! };
    return new World({ node, runtime, opened: opened.move(), tls, server, port });
  }

  async [Symbol.asyncDispose]() {
    await this.server.kill('SIGTERM');
    await this.server.exited;
    await this.#opened.disposeAsync();
  }

  change(change: (state: TestState) => void): void {
    change(this.#state);
    writeFileSync(this.node.path(STATE), JSON.stringify(this.#state));
  }

  options(as: As): RequestOptions {
    const { ca, cert, key } = this.#tls;
    return {
      host: this.node.address,
      port: this.port,
      agent: false,
      ca,
      ...(as === 'masters' && { cert, key }),
      ...(typeof as === 'object' && { headers: { authorization: `Bearer ${as.token}` } }),
    };
  }

  async get(path: string, as: As = 'masters', method = 'GET'): Promise<Answer> {
    const answer = await this.open(path, as, method);
    return { status: answer.statusCode!, body: await text(answer) };
  }

  open(path: string, as: As = 'masters', method = 'GET'): Promise<IncomingMessage> {
    const { promise, resolve: found, reject } = Promise.withResolvers<IncomingMessage>();
    request({ ...this.options(as), path, method }, found)
      .on('error', reject)
      .end();
    return promise;
  }

  /** An upgraded connection, or how it was refused. */
  upgrade(
    path: string,
    headers: Record<string, string | string[]>,
    as: As = 'masters',
    method = 'GET',
  ): Promise<{ socket: Duplex; rest: Buffer; answer: IncomingMessage } | Answer> {
    const options = this.options(as);
    const all = { connection: 'Upgrade', ...headers, ...(options.headers as object) };
    const {
      promise,
      resolve: found,
      reject,
    } = Promise.withResolvers<{ socket: Duplex; rest: Buffer; answer: IncomingMessage } | Answer>();
    const outgoing = request({ ...options, path, method, headers: all });
    outgoing.once('upgrade', (answer, socket, rest) => found({ socket, rest, answer }));
    outgoing.once('response', (answer) => {
      text(answer).then((body) => found({ status: answer.statusCode!, body }), reject);
    });
    outgoing.on('error', reject).end();
    return promise;
  }

  async startPod(image: string, spec: Partial<ContainerConfig> = {}): Promise<TestPod> {
    const name = `${image}-${++this.#serial}`;
    const uid = `uid-${name}`;
    const logDirectory = `${LOGS}/test_${name}_${uid}`;
    const labels = {
      'io.kubernetes.pod.name': name,
      'io.kubernetes.pod.namespace': 'test',
      'io.kubernetes.pod.uid': uid,
    };
    const config: PodSandboxConfig = {
      metadata: { name, uid, namespace: 'test', attempt: 0 },
      hostname: name,
      logDirectory,
      labels,
      linux: { cgroupParent: '/kubepods/besteffort', securityContext: {} },
    };
    await this.node.exec('mkdir', ['-p', `${logDirectory}/main`]);
    const sandbox = await this.runtime.runSandbox(config, '', never);
    const container: ContainerConfig = {
      metadata: { name: 'main', attempt: 0 },
      image: { image: `skiff.local/test/${image}:1` },
      labels: { ...labels, 'io.kubernetes.container.name': 'main' },
      logPath: 'main/0.log',
      linux: { resources: { cpuShares: 2 }, securityContext: {} },
      ...spec,
    };
    const id = await this.runtime.createContainer(sandbox, container, config, never);
    await this.runtime.startContainer(id, never);
    const pod = {
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: { name, namespace: 'test', uid },
      spec: { containers: [{ name: 'main', ...(spec.tty && { tty: true }) }] },
      status: { containerStatuses: [{ name: 'main', state: { running: {} }, containerID: `containerd://${id}` }] },
    } as unknown as Pod;
    this.change(({ pods }) => pods.push(pod));
    return { name, sandbox, id, logDir: this.node.path(`${logDirectory}/main`) };
  }

  /** In a container, beside its first process. */
  async exec(pod: TestPod, script: string): Promise<string> {
    return (await this.runtime.execSync(pod.id, ['sh', '-c', script], 30, never)).stdout.toString();
  }

  async stop(pod: TestPod): Promise<void> {
    await this.runtime.stopContainer(pod.id, 2, never);
  }

  async remove(pod: TestPod): Promise<void> {
    await this.runtime.stopContainer(pod.id, 0, never);
    await this.runtime.stopSandbox(pod.sandbox, never);
    await this.runtime.removeSandbox(pod.sandbox, never);
  }
}

const podNetwork = {
  cniVersion: '0.4.0',
  name: 'test',
  plugins: [
    {
      type: 'ptp',
      ipam: { type: 'host-local', ranges: [[{ subnet: '10.42.0.0/24' }]], routes: [{ dst: '0.0.0.0/0' }] },
    },
  ],
};
