import assert from 'node:assert/strict';
import { test } from 'node:test';
import { helpOf, readConfig, type Sources, toArgs, UsageError } from '../../cli/config.ts';
import { agentOptions, flagOf, serverOptions, upOptions, variableOf } from '../../cli/options.ts';

const FILE = '/etc/skiff/config.yaml';
const sources = (argv: string[], env: Sources['env'] = {}, files: Record<string, string> = {}): Sources => ({
  argv,
  env,
  readFile: (path) => files[path],
});
const read = (argv: string[], env: Sources['env'] = {}, file?: string) =>
  readConfig(upOptions, sources(argv, env, file === undefined ? {} : { [FILE]: file }));

test('defaults hold when nothing is said', async () => {
  const values = await read([]);
  assert.equal(values.port, 6443);
  assert.equal(values.dataDir, '/var/lib/skiff');
  assert.deepEqual(values.clusterCidr, ['10.42.0.0/16']);
  assert.equal(values.pkiDir, undefined);
});

test('a flag wins over a variable, a variable over the file', async () => {
  assert.equal((await read([], {}, 'port: 1')).port, 1);
  assert.equal((await read([], { SKIFF_PORT: '2' }, 'port: 1')).port, 2);
  assert.equal((await read(['--port=3'], { SKIFF_PORT: '2' }, 'port: 1')).port, 3);
  assert.equal((await read(['--port', '3', '--port', '4'])).port, 4);
});

test('lists come from commas, repeated flags and YAML sequences', async () => {
  assert.deepEqual((await read(['--node-ip=10.0.0.1,fd00::1'])).nodeIp, ['10.0.0.1', 'fd00::1']);
  assert.deepEqual((await read(['--node-label', 'a=b', '--node-label', 'c='])).nodeLabel, ['a=b', 'c=']);
  assert.deepEqual((await read([], {}, 'node-label: [a=b, c=d]')).nodeLabel, ['a=b', 'c=d']);
  assert.deepEqual((await read([], { SKIFF_RUN: 'api,scheduler' })).run, ['api', 'scheduler']);
});

test('the file may lie elsewhere, but then it must be there', async () => {
  const files = { '/srv/config.yaml': 'port: 7', '/tmp/x.yaml': 'port: 8' };
  assert.equal((await readConfig(upOptions, sources(['--config-dir=/srv'], {}, files))).port, 7);
  assert.equal((await readConfig(upOptions, sources([], { SKIFF_CONFIG: '/tmp/x.yaml' }, files))).port, 8);
  await assert.rejects(
    readConfig(upOptions, sources(['--config=/none.yaml'])),
    /^UsageError: \/none.yaml: no such file$/,
  );
});

test('a file of another command is understood, as far as it is known somewhere', async () => {
  const source = sources([], {}, { [FILE]: 'max-pods: 5\nport: 9' });
  assert.equal((await readConfig(serverOptions, source, upOptions)).port, 9);
  await assert.rejects(readConfig(serverOptions, source), /unknown key max-pods/);
});

const mistakes: [argv: string[], env: Sources['env'], file: string | undefined, message: string][] = [
  [['--prot=1'], {}, undefined, 'unknown flag --prot'],
  [['--cluster-cdir=1'], {}, undefined, 'unknown flag --cluster-cdir (did you mean cluster-cidr?)'],
  [['--zzz=1'], {}, undefined, 'unknown flag --zzz'],
  [['--port'], {}, undefined, '--port needs a value: <port, 0-65535>'],
  [['serve'], {}, undefined, 'unexpected argument "serve"'],
  [['-x'], {}, undefined, 'unexpected argument "-x"'],
  [['--port=65536'], {}, undefined, '--port: "65536" is not <port, 0-65535>'],
  [[], { SKIFF_PORT: 'http' }, undefined, 'SKIFF_PORT: "http" is not <port, 0-65535>'],
  [[], {}, 'port: many', `${FILE}: port: "many" is not <port, 0-65535>`],
  [[], {}, 'porte: 1', `${FILE}: unknown key porte (did you mean port?)`],
  [[], {}, 'port: {a: 1}', `${FILE}: port: expected <port, 0-65535>`],
  [[], {}, '- a', `${FILE}: expected lines of \`flag: value\``],
  [[], {}, 'config-dir: /x', `${FILE}: config-dir cannot be set in the file it names`],
  [['--data-dir=relative'], {}, undefined, '--data-dir: "relative" is not <absolute path>'],
  [['--service-cidr=10.43.0.0'], {}, undefined, '--service-cidr: "10.43.0.0" is not <address/bits>[,...]'],
  [['--service-cidr=10.43.0.0/33'], {}, undefined, '--service-cidr: "10.43.0.0/33" is not <address/bits>[,...]'],
  [['--node-ip=1.2.3.4,x'], {}, undefined, '--node-ip: "1.2.3.4,x" is not <address>[,...]'],
  [['--node-name=Big_Node'], {}, undefined, '--node-name: "Big_Node" is not <domain>'],
  [['--log-level=loud'], {}, undefined, '--log-level: "loud" is not debug|info|warn|error'],
  [['--server=http://x'], {}, undefined, '--server: "http://x" is not <https URL>'],
  [['--node-port-range=5-1'], {}, undefined, '--node-port-range: "5-1" is not <from>-<to>'],
  [['--cgroup-root=/a/../b c'], {}, undefined, '--cgroup-root: "/a/../b c" is not </cgroup>'],
];
for (const [argv, env, file, message] of mistakes) {
  test(`one line answers a mistake: ${message}`, async () => {
    await assert.rejects(read(argv, env, file), (err) => err instanceof UsageError && err.message === message);
  });
}

test('malformed YAML is one line with the place', async () => {
  await assert.rejects(
    read([], {}, 'port: [1'),
    (err) => err instanceof UsageError && /^\/etc.*line 1[^\n]*$/.test(err.message),
  );
});

test('what one process read, another reads from its flags', async () => {
  const values = await read(['--port=1', '--node-ip=10.0.0.1,fd00::1', '--node-port-range=1000-2000', '--pki-dir=/p']);
  for (const table of [serverOptions, agentOptions]) {
    const again: Record<string, unknown> = await readConfig(table, sources(toArgs(table, values), { SKIFF_PORT: '5' }));
    for (const name of Object.keys(table))
      assert.deepEqual(again[name], (values as Record<string, unknown>)[name], name);
  }
});

test('help names every flag with its default', async () => {
  const help = helpOf('up', 'runs it', upOptions);
  for (const name of Object.keys(upOptions)) assert.ok(help.includes(`--${flagOf(name)} `), name);
  assert.match(help, /--port <port, 0-65535>\n {8}where the API listens \(default 6443\)/);
  assert.equal(variableOf('dataDir'), 'SKIFF_DATA_DIR');
});
