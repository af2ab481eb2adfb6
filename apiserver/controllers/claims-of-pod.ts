// Which claims a pod mounts. Pure.
import type { Pod } from '../../api/types/core/pod.ts';

/** A volume that lives with its pod has a claim of the pod's and its own name. */
export function ephemeralClaim(pod: Pod, volume: string): string {
  return `${pod.metadata.name}-${volume}`;
}

export function claimsOf(pod: Pod): string[] {
  return (pod.spec.volumes ?? []).flatMap(({ name, persistentVolumeClaim, ephemeral }) => {
    if (persistentVolumeClaim !== undefined) return [persistentVolumeClaim.claimName];
    return ephemeral === undefined ? [] : [ephemeralClaim(pod, name)];
  });
}
