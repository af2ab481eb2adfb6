// What stands behind a service, as the older endpoints objects say it: subsets of addresses that share their ports.
// Pure.
import type { EndpointAddress, EndpointPort, EndpointSubset } from '../../api/types/core/endpoints.ts';
import type { Node } from '../../api/types/core/node.ts';
import type { Pod } from '../../api/types/core/pod.ts';
import type { Service } from '../../api/types/core/service.ts';
import type { Endpoint } from '../../api/types/discovery/endpoint-slice.ts';
import { endpointGroups } from './endpoints-of-service.ts';

/** Readers of endpoints objects were never promised more. */
export const ADDRESSES_MAX = 1000;

/** Endpoints objects publish pods whose node is not known yet. */
const ANY_NODE = { metadata: {} } as Node;

export interface SubsetsDecision {
  readonly subsets: EndpointSubset[];
  readonly truncated: boolean;
}

interface Place {
  readonly address: EndpointAddress;
  readonly ready: boolean;
}

export function decideSubsets(service: Service, pods: Iterable<Pod>): SubsetsDecision {
  const family = service.spec.ipFamilies?.[0] ?? 'IPv4';
  const groups = endpointGroups(service, pods, () => ANY_NODE).filter(({ addressType }) => addressType === family);
  const byPort = new Map<string, Map<string, Place>>();
  for (const { ports, endpoints } of groups) {
    // A headless service may have addresses and no ports; elsewhere no port means nothing to reach.
    const texts = ports.length > 0 ? ports.map((port) => JSON.stringify(port)) : portless(service);
    for (const endpoint of endpoints) {
      const place = placeOf(endpoint);
      if (place === undefined) continue;
      for (const text of texts) {
        const places = byPort.get(text) ?? new Map<string, Place>();
        places.set(`${place.address.ip} ${place.address.targetRef?.uid ?? ''}`, place);
        byPort.set(text, places);
      }
    }
  }
  return truncate(repacked(byPort));
}

const NO_PORT = '';

function portless({ spec }: Service): string[] {
  return (spec.ports ?? []).length === 0 && spec.clusterIP === 'None' ? [NO_PORT] : [];
}

function placeOf({ addresses, conditions, hostname, nodeName, targetRef }: Endpoint): Place | undefined {
  const ready = conditions?.ready === true;
  if (!ready && conditions?.terminating === true) return undefined;
  const named = { ...(hostname && { hostname }), ...(nodeName && { nodeName }) };
  return { ready, address: { ip: addresses[0]!, ...named, ...(targetRef && { targetRef }) } };
}

/** Ports with the same addresses share a subset. */
function repacked(byPort: ReadonlyMap<string, ReadonlyMap<string, Place>>): EndpointSubset[] {
  const subsets = new Map<string, { ports: EndpointPort[]; places: Place[] }>();
  for (const [port, places] of [...byPort].sort(([a], [b]) => compare(a, b))) {
    const sorted = [...places].sort(([a], [b]) => compare(a, b));
    const key = sorted.map(([id, { ready }]) => `${id} ${ready}`).join('\n');
    const subset = subsets.get(key) ?? { ports: [], places: sorted.map(([, place]) => place) };
    if (port !== NO_PORT) subset.ports.push(JSON.parse(port) as EndpointPort);
    subsets.set(key, subset);
  }
  return Array.from(subsets.values(), ({ ports, places }) => {
    const ready = places.filter((place) => place.ready).map(({ address }) => address);
    const notReady = places.filter((place) => !place.ready).map(({ address }) => address);
    return {
      ...(ready.length > 0 && { addresses: ready }),
      ...(notReady.length > 0 && { notReadyAddresses: notReady }),
      ...(ports.length > 0 && { ports }),
    };
  });
}

/** Those that are ready stay first. */
function truncate(subsets: EndpointSubset[]): SubsetsDecision {
  const total = (key: 'addresses' | 'notReadyAddresses') =>
    subsets.reduce((sum, subset) => sum + (subset[key]?.length ?? 0), 0);
  if (total('addresses') + total('notReadyAddresses') <= ADDRESSES_MAX) return { subsets, truncated: false };
  let room = ADDRESSES_MAX;
  const cut = subsets.map((subset) => ({ ...subset }));
  for (const key of ['addresses', 'notReadyAddresses'] as const) {
    for (const subset of cut) {
      const kept = subset[key]?.slice(0, room) ?? [];
      room -= kept.length;
      if (kept.length > 0) subset[key] = kept;
      else delete subset[key];
    }
  }
  return { subsets: cut.filter((subset) => subset.addresses || subset.notReadyAddresses), truncated: true };
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
