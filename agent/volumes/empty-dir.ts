// Scratch space that lives and dies with the pod, on disk or in memory. The smallest volume type.
import { chmod, chown, mkdir } from 'node:fs/promises';
import { quantityValue } from '../../api/quantity.ts';
import { fsGroupOf, type VolumeContext } from './context.ts';
import { isMounted, mountTmpfs } from './mounts.ts';
import { VolumeError } from './types.ts';

export async function setUpEmptyDir({ pod, volume, dir, signal }: VolumeContext): Promise<void> {
  const { medium = '', sizeLimit } = volume.emptyDir ?? {};
  if (medium !== '' && medium !== 'Memory') throw new VolumeError(`emptyDir medium ${medium} is not supported here`);
  const made = await mkdir(dir, { recursive: true });
  if (medium === 'Memory' && !(await isMounted(dir))) {
    await mountTmpfs(dir, sizeLimit === undefined ? [] : [`size=${Math.floor(quantityValue(sizeLimit))}`], signal);
  } else if (made === undefined) {
    return; // set up by an earlier pass: what is in it belongs to the pod
  }
  const gid = fsGroupOf(pod);
  if (gid !== undefined) await chown(dir, 0, gid);
  await chmod(dir, gid === undefined ? 0o777 : 0o2777);
}
