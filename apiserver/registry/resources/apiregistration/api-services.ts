// API services: named version.group; those that this server answers itself are always available.
import { timestamp } from '../../../../api/clock.ts';
import type { APIService } from '../../../../api/types/apiregistration/api-service.ts';
import type { Strategy } from '../../strategy.ts';
import { pathSegmentName } from '../../validation/path-segment.ts';
import { invalidValue } from '../../validation/problems.ts';

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
  validateCreate({ metadata, spec }) {
    const name = `${spec.version}.${spec.group ?? ''}`;
    if (metadata.name === name) return [];
    return [
      invalidValue('metadata.name', metadata.name, `must be \`spec.version+"."+spec.group\`: ${JSON.stringify(name)}`),
    ];
  },
};
