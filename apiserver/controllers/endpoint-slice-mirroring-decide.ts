// Which endpoints are mirrored into slices, and what the slices say. Pure.
import type { EndpointAddress, Endpoints } from '../../api/types/core/endpoints.ts';
import type { Service } from '../../api/types/core/service.ts';
import type { Endpoint, EndpointPort } from '../../api/types/discovery/endpoint-slice.ts';
import type { EndpointGroup } from './endpoints-of-service.ts';

const SKIP = 'endpointslice.kubernetes.io/skip-mirror';
/** Objects that clients of old use to elect a leader say nothing about addresses. */
const LEADER = 'control-plane.alpha.kubernetes.io/leader';
/** Addresses of one subset that are mirrored at most. */
const ADDRESSES_MAX = 1000;

export function isMirrored({ metadata }: Endpoints, service: Service | undefined): boolean {
  if (metadata.labels?.[SKIP] === 'true' || metadata.annotations?.[LEADER] !== undefined) return false;
  if (service === undefined || service.spec.type === 'ExternalName') return false;
  return Object.keys(service.spec.selector ?? {}).length === 0;
}

export function mirroredGroups({ subsets = [] }: Endpoints): EndpointGroup[] {
  const groups = new Map<string, { addressType: 'IPv4' | 'IPv6'; ports: EndpointPort[]; endpoints: Endpoint[] }>();
  for (const { addresses = [], notReadyAddresses = [], ports: given = [] } of subsets) {
    const ports = given.map(({ name = '', port, protocol = 'TCP', appProtocol }) => ({
      ...{ name, port, protocol },
      ...(appProtocol !== undefined && { appProtocol }),
    }));
    const all = [
      ...addresses.map((address) => endpointOf(address, true)),
      ...notReadyAddresses.map((address) => endpointOf(address, false)),
    ];
    for (const endpoint of all.slice(0, ADDRESSES_MAX)) {
      const addressType = endpoint.addresses[0]!.includes(':') ? 'IPv6' : 'IPv4';
      const key = `${addressType} ${JSON.stringify(ports)}`;
      const group = groups.get(key) ?? { addressType, ports, endpoints: [] };
      group.endpoints.push(endpoint);
      groups.set(key, group);
    }
  }
  return [...groups.values()];
}

function endpointOf({ ip, hostname, nodeName, targetRef }: EndpointAddress, ready: boolean): Endpoint {
  return {
    addresses: [ip],
    conditions: { ready },
    ...(hostname && { hostname }),
    ...(nodeName && { nodeName }),
    ...(targetRef && { targetRef }),
  };
}
