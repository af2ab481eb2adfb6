// WATCH, every watcher on a connection of its own: updates as fast as they go with 200 watchers (none lost, none out of
// order), then 100 a second with 50, and how long after the writer's answer the last of them saw it. The floor sends
// one prepared frame to each of as many connections after a bare write. What the writes themselves cost is measured
// without watchers and taken off.
import type { WriteJob } from './api/load.ts';
import { LONG, type Measured, openBench, type Target } from './api/process.ts';
import { table } from './figures.ts';

const PODS = 200;
const SECONDS = LONG ? 30 : 4;
const WATCHERS = 200;
const writes: WriteJob = { job: 'requests', verb: 'update', clients: 16, prefix: 'pod-', from: 0, to: PODS };

interface Figures {
  readonly full: Measured;
  readonly writing: Measured;
  readonly calm: Measured;
}

async function measure(target: Target): Promise<Figures> {
  await target.run({ ...writes, verb: 'create' });
  await target.run({ ...writes, seconds: 2 });
  const writing = await target.run({ ...writes, seconds: 2 });
  await target.run({ job: 'watch', watchers: WATCHERS, writes: { ...writes, seconds: 1 } });
  const full = await target.run({ job: 'watch', watchers: WATCHERS, writes: { ...writes, seconds: SECONDS } });
  const calm = await target.run({
    job: 'watch',
    watchers: 50,
    writes: { ...writes, clients: 4, seconds: SECONDS, perSecond: 100 },
  });
  return { full, writing, calm };
}

await using bench = await openBench();
const server = await (async () => {
  await using target = await bench.server();
  return await measure(target);
})();
const floor = await (async () => {
  await using target = await bench.floor();
  return await measure(target);
})();
const micros = ({ full, writing }: Figures) =>
  ((full.cpuSeconds - (writing.cpuSeconds / writing.count) * full.count) / full.events!) * 1e6;
table(
  `WATCH: ${WATCHERS} watchers on connections of their own, updates at full speed`,
  Object.entries({ server, floor }).map(([name, figures]) => ({
    who: name,
    'events per second': Math.round(figures.full.events! / figures.full.seconds),
    wanted: 60_000,
    'CPU µs per event': micros(figures),
    'at most': 10,
    lost: figures.full.lost!,
    'out of order': figures.full.disordered!,
    'encodings per update': Number.isNaN(figures.full.encodings) ? '' : figures.full.encodings!,
    'updates per second': figures.full.count / figures.full.seconds,
  })),
);
table(
  'WATCH: 100 updates a second, 50 watchers; from acknowledged to seen by the last',
  Object.entries({ server, floor }).map(([name, { calm }]) => ({
    who: name,
    'p99 ms': calm.seenP99Ms!,
    below: 5,
    lost: calm.lost!,
    'CPU of a core': calm.cpuSeconds / calm.seconds,
  })),
);
const bad =
  [server.full, server.calm].some(({ lost, disordered }) => lost !== 0 || disordered !== 0) ||
  server.full.encodings! > 1.01;
process.exitCode = bad ? 1 : 0;
