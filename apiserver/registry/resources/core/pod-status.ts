// What the server itself says in a pod's status.
import { compareQuantities, isZeroQuantity } from '../../../../api/quantity.ts';
import type { Pod } from '../../../../api/types/core/pod.ts';

type Resources = Readonly<Record<string, string>> | undefined;
const COUNTED = ['cpu', 'memory'];

/** Guaranteed: every container's limits equal its requests; BestEffort: none has any; else Burstable. */
export function qosClassOf({ spec }: Pod): 'Guaranteed' | 'Burstable' | 'BestEffort' {
  const all = spec.resources
    ? [{ resources: spec.resources }]
    : [...(spec.containers ?? []), ...(spec.initContainers ?? [])];
  let any = false;
  let guaranteed = true;
  for (const { resources } of all) {
    const requests = counted(resources?.requests);
    const limits = counted(resources?.limits);
    any ||= Object.keys(requests).length > 0 || Object.keys(limits).length > 0;
    guaranteed &&= COUNTED.every((name) => {
      const limit = limits[name];
      return limit !== undefined && compareQuantities(requests[name] ?? limit, limit) === 0;
    });
  }
  if (!any) return 'BestEffort';
  return guaranteed ? 'Guaranteed' : 'Burstable';
}

function counted(resources: Resources): Record<string, string> {
  const entries = Object.entries(resources ?? {});
  return Object.fromEntries(entries.filter(([name, value]) => COUNTED.includes(name) && !isZeroQuantity(value)));
}
