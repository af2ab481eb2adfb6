// Claims: where the data comes from may be said in an older and a newer field, which then say the same.
import type { PersistentVolumeClaim } from '../../../../api/types/core/persistent-volume-claim.ts';
import type { Strategy } from '../../strategy.ts';
import { claimProblems, claimStatusProblems, claimUpdateProblems } from '../../validation/claims.ts';
import { claimWarnings } from '../../validation/storage-warnings.ts';

export const persistentVolumeClaimStrategy: Strategy<PersistentVolumeClaim> = {
  prepareForCreate({ spec }) {
    const { dataSource, dataSourceRef } = spec;
    if (dataSource && !dataSourceRef) spec.dataSourceRef = { ...dataSource };
    else if (dataSourceRef && !dataSource && !dataSourceRef.namespace) {
      const { namespace: _here, ...source } = dataSourceRef;
      spec.dataSource = source;
    }
  },
  validateCreate: claimProblems,
  validateUpdate: claimUpdateProblems,
  warnings: claimWarnings,
  subresources: { status: { validateUpdate: claimStatusProblems } },
};
