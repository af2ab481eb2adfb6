// What pods left on disk that nobody knows any more: after a crash in the middle of a removal, or when containers
// were removed behind our back.
import { readdir, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { PodFolders, PodName } from './names.ts';

/** Pods with a folder below the kubelet's: they may still have mounts, so a worker must take them down. */
export async function podsOnDisk({ kubeletDir }: PodFolders): Promise<string[]> {
  return readdir(join(kubeletDir, 'pods')).catch(() => []);
}

/** What a pod was called, by its logs. */
export async function namesInLogs(uid: string, { podLogsDir }: PodFolders): Promise<PodName[]> {
  const folders = await readdir(podLogsDir).catch(() => []);
  return folders.flatMap((folder) => {
    const [namespace = '', name = '', owner] = folder.split('_');
    return owner === uid ? [{ namespace, name, uid }] : [];
  });
}

/** Logs of pods that are not known, and links that lead nowhere. */
export async function sweepLogs(folders: PodFolders, isKnown: (uid: string) => boolean) {
  const { podLogsDir } = folders;
  for (const name of await readdir(podLogsDir).catch(() => [])) {
    const [, , uid] = name.split('_');
    // What is not named like a pod's folder is somebody else's.
    if (uid !== undefined && !isKnown(uid)) await rm(join(podLogsDir, name), { recursive: true, force: true });
  }
  await sweepLinks(folders);
}

/** Links to logs that are gone. */
export async function sweepLinks({ containerLogsDir }: PodFolders): Promise<void> {
  for (const name of await readdir(containerLogsDir).catch(() => [])) {
    const link = join(containerLogsDir, name);
    const leads = await stat(link).then(
      () => true,
      () => false,
    );
    if (!leads) await rm(link, { force: true });
  }
}
