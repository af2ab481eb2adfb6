// From the end of a container's process to what follows: the status that says so, and for one that crashed its first
// restart, as a watcher sees both. The floor of a restart: create and start by a bare CRI client in a sandbox that is there.
import { median, percentile, table } from './figures.ts';
import { BUSYBOX, isReady, NEVER, type NodeBench, OBEYS, openNode, rawPod } from './node.ts';

const COUNT = Number(process.env['BENCH_PODS'] ?? 25);

await using bench = await openNode();
const raw: number[] = [];
const restarts: number[] = [];
const exits: number[] = [];
const floor = await rawPod(bench.runtime, 'raw');
for (let i = 0; i < COUNT; i++) {
  const began = performance.now();
  await floor.again();
  raw.push(performance.now() - began);
  restarts.push(await killed(bench, `crash-${i}`, 'Always'));
  exits.push(await killed(bench, `end-${i}`, 'Never'));
}
const beyond = median(restarts) - median(raw);
table(`${COUNT} containers, one at a time`, [
  { what: 'bare create and start', 'p50 ms': median(raw), 'p99 ms': percentile(raw, 0.99), beyond: '', goal: '' },
  { what: 'crash to restarted', 'p50 ms': median(restarts), 'p99 ms': percentile(restarts, 0.99), beyond, goal: 150 },
  { what: 'exit to status', 'p50 ms': median(exits), 'p99 ms': percentile(exits, 0.99), beyond: '', goal: 100 },
]);

/** Until the API says that it runs again, or that it has ended. */
async function killed(node: NodeBench, name: string, restartPolicy: 'Always' | 'Never'): Promise<number> {
  const ready = node.until(name, isReady);
  await node.create(name, { restartPolicy, containers: [{ name: 'app', image: BUSYBOX, command: OBEYS }] });
  const pod = (await ready)!;
  const id = pod.status.containerStatuses![0]!.containerID!.replace('containerd://', '');
  const { pid } = JSON.parse((await node.runtime.containerInfo(id, NEVER))['info']!) as { pid: number };
  const follows = node.until(name, (now) => {
    const [status] = now?.status.containerStatuses ?? [];
    if (restartPolicy === 'Never') return now?.status.phase === 'Failed';
    return status?.restartCount === 1 && status.state?.running !== undefined;
  });
  await node.cluster.node.node.exec('kill', ['-9', String(pid)]);
  await follows;
  const nowMs = Date.now();
  const { finishedAt } = await node.runtime.containerStatus(id, NEVER);
  const tookMs = nowMs - Number(BigInt(finishedAt) / 1_000n) / 1_000;
  const gone = node.until(name, (now) => now === undefined);
  await node.remove(name);
  await gone;
  return tookMs;
}
