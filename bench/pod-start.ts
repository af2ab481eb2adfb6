// From the creation of a pod to Ready, and from its deletion to gone, as a watcher sees it: next to the bare CRI calls
// for the same container on the same containerd, turn by turn in one run.
//
//   BENCH_PODS=50 node bench/pod-start.ts

import { RuntimeClient } from '../agent/cri/runtime.ts';
import { HttpsClient } from '../api/client/https-client.ts';
import { Informer } from '../api/client/informer.ts';
import { Transport } from '../api/client/transport.ts';
import { silent } from '../api/log.ts';
import { systemClock } from '../api/system.ts';
import type { Pod } from '../api/types/core/pod.ts';
import { pods } from '../api/types/core/resources.ts';
import { readAdmin } from '../cli/pki.ts';
import { startCluster } from '../test/cluster/harness/cluster.ts';
import { cpuSeconds, median, memoryOf, percentile, table } from './figures.ts';

const COUNT = Number(process.env['BENCH_PODS'] ?? 50);
const WARM_UP = 3;
const IMAGE = 'skiff.local/test/busybox:1';
/** A first process that obeys SIGTERM at once. */
const COMMAND = ['sh', '-c', 'trap "exit 0" TERM; while :; do sleep 1000 & wait; done'];
const NEVER = new AbortController().signal;

interface Turn {
  readonly startMs: number;
  readonly endMs: number;
}

await using cluster = await startCluster();
using runtime = new RuntimeClient(cluster.node.node.path('/run/skiff/containerd/containerd.sock'), systemClock);
const admin = await readAdmin(cluster.node.node.path('/var/lib/skiff/pki'));
await using transport = new Transport({
  server: `https://${cluster.node.node.address}:6443`,
  credentials: () => ({ ca: admin.caPem, cert: admin.certPem, key: admin.keyPem }),
  userAgent: 'bench',
  clock: systemClock,
});
const client = new HttpsClient(transport, systemClock);

const raw: Turn[] = [];
const ours: Turn[] = [];
await using watcher = watchPods(client);
const parts = ['server', 'agent', 'containerd'] as const;
const pids = await Promise.all(parts.map((part) => cluster.node.pid(part)));
const before = pids.map(cpuSeconds);
for (let i = 0; i < COUNT + WARM_UP; i++) {
  const [floor, turn] = [await rawTurn(i), await podTurn(i)];
  if (i < WARM_UP) continue;
  raw.push(floor);
  ours.push(turn);
}
const used = pids.map((pid, i) => cpuSeconds(pid) - before[i]!);

const row = (what: string, pick: (turn: Turn) => number) => {
  const [floor, mine] = [raw.map(pick), ours.map(pick)];
  return {
    what,
    'raw CRI p50 ms': median(floor),
    'skiff p50 ms': median(mine),
    'skiff p99 ms': percentile(mine, 0.99),
    'beyond raw p50 ms': median(mine) - median(floor),
    ratio: median(mine) / median(floor),
  };
};
table(`${COUNT} pods, one at a time`, [
  row('create to Ready', ({ startMs }) => startMs),
  row('delete to gone', ({ endMs }) => endMs),
]);
table(
  'processes',
  parts.map((part, i) => ({
    process: part,
    'CPU s per pod': used[i]! / (COUNT + WARM_UP),
    ...renamed(memoryOf(pids[i]!)),
  })),
);

function renamed({ rssMb, pssMb }: ReturnType<typeof memoryOf>) {
  return { 'RSS MB': rssMb, 'PSS MB': pssMb };
}

async function rawTurn(i: number): Promise<Turn> {
  const uid = `bench-${i}`;
  const sandbox = {
    metadata: { name: uid, uid, namespace: 'bench', attempt: 0 },
    hostname: uid,
    logDirectory: `/var/log/pods/bench_${uid}_${uid}`,
    labels: {},
    annotations: {},
    portMappings: [],
    linux: {},
  } as unknown as Parameters<RuntimeClient['runSandbox']>[0];
  const container = {
    metadata: { name: 'app', attempt: 0 },
    image: { image: IMAGE },
    command: COMMAND,
    logPath: 'app/0.log',
    linux: {},
  } as unknown as Parameters<RuntimeClient['createContainer']>[1];
  const began = performance.now();
  const sandboxId = await runtime.runSandbox(sandbox, '', NEVER);
  const containerId = await runtime.createContainer(sandboxId, container, sandbox, NEVER);
  await runtime.startContainer(containerId, NEVER);
  const startMs = performance.now() - began;
  const ending = performance.now();
  await runtime.stopContainer(containerId, 30, NEVER);
  await runtime.removeContainer(containerId, NEVER);
  await runtime.stopSandbox(sandboxId, NEVER);
  await runtime.removeSandbox(sandboxId, NEVER);
  return { startMs, endMs: performance.now() - ending };
}

async function podTurn(i: number): Promise<Turn> {
  const key = { namespace: 'default', name: `bench-${i}` };
  const spec = { containers: [{ name: 'app', image: IMAGE, command: COMMAND }] } as Pod['spec'];
  const began = performance.now();
  const ready = watcher.until(`default/${key.name}`, (pod) => pod?.status.conditions?.some(isReady) ?? false);
  await client.create(pods, { metadata: key, spec });
  await ready;
  const startMs = performance.now() - began;
  const ending = performance.now();
  const gone = watcher.until(`default/${key.name}`, (pod) => pod === undefined);
  await client.delete(pods, key);
  await gone;
  return { startMs, endMs: performance.now() - ending };
}

function isReady({ type, status }: { type: string; status: string }): boolean {
  return type === 'Ready' && status === 'True';
}

function watchPods(of: HttpsClient) {
  const informer = new Informer(of, pods, {}, { clock: systemClock, log: silent });
  const stop = new AbortController();
  const running = informer.run(stop.signal);
  const waiting = new Set<(key: string, pod: Pod | undefined) => void>();
  informer.onChange((key, pod) => {
    for (const each of waiting) each(key, pod);
  });
  return {
    until(key: string, condition: (pod: Pod | undefined) => boolean): Promise<void> {
      return new Promise((resolve) => {
        const look = (changed: string, pod: Pod | undefined) => {
          if (changed !== key || !condition(pod)) return;
          waiting.delete(look);
          resolve();
        };
        waiting.add(look);
      });
    },
    async [Symbol.asyncDispose]() {
      stop.abort();
      await running;
    },
  };
}
