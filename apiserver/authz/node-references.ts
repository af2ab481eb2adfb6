// What a pod needs of the API besides itself: the objects its node may read, because they run there. Pure.
import type { PersistentVolume } from '../../api/types/core/persistent-volume.ts';
import type { Pod } from '../../api/types/core/pod.ts';

/** A pod that stands for a file of its node: the node made it, so it may not open any door. */
export function isMirror({ metadata }: Pod): boolean {
  return metadata.annotations?.['kubernetes.io/config.mirror'] !== undefined;
}

/** What the pod's node may touch: 'pods ns/name', 'secrets ns/name' ... */
export function referencesOf(pod: Pod): Set<string> {
  const refs = isMirror(pod) ? new Set<string>() : namedBy(pod);
  return refs.add(`pods ${pod.metadata.namespace}/${pod.metadata.name}`);
}

/** The objects of the API that a pod names. */
export function namedBy(pod: Pod): Set<string> {
  const { metadata, spec } = pod;
  const refs = new Set<string>();
  const add = (resource: string, name: string | undefined) => {
    if (name) refs.add(`${resource} ${metadata.namespace}/${name}`);
  };
  add('serviceaccounts', spec.serviceAccountName);
  for (const { name } of spec.imagePullSecrets ?? []) add('secrets', name);
  for (const container of [...spec.containers, ...(spec.initContainers ?? []), ...(spec.ephemeralContainers ?? [])]) {
    for (const { configMapRef, secretRef } of container.envFrom ?? []) {
      add('configmaps', configMapRef?.name);
      add('secrets', secretRef?.name);
    }
    for (const { valueFrom } of container.env ?? []) {
      add('configmaps', valueFrom?.configMapKeyRef?.name);
      add('secrets', valueFrom?.secretKeyRef?.name);
    }
  }
  for (const volume of spec.volumes ?? []) {
    add('secrets', volume.secret?.secretName);
    add('configmaps', volume.configMap?.name);
    add('persistentvolumeclaims', volume.persistentVolumeClaim?.claimName);
    if (volume.ephemeral !== undefined) add('persistentvolumeclaims', `${metadata.name}-${volume.name}`);
    add('secrets', volume.csi?.nodePublishSecretRef?.name);
    for (const source of volume.projected?.sources ?? []) {
      add('secrets', source.secret?.name);
      add('configmaps', source.configMap?.name);
    }
  }
  for (const { name, resourceClaimName } of spec.resourceClaims ?? []) {
    const generated = pod.status.resourceClaimStatuses?.find((status) => status.name === name)?.resourceClaimName;
    add('resourceclaims', resourceClaimName ?? generated);
  }
  return refs;
}

/** What a node must know to mount the volume: not what only its driver's controller needs. */
export function secretsOf({ spec }: PersistentVolume): Set<string> {
  const { csi, azureFile, cephfs, flexVolume, iscsi, rbd, scaleIO, storageos, claimRef } = spec;
  const refs = [
    ...[csi?.nodePublishSecretRef, csi?.nodeStageSecretRef, csi?.nodeExpandSecretRef],
    ...[cephfs, flexVolume, iscsi, rbd, scaleIO, storageos].map((source) => source?.secretRef),
    azureFile && { name: azureFile.secretName, namespace: azureFile.secretNamespace },
  ];
  const names = refs.flatMap((ref) => (ref?.name ? [`${ref.namespace || claimRef?.namespace}/${ref.name}`] : []));
  return new Set(names);
}
