// What containerd's configuration needs to know about this machine, found out by looking: binaries, plugins, the
// cgroup tree, our own privileges, whether overlayfs works where the data lives, and whether our instance runs already.
import { execFile } from 'node:child_process';
import { constants } from 'node:fs';
import { access, mkdir, mkdtemp, readdir, readFile, readlink, rm, statfs } from 'node:fs/promises';
import { basename, delimiter, join } from 'node:path';
import { promisify } from 'node:util';
import { lacksSysResource, usesSystemdCgroup } from './containerd-config.ts';

const run = promisify(execFile);

const SYSTEM_DIRS = ['/usr/local/sbin', '/usr/local/bin', '/usr/sbin', '/usr/bin', '/sbin', '/bin'];
const CGROUP2_MAGIC = 0x63677270;

/** Root's PATH is not always on the PATH of the one who became root. */
export function searchPath(path = process.env['PATH'] ?? ''): string {
  return [...new Set([...path.split(delimiter).filter((dir) => dir !== ''), ...SYSTEM_DIRS])].join(delimiter);
}

export async function findProgram(name: string): Promise<string | undefined> {
  const candidates = name.includes('/')
    ? [name]
    : searchPath()
        .split(delimiter)
        .map((dir) => join(dir, name));
  return firstWhere(candidates, (path) => isThere(path, constants.X_OK));
}

/** The first folder that has the plugin every sandbox needs. containerd 1.6 looks in one folder only. */
export function findCniBinDir(candidates: readonly string[]): Promise<string | undefined> {
  return firstWhere(candidates, (dir) => isThere(join(dir, 'loopback'), constants.X_OK));
}

async function firstWhere(items: readonly string[], holds: (item: string) => Promise<boolean>) {
  for (const item of items) if (await holds(item)) return item;
  return undefined;
}

async function isThere(path: string, mode: number): Promise<boolean> {
  return access(path, mode).then(
    () => true,
    () => false,
  );
}

export async function lookAtHost(): Promise<{ restrictOomScoreAdj: boolean; systemdCgroup: boolean }> {
  const [status, initName, cgroups] = await Promise.all([
    readFile('/proc/self/status', 'utf8'),
    readFile('/proc/1/comm', 'utf8'),
    statfs('/sys/fs/cgroup'),
  ]);
  return {
    restrictOomScoreAdj: lacksSysResource(status),
    systemdCgroup: usesSystemdCgroup({
      initName: initName.trim(),
      unifiedCgroups: cgroups.type === CGROUP2_MAGIC,
    }),
  };
}

/** Tried by really mounting one, in a mount namespace that ends with the attempt. Not possible on overlayfs or NFS. */
export async function overlayWorks(dataDir: string, signal: AbortSignal): Promise<boolean> {
  await mkdir(dataDir, { recursive: true, mode: 0o711 });
  const dir = await mkdtemp(join(dataDir, 'overlay-check-'));
  const script = [
    'cd "$1" && mkdir lower upper work merged',
    'mount -t overlay overlay -o lowerdir=lower,upperdir=upper,workdir=work merged',
    'echo written > merged/file && test -s upper/file',
  ].join(' && ');
  try {
    const options = { signal, env: { PATH: searchPath() } };
    await run('unshare', ['--mount', '--propagation', 'private', 'sh', '-c', script, 'sh', dir], options);
    return true;
  } catch {
    signal.throwIfAborted();
    return false;
  } finally {
    await rm(dir, { recursive: true, force: true });
  }
}

/**
 * The pid of the containerd that runs with this configuration file. The same path in another mount namespace is
 * another file, so only processes that share ours count.
 */
export async function findRunning(configFile: string): Promise<number | undefined> {
  const ours = await readlink('/proc/self/ns/mnt');
  for (const entry of await readdir('/proc')) {
    if (!/^\d+$/.test(entry)) continue;
    const args = (await orUndefined(readFile(`/proc/${entry}/cmdline`, 'utf8')))?.split('\0');
    if (args === undefined || basename(args[0] ?? '') !== 'containerd' || !args.includes(configFile)) continue;
    if ((await orUndefined(readlink(`/proc/${entry}/ns/mnt`))) === ours) return Number(entry);
  }
  return undefined;
}

/** Processes come and go while /proc is read; one that has gone is simply not there. */
async function orUndefined(reading: Promise<string>): Promise<string | undefined> {
  return reading.catch(() => undefined);
}
