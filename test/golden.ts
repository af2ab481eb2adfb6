// Runs upstream's recorded scenarios against a server on the in-memory store:
//
//   node test/golden.ts [--only <regex>] [--verbose] [create validation ...]
//
// Prints how many of each file pass. Needs ../shared/golden; test/cluster/golden.test.ts holds the counts.
import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { fileURLToPath } from 'node:url';
import { startTestServer, type TestServer } from './apiserver/test-server.ts';

const GOLDEN = fileURLToPath(new URL('../../shared/golden/', import.meta.url));
export const goldenIsThere = existsSync(`${GOLDEN}run.mjs`);
export const FILES = [
  'create',
  'validation',
  'verbs',
  'lists',
  'watch',
  'patch',
  'apply',
  'crd',
  'rbac',
  'admission',
  'discovery',
];
/** Needs the loops, too; the others must pass without them. */
const WITH_LOOPS = 'controllers';

export interface GoldenResult {
  readonly passed: number;
  readonly failed: number;
  readonly output: string;
}

/** One file against one server. */
export async function runGolden(
  server: TestServer,
  file: string,
  extra: readonly string[] = [],
): Promise<GoldenResult> {
  const { ca, cert, key } = server.files;
  const args = ['check', '--server', server.url, '--ca', ca, '--cert', cert, '--key', key];
  if (file !== WITH_LOOPS) args.push('--needs', 'api');
  args.push('--parallel', String(2 * availableParallelism()), ...extra, `${GOLDEN}${file}.json`);
  const output = await new Promise<string>((resolve) => {
    execFile(process.execPath, [`${GOLDEN}run.mjs`, ...args], { maxBuffer: 1 << 28 }, (_err, out, err) => {
      resolve(out + err);
    });
  });
  const [, passed = '0', failed = '0'] = /(\d+) passed, (\d+) failed/.exec(output) ?? [];
  return { passed: Number(passed), failed: Number(failed), output };
}

if (import.meta.main) {
  const args = process.argv.slice(2);
  const files = args.filter((arg) => FILES.includes(arg) || arg === WITH_LOOPS);
  const extra = args.filter((arg) => !files.includes(arg));
  const run = files.includes(WITH_LOOPS) ? (['api', 'scheduler', 'controllers'] as const) : (['api'] as const);
  await using server = await startTestServer({ run });
  for (const file of files.length > 0 ? files : FILES) {
    const { passed, failed, output } = await runGolden(server, file, extra);
    if (extra.length > 0) console.log(output);
    console.log(`${file}: ${passed} passed, ${failed} failed`);
  }
}
