// Runs the rings: `node test/run.ts unit | cluster | vm | all [name pattern]`. Files of unit tests share a few processes
// that run side by side (shard.ts); the others run one after another, because each has the machine's processors and
// kernel tables to itself. All go through one reporter, so that the summary at the end speaks of everything; also of a
// ring that was left out.
import { globSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { run } from 'node:test';
import { spec, type TestEvent } from 'node:test/reporters';
import { SLOW, top, unitFiles } from './unit-files.ts';

interface Ring {
  readonly name: string;
  /** Processes that run side by side, each with its files one after another. */
  readonly shards: readonly Shard[];
  readonly files: number;
  readonly fileTimeoutMs: number;
  /** Only when it is named, or with SKIFF_LONG=1. */
  readonly takesLong?: boolean;
}

interface Shard {
  readonly files: string[];
  readonly argv: string[];
}

const MINUTE_MS = 60_000;
const long = process.env['SKIFF_LONG'] === '1';
const cluster = globSync(['test/cluster/**/*.test.ts', ...SLOW], { cwd: top }).sort();
const vm = globSync('test/vm/**/*.test.ts', { cwd: top }).sort();
/** More than processors: what waits for a timer or a disk lets another work. */
const SHARDS = 2 * Math.max(2, availableParallelism());

const rings: Ring[] = [
  {
    name: 'unit',
    shards: Array.from({ length: SHARDS }, (_, i) => ({ files: ['test/shard.ts'], argv: [`${i}/${SHARDS}`] })),
    files: unitFiles().length,
    fileTimeoutMs: 3 * MINUTE_MS,
  },
  {
    name: 'cluster',
    shards: [{ files: cluster, argv: [] }],
    files: cluster.length,
    fileTimeoutMs: (long ? 120 : 15) * MINUTE_MS,
  },
  { name: 'vm', shards: [{ files: vm, argv: [] }], files: vm.length, fileTimeoutMs: 60 * MINUTE_MS, takesLong: true },
];

const [wanted = 'all', pattern] = process.argv.slice(2);
const leftOut = rings.filter(({ takesLong }) => wanted === 'all' && takesLong && !long);
const chosen = rings.filter((ring) => (wanted === 'all' ? !leftOut.includes(ring) : wanted === ring.name));
if (chosen.length === 0) {
  console.error('usage: node test/run.ts unit | cluster | vm | all [name pattern]');
  process.exit(2);
}

const COUNTS = ['tests', 'suites', 'passed', 'failed', 'cancelled', 'skipped', 'todo'] as const;
const SHOWN: Partial<Record<(typeof COUNTS)[number], string>> = { passed: 'pass', failed: 'fail' };

/** Every file is a process of its own and loads much of the tree: what was stripped and compiled once is kept. */
const env = { ...process.env, NODE_COMPILE_CACHE: join(top, 'node_modules/.cache/compiled') };

/** All rings as one stream: their own summaries are taken out and one of all is put at the end. */
async function* eventsOf(rings: readonly Ring[]): AsyncGenerator<TestEvent> {
  const totals = Object.fromEntries(COUNTS.map((name) => [name, 0])) as Record<(typeof COUNTS)[number], number>;
  let durationMs = 0;
  for (const { name, shards, fileTimeoutMs } of rings) {
    const execArgv = ['--import', join(import.meta.dirname, 'linger.ts')];
    const common = { cwd: top, concurrency: 1, timeout: fileTimeoutMs, testNamePatterns: pattern, execArgv };
    // The other rings look at processes as users start them.
    const options = name === 'unit' ? { ...common, env } : common;
    // All begin now; they end in any order and are told one after another.
    const streams = shards.map((shard) => run({ ...options, ...shard }));
    let ringMs = 0;
    for (const events of streams) {
      for await (const event of events as AsyncIterable<TestEvent>) {
        if (event.type === 'test:summary' && event.data.file === undefined) {
          const counts = event.data.counts as Partial<typeof totals>;
          for (const name of COUNTS) totals[name] += counts[name] ?? 0;
          ringMs = Math.max(ringMs, event.data.duration_ms);
        } else if (!isSummaryLine(event)) {
          yield event;
        }
      }
    }
    durationMs += ringMs;
  }
  const lines = COUNTS.map((name) => `${SHOWN[name] ?? name} ${totals[name]}`);
  const notRun = leftOut.map(({ name, files }) => `not run: ${name} (test files: ${files}), see npm run test:${name}`);
  for (const message of [...lines, `duration_ms ${durationMs}`, ...notRun]) {
    yield { type: 'test:diagnostic', data: { nesting: 0, message, level: 'info' } } as TestEvent;
  }
  // A ring that found no test is a mistake in the tree, not a success.
  if (totals.failed + totals.cancelled > 0 || totals.tests === 0) process.exitCode = 1;
}

/** What the runner says of itself belongs to no file. */
function isSummaryLine(event: TestEvent): boolean {
  return (
    event.type === 'test:diagnostic' && event.data.file === undefined && /^[a-z_]+ [\d.]+$/.test(event.data.message)
  );
}

const reporter = new spec();
reporter.pipe(process.stdout);
for await (const event of eventsOf(chosen)) {
  if (!reporter.write(event)) await new Promise((resolve) => reporter.once('drain', resolve));
}
reporter.end();
