// Volumes of old provisioners say their zone by labels and not by affinity.
import { nodeChanged, type Plugin, refusal } from '../plugin.ts';
import type { VolumeInfo } from '../volume-facts.ts';

const ELSEWHERE = refusal('node(s) had no available volume zone');
const LABELS = [
  'topology.kubernetes.io/zone',
  'topology.kubernetes.io/region',
  'failure-domain.beta.kubernetes.io/zone',
  'failure-domain.beta.kubernetes.io/region',
];

export const volumeZone: Plugin = {
  name: 'VolumeZone',

  filter({ claims }, { volumes }) {
    const wanted = claims.flatMap(({ key }) => zonesOf(volumes.volumes.get(volumes.claims.get(key)?.volumeName ?? '')));
    if (wanted.length === 0) return undefined;
    return {
      test({ labels }) {
        // A node without any such label stands in a cluster without zones.
        if (!LABELS.some((label) => Object.hasOwn(labels, label))) return undefined;
        return wanted.every(({ label, values }) => values.has(labels[label] ?? '')) ? undefined : ELSEWHERE;
      },
    };
  },

  wokenBy: (event) => event.on === 'volumes' || nodeChanged(event, 'labels'),
};

/** Several zones in one label are joined by two underscores. */
function zonesOf(volume: VolumeInfo | undefined): { label: string; values: ReadonlySet<string> }[] {
  return LABELS.flatMap((label) => {
    const text = volume?.labels[label];
    return text === undefined ? [] : [{ label, values: new Set(text.split('__')) }];
  });
}
