// Removes by force what is left of a cluster: processes, mounts, namespaces, kernel tables, control groups, folders.
// Each function may run any number of times and answers with what it removed. Nothing here needs containerd.
import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { lstat, readdir, readFile, readlink, rmdir, stat, unlink } from 'node:fs/promises';
import { isIPv4 } from 'node:net';
import { basename, dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { cgroupPath, pathOfSlice } from '../agent/cgroups/names.ts';
import { removeSlices, slicesSet } from '../agent/cgroups/slices.ts';
import { NETWORK } from '../agent/network/cni.ts';
import { ROUTE_PROTOCOL } from '../agent/network/routes.ts';
import type { Clock } from '../api/clock.ts';
import { searchPath } from './containerd-host.ts';
import { startTimeOf } from './instance.ts';
import { logsOf, mountsBelow, notesOf, ourLinks, ourTables, type ProcessView, shimTrees } from './leftovers.ts';

const exec = promisify(execFile);
const CGROUPS = '/sys/fs/cgroup';
const PODS = ['kubepods'];
const SLICES_TIMEOUT_MS = 60_000;
const NETNS_DIR = '/run/netns';
// Fixed in containerd, whatever the state directory of an instance is.
const SHIM_SOCKETS_DIR = '/run/containerd/s';
// Fixed in the library that containerd and others run plugins with.
export const CNI_RESULTS_DIR = '/var/lib/cni/results';

export interface Killed {
  readonly processes: number;
  /** The network namespaces they were in. */
  readonly networks: ReadonlySet<number>;
  readonly sandboxIds: readonly string[];
}

export async function killShims(socket: string, clock: Clock): Promise<Killed> {
  const { shims, containers, sandboxIds } = shimTrees(await processes(), socket);
  const networks = await networksOf(containers);
  // A shim would report its container's end and clean up; that is done here, so it goes first.
  for (const pid of [...shims, ...containers]) kill(pid);
  await untilGone([...shims, ...containers], clock);
  return { processes: containers.length, networks, sandboxIds };
}

export async function unmountBelow(folders: readonly string[]): Promise<{ unmounted: string[]; stuck: string[] }> {
  const before = mountsBelow(await mountinfo(), folders);
  for (const point of before) {
    if ((await attempt('umount', [point])) === undefined) await attempt('umount', ['--lazy', point]);
  }
  const stuck = mountsBelow(await mountinfo(), folders);
  return { unmounted: before.filter((point) => !stuck.includes(point)), stuck };
}

/** Those of killed shims, and the folders if nobody else has something there. */
export async function removeShimSockets(socket: string, sandboxIds: readonly string[]): Promise<void> {
  for (const id of sandboxIds) {
    const name = createHash('sha256')
      .update(join(socket, 'k8s.io', id))
      .digest('hex');
    await unlink(join(SHIM_SOCKETS_DIR, name)).catch(() => {}); // the shim removed it, or never made it
  }
  if (await removeIfEmpty(SHIM_SOCKETS_DIR)) await removeIfEmpty(dirname(SHIM_SOCKETS_DIR));
}

/**
 * What the plugins noted of sandboxes that did not get to give their network back: those killed just now, and those that
 * a reboot ended, whose loopback containerd cannot give back because its namespace is gone. A power failure leaves notes
 * without text; then the names tell.
 */
export async function removeCniResults(sandboxIds: readonly string[], stateDir: string): Promise<void> {
  const notes = await Promise.all(
    (await namesIn(CNI_RESULTS_DIR)).map(async (name) => ({
      name,
      text: await readFile(join(CNI_RESULTS_DIR, name), 'utf8').catch(() => ''),
    })),
  );
  for (const name of notesOf(notes, { sandboxIds, stateDir, network: NETWORK }))
    await unlink(join(CNI_RESULTS_DIR, name));
  if (await removeIfEmpty(CNI_RESULTS_DIR)) await removeIfEmpty(dirname(CNI_RESULTS_DIR));
}

/** Named network namespaces whose processes were ours. */
export async function removeNetworks(networks: ReadonlySet<number>): Promise<string[]> {
  const removed: string[] = [];
  for (const name of await namesIn(NETNS_DIR)) {
    const path = join(NETNS_DIR, name);
    const inode = await stat(path).then(
      ({ ino }) => ino,
      () => undefined,
    );
    if (inode === undefined || !networks.has(inode)) continue;
    await attempt('umount', ['--lazy', path]);
    await unlink(path);
    removed.push(name);
  }
  return removed;
}

export async function removeTables(): Promise<string[]> {
  const tables = ourTables((await attempt('nft', ['list', 'tables'])) ?? '');
  for (const { family, name } of tables) await attempt('nft', ['delete', 'table', family, name]);
  const links = ourLinks((await attempt('ip', ['-o', 'link', 'show'])) ?? '');
  for (const name of links) await attempt('ip', ['link', 'delete', name]);
  return [
    ...tables.map(({ family, name }) => `nft table ${family} ${name}`),
    ...links.map((name) => `interface ${name}`),
  ];
}

/** Routes to other nodes bear our mark; those to services and the address of DNS, where needed, are on lo. */
export async function removeAddresses(serviceCidrs: readonly string[], clusterDns: readonly string[]): Promise<void> {
  for (const family of ['-4', '-6']) await attempt('ip', [family, 'route', 'flush', 'proto', String(ROUTE_PROTOCOL)]);
  for (const cidr of serviceCidrs) await attempt('ip', ['route', 'delete', cidr, 'dev', 'lo']);
  for (const ip of clusterDns)
    await attempt('ip', ['address', 'delete', `${ip}/${isIPv4(ip) ? 32 : 128}`, 'dev', 'lo']);
}

/** Only what is empty can be removed, so the pods of another kubelet on this machine keep theirs. */
export async function removeCgroups(cgroupRoot: string, clock: Clock): Promise<number> {
  const slices = cgroupPath('systemd', cgroupRoot, PODS);
  let removed = await removeEmptySlices(slices, clock);
  for (const hierarchy of [CGROUPS, ...(await namesIn(CGROUPS)).map((name) => join(CGROUPS, name))]) {
    for (const path of [cgroupPath('cgroupfs', cgroupRoot, PODS), slices]) {
      removed += await removeEmptyTree(join(hierarchy, path));
      if (dirname(path) !== '/') removed += (await removeIfEmpty(join(hierarchy, dirname(path)))) ? 1 : 0;
    }
  }
  return removed;
}

/** Slices are units as well, so systemd is asked; also about those that were set and never had a container. */
async function removeEmptySlices(path: string, clock: Clock): Promise<number> {
  const root = basename(path, '.slice');
  const set = (await slicesSet()).filter((name) => name === `${root}.slice` || name.startsWith(`${root}-`));
  const names = [...new Set([...set, ...(await slicesAt(join(CGROUPS, path)))])];
  const busy = await Promise.all(
    names.map(async (name) => {
      const events = join(CGROUPS, pathOfSlice(name), 'cgroup.events');
      return (await readFile(events, 'utf8').catch(() => '')).includes('populated 1');
    }),
  );
  const empty = names.filter((_name, at) => !busy[at]);
  // What systemd would not remove is removed from the tree by the caller.
  await removeSlices(empty, clock.deadline(SLICES_TIMEOUT_MS)).catch(() => {});
  return empty.length;
}

/** The innermost first. */
async function slicesAt(path: string): Promise<string[]> {
  if (!(await isThere(path))) return [];
  const inner = (await namesIn(path)).filter((name) => name.endsWith('.slice'));
  return [...(await Promise.all(inner.map((name) => slicesAt(join(path, name))))).flat(), basename(path)];
}

/** Not across mounts: a volume that could not be unmounted is somebody's data. A folder that is a mount is emptied. */
export async function removeFolder(path: string): Promise<'removed' | 'emptied' | 'nothing'> {
  const before = (await isThere(path)) ? await namesIn(path) : undefined;
  if (before === undefined) return 'nothing';
  await exec('rm', ['-rf', '--one-file-system', '--', path], { env: { PATH: searchPath() } }).catch(() => {});
  if (!(await isThere(path))) return 'removed';
  return before.length > 0 && (await namesIn(path)).length === 0 ? 'emptied' : 'nothing';
}

export async function removeIfEmpty(path: string): Promise<boolean> {
  return rmdir(path).then(
    () => true,
    () => false,
  );
}

export async function removeLogs(
  podLogsDir: string,
  containerLogsDir: string,
  podUids: ReadonlySet<string>,
): Promise<number> {
  const folders = logsOf(await namesIn(podLogsDir), podUids);
  for (const folder of folders) await removeFolder(join(podLogsDir, folder));
  for (const name of await namesIn(containerLogsDir)) {
    const link = join(containerLogsDir, name);
    const target = await readlink(link).catch(() => '');
    if (target.startsWith(`${podLogsDir}/`) && !(await isThere(target))) await unlink(link);
  }
  return folders.length;
}

export async function namesIn(folder: string): Promise<string[]> {
  return readdir(folder).catch(() => []);
}

export async function isThere(path: string): Promise<boolean> {
  return lstat(path).then(
    () => true,
    () => false,
  );
}

/** Whether the process is gone in time. */
export async function untilGone(pids: readonly number[], clock: Clock, timeoutMs = 10_000): Promise<boolean> {
  const deadline = clock.deadline(timeoutMs);
  for (;;) {
    const alive = await Promise.all(pids.map((pid) => startTimeOf(String(pid))));
    if (alive.every((started) => started === undefined)) return true;
    if (deadline.aborted) return false;
    await clock.sleep(20);
  }
}

export async function processes(): Promise<ProcessView[]> {
  const ours = await readlink('/proc/self/ns/mnt');
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name));
  const views = await Promise.all(
    pids.map(async (pid): Promise<ProcessView | undefined> => {
      try {
        const [status, cmdline, mounts] = await Promise.all([
          readFile(`/proc/${pid}/status`, 'utf8'),
          readFile(`/proc/${pid}/cmdline`, 'utf8'),
          readlink(`/proc/${pid}/ns/mnt`),
        ]);
        const parent = Number(/^PPid:\t(\d+)$/m.exec(status)?.[1]);
        return { pid: Number(pid), parent, args: cmdline.split('\0'), sharesMounts: mounts === ours };
      } catch {
        return undefined; // it ended while we looked
      }
    }),
  );
  return views.filter((view) => view !== undefined);
}

async function networksOf(pids: readonly number[]): Promise<Set<number>> {
  const own = (await stat('/proc/self/ns/net')).ino;
  const inodes = await Promise.all(
    pids.map((pid) =>
      stat(`/proc/${pid}/ns/net`).then(
        ({ ino }) => ino,
        () => own,
      ),
    ),
  );
  return new Set(inodes.filter((inode) => inode !== own));
}

async function removeEmptyTree(path: string): Promise<number> {
  const entries = await readdir(path, { withFileTypes: true }).catch(() => []);
  let removed = 0;
  for (const entry of entries) if (entry.isDirectory()) removed += await removeEmptyTree(join(path, entry.name));
  return removed + ((await removeIfEmpty(path)) ? 1 : 0);
}

function kill(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // gone already, which is what was wanted
  }
}

function mountinfo(): Promise<string> {
  return readFile('/proc/self/mountinfo', 'utf8');
}

/** What it printed, or undefined when it failed: what it should have removed is looked for again afterwards. */
async function attempt(program: string, args: readonly string[]): Promise<string | undefined> {
  return exec(program, args, { env: { PATH: searchPath() } }).then(
    ({ stdout }) => stdout,
    () => undefined,
  );
}
