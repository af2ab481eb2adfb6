// A node for tests: namespaces (network, mounts, PIDs, host name, IPC, cgroups) that a holder process keeps. Inside,
// /run, /etc, /var, /opt and /root are the node's own, /var/lib/skiff and the kubelet's folders lie on the real disk
// (overlayfs cannot lie on overlayfs), and the cgroup tree starts at a cgroup made for the node. Outside, nothing changes.
import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join, resolve } from 'node:path';
import { searchPath } from '../../../cli/containerd-host.ts';
import { findChild, Holder } from './holder.ts';
import { ownDir, ownerOf } from './names.ts';
import { type Hierarchy, hierarchies, makeCgroups, procsFile, removeCgroups } from './node-cgroups.ts';
import { collect, type ExecOptions, type ExecResult } from './process.ts';
import type { Segment } from './segment.ts';

const COPIES = ['/etc', '/var', '/opt', '/root'];
const ON_DISK = ['/var/lib/skiff', '/var/lib/kubelet', '/var/lib/cni', '/var/log/pods', '/var/log/containers'];
const NODE_BIN = resolve(import.meta.dirname, '../../../node_modules/.bin');
// What the tests were given on their PATH, programs unpacked for them included, nodes have too.
const PATH = `${NODE_BIN}:${searchPath()}`;

export interface SpawnOptions {
  env?: Record<string, string>;
  cwd?: string;
  stdio?: ('ignore' | 'pipe' | number)[];
}

export class NodeNamespace implements AsyncDisposable {
  /** Host name, and the name the node is expected to register under. */
  readonly name: string;
  /** Name of its cgroup on the host. */
  readonly id: string;
  readonly address: string;
  readonly #dir: string;
  readonly #holder: Holder;
  readonly #trees: readonly Hierarchy[];

  private constructor(given: {
    name: string;
    address: string;
    dir: string;
    holder: Holder;
    trees: readonly Hierarchy[];
  }) {
    this.name = given.name;
    this.id = basename(given.dir);
    this.address = given.address;
    this.#dir = given.dir;
    this.#holder = given.holder;
    this.#trees = given.trees;
  }

  static async create({ name, segment }: { name: string; segment: Segment }): Promise<NodeNamespace> {
    const trees = await hierarchies();
    await sweepAbandoned(trees);
    const dir = await ownDir();
    await using cleanup = new AsyncDisposableStack();
    cleanup.defer(() => rm(dir, { recursive: true, force: true }));
    const id = basename(dir);
    cleanup.defer(() => removeCgroups(id, trees));
    await makeCgroups(id, trees);
    await writeFile(join(dir, 'setup.sh'), setupScript(dir, name, trees));
    const holder = cleanup.use(
      await Holder.start(
        ['--net', '--mount', '--uts', '--ipc', '--propagation', 'private'],
        outsideScript(id, trees),
        `. ${dir}/setup.sh`,
      ),
    );
    const address = await segment.attach(holder.pid);
    cleanup.move();
    return new NodeNamespace({ name, address, dir, holder, trees });
  }

  /** PID 1 of the node, as the host sees it. */
  get pid(): number {
    return this.#holder.pid;
  }

  /** Where the test process finds a file of the node, sockets included. */
  path(inside: string): string {
    return `/proc/${this.#holder.pid}/root${inside}`;
  }

  async exec(command: string, args: readonly string[] = [], opts: ExecOptions = {}): Promise<ExecResult> {
    const started = this.spawn(command, args, { env: opts.env, cwd: opts.cwd, stdio: ['pipe', 'pipe', 'pipe'] });
    return collect(started.child, `${this.name}: ${[command, ...args].join(' ')}`, opts, () => started.kill('SIGKILL'));
  }

  /** Runs in the node's namespaces and cgroup; ends with the node at the latest. */
  spawn(
    command: string,
    args: readonly string[] = [],
    { env, cwd = '/', stdio = ['ignore', 'pipe', 'pipe'] }: SpawnOptions = {},
  ): NodeProcess {
    // Into the cgroup first, from outside: the kernel lets nobody move into a delegated cgroup namespace from within.
    const files = this.#trees.map((tree) => procsFile(tree, this.id)).join(' ');
    const enter = `for f in ${files}; do echo $$ > $f; done; exec nsenter --all --target ${this.pid} env -C "$0" "$@"`;
    const child = spawn('sh', ['-c', enter, cwd, command, ...args], {
      stdio,
      env: { PATH, HOME: '/root', LANG: 'C.UTF-8', ...env },
    });
    return new NodeProcess(child);
  }

