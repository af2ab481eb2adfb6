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
    for (const name of COUNTED) {
      const request = counted(resources?.requests, name);
      const limit = counted(resources?.limits, name);
      any ||= request !== undefined || limit !== undefined;
      guaranteed &&= limit !== undefined && compareQuantities(request ?? limit, limit) === 0;
    }
  }
  if (!any) return 'BestEffort';
  return guaranteed ? 'Guaranteed' : 'Burstable';
}

/** Nothing of something is as if nothing were said. */
function counted(resources: Resources, name: string): string | undefined {
  const amount = resources?.[name];
  return amount === undefined || isZeroQuantity(amount) ? undefined : amount;
}
