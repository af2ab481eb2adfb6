// A path of the node itself. Its type says what must be there, or may be made.
import { mkdir, open, stat } from 'node:fs/promises';
import type { HostPathVolumeSource } from '../../api/types/core/volume-sources.ts';
import { VolumeError } from './types.ts';

const WANTS = {
  Directory: ['a directory', 'isDirectory'],
  File: ['a file', 'isFile'],
  Socket: ['a socket file', 'isSocket'],
  CharDevice: ['a character device', 'isCharacterDevice'],
  BlockDevice: ['a block device', 'isBlockDevice'],
} as const;

export async function setUpHostPath({ path, type = '' }: HostPathVolumeSource): Promise<void> {
  if (type === '') return;
  if (type === 'DirectoryOrCreate' && !(await exists(path))) await mkdir(path, { recursive: true, mode: 0o755 });
  if (type === 'FileOrCreate' && !(await exists(path))) await (await open(path, 'a', 0o644)).close();
  const [what, check] = WANTS[type.replace('OrCreate', '') as keyof typeof WANTS];
  const found = await stat(path).catch(() => undefined);
  if (!found?.[check]()) throw new VolumeError(`hostPath type check failed: ${path} is not ${what}`);
}

async function exists(path: string): Promise<boolean> {
  return (await stat(path).catch(() => undefined)) !== undefined;
}
