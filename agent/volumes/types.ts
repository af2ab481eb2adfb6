// The kinds of volumes this node can set up. Each has a file beside this one; unsupported.ts refuses the rest.
import type { Volume } from '../../api/types/core/volume.ts';

export const SUPPORTED_VOLUMES: readonly string[] = [
  'emptyDir',
  'configMap',
  'secret',
  'projected',
  'downwardAPI',
  'hostPath',
  'persistentVolumeClaim',
  'ephemeral',
  'csi',
  'image',
];

/** A volume has a name and one field more, called like its type; without any it is an emptyDir. */
export function volumeType(volume: Volume): string {
  return Object.keys(volume).find((key) => key !== 'name') ?? 'emptyDir';
}

/** A volume that cannot be set up now: the pod waits, the event says why. */
export class VolumeError extends Error {
  override readonly name = 'VolumeError';
}

/** It is being set up or taken down: nothing to complain about yet, the worker is woken when it is through. */
export class VolumePending extends VolumeError {}
