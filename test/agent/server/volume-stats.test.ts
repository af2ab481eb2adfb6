// Volumes in statistics and metrics.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { VolumeUsage } from '../../../agent/csi/volume-usage.ts';
import { exposition } from '../../../agent/server/prometheus.ts';
import { volumeEntry, volumeMetrics } from '../../../agent/server/volume-stats.ts';

const usage: VolumeUsage = {
  name: 'data',
  claim: { namespace: 'shop', name: 'c' },
  atMs: 0,
  bytes: { total: 10, used: 4, available: 6 },
  inodes: undefined,
  condition: { abnormal: true, message: 'worn out' },
};

test('a volume says what its driver said of it, and whose claim it is', () => {
  assert.deepEqual(volumeEntry(usage), {
    ...{ time: '1970-01-01T00:00:00Z', availableBytes: 6, capacityBytes: 10, usedBytes: 4, name: 'data' },
    ...{ pvcRef: { name: 'c', namespace: 'shop' }, volumeHealthStats: { abnormal: true } },
  });
});

test('a claim that two pods share is counted once, an inline volume not at all', () => {
  const text = exposition(volumeMetrics([usage, usage, { ...usage, claim: undefined }]));
  const labels = '{namespace="shop",persistentvolumeclaim="c"}';
  const lines = text.split('\n').filter((line) => line.startsWith('kubelet'));
  assert.deepEqual(lines, [
    `kubelet_volume_stats_capacity_bytes${labels} 10`,
    `kubelet_volume_stats_available_bytes${labels} 6`,
    `kubelet_volume_stats_used_bytes${labels} 4`,
    `kubelet_volume_stats_health_status_abnormal${labels} 1`,
  ]);
});
