// A part of a volume for a container. What is inside a volume belongs to its containers, who may put links there at
// any time: so the part is opened step by step without following links, and what was opened is what gets mounted.
import { constants } from 'node:fs';
import { type FileHandle, mkdir, open, realpath, stat, writeFile } from 'node:fs/promises';
import { dirname, join, normalize, relative } from 'node:path';
import { bindMount, isMounted, unmount } from './mounts.ts';
import { VolumeError } from './types.ts';

export interface SubPath {
  readonly volume: string;
  readonly subPath: string;
  /** Where the part is mounted for the runtime to find. */
  readonly target: string;
}

export async function mountSubPath({ volume, subPath, target }: SubPath, signal: AbortSignal): Promise<string> {
  const clean = normalize(subPath);
  if (clean.startsWith('/') || clean.split('/').includes('..')) {
    throw new VolumeError(`subPath ${JSON.stringify(subPath)} must stay inside the volume`);
  }
  const root = await realpath(volume);
  // Links that are there now are followed once, here; what they lead to is opened, or made, without following any.
  const inside = await resolvedInside(root, clean);
  if (inside === undefined) throw new VolumeError(`subPath ${JSON.stringify(subPath)} leads out of the volume`);
  await using part = await openInside(root, inside, { make: true });
  const isFolder = (await part.stat()).isDirectory();
  await mkdir(dirname(target), { recursive: true });
  while (await isMounted(target)) await unmount(target, signal); // an earlier start's: the part may be another now
  if ((await stat(target).catch(() => undefined)) === undefined) {
    if (isFolder) await mkdir(target);
    else await writeFile(target, '');
  }
  await bindMount(`/proc/${process.pid}/fd/${part.fd}`, target, signal);
  return target;
}

const READ_MAX_BYTES = 1 << 20;

/** A file of a volume as text, without following any link; undefined if there is none. */
export async function readInside(volume: string, path: string): Promise<string | undefined> {
  const clean = normalize(path);
  if (clean.startsWith('/') || leadsOut(clean)) throw new VolumeError(`path ${JSON.stringify(path)} leads out`);
  let file: FileHandle;
  try {
    file = await openInside(await realpath(volume), clean);
  } catch (err) {
    const { code } = err as NodeJS.ErrnoException;
    if (code === 'ENOENT' || code === 'ENOTDIR') return undefined;
    if (code === 'ELOOP') throw new VolumeError(`path ${JSON.stringify(path)} is a link`, { cause: err });
    throw err;
  }
  await using opened = file;
  const found = await opened.stat();
  if (!found.isFile()) throw new VolumeError(`path ${JSON.stringify(path)} is not a file`);
  if (found.size > READ_MAX_BYTES) throw new VolumeError(`path ${JSON.stringify(path)} is larger than 1 MiB`);
  return opened.readFile('utf8');
}

/** The path relative to the volume with its links resolved, as far as it exists; undefined if it leads out. */
async function resolvedInside(root: string, path: string): Promise<string | undefined> {
  const parts = path.split('/');
  for (let there = parts.length; there > 0; there--) {
    const found = await realpath(join(root, ...parts.slice(0, there))).catch(() => undefined);
    if (found === undefined) continue;
    const inside = relative(root, found);
    return leadsOut(inside) ? undefined : join(inside, ...parts.slice(there));
  }
  return path;
}

/** Names may begin with two dots; only the step up leaves. */
function leadsOut(path: string): boolean {
  return path === '..' || path.startsWith('../');
}

/** Step by step, each by the descriptor of the one before: whoever swaps names meanwhile changes nothing. */
async function openInside(root: string, inside: string, { make = false } = {}): Promise<FileHandle> {
  const flags = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK;
  let at = await open(root, flags);
  for (const part of inside.split('/').filter((each) => each !== '' && each !== '.')) {
    const from = at;
    const next = `/proc/self/fd/${from.fd}/${part}`;
    try {
      at = await open(next, flags).catch(async (err: NodeJS.ErrnoException) => {
        if (err.code !== 'ENOENT' || !make) throw err;
        await mkdir(next, { mode: 0o750 }).catch((cause: NodeJS.ErrnoException) => {
          if (cause.code !== 'EEXIST') throw cause; // another container made it
        });
        return open(next, flags);
      });
    } finally {
      await from.close();
    }
  }
  return at;
}
