// Persistent volumes: when the phase changed last is the server's to say.
import { timestamp } from '../../../../api/clock.ts';
import type { PersistentVolume } from '../../../../api/types/core/persistent-volume.ts';
import type { Strategy } from '../../strategy.ts';
import { volumeProblems, volumeUpdateProblems } from '../../validation/storage.ts';
import { volumeObjectWarnings } from '../../validation/storage-warnings.ts';

export const persistentVolumeStrategy: Strategy<PersistentVolume> = {
  validateCreate: volumeProblems,
  validateUpdate: volumeUpdateProblems,
  warnings: volumeObjectWarnings,
  prepareForCreate(volume, { nowMs }) {
    volume.status.lastPhaseTransitionTime = timestamp(nowMs);
  },
  subresources: {
    status: {
      prepareForUpdate({ status }, current, { nowMs }) {
        const { phase, lastPhaseTransitionTime } = current.status;
        if (status.phase === phase) status.lastPhaseTransitionTime ??= lastPhaseTransitionTime;
        else if (status.lastPhaseTransitionTime === lastPhaseTransitionTime) status.lastPhaseTransitionTime = undefined;
        status.lastPhaseTransitionTime ??= timestamp(nowMs);
      },
    },
  },
};
