// What a containerd holds beneath CRI: containers, tasks and snapshots of its own records, its shims, the network
// namespaces and mounts in its folder, the plugins' notes. CRI forgets before these are gone when something dies in
// between, so what CRI does not know any more is left over. Another runtime is not looked into.
import { execFile } from 'node:child_process';
import { readdir, readFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import type { RuntimeClient } from '../agent/cri/runtime.ts';
import { NETWORK } from '../agent/network/cni.ts';
import { searchPath } from './containerd-host.ts';
import { type ProcessView, shimTrees } from './leftovers.ts';
import { CNI_RESULTS_DIR, processes } from './sweep.ts';

const run = promisify(execFile);
const TOOL_MS = 20_000;
const OUTPUT_BYTES = 64 * 2 ** 20;
const ID = /[0-9a-f]{64}/;
/** As agent/volumes/image-volume.ts names them. */
const VIEW = /^(skiff-volume-([0-9a-f]{32}|[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})-\S+)\s/gm;

export interface RuntimeHoldings {
  readonly containers: readonly string[];
  readonly tasks: readonly string[];
  readonly snapshots: readonly string[];
  /** Views of images that are volumes. */
  readonly views: readonly { readonly key: string; readonly uid: string }[];
  readonly shims: readonly { readonly id: string; readonly pids: readonly number[] }[];
  /** The latest mounted first. */
  readonly mounts: readonly { readonly path: string; readonly id: string }[];
  readonly networks: readonly string[];
  readonly notes: readonly { readonly path: string; readonly id: string }[];
}

const NOTHING: RuntimeHoldings = {
  ...{ containers: [], tasks: [], snapshots: [], views: [], shims: [], mounts: [], networks: [], notes: [] },
};

/** What the CRI plugin of containerd says of its own configuration. */
interface Facts {
  readonly stateDir: string;
  readonly netnsMountsUnderStateDir?: boolean;
  readonly containerd?: { readonly snapshotter?: string };
}

export async function holdingsOf(
  runtime: RuntimeClient,
  socket: string,
  signal: AbortSignal,
): Promise<RuntimeHoldings & { readonly snapshotter: string }> {
  const { info } = await runtime.status(true, signal);
  const facts = info['config'] === undefined ? undefined : (JSON.parse(info['config']) as Partial<Facts>);
  if (facts?.stateDir === undefined) return { ...NOTHING, snapshotter: '' };
  const snapshotter = facts.containerd?.snapshotter ?? 'overlayfs';
  const ctr = (...args: string[]) => askCtr(socket, args, signal);
  const [containers, tasks, snapshots] = await Promise.all([
    ctr('containers', 'list', '-q'),
    ctr('tasks', 'list', '-q'),
    ctr('snapshots', '--snapshotter', snapshotter, 'list'),
  ]);
  const netnsDir = join(facts.stateDir, 'netns');
  return {
    snapshotter,
    containers: words(containers),
    tasks: words(tasks),
    // The writable ones of containers; layers of images and what is being unpacked are named otherwise.
    snapshots: snapshots.split('\n').flatMap((line) => new RegExp(`^(${ID.source})\\s`).exec(line)?.[1] ?? []),
    views: [...snapshots.matchAll(VIEW)].map(([, key = '', uid = '']) => ({ key, uid })),
    shims: shimsOf(await processes(), socket),
    mounts: mountsOf(await readFile('/proc/self/mountinfo', 'utf8'), dirname(facts.stateDir)),
    // In /run/netns there may be those of others.
    networks: facts.netnsMountsUnderStateDir ? (await namesIn(netnsDir)).map((name) => join(netnsDir, name)) : [],
    notes: await notesOf(netnsDir),
  };
}

/** Runs containerd's own tool on its socket. */
export async function askCtr(socket: string, args: readonly string[], signal: AbortSignal): Promise<string> {
  const options = { signal, env: { PATH: searchPath() }, timeout: TOOL_MS, maxBuffer: OUTPUT_BYTES };
  const { stdout } = await run('ctr', ['--address', socket, '--namespace', 'k8s.io', ...args], options);
  return stdout;
}

/** A shim and everything below it, by the sandbox it was started for. */
function shimsOf(all: readonly ProcessView[], socket: string) {
  return shimTrees(all, socket).shims.map((pid) => {
    const { args } = all.find((each) => each.pid === pid)!;
    const below: number[] = [pid];
    for (const parent of below) below.push(...all.filter((each) => each.parent === parent).map((each) => each.pid));
    return { id: args[args.indexOf('-id') + 1] ?? '', pids: below };
  });
}

/** Root file systems and shared memory: the id of their container or sandbox is part of the path. */
function mountsOf(mountinfo: string, dir: string) {
  const points = mountinfo.split('\n').flatMap((line) => line.split(' ')[4] ?? []);
  return points
    .filter((point) => point.startsWith(`${dir}/`))
    .flatMap((path) => {
      const id = ID.exec(path)?.[0];
      return id === undefined ? [] : [{ path, id }];
    })
    .reverse();
}

/** Of our network, made for sandboxes whose network namespaces lie in this folder. */
async function notesOf(netnsDir: string) {
  const found: { path: string; id: string }[] = [];
  for (const name of await namesIn(CNI_RESULTS_DIR)) {
    const id = ID.exec(name)?.[0];
    if (id === undefined || !name.startsWith(`${NETWORK}-`)) continue;
    const path = join(CNI_RESULTS_DIR, name);
    if ((await readFile(path, 'utf8').catch(() => '')).includes(netnsDir)) found.push({ path, id });
  }
  return found;
}

function words(text: string): string[] {
  return text.split(/\s+/).filter((word) => word !== '');
}

function namesIn(dir: string): Promise<string[]> {
  return readdir(dir).catch((err: { code?: string }) => {
    if (err.code === 'ENOENT') return [];
    throw err;
  });
}
