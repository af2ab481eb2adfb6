// Many pods at once on one node until all are Ready, next to a bare CRI client that starts as many with the best
// parallelism of those tried here.
import { table } from './figures.ts';
import { BUSYBOX, isReady, OBEYS, openNode, type RawPod, rawPod } from './node.ts';

const COUNT = Number(process.env['BENCH_PODS'] ?? 50);
const PARALLEL = [2, 4, 8];

await using bench = await openNode();
const rows: Record<string, string | number>[] = [];
let best = 0;
for (const parallel of PARALLEL) {
  const rate = await rawRate(parallel);
  best = Math.max(best, rate);
  rows.push({ who: `bare CRI, ${parallel} at a time`, 'pods/s': rate, 'share of the best %': '', 'goal %': '' });
}
const rate = await podRate();
rows.push({ who: 'skiff', 'pods/s': rate, 'share of the best %': (rate / best) * 100, 'goal %': 65 });
table(`${COUNT} pods at once`, rows);

async function rawRate(parallel: number): Promise<number> {
  const numbers = Array.from({ length: COUNT }, (_, i) => i).values();
  const made: RawPod[] = [];
  const start = async () => {
    for (const i of numbers) made.push(await rawPod(bench.runtime, `raw-${parallel}-${i}`));
  };
  const began = performance.now();
  await Promise.all(Array.from({ length: parallel }, start));
  const took = performance.now() - began;
  const left = made.values();
  const end = async () => {
    for (const pod of left) await pod.end();
  };
  await Promise.all(Array.from({ length: 4 }, end));
  return COUNT / (took / 1_000);
}

async function podRate(): Promise<number> {
  const names = Array.from({ length: COUNT }, (_, i) => `pod-${i}`);
  const spec = { containers: [{ name: 'app', image: BUSYBOX, command: OBEYS }] };
  const ready = names.map((name) => bench.until(name, isReady));
  const began = performance.now();
  await Promise.all(names.map((name) => bench.create(name, spec)));
  await Promise.all(ready);
  return COUNT / ((performance.now() - began) / 1_000);
}
