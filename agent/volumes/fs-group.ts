// The group of a pod owns what its volumes hold, unless it owns it already and the pod says that this is enough. Pods
// that run may write there meanwhile: so each entry is opened without following links, and what was opened is changed.
import { constants } from 'node:fs';
import { chmod, chown, type FileHandle, lchown, open, readdir } from 'node:fs/promises';
import type { Pod } from '../../api/types/core/pod.ts';
import { ifAbsent } from '../if-absent.ts';
import { fsGroupOf } from './context.ts';

const SET_GID = 0o2000;
/** Of Linux, and unknown to Node: a descriptor of the entry itself, whatever it is; nothing is read or waited for. */
const O_PATH = 0o10000000;
const ENTRY = O_PATH | constants.O_NOFOLLOW;

export async function giveToGroup(root: string, pod: Pod): Promise<void> {
  const gid = fsGroupOf(pod);
  if (gid === undefined) return;
  await using top = await open(root, ENTRY);
  const { gid: before, mode } = await top.stat();
  const fits = before === gid && (mode & 0o2070) === 0o2070;
  if (pod.spec.securityContext?.fsGroupChangePolicy === 'OnRootMismatch' && fits) return;
  await give(top, root, gid);
}

/** The root last: if this is broken off, the next try sees that it is not done. */
async function give(entry: FileHandle, path: string, gid: number): Promise<void> {
  const self = `/proc/self/fd/${entry.fd}`;
  const found = await entry.stat();
  const { uid, mode } = found;
  if (found.isSymbolicLink()) return lchown(path, uid, gid);
  if (found.isDirectory()) {
    for (const name of await readdir(self)) {
      const inside = `${self}/${name}`;
      await using next = await open(inside, ENTRY).catch(ifAbsent(undefined)); // removed since
      if (next !== undefined) await give(next, inside, gid);
    }
  }
  await chown(self, uid, gid);
  await chmod(self, (mode & 0o7777) | (found.isDirectory() ? 0o070 | SET_GID : 0o060));
}
