// Config maps and secrets, quotas and limit ranges: what a namespace holds besides things that run.
import type { ConfigMap, Secret } from '../../../../api/types/core/config-map.ts';
import type { LimitRange, ResourceQuota } from '../../../../api/types/core/limit-range.ts';
import type { Strategy } from '../../strategy.ts';
import {
  configMapProblems,
  configMapUpdateProblems,
  secretProblems,
  secretUpdateProblems,
} from '../../validation/config.ts';
import {
  limitRangeProblems,
  quotaProblems,
  quotaStatusProblems,
  quotaUpdateProblems,
} from '../../validation/quotas.ts';

export const configMapStrategy: Strategy<ConfigMap> = {
  validateCreate: configMapProblems,
  validateUpdate: configMapUpdateProblems,
};

export const secretStrategy: Strategy<Secret> = {
  validateCreate: secretProblems,
  validateUpdate: secretUpdateProblems,
};

export const resourceQuotaStrategy: Strategy<ResourceQuota> = {
  validateCreate: quotaProblems,
  validateUpdate: quotaUpdateProblems,
  subresources: { status: { validateUpdate: quotaStatusProblems } },
};

export const limitRangeStrategy: Strategy<LimitRange> = {
  allowCreateOnUpdate: true,
  validateCreate: limitRangeProblems,
  validateUpdate: limitRangeProblems,
};
