// Runs the rings: `node test/run.ts unit | cluster | vm | all [name pattern]`. Unit tests run side by side; the others
// one after another, because each has the machine's processors and kernel tables to itself. All go through one
// reporter, so that the summary at the end speaks of everything; also of a ring that was left out.
import { globSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { run } from 'node:test';
import { spec, type TestEvent } from 'node:test/reporters';

interface Ring {
  readonly name: string;
  readonly files: string[];
  readonly concurrency: number;
  readonly fileTimeoutMs: number;
  /** Only when it is named, or with SKIFF_LONG=1. */
  readonly takesLong?: boolean;
}

const top = join(import.meta.dirname, '..');
const MINUTE_MS = 60_000;
const long = process.env['SKIFF_LONG'] === '1';

/** A real etcd, processes that are killed, a real kubectl: what they test is small, what they take is not. */
const SLOW = [
  'test/apiserver/{cache,store}/etcd.test.ts',
  'test/apiserver/store/crash.test.ts',
  'test/apiserver/extensions/kubectl.test.ts',
];

const rings: Ring[] = [
  {
    name: 'unit',
    files: globSync('test/**/*.test.ts', { cwd: top, exclude: ['test/cluster/**', 'test/vm/**', ...SLOW] }).sort(),
    concurrency: Math.max(2, availableParallelism()),
    fileTimeoutMs: 3 * MINUTE_MS,
  },
  {
    name: 'cluster',
    files: globSync(['test/cluster/**/*.test.ts', ...SLOW], { cwd: top }).sort(),
    concurrency: 1,
    fileTimeoutMs: (long ? 120 : 15) * MINUTE_MS,
  },
  {
    name: 'vm',
    files: globSync('test/vm/**/*.test.ts', { cwd: top }).sort(),
    concurrency: 1,
    fileTimeoutMs: 60 * MINUTE_MS,
    takesLong: true,
  },
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
  for (const { name, files, concurrency, fileTimeoutMs } of rings) {
    const execArgv = ['--import', join(import.meta.dirname, 'linger.ts')];
    const options = { cwd: top, files, concurrency, timeout: fileTimeoutMs, testNamePatterns: pattern, execArgv };
    // The other rings look at processes as users start them.
    const events = run(name === 'unit' ? { ...options, env } : options);
    for await (const event of events as AsyncIterable<TestEvent>) {
      if (event.type === 'test:summary' && event.data.file === undefined) {
        const counts = event.data.counts as Partial<typeof totals>;
        for (const name of COUNTS) totals[name] += counts[name] ?? 0;
        durationMs += event.data.duration_ms;
      } else if (!isSummaryLine(event)) {
        yield event;
      }
    }
  }
  const lines = COUNTS.map((name) => `${SHOWN[name] ?? name} ${totals[name]}`);
  const notRun = leftOut.map(
    ({ name, files }) => `not run: ${name} (test files: ${files.length}), see npm run test:${name}`,
  );
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
