// From the creation of a pod to Ready, and from its deletion to gone, as a watcher sees it: next to the bare CRI calls
// for the same container on the same containerd, turn by turn in one run.
//
//   BENCH_PODS=200 node bench/pod-start.ts
import { median, percentile, table } from './figures.ts';
import { BUSYBOX, isReady, OBEYS, openNode, rawPod } from './node.ts';

const COUNT = Number(process.env['BENCH_PODS'] ?? 50);
const WARM_UP = 5;

interface Turn {
  readonly startMs: number;
  readonly endMs: number;
}

await using bench = await openNode();
const raw: Turn[] = [];
const ours: Turn[] = [];
for (let i = 0; i < WARM_UP; i++) await podTurn(`warm-${i}`);
const before = await bench.cpu();
for (let i = 0; i < COUNT; i++) {
  raw.push(await rawTurn(`raw-${i}`));
  ours.push(await podTurn(`pod-${i}`));
}
const after = await bench.cpu();

const row = (what: string, pick: (turn: Turn) => number, goals: readonly [p50: number, p99: number | '']) => {
  const [floor, mine] = [raw.map(pick), ours.map(pick)];
  return {
    what,
    'raw CRI p50 ms': median(floor),
    'skiff p50 ms': median(mine),
    'beyond p50': median(mine) - median(floor),
    goal: goals[0],
    ratio: median(mine) / median(floor),
    'raw p99': percentile(floor, 0.99),
    'skiff p99': percentile(mine, 0.99),
    'beyond p99': percentile(mine, 0.99) - median(floor),
    'its goal': goals[1],
  };
};
table(`${COUNT} pods, one at a time`, [
  row('create to Ready', ({ startMs }) => startMs, [40, 120]),
  row('delete to gone', ({ endMs }) => endMs, [60, '']),
]);
table(
  'processes (containerd: its turns and ours)',
  (await bench.memory()).map((row) => {
    const part = row['process'] as keyof typeof after;
    return { ...row, 'CPU s per pod': (after[part] - before[part]) / COUNT };
  }),
);

async function rawTurn(uid: string): Promise<Turn> {
  const began = performance.now();
  const pod = await rawPod(bench.runtime, uid);
  const startMs = performance.now() - began;
  const ending = performance.now();
  await pod.end();
  return { startMs, endMs: performance.now() - ending };
}

async function podTurn(name: string): Promise<Turn> {
  const began = performance.now();
  const ready = bench.until(name, isReady);
  await bench.create(name, { containers: [{ name: 'app', image: BUSYBOX, command: OBEYS }] });
  await ready;
  const startMs = performance.now() - began;
  const ending = performance.now();
  const gone = bench.until(name, (pod) => pod === undefined);
  await bench.remove(name);
  await gone;
  return { startMs, endMs: performance.now() - ending };
}
