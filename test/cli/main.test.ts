import assert from 'node:assert/strict';
import { execFile, fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';

const top = join(import.meta.dirname, '../..');
const folder = await mkdtemp(join(tmpdir(), 'skiff-main-'));
after(() => rm(folder, { recursive: true }));

interface Answer {
  code: number;
  stdout: string;
  stderr: string;
}

function skiff(...args: string[]): Promise<Answer> {
  return new Promise((resolve) => {
    execFile(process.execPath, [join(top, 'cli/main.ts'), ...args], (err, stdout, stderr) => {
      resolve({ code: err ? Number(err.code) : 0, stdout, stderr });
    });
  });
}

const mistakes: [args: string[], code: number, line: RegExp][] = [
  [['bogus'], 2, /^skiff: unknown command bogus \(see skiff help\)\n$/],
  [['toString'], 2, /^skiff: unknown command toString/],
  [['server', '--prot=1'], 2, /^skiff server: unknown flag --prot\n$/],
  [['agent', '--config=/nowhere.yaml'], 2, /^skiff agent: \/nowhere\.yaml: no such file\n$/],
  [['kubeconfig', '--data-dir=/nowhere'], 2, /^skiff kubeconfig: no cluster here: \/nowhere\/pki\/\S+ is missing/],
];
for (const [args, wanted, line] of mistakes) {
  test(`skiff ${args.join(' ')} is answered in one line`, async () => {
    const { code, stdout, stderr } = await skiff(...args);
    assert.match(stderr, line);
    assert.deepEqual({ code, stdout }, { code: wanted, stdout: '' });
  });
}

test('skiff help lists the commands, and each explains its flags', async () => {
  const { code, stdout } = await skiff('help');
  assert.equal(code, 0);
  for (const name of ['up', 'down', 'status', 'kubeconfig', 'server', 'agent', 'version']) {
    assert.match(stdout, new RegExp(`^ {2}${name} `, 'm'));
  }
  assert.match((await skiff('server', '--help')).stdout, /--bind-address <address>/);
});

test('skiff status says that nothing runs, with an exit code for scripts', async () => {
  const { code, stdout } = await skiff('status', `--data-dir=${folder}`, `--run-dir=${folder}`);
  assert.equal(code, 1);
  assert.match(stdout, /^skiff up: not running\n/);
});

test('a process ends when the one that started it is gone', async () => {
  const file = join(folder, 'child.ts');
  const script = `import { endSignal } from ${JSON.stringify(join(top, 'cli/command.ts'))};
    const stay = setInterval(() => {}, 1e6);
    endSignal().addEventListener('abort', () => clearInterval(stay));
    process.send('up');`;
  await writeFile(file, script);
  const child = fork(file);
  await once(child, 'message');
  child.disconnect(); // what the channel sees when the parent is killed
  const [code] = await once(child, 'exit');
  assert.equal(code, 0);
});
