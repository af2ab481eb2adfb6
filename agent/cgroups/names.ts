// Where a pod's processes are counted: a tree by quality of service, so that under pressure the kernel takes from
// those who asked for nothing first.
//
//   <root>/kubepods/pod<uid>                guaranteed
//   <root>/kubepods/burstable/pod<uid>
//   <root>/kubepods/besteffort/pod<uid>
import type { QosClass } from '../pods/resources.ts';

export type CgroupDriver = 'cgroupfs' | 'systemd';

export const QOS_FOLDERS = { Guaranteed: [], Burstable: ['burstable'], BestEffort: ['besteffort'] } as const;

/** The parts of a cgroup's name below the root. */
export function podParts(qos: QosClass, uid: string): string[] {
  return ['kubepods', ...QOS_FOLDERS[qos], `pod${uid}`];
}

/** The group that all pods of a class share; that of the guaranteed ones is the tree's root. */
export function qosParts(qos: 'Burstable' | 'BestEffort'): string[] {
  return ['kubepods', ...QOS_FOLDERS[qos]];
}

/** As a path below every hierarchy's mount point. */
export function cgroupPath(driver: CgroupDriver, root: string, parts: readonly string[]): string {
  const roots = root.split('/').filter((part) => part !== '');
  if (driver === 'cgroupfs') return `/${[...roots, ...parts].join('/')}`;
  // Slices are nested by their names: a-b.slice lies in a.slice.
  return pathOfSlice([...roots, ...parts].map(escapeSlice).join('-'));
}

/** Where a slice lies follows from its name. */
export function pathOfSlice(name: string): string {
  const words = name.replace(/\.slice$/, '').split('-');
  return `/${words.map((_word, at) => `${words.slice(0, at + 1).join('-')}.slice`).join('/')}`;
}

/** What the runtime is given: a path, or with systemd the name of the innermost slice. */
export function cgroupParent(driver: CgroupDriver, root: string, parts: readonly string[]): string {
  const path = cgroupPath(driver, root, parts);
  return driver === 'cgroupfs' ? path : path.slice(path.lastIndexOf('/') + 1);
}

/** A dash would mean a level of its own. */
function escapeSlice(word: string): string {
  return word.replaceAll('-', '_');
}
