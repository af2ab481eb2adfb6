// The group of a pod owns what its volumes hold, unless it owns it already and the pod says that this is enough.
import { chmod, chown, lchown, lstat, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { Pod } from '../../api/types/core/pod.ts';
import { fsGroupOf } from './context.ts';

const SET_GID = 0o2000;

export async function giveToGroup(root: string, pod: Pod): Promise<void> {
  const gid = fsGroupOf(pod);
  if (gid === undefined) return;
  const top = await lstat(root);
  const fits = top.gid === gid && (top.mode & 0o2070) === 0o2070;
  if (pod.spec.securityContext?.fsGroupChangePolicy === 'OnRootMismatch' && fits) return;
  await give(root, gid);
}

/** The root last: if this is broken off, the next try sees that it is not done. */
async function give(path: string, gid: number): Promise<void> {
  const { uid, mode } = await lstat(path);
  const isFolder = (mode & 0o170000) === 0o040000;
  if (isFolder) for (const name of await readdir(path)) await give(join(path, name), gid);
  if ((mode & 0o170000) === 0o120000) return lchown(path, uid, gid);
  await chown(path, uid, gid);
  await chmod(path, (mode & 0o7777) | (isFolder ? 0o070 | SET_GID : 0o060));
}
