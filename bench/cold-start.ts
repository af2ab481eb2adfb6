// `npm start` on a machine that is set up, in a node of its own, until its node is Ready: the first start, which makes
// everything, and the next one, which finds it. Beside them what no start can do without: an empty Node process and
// containerd until it serves.
//
//   BENCH_STARTS=5 node bench/cold-start.ts
import { readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { TestContainerd } from '../test/cluster/harness/containerd.ts';
import { hierarchies } from '../test/cluster/harness/node-cgroups.ts';
import { NodeNamespace, type NodeProcess } from '../test/cluster/harness/node-namespace.ts';
import { Segment } from '../test/cluster/harness/segment.ts';
import { InVain, waitFor } from '../test/cluster/harness/wait.ts';
import { cpuSeconds, median, memoryOf, table } from './figures.ts';

const STARTS = Number(process.env['BENCH_STARTS'] ?? 3);
const TOP = resolve(import.meta.dirname, '..');

interface Figures {
  readonly ms: number;
  readonly cpuS: number;
}
interface Start extends Figures {
  readonly parts: ReadonlyMap<string, { cpuS: number; pssMb: number }>;
}

const trees = await hierarchies();
await using segment = await Segment.create();
const first: Start[] = [];
const second: Start[] = [];
const emptyNode: Figures[] = [];
const containerd: Figures[] = [];
for (let i = 0; i < STARTS; i++) {
  emptyNode.push(await alone((node) => node.exec('node', ['-e', '0'])));
  containerd.push(await alone(async (node) => (await TestContainerd.start(node, []))[Symbol.asyncDispose]()));
  await using node = await NodeNamespace.create({ name: 'node-1', segment });
  first.push(await start(node));
  second.push(await start(node));
}

const row = (what: string, of: readonly Figures[]) => {
  const [floor, mine] = [median(containerd.map(({ ms }) => ms)), median(of.map(({ ms }) => ms))];
  return {
    what,
    'p50 s': mine / 1000,
    'CPU s': median(of.map(({ cpuS }) => cpuS)),
    'times containerd alone': mine / floor,
  };
};
table(`npm start until the node is Ready, ${STARTS} times`, [
  row('an empty Node process', emptyNode),
  row('containerd alone, started and ended', containerd),
  row('first start', first),
  row('second start', second),
]);
table(
  'processes of the second start when the node is Ready',
  [...second[0]!.parts.keys()].map((name) => {
    const seen = second.flatMap(({ parts }) => parts.get(name) ?? []);
    return {
      process: name,
      'CPU s': median(seen.map(({ cpuS }) => cpuS)),
      'PSS MB': median(seen.map(({ pssMb }) => pssMb)),
    };
  }),
);

/** Something else in a node of its own. */
async function alone(what: (node: NodeNamespace) => Promise<unknown>): Promise<Figures> {
  await using node = await NodeNamespace.create({ name: 'node-1', segment });
  const before = cpuOf(node);
  const began = performance.now();
  await what(node);
  return { ms: performance.now() - began, cpuS: cpuOf(node) - before };
}

/** Starts, looks, and ends it as Ctrl-C does. */
async function start(node: NodeNamespace): Promise<Start> {
  const before = cpuOf(node);
  const began = performance.now();
  const npm = node.spawn('npm', ['start'], { cwd: TOP, stdio: ['ignore', 'pipe', 'pipe'] });
  let said = '';
  for (const stream of [npm.child.stdout!, npm.child.stderr!]) stream.on('data', (chunk) => (said += chunk));
  await waitFor(
    'the cluster to be up',
    () => {
      if (!npm.running) throw new InVain(said);
      return said.includes('the cluster is up');
    },
    { timeoutMs: 120_000, intervalMs: 5 },
  );
  const ms = performance.now() - began;
  const cpuS = cpuOf(node) - before;
  const parts = await partsOf(node);
  await end(node, npm);
  return { ms, cpuS, parts };
}

async function partsOf(node: NodeNamespace): Promise<Start['parts']> {
  const parts = new Map<string, { cpuS: number; pssMb: number }>();
  for (const pid of await node.pids()) {
    const command = readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0');
    const name = command.find((word) => word === 'up' || word === 'server' || word === 'agent');
    const isContainerd = command[0]?.endsWith('/containerd') ?? false;
    if (isContainerd || (name !== undefined && command.some((word) => word.endsWith('cli/main.ts')))) {
      parts.set(isContainerd ? 'containerd' : name!, { cpuS: cpuSeconds(pid), pssMb: memoryOf(pid).pssMb });
    }
  }
  return parts;
}

/** npm passes the signal on; what counts is that `up` ended as it should. */
async function end(node: NodeNamespace, npm: NodeProcess): Promise<void> {
  for (const pid of await node.pids()) {
    const command = readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0');
    if (command.includes('up') && command.some((word) => word.endsWith('cli/main.ts'))) process.kill(pid, 'SIGINT');
  }
  await npm.exited;
}

/** Everything that ran in the node until now, what has ended included. */
function cpuOf(node: NodeNamespace): number {
  const unified = trees.find(({ version }) => version === 2);
  const counting = trees.find(({ version, options }) => version === 1 && options.includes('cpuacct'));
  if (counting !== undefined) {
    return Number(readFileSync(join(counting.mountPoint, node.id, 'cpuacct.usage'), 'utf8')) / 1e9;
  }
  const stat = readFileSync(join(unified!.mountPoint, node.id, 'cpu.stat'), 'utf8');
  return Number(/^usage_usec (\d+)/m.exec(stat)![1]) / 1e6;
}
