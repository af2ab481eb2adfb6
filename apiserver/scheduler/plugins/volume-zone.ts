// Volumes of old provisioners say their zone by labels and not by affinity.
import { nodeChanged, type Plugin, refusal, storageChanged } from '../plugin.ts';
import type { VolumeInfo } from '../volume-facts.ts';

const ELSEWHERE = refusal('node(s) had no available volume zone');
const LABELS = [
  'topology.kubernetes.io/zone',
  'topology.kubernetes.io/region',
  'failure-domain.beta.kubernetes.io/zone',
  'failure-domain.beta.kubernetes.io/region',
];

/** A node may have the one label and a volume the other: they mean the same. */
const OTHER_NAME = Object.fromEntries(LABELS.map((label, i) => [label, LABELS[(i + 2) % LABELS.length]!]));

export const volumeZone: Plugin = {
  name: 'VolumeZone',

  filter({ claims }, { volumes }) {
    const wanted = claims.flatMap(({ key }) => zonesOf(volumes.volumes.get(volumes.claims.get(key)?.volumeName ?? '')));
    if (wanted.length === 0) return undefined;
    return {
      test({ labels }) {
        // A node without any such label stands in a cluster without zones.
        if (!LABELS.some((label) => Object.hasOwn(labels, label))) return undefined;
        return wanted.every(({ label, values }) => values.has(labels[label] ?? labels[OTHER_NAME[label]!] ?? ''))
          ? undefined
          : ELSEWHERE;
      },
    };
  },

  wokenBy: (event, pod) => storageChanged(event, pod, 'claim', 'volume', 'class') || nodeChanged(event, 'labels'),
};

/** Several zones in one label are joined by two underscores. */
function zonesOf(volume: VolumeInfo | undefined): { label: string; values: ReadonlySet<string> }[] {
  return LABELS.flatMap((label) => {
    const text = volume?.labels[label];
    return text === undefined ? [] : [{ label, values: new Set(text.split('__')) }];
  });
}
