// Puts a set of files where containers see them change all at once: they live in a folder of their own, `..data`
// points to it, and every visible name is a link through `..data`. A change is a new folder and one rename.
import {
  chmod,
  chown,
  lstat,
  mkdir,
  readdir,
  readFile,
  readlink,
  rename,
  rm,
  symlink,
  writeFile,
} from 'node:fs/promises';
import { dirname, join, normalize } from 'node:path';

export interface ProjectedFile {
  readonly data: Buffer;
  readonly mode: number;
  /** Owner, where it is not root. */
  readonly uid?: number;
}
export type Payload = ReadonlyMap<string, ProjectedFile>;

export interface WriteOptions {
  /** Name of the new folder: unique, and begins with two dots. */
  readonly version: string;
  /** The group that may read everything. */
  readonly gid?: number;
}

const DATA = '..data';

/** Returns whether anything had to change. */
export async function writeAtomically(dir: string, payload: Payload, { version, gid }: WriteOptions): Promise<boolean> {
  for (const path of payload.keys()) checkPath(path);
  await mkdir(dir, { recursive: true });
  const before = await readlink(join(dir, DATA)).catch(() => undefined);
  if (before !== undefined && (await isSame(join(dir, before), payload))) {
    await tidy(dir, payload, before);
    return false;
  }
  const next = join(dir, version);
  try {
    await fill(next, payload, gid);
    await rm(join(dir, `${DATA}_tmp`), { force: true });
    await symlink(version, join(dir, `${DATA}_tmp`));
    await rename(join(dir, `${DATA}_tmp`), join(dir, DATA));
  } catch (err) {
    await rm(next, { recursive: true, force: true }); // the disk may be full: what is half made takes room for nothing
    throw err;
  }
  await tidy(dir, payload, version);
  return true;
}

async function fill(next: string, payload: Payload, gid: number | undefined): Promise<void> {
  await mkdir(next, { mode: 0o755 });
  await grant(next, gid);
  for (const [path, { data, mode, uid }] of payload) {
    const file = join(next, path);
    await makeFolders(next, dirname(path), gid);
    await writeFile(file, data, { mode });
    // The mask of this process has no say in what containers may read.
    await chmod(file, gid === undefined ? mode : mode | 0o440);
    if (uid !== undefined || gid !== undefined) await chown(file, uid ?? 0, gid ?? 0);
  }
}

export async function isPopulated(dir: string): Promise<boolean> {
  return (await lstat(join(dir, DATA)).catch(() => undefined)) !== undefined;
}

/** A path of a volume stays inside it. */
export function checkPath(path: string): void {
  const clean = normalize(path);
  const first = clean.split('/')[0]!;
  if (path === '' || clean.startsWith('/') || clean.split('/').includes('..') || first.startsWith('..')) {
    throw new Error(`invalid path ${JSON.stringify(path)}: it must stay inside the volume and not begin with '..'`);
  }
}

/** Links for what is there, none for what is gone, and no older folders: also after a crash in between. */
async function tidy(dir: string, payload: Payload, version: string): Promise<void> {
  const tops = new Set(Array.from(payload.keys(), (path) => normalize(path).split('/')[0]!));
  const present = await readdir(dir);
  for (const top of tops) if (!present.includes(top)) await symlink(join(DATA, top), join(dir, top));
  for (const name of present) {
    if (name === DATA || name === version || tops.has(name)) continue;
    await rm(join(dir, name), { recursive: true, force: true });
  }
}

async function isSame(dir: string, payload: Payload): Promise<boolean> {
  const files = await filesBelow(dir, '').catch(() => undefined);
  if (files === undefined || files.length !== payload.size) return false;
  for (const [path, { data }] of payload) {
    const had = await readFile(join(dir, path)).catch(() => undefined);
    if (had === undefined || !had.equals(data)) return false;
  }
  return true;
}

async function filesBelow(dir: string, below: string): Promise<string[]> {
  const entries = await readdir(join(dir, below), { withFileTypes: true });
  const found = await Promise.all(
    entries.map((entry) =>
      entry.isDirectory() ? filesBelow(dir, join(below, entry.name)) : Promise.resolve([join(below, entry.name)]),
    ),
  );
  return found.flat();
}

async function makeFolders(root: string, below: string, gid: number | undefined): Promise<void> {
  if (below === '.') return;
  let at = root;
  for (const part of below.split('/')) {
    at = join(at, part);
    const made = await mkdir(at, { mode: 0o755 }).then(
      () => true,
      () => false, // there already: another file of the same folder made it
    );
    if (made) await grant(at, gid);
  }
}

async function grant(dir: string, gid: number | undefined): Promise<void> {
  if (gid === undefined) {
    await chmod(dir, 0o755);
    return;
  }
  await chown(dir, 0, gid);
  await chmod(dir, 0o2755);
}
