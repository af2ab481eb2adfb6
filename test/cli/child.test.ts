import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { systemClock } from '../../api/system.ts';
import { backOffMs, Child, lastWords } from '../../cli/child.ts';
import { leaveNote, runningInstance } from '../../cli/instance.ts';
import { nodeReadiness } from '../../cli/readiness.ts';

const folder = await mkdtemp(join(tmpdir(), 'skiff-child-'));
after(() => rm(folder, { recursive: true }));

async function until(holds: () => boolean | Promise<boolean>): Promise<void> {
  const deadline = systemClock.deadline(10_000);
  while (!(await holds())) await systemClock.sleep(5, deadline);
}

function start(
  name: string,
  script: string,
  say: (line: string) => void = () => {},
): { child: Child; logFile: string } {
  const logFile = join(folder, name);
  // Waiting is skipped: a test does not sleep out a back-off.
  const clock = { ...systemClock, sleep: (_ms: number, signal?: AbortSignal) => systemClock.sleep(10, signal) };
  const command = [process.execPath, '-e', script] as const;
  return { child: new Child({ name, command, logFile, logMaxBytes: 1000 }, { clock, say }), logFile };
}

test('a process that dies is started again, and its last words are told', async () => {
  const lines: string[] = [];
  const { child } = start('dies', 'console.error("Error: no luck"); process.exit(3)', (line) => lines.push(line));
  await until(() => child.failures >= 2);
  await child[Symbol.asyncDispose]();
  assert.match(lines[0]!, /^the dies ended \(code 3\): Error: no luck; starting it again in 1 s, log /);
  assert.match(lines[1]!, /again in 2 s/);
});

test('a process is ended with its owner and leads a session of its own', async () => {
  const { child, logFile } = start(
    'stays',
    'process.on("SIGTERM", () => { console.log("ending"); process.exit() }); setInterval(() => {}, 1e6); console.log("up")',
  );
  await until(async () => (await readFile(logFile, 'utf8').catch(() => '')).includes('up'));
  const { pid } = child;
  const stat = (await readFile(`/proc/${pid}/stat`, 'utf8')).split(' ');
  assert.equal(stat[5], String(pid));
  await child[Symbol.asyncDispose]();
  assert.match(await readFile(logFile, 'utf8'), /up\nending\n/);
  assert.throws(() => process.kill(pid!, 0));
});

test('a program that does not exist is a failure like others', async () => {
  const lines: string[] = [];
  const options = { name: 'x', command: ['/no/such/program'] as const, logFile: join(folder, 'x'), logMaxBytes: 1000 };
  const child = new Child(options, { clock: systemClock, say: (line) => lines.push(line) });
  await until(() => lines.length > 0);
  await child[Symbol.asyncDispose]();
  assert.match(lines[0]!, /ENOENT/);
});

test('back-off doubles up to half a minute', () => {
  assert.deepEqual([1, 2, 3, 6, 50].map(backOffMs), [1_000, 2_000, 4_000, 30_000, 30_000]);
});

test('the last complaint of a log is found', () => {
  assert.equal(lastWords(''), '');
  assert.equal(lastWords('a\nb\n'), 'b');
  assert.equal(
    lastWords('{"level":50,"msg":"store broke","err":{"message":"EIO"}}\n{"level":30,"msg":"bye"}\n'),
    'store broke: EIO',
  );
  assert.equal(lastWords('x\nTypeError: oh\n    at y\n\nNode.js v26\n'), 'TypeError: oh');
  assert.equal(lastWords('{"level":50,"ms'), '{"level":50,"ms');
});

test('a running instance is known by its note until it ends', async () => {
  assert.equal(await runningInstance(folder), undefined);
  {
    await using _note = await leaveNote(folder);
    assert.equal(await runningInstance(folder), process.pid);
  }
  assert.equal(await runningInstance(folder), undefined);
});

const at = (ms: number) => new Date(ms).toISOString();
const node = (status: string, heartbeatMs: number) => ({
  metadata: { name: 'n' },
  status: { conditions: [{ type: 'Ready', status, message: 'no network', lastHeartbeatTime: at(heartbeatMs) }] },
});
const T = Date.UTC(2026, 0, 1);
const states: [string, Parameters<typeof nodeReadiness>, RegExp | undefined][] = [
  ['that is not there', [undefined, undefined, T], /not registered/],
  ['without conditions', [{ metadata: { name: 'n' } }, undefined, T], /not reported its state/],
  ['that is not ready', [node('False', T), undefined, T], /not ready: no network/],
  ['whose report is old', [node('True', T - 5_000), undefined, T], /since the start/],
  ['that renewed its lease', [node('True', T - 5_000), { spec: { renewTime: at(T) } }, T], undefined],
  ['that reported in this second', [node('True', T), undefined, T + 900], undefined],
];
for (const [what, args, waitingFor] of states) {
  test(`a node ${what} is ${waitingFor ? 'waited for' : 'ready'}`, () => {
    const state = nodeReadiness(...args);
    assert.equal(state.ready, waitingFor === undefined);
    if (!state.ready) assert.match(state.waitingFor, waitingFor!);
  });
}
