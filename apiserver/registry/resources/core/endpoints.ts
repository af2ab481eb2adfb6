// Endpoints and their slices. Where the server itself is it says without being asked: a server for one machine serves
// at a loopback address, which nobody else may publish.
import type { FieldProblem } from '../../../../api/status.ts';
import type { Endpoints } from '../../../../api/types/core/endpoints.ts';
import type { EndpointSlice } from '../../../../api/types/discovery/endpoint-slice.ts';
import { SERVER_ITSELF } from '../../identities.ts';
import type { Strategy, WriteContext } from '../../strategy.ts';
import { endpointSliceProblems, endpointSliceUpdateProblems, endpointsProblems } from '../../validation/endpoints.ts';

const isOwn = ({ user }: WriteContext) => user.name === SERVER_ITSELF.user.name;

function checkEndpoints(endpoints: Endpoints, context: WriteContext): FieldProblem[] {
  return isOwn(context) ? [] : endpointsProblems(endpoints);
}

export const endpointsStrategy: Strategy<Endpoints> = {
  deprecated: 'v1 Endpoints is deprecated in v1.33+; use discovery.k8s.io/v1 EndpointSlice',
  allowCreateOnUpdate: true,
  validateCreate: checkEndpoints,
  validateUpdate: (next, _current, context) => checkEndpoints(next, context),
};

export const endpointSliceStrategy: Strategy<EndpointSlice> = {
  hasGeneration: true,
  validateCreate: (slice, context) => (isOwn(context) ? [] : endpointSliceProblems(slice)),
  validateUpdate: (next, current, context) => (isOwn(context) ? [] : endpointSliceUpdateProblems(next, current)),
};
