import assert from 'node:assert/strict';
import { test } from 'node:test';
import { freeShell, type RunOptions, ShellError } from '../../agent/shells.ts';

const never = new AbortController().signal;
const cases: { it: string; command: string[]; options?: RunOptions; wants: object }[] = [
  {
    it: 'answers with both outputs',
    command: ['sh', '-c', 'echo a; echo b >&2'],
    wants: { code: 0, stdout: 'a\n', stderr: 'b\n' },
  },
  { it: 'answers with the exit code', command: ['sh', '-c', 'exit 3'], wants: { code: 3, stdout: '', stderr: '' } },
  {
    it: 'keeps words as they are',
    command: ['printf', '%s|', "it's", '$HOME `x`', 'a\nb', ''],
    wants: { code: 0, stdout: "it's|$HOME `x`|a\nb||", stderr: '' },
  },
  {
    it: 'hands input over',
    command: ['cat'],
    options: { stdin: "a $b `c` \\d 'e'\nf\n" },
    wants: { code: 0, stdout: "a $b `c` \\d 'e'\nf\n", stderr: '' },
  },
  { it: 'gives no input where there is none', command: ['cat'], wants: { code: 0, stdout: '', stderr: '' } },
];
for (const { it, command, options = {}, wants } of cases) {
  test(`a shell ${it}`, async () => assert.deepEqual(await freeShell()!.run(command, options, never), wants));
}

test('a program that is not there is a failure with a reason', async () => {
  const { code, stderr } = await freeShell()!.run(['/no/such/program'], {}, never);
  assert.equal(code, 127);
  assert.match(stderr, /not found/);
});

test('a shell tells the process that the program becomes', async () => {
  let told = 0;
  const { stdout } = await freeShell()!.run(['sh', '-c', 'echo $$'], { started: (pid) => (told = pid) }, never);
  assert.equal(stdout, `${told}\n`);
});

test('much output arrives whole', async () => {
  const { stdout } = await freeShell()!.run(['seq', '200000'], {}, never);
  assert.equal(stdout.length, 1_288_895);
});

test('a program that is given up is killed, and the next one has another shell', async () => {
  const stop = new AbortController();
  const { promise, resolve } = Promise.withResolvers<number>();
  const running = freeShell()!.run(['sleep', '1000'], { started: resolve }, stop.signal);
  const pid = await promise;
  stop.abort();
  await assert.rejects(running, ShellError);
  assert.equal((await freeShell()!.run(['echo', 'on'], {}, never)).stdout, 'on\n');
  while (alive(pid)) await new Promise((next) => setImmediate(next));
});

test('there are three shells, used again', async () => {
  const taken = [freeShell(), freeShell(), freeShell()];
  assert.ok(taken.every((each) => each !== undefined));
  assert.equal(freeShell(), undefined);
  await Promise.all(taken.map((each) => each!.run(['true'], {}, never)));
  assert.ok(taken.includes(freeShell()!));
});

test('input that a shell would take for its own end is not for shells', () => {
  assert.equal(freeShell('END-OF-INPUT\n'), undefined);
});

function alive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}
