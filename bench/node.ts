// What benches of a node share: a cluster of bundled processes as nodes run them, a client of its API with eyes for
// pods, and a bare CRI client of the same containerd, which is the floor.
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { RuntimeClient } from '../agent/cri/runtime.ts';
import { HttpsClient } from '../api/client/https-client.ts';
import { Informer } from '../api/client/informer.ts';
import { Transport } from '../api/client/transport.ts';
import { silent } from '../api/log.ts';
import { systemClock } from '../api/system.ts';
import type { Pod } from '../api/types/core/pod.ts';
import { pods } from '../api/types/core/resources.ts';
import { bundle } from '../cli/bundle.ts';
import { readAdmin } from '../cli/pki.ts';
import { type Cluster, startCluster } from '../test/cluster/harness/cluster.ts';
import { ownDir } from '../test/cluster/harness/names.ts';
import { cpuSeconds, memoryOf } from './figures.ts';

export const BUSYBOX = 'skiff.local/test/busybox:1';
export const WEB = 'skiff.local/test/web:1';
/** A first process that obeys SIGTERM at once. */
export const OBEYS = ['sh', '-c', 'trap "exit 0" TERM; while :; do sleep 1000 & wait; done'];
export const NEVER = new AbortController().signal;

const PARTS = ['server', 'agent', 'containerd'] as const;

export interface NodeBench extends AsyncDisposable {
  readonly cluster: Cluster;
  readonly client: HttpsClient;
  readonly runtime: RuntimeClient;
  create(name: string, spec: object): Promise<Pod>;
  remove(name: string): Promise<void>;
  /** The first state of the pod that is so, from now on. */
  until(name: string, isSo: (pod: Pod | undefined) => boolean): Promise<Pod | undefined>;
  /** CPU seconds until now, by process. */
  cpu(): Promise<Record<(typeof PARTS)[number], number>>;
  memory(): Promise<Record<string, string | number>[]>;
}

export async function openNode(agentArgs: readonly string[] = []): Promise<NodeBench> {
  await using opened = new AsyncDisposableStack();
  const folder = await ownDir();
  opened.defer(() => rm(folder, { recursive: true, force: true }));
  await bundle(folder);
  const program = (part: 'server' | 'agent') => [join(folder, `${part}.mjs`)];
  const cluster = opened.use(await startCluster({ program, agentArgs, logLevel: 'info' }));
  const { node } = cluster.node;
  const runtime = opened.use(new RuntimeClient(node.path('/run/skiff/containerd/containerd.sock'), systemClock));
  const admin = await readAdmin(node.path('/var/lib/skiff/pki'));
  const transport = opened.use(
    new Transport({
      server: `https://${node.address}:6443`,
      credentials: () => ({ ca: admin.caPem, cert: admin.certPem, key: admin.keyPem }),
      userAgent: 'bench',
      clock: systemClock,
    }),
  );
  const client = new HttpsClient(transport, systemClock);
  const { until } = opened.use(watchPods(client));
  const pids = await Promise.all(PARTS.map((part) => cluster.node.pid(part)));
  const owned = opened.move();
  return {
    cluster,
    client,
    runtime,
    create: (name, spec) =>
      client.create(pods, { metadata: { namespace: 'default', name }, spec: spec as Pod['spec'] }),
    remove: async (name) => void (await client.delete(pods, { namespace: 'default', name })),
    until: (name, isSo) => until(`default/${name}`, isSo),
    cpu: async () => {
      const used = pids.map(cpuSeconds);
      return { server: used[0]!, agent: used[1]!, containerd: used[2]! };
    },
    memory: async () =>
      PARTS.map((part, i) => {
        const { rssMb, pssMb } = memoryOf(pids[i]!);
        return { process: part, 'RSS MB': rssMb, 'PSS MB': pssMb };
      }),
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}

export function isReady(pod: Pod | undefined): boolean {
  return pod?.status.conditions?.some(({ type, status }) => type === 'Ready' && status === 'True') ?? false;
}

/** By a bare client: the sandbox, and one container in it. */
export interface RawPod {
  readonly sandboxId: string;
  readonly containerId: string;
  /** Another container of the same kind in it, created and started. */
  again(): Promise<void>;
  end(): Promise<void>;
}

export async function rawPod(runtime: RuntimeClient, uid: string, command = OBEYS): Promise<RawPod> {
  const sandbox = {
    metadata: { name: uid, uid, namespace: 'bench', attempt: 0 },
    hostname: uid,
    logDirectory: `/var/log/pods/bench_${uid}_${uid}`,
    labels: {},
    annotations: {},
    portMappings: [],
    linux: {},
  } as unknown as Parameters<RuntimeClient['runSandbox']>[0];
  const container = (attempt: number) =>
    ({
      metadata: { name: 'app', attempt },
      image: { image: BUSYBOX },
      command,
      logPath: `app/${attempt}.log`,
      linux: {},
    }) as unknown as Parameters<RuntimeClient['createContainer']>[1];
  const sandboxId = await runtime.runSandbox(sandbox, '', NEVER);
  const ids: string[] = [];
  const start = async () => {
    const id = await runtime.createContainer(sandboxId, container(ids.length), sandbox, NEVER);
    ids.push(id);
    await runtime.startContainer(id, NEVER);
  };
  await start();
  return {
    sandboxId,
    containerId: ids[0]!,
    again: start,
    async end() {
      for (const id of ids) {
        await runtime.stopContainer(id, 30, NEVER);
        await runtime.removeContainer(id, NEVER);
      }
      await runtime.stopSandbox(sandboxId, NEVER);
      await runtime.removeSandbox(sandboxId, NEVER);
    },
  };
}

function watchPods(of: HttpsClient) {
  const informer = new Informer(of, pods, {}, { clock: systemClock, log: silent });
  const stop = new AbortController();
  const running = informer.run(stop.signal);
  const waiting = new Map<string, Set<(pod: Pod | undefined) => void>>();
  informer.onChange((key, pod) => {
    for (const look of waiting.get(key) ?? []) look(pod);
  });
  return {
    until(key: string, isSo: (pod: Pod | undefined) => boolean): Promise<Pod | undefined> {
      return new Promise((resolve) => {
        const looks = waiting.get(key) ?? new Set();
        waiting.set(key, looks);
        const look = (pod: Pod | undefined) => {
          if (!isSo(pod)) return;
          looks.delete(look);
          resolve(pod);
        };
        looks.add(look);
      });
    },
    async [Symbol.asyncDispose]() {
      stop.abort();
      await running;
    },
  };
}
