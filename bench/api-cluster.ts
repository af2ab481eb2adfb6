// The server with scheduler and controllers in it, as nodes run it: memory with 20,000 pods bound to nodes, and how long
// a turn of the event loop keeps others waiting while 5,000 pods are listed and a deployment rolls out at once. The
// floors: the same without pods, and the same loop with nothing to do.
import { setTimeout as sleep } from 'node:timers/promises';
import { LONG, openBench, type Target } from './api/process.ts';
import { table } from './figures.ts';

const PODS = 20_000;
const LISTED = 5_000;
const NODES = 200;
const REPLICAS = LONG ? 1_000 : 300;
const ALL = 'api,scheduler,controllers';

const nodeText = (n: number) => {
  const resources = { cpu: '64', memory: '256Gi', pods: '500' };
  const metadata = { name: `node-${n}`, labels: { 'kubernetes.io/os': 'linux' } };
  const status = { capacity: resources, allocatable: resources, conditions: [{ type: 'Ready', status: 'True' }] };
  return JSON.stringify({ apiVersion: 'v1', kind: 'Node', metadata, status });
};

const rollout = () => {
  const labels = { app: 'rollout' };
  const template = { metadata: { labels }, spec: { containers: [{ name: 'c', image: 'registry.example.com/c:1' }] } };
  const spec = { replicas: REPLICAS, selector: { matchLabels: labels }, template };
  return JSON.stringify({ apiVersion: 'apps/v1', kind: 'Deployment', metadata: { name: 'rollout' }, spec });
};

async function fill(server: Target, pods: number) {
  await server.run({
    job: 'post',
    path: '/api/v1/nodes',
    bodies: Array.from({ length: NODES }, (_, n) => nodeText(n)),
  });
  const job = {
    job: 'requests',
    verb: 'create',
    clients: 64,
    prefix: 'pod-',
    from: 0,
    to: pods,
    nodes: NODES,
  } as const;
  return server.run(job);
}

await using bench = await openBench();
const memory = await (async () => {
  await using server = await bench.server('many', ALL);
  await sleep(3_000);
  const idle = server.memory().rssMb;
  const created = await fill(server, PODS);
  await sleep(LONG ? 60_000 : 10_000);
  return { idle, full: server.memory().rssMb, created };
})();
const loop = await (async () => {
  await using server = await bench.server('listed', ALL);
  await fill(server, LISTED);
  await server.run({ job: 'list', times: 3, limit: 0, gzip: false });
  await sleep(5_000);
  await server.loopDelay();
  await sleep(3_000);
  const floor = await server.loopDelay();
  await server.run({ job: 'post', path: '/apis/apps/v1/namespaces/default/deployments', bodies: [rollout()] });
  const listed = await server.run({ job: 'list', times: LONG ? 100 : 20, limit: 0, gzip: false });
  return { floor, listed, busy: await server.loopDelay() };
})();
table('memory with scheduler and controllers', [
  { when: 'idle', 'RSS MB': memory.idle, 'above idle': 0, 'at most': '' },
  {
    when: `${PODS} bound pods of 4.5 KB`,
    'RSS MB': memory.full,
    'above idle': memory.full - memory.idle,
    'at most': 300,
  },
]);
const { cpuSeconds, count, seconds } = memory.created;
table('creating them', [
  { 'CPU s per 1,000': (cpuSeconds / count) * 1_000, 'per second': Math.round(count / seconds) },
]);
const row = (when: string, { p50Ms, p99Ms, maxMs }: typeof loop.busy, goal: number | '') => ({
  ...{ when, 'p50 ms': p50Ms, 'p99 ms': p99Ms, 'longest ms': maxMs, 'p99 below': goal },
  'times the floor': p99Ms / loop.floor.p99Ms,
});
table('delay of the event loop', [
  row('idle', loop.floor, ''),
  row(`LIST of ${LISTED} again and again, a rollout of ${REPLICAS}`, loop.busy, 20),
]);
