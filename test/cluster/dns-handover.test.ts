// The agent is killed while names are asked for all the time: `skiff up` holds the sockets, so questions wait for the
// next agent instead of being refused.
import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { after, before, test } from 'node:test';
import { beginLeakCheck, type LeakCheck } from './harness/leaks.ts';
import { NodeNamespace } from './harness/node-namespace.ts';
import { Segment } from './harness/segment.ts';
import { InVain, waitFor } from './harness/wait.ts';

const MAIN = resolve(import.meta.dirname, '../../cli/main.ts');
const opened = new AsyncDisposableStack();
let leaks: LeakCheck;
let node: NodeNamespace;

before(async () => {
  leaks = await beginLeakCheck();
  const segment = opened.use(await Segment.create());
  node = opened.use(await NodeNamespace.create({ name: 'node-1', segment }));
});

after(async () => {
  await opened.disposeAsync();
  await leaks.verify();
});

/** Asks every 20 ms until a file appears, each question once, and tells how long each answer took. */
const ASKER = `
import { Resolver } from 'node:dns/promises';
import { existsSync, writeFileSync } from 'node:fs';
import { setTimeout as pause } from 'node:timers/promises';
const answers = [];
while (!existsSync('/var/asker/enough')) {
  const client = new Resolver({ timeout: 10_000, tries: 1 });
  client.setServers(['10.43.0.10']);
  const since = performance.now();
  const asked = client.resolve4('kubernetes.default.svc.cluster.local');
  answers.push(asked.then((ips) => ({ ips, ms: performance.now() - since }), (err) => ({ error: err.code })));
  await pause(20);
  if (answers.length === 10) writeFileSync('/var/asker/answered', '');
}
writeFileSync('/var/asker/answers.json', JSON.stringify(await Promise.all(answers)));
`;

const agentPid = async () => (await node.exec('sh', ['-c', 'pgrep -f "[m]ain.ts agent" || true'])).stdout.trim();

test('no question is lost when the agent is killed: those of the moment wait for the next one', async () => {
  const up = node.spawn('node', [MAIN, 'up'], { stdio: ['ignore', 'pipe', 'pipe'] });
  let said = '';
  for (const stream of [up.child.stdout!, up.child.stderr!]) stream.on('data', (chunk) => (said += chunk));
  await waitFor('skiff up to be ready', () => {
    if (!up.running) throw new InVain(`it ended: ${said}`);
    return said.includes('Ctrl-C here ends the processes');
  });
  assert.doesNotMatch(said, /does not wait/);
  await mkdir(node.path('/var/asker'));
  await writeFile(node.path('/var/asker/main.mjs'), ASKER);
  const asker = node.spawn('node', ['/var/asker/main.mjs'], { stdio: ['ignore', 'ignore', 'ignore'] });
  const before = await waitFor('the agent', agentPid);
  await waitFor('some answers', () => existsSync(node.path('/var/asker/answered')));
  await node.exec('kill', ['-9', before]);
  await waitFor('the next agent', async () => {
    const now = await agentPid();
    return now !== '' && now !== before;
  });
  await waitFor('it to answer', async () => (await node.exec('node', ['-e', QUICK], { mayFail: true })).code === 0);
  await node.exec('touch', ['/var/asker/enough']);
  await asker.exited;
  const answers = JSON.parse((await node.exec('cat', ['/var/asker/answers.json'])).stdout) as {
    error?: string;
    ips?: string[];
    ms?: number;
  }[];
  assert.ok(answers.length > 30, `${answers.length} questions`);
  assert.deepEqual(
    answers.filter(({ ips }) => ips?.[0] !== '10.43.0.1'),
    [],
  );
  const longest = Math.max(...answers.map(({ ms = 0 }) => ms));
  assert.ok(longest > 200, 'the agent was away');
  assert.ok(longest < 6_000, `${longest} ms`);
  console.log(`${answers.length} questions, the longest wait ${Math.round(longest)} ms`);
  await up.kill('SIGTERM');
  await up.exited;
  assert.match(await readFile(node.path('/var/lib/skiff/log/agent.log'), 'utf8'), /agent running/);
});

const QUICK = `
const { Resolver } = require('node:dns/promises');
const client = new Resolver({ timeout: 1000, tries: 1 });
client.setServers(['10.43.0.10']);
client.resolve4('kubernetes.default.svc.cluster.local').catch(() => process.exit(1));
`;
