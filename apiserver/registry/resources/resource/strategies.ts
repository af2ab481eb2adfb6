// Claims of devices, templates, classes and slices.
import type { DeviceClass } from '../../../../api/types/resource/device-class.ts';
import type { ResourceClaim, ResourceClaimTemplate } from '../../../../api/types/resource/resource-claim.ts';
import type { ResourceSlice } from '../../../../api/types/resource/resource-slice.ts';
import type { Strategy } from '../../strategy.ts';
import {
  claimStatusProblems,
  claimTemplateProblems,
  claimTemplateUpdateProblems,
  deviceClassProblems,
  resourceClaimProblems,
  resourceClaimUpdateProblems,
} from '../../validation/devices.ts';
import { resourceSliceProblems, resourceSliceUpdateProblems } from '../../validation/resource-slices.ts';

export const deviceClassStrategy: Strategy<DeviceClass> = {
  hasGeneration: true,
  validateCreate: deviceClassProblems,
  validateUpdate: deviceClassProblems,
};

export const resourceClaimStrategy: Strategy<ResourceClaim> = {
  validateCreate: resourceClaimProblems,
  validateUpdate: resourceClaimUpdateProblems,
  subresources: { status: { validateUpdate: claimStatusProblems } },
};

export const resourceClaimTemplateStrategy: Strategy<ResourceClaimTemplate> = {
  validateCreate: claimTemplateProblems,
  validateUpdate: claimTemplateUpdateProblems,
};

export const resourceSliceStrategy: Strategy<ResourceSlice> = {
  hasGeneration: true,
  validateCreate: resourceSliceProblems,
  validateUpdate: resourceSliceUpdateProblems,
};