  /** The host's pids of everything that runs in the node, its containers included. */
  async pids(): Promise<number[]> {
    const tree = this.#trees[0]!;
    return pidsBelow(join(tree.mountPoint, this.id));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#holder[Symbol.asyncDispose]();
    await removeCgroups(this.id, this.#trees);
    await rm(this.#dir, { recursive: true, force: true });
  }
}

/** nsenter stays outside as the parent of what it started, so a signal has to be sent to its child. */
export class NodeProcess {
  readonly child: ChildProcess;
  readonly exited: Promise<{ code: number | null; signal: NodeJS.Signals | null }>;

  constructor(child: ChildProcess) {
    this.child = child;
    const { promise, resolve } = Promise.withResolvers<{ code: number | null; signal: NodeJS.Signals | null }>();
    child.once('exit', (code, signal) => resolve({ code, signal }));
    child.once('error', () => resolve({ code: 127, signal: null }));
    this.exited = promise;
  }

  get running(): boolean {
    return this.child.exitCode === null && this.child.signalCode === null;
  }

  /** The host's pid of the process itself. */
  async pid(): Promise<number | undefined> {
    return this.child.pid === undefined ? undefined : findChild(this.child.pid);
  }

  /** Holds the process where it is. */
  async pause(): Promise<void> {
    process.kill((await this.pid())!, 'SIGSTOP');
  }

  /** nsenter stops along with its child and goes on only when told so itself. */
  async resume(): Promise<void> {
    process.kill((await this.pid())!, 'SIGCONT');
    this.child.kill('SIGCONT');
  }

  async kill(signal: NodeJS.Signals): Promise<void> {
    if (!this.running) return;
    const pid = await this.pid();
    if (pid === undefined) this.child.kill(signal);
    else process.kill(pid, signal);
  }
}

function outsideScript(id: string, trees: readonly Hierarchy[]): string {
  // The cgroup namespace is rooted where the process is when it is made; in v2 it then has to move on to a leaf.
  const roots = trees.map(({ mountPoint }) => join(mountPoint, id, 'cgroup.procs')).join(' ');
  const leaves = trees.map((tree) => procsFile(tree, id)).join(' ');
  const move = (files: string) => `for f in ${files}; do echo $$ > $f; done`;
  return `${move(roots)}\nexec unshare --cgroup sh -c '${move(leaves)}; exec "$@"' sh "$@"`;
}

function setupScript(dir: string, name: string, trees: readonly Hierarchy[]): string {
  const unified = trees.some(({ mountPoint }) => mountPoint === '/sys/fs/cgroup');
  return [
    // Where the disk itself is an overlay (a container), memory takes its place.
    `if [ "$(stat -f -c %T ${dir})" = overlayfs ]; then mount -t tmpfs tmpfs ${dir}; fi`,
    ...COPIES.flatMap((path) => {
      const layer = `${dir}${path}`;
      const options = `lowerdir=${path},upperdir=${layer}/upper,workdir=${layer}/work`;
      return [`mkdir -p ${layer}/upper ${layer}/work`, `mount -t overlay overlay -o ${options} ${path}`];
    }),
    'mount -t tmpfs -o mode=755 tmpfs /run',
    ...ON_DISK.flatMap((path) => [`mkdir -p ${path} ${dir}/disk${path}`, `mount --bind ${dir}/disk${path} ${path}`]),
    // A new sysfs shows the interfaces of the new network namespace.
    'umount -l /sys',
    'mount -t sysfs sysfs /sys',
    ...(unified ? [] : ['mount -t tmpfs -o mode=755 tmpfs /sys/fs/cgroup']),
    ...trees.flatMap(({ mountPoint, version, options }) => [
      `mkdir -p ${mountPoint}`,
      version === 2 ? `mount -t cgroup2 cgroup2 ${mountPoint}` : `mount -t cgroup -o ${options} cgroup ${mountPoint}`,
    ]),
    // As systemd leaves it: mounts propagate within the node. The host is no peer.
    'mount --make-rshared /',
    `hostname ${name}`,
    `echo ${name} > /etc/hostname`,
    'ip link set lo up',
  ].join('\n');
}

/** Removes what a test process left that was killed before it could. Its namespaces went with it. */
async function sweepAbandoned(trees: readonly Hierarchy[]): Promise<void> {
  const places = [tmpdir(), ...trees.map(({ mountPoint }) => mountPoint)];
  const names = new Set((await Promise.all(places.map((place) => readdir(place)))).flat());
  for (const name of names) {
    const owner = ownerOf(name);
    if (owner === undefined || existsSync(`/proc/${owner}`)) continue;
    await removeCgroups(name, trees);
    await rm(join(tmpdir(), name), { recursive: true, force: true });
  }
}

async function pidsBelow(dir: string): Promise<number[]> {
  const own = await readFile(join(dir, 'cgroup.procs'), 'utf8').catch(() => '');
  const entries = await readdir(dir, { withFileTypes: true }).catch(() => []);
  const below = await Promise.all(
    entries.filter((entry) => entry.isDirectory()).map(({ name }) => pidsBelow(join(dir, name))),
  );
  return [...own.split('\n').filter(Boolean).map(Number), ...below.flat()];
}
