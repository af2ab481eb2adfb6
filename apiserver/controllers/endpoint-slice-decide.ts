// From the slices there are to the endpoints there should be, with few writes: endpoints stay in the slice they are
// in, gaps are filled before slices are added, and slices that become empty go. Pure.
import { deepEqual } from '../../api/schema/equal.ts';
import type { Endpoint, EndpointSlice } from '../../api/types/discovery/endpoint-slice.ts';
import type { EndpointGroup } from './endpoints-of-service.ts';

const SLICE_MAX = 100;

export interface SliceContent {
  readonly addressType: 'IPv4' | 'IPv6';
  readonly ports: EndpointGroup['ports'];
  readonly endpoints: readonly Endpoint[];
}

export interface SliceChanges {
  readonly create: readonly SliceContent[];
  readonly update: readonly { readonly slice: EndpointSlice; readonly content: SliceContent }[];
  readonly remove: readonly EndpointSlice[];
}

/** @param labels what every slice of the service carries; a slice that differs is written again */
export function decideSlices(
  groups: readonly EndpointGroup[],
  slices: readonly EndpointSlice[],
  labels: Readonly<Record<string, string>>,
): SliceChanges {
  const create: SliceContent[] = [];
  const update: { slice: EndpointSlice; content: SliceContent }[] = [];
  const remove: EndpointSlice[] = [];
  const spoken = new Set<EndpointSlice>();
  for (const group of groups) {
    const own = slices.filter((slice) => !spoken.has(slice) && serves(slice, group));
    for (const slice of own) spoken.add(slice);
    const { filled, rest } = fill(group, own);
    for (const { slice, endpoints } of filled) {
      if (endpoints.length === 0) remove.push(slice);
      else if (!deepEqual(endpoints, slice.endpoints) || !deepEqual(slice.metadata.labels ?? {}, labels)) {
        update.push({ slice, content: { ...group, endpoints } });
      }
    }
    for (let at = 0; at < rest.length; at += SLICE_MAX)
      create.push({ ...group, endpoints: rest.slice(at, at + SLICE_MAX) });
  }
  const left = slices.filter((slice) => !spoken.has(slice));
  // A service without any endpoint keeps one empty slice: readers then know that it is empty and not unknown.
  if (groups.length > 0) remove.push(...left);
  else if (left.length === 0) create.push({ addressType: 'IPv4', ports: [], endpoints: [] });
  else {
    const [kept, ...surplus] = left;
    remove.push(...surplus);
    const content: SliceContent = { addressType: kept!.addressType as 'IPv4' | 'IPv6', ports: [], endpoints: [] };
    const isEmpty = (kept!.endpoints ?? []).length === 0 && (kept!.ports ?? []).length === 0;
    if (!isEmpty || !deepEqual(kept!.metadata.labels ?? {}, labels)) update.push({ slice: kept!, content });
  }
  return { create, update, remove };
}

function serves(slice: EndpointSlice, group: EndpointGroup): boolean {
  return slice.addressType === group.addressType && deepEqual(slice.ports ?? [], group.ports);
}

const idOf = ({ addresses, targetRef }: Endpoint) => `${targetRef?.uid ?? ''} ${addresses[0]}`;

function fill(group: EndpointGroup, slices: readonly EndpointSlice[]) {
  const wanted = new Map(group.endpoints.map((endpoint) => [idOf(endpoint), endpoint]));
  const filled = slices.map((slice) => {
    const endpoints: Endpoint[] = [];
    for (const endpoint of slice.endpoints ?? []) {
      const id = idOf(endpoint);
      const now = wanted.get(id);
      if (now === undefined) continue;
      endpoints.push(now);
      wanted.delete(id);
    }
    return { slice, endpoints };
  });
  const rest = [...wanted.values()];
  // The fullest first, so that few slices change.
  for (const { endpoints } of filled.toSorted((a, b) => b.endpoints.length - a.endpoints.length)) {
    if (endpoints.length > 0) endpoints.push(...rest.splice(0, SLICE_MAX - endpoints.length));
  }
  for (const { endpoints } of filled) endpoints.push(...rest.splice(0, Math.max(0, SLICE_MAX - endpoints.length)));
  return { filled, rest };
}
