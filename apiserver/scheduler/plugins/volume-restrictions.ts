// Volumes that cannot be shared: claims for one pod only, and old sorts of disks that one machine cannot attach twice.
import { type Plugin, refusal, storageChanged } from '../plugin.ts';
import type { PodInfo } from '../pod-info.ts';
import type { VolumeFacts } from '../volume-facts.ts';

const IN_USE = refusal(
  'node has pod using PersistentVolumeClaim with the same name and ReadWriteOncePod access mode',
  true,
);
const DISK_IN_USE = refusal('node(s) had no available disk');

export const volumeRestrictions: Plugin = {
  name: 'VolumeRestrictions',

  filter(pod, { volumes, nodes }) {
    const exclusive = exclusiveClaims(pod, volumes);
    if (exclusive.length === 0 && pod.disks.length === 0) return undefined;
    const usesOf = (keys: readonly string[], claims: ReadonlyMap<string, number>) =>
      keys.reduce((sum, key) => sum + (claims.get(key) ?? 0), 0);
    // One user anywhere keeps every node from taking another.
    let elsewhere = exclusive.length === 0 ? 0 : nodes.reduce((sum, { claims }) => sum + usesOf(exclusive, claims), 0);
    return {
      test(node) {
        for (const other of pod.disks.length === 0 ? [] : node.pods.values()) {
          if (
            pod.disks.some((disk) =>
              other.disks.some((its) => its.id === disk.id && !(its.shareable && disk.shareable)),
            )
          )
            return DISK_IN_USE;
        }
        return elsewhere > 0 ? IN_USE : undefined;
      },
      changed(other, _node, by) {
        elsewhere += by * other.claims.filter(({ key }) => exclusive.includes(key)).length;
      },
    };
  },

  wokenBy: (event, pod) =>
    storageChanged(event, pod, 'claim') ||
    event.on === 'node' ||
    (event.on === 'pod-gone' &&
      (pod.disks.length > 0 || event.pod.claims.some(({ key }) => pod.claims.some((own) => own.key === key)))),
};

function exclusiveClaims({ claims }: PodInfo, { claims: known }: VolumeFacts): string[] {
  return claims.filter(({ key }) => known.get(key)?.accessModes.includes('ReadWriteOncePod')).map(({ key }) => key);
}
