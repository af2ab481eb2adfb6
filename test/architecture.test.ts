// The rules of the house that a machine can check: which way imports point, and where time and chance come from.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { existsSync, globSync, readFileSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';
import { test } from 'node:test';

const ROOT = join(import.meta.dirname, '..');
const SOURCES = globSync('{api,apiserver,agent,cli}/**/*.ts', { cwd: ROOT }).sort();
const textOf = (file: string) => readFileSync(join(ROOT, file), 'utf8');

/** A file belongs to the longest prefix; a room may import itself and what is named. */
const MAY_IMPORT: Record<string, readonly string[]> = {
  'api/': [],
  'api/client/': ['api/'],
  'apiserver/store/': ['api/'],
  'apiserver/cache/': ['api/', 'apiserver/store/'],
  'apiserver/patch/': ['api/'],
  'apiserver/registry/': [
    'api/',
    'api/client/',
    'apiserver/store/',
    'apiserver/cache/',
    'apiserver/patch/',
    'apiserver/',
  ],
  'apiserver/scheduler/': ['api/', 'api/client/'],
  'apiserver/controllers/': ['api/', 'api/client/'],
  'apiserver/': ['api/', 'api/client/', 'apiserver/*'],
  'agent/': ['api/', 'api/client/', 'agent/*'],
  'agent/network/': ['api/', 'api/client/', 'agent/'],
  'cli/': ['api/', 'api/client/', 'apiserver/*', 'agent/*', 'cli/*'],
};
const ROOMS = Object.keys(MAY_IMPORT).sort((a, b) => b.length - a.length);
const roomOf = (file: string) => ROOMS.find((room) => file.startsWith(room));

function importsOf(file: string): string[] {
  const found = textOf(file).matchAll(/(?:from|import)\s*\(?\s*['"](\.[^'"]+)['"]/g);
  return Array.from(found, ([, target]) => normalize(join(dirname(file), target!)));
}

function allowed(file: string, target: string): boolean {
  const from = roomOf(file)!;
  const to = roomOf(target);
  if (to === undefined || to === from) return to !== undefined;
  return MAY_IMPORT[from]!.some((room) => room === to || (room.endsWith('*') && target.startsWith(room.slice(0, -1))));
}

test('imports point only to rooms that stand higher', () => {
  const wrong = SOURCES.flatMap((file) =>
    importsOf(file)
      .filter((target) => !allowed(file, target))
      .map((target) => `${file} -> ${target}`),
  );
  assert.deepEqual(wrong, []);
});

test('registry, patch, cache and store know nothing of http', () => {
  const wrong = SOURCES.filter((file) =>
    /^apiserver\/(registry|patch|cache|store|scheduler|controllers)\//.test(file),
  ).flatMap((file) =>
    importsOf(file)
      .filter((target) => target.startsWith('apiserver/http/') || target === 'apiserver/main.ts')
      .map((target) => `${file} -> ${target}`),
  );
  assert.deepEqual(wrong, []);
});

test('imports are relative to files that exist and name their ending', () => {
  const wrong = SOURCES.flatMap((file) => importsOf(file).filter((target) => !/\.(ts|json|mjs)$/.test(target)));
  assert.deepEqual(wrong, []);
});

/** Where the real clock and the real dice may be touched. */
const TIME_AND_CHANCE = new Set(['api/system.ts', 'api/turn.ts']);
const FORBIDDEN: readonly [RegExp, string][] = [
  [/\bDate\.now\s*\(/, 'Date.now'],
  [/\bnew Date\(\s*\)/, 'new Date()'],
  [/\bperformance\.now\s*\(/, 'performance.now'],
  [/\b(setTimeout|setInterval|setImmediate)\s*\(/, 'a timer'],
  [/\bprocess\.hrtime\b/, 'process.hrtime'],
  [/\bMath\.random\s*\(/, 'Math.random'],
  [/\b(randomUUID|randomBytes|getRandomValues)\s*\(/, 'randomness'],
  [/\bAbortSignal\.timeout\s*\(/, 'AbortSignal.timeout'],
  [/from 'node:timers/, 'node:timers'],
];
/** A socket's own idle timeout and the like are methods, not timers of ours. */
const METHOD = /\.(setTimeout|setInterval)\s*\(/g;

test('clocks, timers and randomness are handed down, never taken', () => {
  const wrong = SOURCES.filter((file) => !TIME_AND_CHANCE.has(file)).flatMap((file) =>
    textOf(file)
      .split('\n')
      .flatMap((line, i) => {
        if (/^\s*(\/\/|\*|\/\*)/.test(line)) return [];
        const code = line.replace(METHOD, '.method(');
        return FORBIDDEN.filter(([pattern]) => pattern.test(code)).map(([, what]) => `${file}:${i + 1} ${what}`);
      }),
  );
  assert.deepEqual(wrong, []);
});

test('only composition roots import the real clock and dice', () => {
  const roots = /^(cli\/|apiserver\/main\.ts$|agent\/main\.ts$)/;
  const wrong = SOURCES.filter((file) => !roots.test(file) && importsOf(file).includes('api/system.ts'));
  assert.deepEqual(wrong, []);
});

test('no link is in the repository: landing one puts it where the installed packages of the checkout are', () => {
  if (!existsSync(join(ROOT, '.git'))) return; // unpacked from an archive: nothing lands from here
  const staged = execFileSync('git', ['ls-files', '--stage'], { cwd: ROOT, encoding: 'utf8' });
  assert.deepEqual(
    staged.split('\n').filter((line) => line.startsWith('120000')),
    [],
  );
});

test('every room has a map of at most twenty lines', () => {
  const rooms = ['api', 'apiserver', 'agent', 'cli', 'test', 'bench'];
  const wrong = rooms.filter((room) => {
    const map = globSync(`${room}/README.md`, { cwd: ROOT });
    return map.length === 0 || textOf(`${room}/README.md`).trimEnd().split('\n').length > 20;
  });
  assert.deepEqual(wrong, []);
});
