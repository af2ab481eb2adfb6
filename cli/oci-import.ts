// Images into a containerd through its own tool on its own socket, where CRI finds them: namespace k8s.io. The pause
// image is assembled from the distribution's catatonit, which reaps what a shared process namespace leaves to PID 1.
import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { Clock } from '../api/clock.ts';
import type { Snapshotter } from './containerd-config.ts';
import { findProgram, searchPath } from './containerd-host.ts';
import { criHasImage } from './containerd-probe.ts';
import { isStaticProgram } from './oci-elf.ts';
import { assembleImage, type Image, writeImageArchive } from './oci-image.ts';

const run = promisify(execFile);

export interface ImportTarget {
  /** containerd's socket. */
  socket: string;
  snapshotter: Snapshotter;
  clock: Clock;
}

const POLL_MS = 10;
const KNOWN_WITHIN_MS = 10_000;

/** What CRI's garbage collection (1.7 and newer) leaves alone; older ones ignore the label. */
const PINNED = 'io.cri-containerd.pinned=pinned';

/** Imports what is not there yet, under the same digest. */
export async function importImages(
  images: readonly Image[],
  to: ImportTarget,
  opts: { pinned?: boolean },
  signal: AbortSignal,
) {
  const present = await digests(to, signal);
  const missing = images.filter(({ ref, manifest }) => present.get(ref) !== manifest.digest);
  if (missing.length === 0) return;
  const dir = await mkdtemp(join(tmpdir(), 'skiff-image-'));
  try {
    const file = join(dir, 'image.tar');
    await writeImageArchive(missing, file);
    await importArchive(file, to, signal);
  } finally {
    await rm(dir, { recursive: true, force: true });
  }
  if (!opts.pinned) return;
  for (const { ref } of missing) await ctr(to, ['images', 'label', ref, PINNED], signal);
}

export async function importArchive(file: string, to: ImportTarget, signal: AbortSignal): Promise<void> {
  const said = await ctr(to, ['images', 'import', '--snapshotter', to.snapshotter, file], signal);
  for (const [, ref] of said.matchAll(/^unpacking (\S+) /gm)) await untilKnown(ref!, to, signal);
}

/** Until then CRI would try to pull it. */
async function untilKnown(ref: string, to: ImportTarget, signal: AbortSignal): Promise<void> {
  const deadline = AbortSignal.any([signal, to.clock.deadline(KNOWN_WITHIN_MS)]);
  try {
    while (!(await criHasImage(to.socket, ref, deadline))) await to.clock.sleep(POLL_MS, deadline);
  } catch (cause) {
    signal.throwIfAborted();
    throw new Error(`${ref} was imported, but CRI does not show it`, { cause });
  }
}

export async function importPauseImage(ref: string, to: ImportTarget, signal: AbortSignal): Promise<void> {
  await importImages([await pauseImage(ref)], to, { pinned: true }, signal);
}

/** Debian builds catatonit statically, so that the binary is the whole image. */
export async function pauseImage(ref: string): Promise<Image> {
  const catatonit = await findProgram('catatonit');
  if (catatonit === undefined) throw new Error('catatonit is not installed: the package is called catatonit');
  const data = await readFile(catatonit);
  if (!isStaticProgram(data))
    throw new Error(`${catatonit} is not statically linked: the pause image needs one that is`);
  return assembleImage({
    ref,
    files: [{ path: '/catatonit', data, mode: 0o755 }],
    entrypoint: ['/catatonit', '-P'],
    user: '65535:65535',
  });
}

async function digests(to: ImportTarget, signal: AbortSignal): Promise<Map<string, string>> {
  const table = await ctr(to, ['images', 'list'], signal);
  const rows = table
    .split('\n')
    .slice(1)
    .map((line) => line.split(/\s+/));
  return new Map(rows.flatMap(([ref, , digest]) => (ref && digest ? [[ref, digest] as const] : [])));
}

async function ctr(to: ImportTarget, args: readonly string[], signal: AbortSignal): Promise<string> {
  const options = { signal, env: { PATH: searchPath() }, maxBuffer: 16 * 1024 * 1024 };
  try {
    const { stdout } = await run('ctr', ['--address', to.socket, '--namespace', 'k8s.io', ...args], options);
    return stdout;
  } catch (cause) {
    signal.throwIfAborted();
    const said = (cause as { stderr?: string }).stderr?.trim().split('\n').at(-1) ?? String(cause);
    throw new Error(`ctr ${args.slice(0, 2).join(' ')} failed: ${said}`, { cause });
  }
}
