// What an idle node costs: memory of the bundled processes without pods, and memory and CPU of the agent with 110 pods,
// without probes and with a probe each second on every one. The floor is a Node process that does nothing.
import { spawn } from 'node:child_process';
import { setTimeout as sleep } from 'node:timers/promises';
import { LONG } from './api/process.ts';
import { memoryOf, table } from './figures.ts';
import { BUSYBOX, isReady, type NodeBench, OBEYS, openNode, WEB } from './node.ts';

const PODS = Number(process.env['BENCH_PODS'] ?? 110);
const SETTLE_MS = 12_000;
const MEASURE_MS = 15_000;
const AT_ONCE = 8;

await using bench = await openNode();
const floor = await bare();
await sleep(SETTLE_MS);
table('idle, as bundles', [
  { process: 'bare Node', 'RSS MB': floor.rssMb, 'PSS MB': floor.pssMb },
  ...(await bench.memory()),
]);
console.log('goals: agent 95 MB RSS, server 120');
const quiet = {
  ...(await filled(bench, 'quiet', { image: BUSYBOX, command: OBEYS })),
  'CPU goal %': 1,
  'RSS goal': 130,
};
// Twice as many pods come and go: more than the two minutes that a bench may take.
const readinessProbe = { httpGet: { port: 8080, path: '/' }, periodSeconds: 1 };
const probed = LONG
  ? [{ ...(await filled(bench, 'probed', { image: WEB, readinessProbe })), 'CPU goal %': 6, 'RSS goal': '' }]
  : [];
table(`the agent with ${PODS} pods`, [quiet, ...probed]);

async function filled(node: NodeBench, name: string, container: object) {
  const names = Array.from({ length: PODS }, (_, i) => `${name}-${i}`);
  const queue = names.values();
  const start = async () => {
    for (const each of queue) {
      const ready = node.until(each, isReady);
      await node.create(each, { containers: [{ name: 'app', ...container }] });
      await ready;
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, start));
  await sleep(SETTLE_MS);
  const before = await node.cpu();
  await sleep(MEASURE_MS);
  const after = await node.cpu();
  const share = (part: keyof typeof after) => ((after[part] - before[part]) / MEASURE_MS) * 1_000 * 100;
  const memory = (await node.memory()).find(({ process: part }) => part === 'agent')!;
  const gone = Promise.all(names.map((each) => node.until(each, (pod) => pod === undefined)));
  await Promise.all(names.map((each) => node.remove(each)));
  await gone;
  return {
    pods: name,
    'RSS MB': memory['RSS MB']!,
    'PSS MB': memory['PSS MB']!,
    'CPU %': share('agent'),
    'containerd %': share('containerd'),
    'server %': share('server'),
  };
}

async function bare() {
  const child = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)'], { stdio: 'ignore' });
  try {
    await sleep(500);
    return memoryOf(child.pid!);
  } finally {
    child.kill('SIGKILL');
  }
}
