// Volumes in /stats/summary and /metrics, in upstream's names. Pure.
import { timestamp } from '../../api/clock.ts';
import type { VolumeUsage } from '../csi/volume-usage.ts';
import type { Family, Sample } from './prometheus.ts';

export function volumeEntry({ name, claim, atMs, bytes, inodes, condition }: VolumeUsage): object {
  return {
    time: timestamp(atMs),
    ...(bytes && { availableBytes: bytes.available, capacityBytes: bytes.total, usedBytes: bytes.used }),
    ...(inodes && { inodesFree: inodes.available, inodes: inodes.total, inodesUsed: inodes.used }),
    name,
    ...(claim && { pvcRef: { name: claim.name, namespace: claim.namespace } }),
    ...(condition && { volumeHealthStats: { abnormal: condition.abnormal } }),
  };
}

/** Of claims only, each once, however many pods share it. */
export function volumeMetrics(usages: Iterable<VolumeUsage>): Family[] {
  const byClaim = new Map<string, VolumeUsage>();
  for (const usage of usages) if (usage.claim) byClaim.set(`${usage.claim.namespace}/${usage.claim.name}`, usage);
  const family = (name: string, help: string, of: (usage: VolumeUsage) => number | undefined): Family => ({
    name: `kubelet_volume_stats_${name}`,
    help,
    type: 'gauge',
    samples: [...byClaim.values()].flatMap((usage): Sample[] => {
      const value = of(usage);
      const { namespace, name: persistentvolumeclaim } = usage.claim!;
      return value === undefined ? [] : [{ labels: { namespace, persistentvolumeclaim }, value }];
    }),
  });
  return [
    family('capacity_bytes', 'Capacity in bytes of the volume.', ({ bytes }) => bytes?.total),
    family('available_bytes', 'Number of available bytes in the volume.', ({ bytes }) => bytes?.available),
    family('used_bytes', 'Number of used bytes in the volume.', ({ bytes }) => bytes?.used),
    family('inodes', 'Maximum number of inodes in the volume.', ({ inodes }) => inodes?.total),
    family('inodes_free', 'Number of free inodes in the volume.', ({ inodes }) => inodes?.available),
    family('inodes_used', 'Number of used inodes in the volume.', ({ inodes }) => inodes?.used),
    family(
      'health_status_abnormal',
      'Whether the driver calls the volume unhealthy (1) or not (0).',
      ({ condition }) => (condition === undefined ? undefined : Number(condition.abnormal)),
    ),
  ];
}
