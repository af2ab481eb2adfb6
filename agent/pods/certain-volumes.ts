// Which pods' volumes may be set up beside their sandbox: those made of nothing that a user may have forgotten. All
// others come first, so that a pod that waits for a claim or a secret holds neither a sandbox nor an address.
import type { Pod } from '../../api/types/core/pod.ts';
import type { Volume } from '../../api/types/core/volume.ts';

/** In every namespace, by a controller; the agent goes on without the second. */
const PUBLISHED: readonly (string | undefined)[] = ['kube-root-ca.crt', 'openshift-service-ca.crt'];

export function hasCertainVolumes({ spec }: Pod): boolean {
  return (spec.volumes ?? []).every(isCertain) && (spec.resourceClaims ?? []).length === 0;
}

function isCertain({ emptyDir, downwardAPI, projected }: Volume): boolean {
  if (emptyDir !== undefined || downwardAPI !== undefined) return true;
  return (projected?.sources ?? [{}]).every(
    (source) => source.serviceAccountToken ?? source.downwardAPI ?? PUBLISHED.includes(source.configMap?.name ?? ''),
  );
}
