// What is allowed in storage and yet not wise: old annotations and labels, types that are gone, parts of bytes.
import type { PersistentVolume } from '../../../api/types/core/persistent-volume.ts';
import type { PersistentVolumeClaim } from '../../../api/types/core/persistent-volume-claim.ts';
import type { LabelSelector } from '../../../api/types/meta/label-selector.ts';
import type { CSIStorageCapacity } from '../../../api/types/storage/csi.ts';
import type { StorageClass } from '../../../api/types/storage/storage-class.ts';
import { byteWarnings } from './container-warnings.ts';
import { nodeTermWarnings, OLD_LABELS } from './old-labels.ts';

const OLD_ANNOTATIONS: Readonly<Record<string, string>> = {
  'volume.beta.kubernetes.io/storage-class': 'deprecated since v1.8; use "storageClassName" attribute instead',
  'volume.beta.kubernetes.io/mount-options': 'deprecated since v1.31; use "mountOptions" attribute instead',
};

const OLD_SOURCES: Readonly<Partial<Record<keyof PersistentVolume['spec'], string>>> = {
  cephfs: 'deprecated in v1.28, non-functional in v1.31+',
  photonPersistentDisk: 'deprecated in v1.11, non-functional in v1.16+',
  scaleIO: 'deprecated in v1.16, non-functional in v1.22+',
  storageos: 'deprecated in v1.22, non-functional in v1.25+',
  glusterfs: 'deprecated in v1.25, non-functional in v1.26+',
  rbd: 'deprecated in v1.28, non-functional in v1.31+',
  flocker: 'deprecated in v1.22, non-functional in v1.25+',
  quobyte: 'deprecated in v1.22, non-functional in v1.25+',
};

export function volumeObjectWarnings({ metadata, spec }: PersistentVolume): string[] {
  const warnings = Object.entries(OLD_ANNOTATIONS)
    .filter(([key]) => metadata.annotations?.[key] !== undefined)
    .map(([key, why]) => `metadata.annotations[${key}]: ${why}`);
  if (spec.persistentVolumeReclaimPolicy === 'Recycle') {
    const why =
      'The Recycle reclaim policy is deprecated. Instead, the recommended approach is to use dynamic provisioning.';
    warnings.push(`spec.persistentVolumeReclaimPolicy: ${why}`);
  }
  for (const [source, why] of Object.entries(OLD_SOURCES)) {
    if (spec[source as keyof typeof spec] === undefined) continue;
    warnings.push(`spec.${source === 'storageos' ? 'storageOS' : source}: ${why}`);
  }
  for (const [i, term] of (spec.nodeAffinity?.required?.nodeSelectorTerms ?? []).entries()) {
    const at = `spec.nodeAffinity.required.nodeSelectorTerms[${i}]`;
    warnings.push(...nodeTermWarnings(term, at, { values: false }));
  }
  return warnings;
}

export function claimWarnings({ spec }: PersistentVolumeClaim): string[] {
  return claimSpecWarnings(spec, 'spec');
}

export function claimSpecWarnings(spec: PersistentVolumeClaim['spec'] | undefined, path: string): string[] {
  const { requests, limits } = spec?.resources ?? {};
  return [
    ...byteWarnings(requests, `${path}.resources.requests`, ['storage']),
    ...byteWarnings(limits, `${path}.resources.limits`, ['storage']),
  ];
}

export function storageClassWarnings({ allowedTopologies }: StorageClass): string[] {
  return (allowedTopologies ?? []).flatMap(({ matchLabelExpressions }, i) =>
    (matchLabelExpressions ?? []).flatMap(({ key }, j) =>
      OLD_LABELS[key] ? [`allowedTopologies[${i}].matchLabelExpressions[${j}].key: ${OLD_LABELS[key]}`] : [],
    ),
  );
}

export function capacityWarnings({ nodeTopology }: CSIStorageCapacity): string[] {
  return oldSelectorWarnings(nodeTopology, 'nodeTopology');
}

function oldSelectorWarnings(selector: LabelSelector | undefined, path: string): string[] {
  const { matchExpressions = [], matchLabels = {} } = selector ?? {};
  return [
    ...matchExpressions.flatMap(({ key }, i) =>
      OLD_LABELS[key] ? [`${path}.matchExpressions[${i}].key: ${OLD_LABELS[key]}`] : [],
    ),
    ...Object.keys(matchLabels).flatMap((key) =>
      OLD_LABELS[key] ? [`${path}.matchLabels.${key}: ${OLD_LABELS[key]}`] : [],
    ),
  ];
}
