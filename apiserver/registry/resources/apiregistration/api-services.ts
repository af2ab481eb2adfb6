// API services: named version.group; those that this server answers itself are always available.
import { timestamp } from '../../../../api/clock.ts';
import type { APIService } from '../../../../api/types/apiregistration/api-service.ts';
import type { Strategy } from '../../strategy.ts';
import { apiServiceProblems, apiServiceStatusProblems } from '../../validation/api-services.ts';
import { pathSegmentName } from '../../validation/path-segment.ts';

export const apiServiceStrategy: Strategy<APIService> = {
  nameProblems: pathSegmentName,
  prepareForCreate(service, { nowMs }) {
    service.status = {};
    if (service.spec.service) return;
    service.status.conditions = [
      {
        type: 'Available',
        status: 'True',
        lastTransitionTime: timestamp(nowMs),
        reason: 'Local',
        message: 'Local APIServices are always available',
      },
    ];
  },
  validateCreate: apiServiceProblems,
  validateUpdate: (next) => apiServiceProblems(next),
  subresources: { status: { validateUpdate: apiServiceStatusProblems } },
};
