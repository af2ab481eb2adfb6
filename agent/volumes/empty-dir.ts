// Scratch space that lives and dies with the pod, on disk, in memory or in huge pages. The smallest volume type.
import { chmod, chown, mkdir } from 'node:fs/promises';
import { quantityValue } from '../../api/quantity.ts';
import type { Pod } from '../../api/types/core/pod.ts';
import { podLimits } from '../cgroups/limits.ts';
import { podRequests } from '../pods/pod-requests.ts';
import { HUGEPAGES } from '../pods/resources.ts';
import { fsGroupOf, type VolumeContext } from './context.ts';
import { isMounted, mountHugepages, mountTmpfs } from './mounts.ts';
import { VolumeError } from './types.ts';

export async function setUpEmptyDir({ pod, volume, dir, facts, signal }: VolumeContext): Promise<void> {
  const { medium = '', sizeLimit } = volume.emptyDir ?? {};
  const made = await mkdir(dir, { recursive: true });
  // Set up by an earlier pass: what is in it belongs to the pod.
  if (medium === '' ? made === undefined : await isMounted(dir)) return;
  if (medium === 'Memory') {
    const size = tmpfsBytes(pod, sizeLimit, facts().allocatable['memory']);
    await mountTmpfs(dir, size === undefined ? [] : [`size=${size}`], signal);
  } else if (medium !== '') {
    await mountHugepages(dir, hugepagesOf(pod, medium), signal);
  }
  const gid = fsGroupOf(pod);
  if (gid !== undefined) await chown(dir, 0, gid);
  await chmod(dir, gid === undefined ? 0o777 : 0o2777);
}

/** What the pod may use, or all pods together; what the volume itself is limited to if that is less. */
export function tmpfsBytes(
  pod: Pod,
  sizeLimit: string | undefined,
  allocatable: string | undefined,
): number | undefined {
  const room = podLimits(pod, undefined).memoryBytes ?? (allocatable && quantityValue(allocatable));
  const limit = sizeLimit && quantityValue(sizeLimit);
  const bytes = Math.min(...[room, limit].flatMap((each) => (each ? [each] : [])));
  return Number.isFinite(bytes) ? Math.floor(bytes) : undefined;
}

/** In bytes: the size that the medium names, or the only one that the pod asks for. */
export function hugepagesOf(pod: Pod, medium: string): number {
  const asked = [...podRequests(pod).keys()].flatMap((name) => {
    return name.startsWith(HUGEPAGES) ? [name.slice(HUGEPAGES.length)] : [];
  });
  if (medium === 'HugePages') {
    if (asked.length === 1) return quantityValue(asked[0]!);
    const why =
      asked.length === 0 ? 'no container asks for any' : `containers ask for several sizes: ${asked.join(', ')}`;
    throw new VolumeError(`emptyDir medium HugePages: ${why}`);
  }
  const named = medium.startsWith('HugePages-') ? medium.slice('HugePages-'.length) : undefined;
  if (named === undefined) throw new VolumeError(`emptyDir medium ${medium} is not supported here`);
  if (!asked.includes(named))
    throw new VolumeError(`emptyDir medium ${medium}: no container asks for ${HUGEPAGES}${named}`);
  return quantityValue(named);
}
