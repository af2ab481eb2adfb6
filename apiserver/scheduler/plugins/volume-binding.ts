// Storage must be reachable from the node: bound volumes by their own affinity, unbound claims by a volume that could
// be theirs there or by a class that makes one there.
import { type Plugin, refusal, storageChanged } from '../plugin.ts';
import type { ClaimUse, PodInfo } from '../pod-info.ts';
import type { ClaimFacts, VolumeFacts } from '../volume-facts.ts';
import { planVolumes } from '../volume-plan.ts';

export const volumeBinding: Plugin = {
  name: 'VolumeBinding',

  filter(pod, { volumes }) {
    if (pod.claims.length === 0) return undefined;
    for (const use of pod.claims) {
      const wrong = problemOf(use, pod, volumes);
      if (wrong !== undefined) return refusal(wrong);
    }
    const claims = pod.claims.map(({ key }) => volumes.claims.get(key)!);
    if (claims.some((claim) => isUnbound(claim) && !waits(claim, volumes))) {
      return refusal('pod has unbound immediate PersistentVolumeClaims');
    }
    return {
      test(node) {
        const plan = planVolumes(claims, node, volumes);
        return 'reasons' in plan ? plan : undefined;
      },
    };
  },

  wokenBy: (event, pod) =>
    storageChanged(event, pod, 'claim', 'volume', 'class', 'driver', 'capacity', 'limits') ||
    (event.on === 'node' && event.changes.some((change) => change === 'added' || change === 'labels')),
};

function problemOf({ key, name, ephemeral }: ClaimUse, pod: PodInfo, { claims }: VolumeFacts): string | undefined {
  const claim = claims.get(key);
  if (claim === undefined) {
    return ephemeral
      ? `waiting for ephemeral volume controller to create the persistentvolumeclaim "${name}"`
      : `persistentvolumeclaim "${name}" not found`;
  }
  if (claim.lost) return `persistentvolumeclaim "${name}" bound to non-existent persistentvolume "${claim.volumeName}"`;
  if (claim.deleting) return `persistentvolumeclaim "${name}" is being deleted`;
  if (ephemeral && claim.ownerUid !== pod.uid)
    return `PVC ${key} was not created for pod ${pod.key} (pod is not owner)`;
  return undefined;
}

const isUnbound = ({ bound }: ClaimFacts) => !bound;

/** A claim that names its volume already binds by itself. */
function waits({ className, volumeName }: ClaimFacts, { classes }: VolumeFacts): boolean {
  return volumeName === '' && classes.get(className)?.waits === true;
}
