// Which pods must go so that a critical one may start: as few as will do, first those who asked for nothing, of the
// rest those whose requests come nearest to what is missing. Pure; upstream's rule.
import type { Pod } from '../../api/types/core/pod.ts';
import { isCritical, type Shortage } from './admission-decide.ts';
import { type Amounts, podRequests } from './pod-requests.ts';
import { type QosClass, qosClass } from './resources.ts';

export type Victims = { readonly victims: readonly Pod[] } | { readonly message: string };

export function victimsFor(pod: Pod, shortages: readonly Shortage[], others: readonly Pod[]): Victims {
  const missing = new Map(
    shortages.map(({ resource, requested, used, capacity }) => [resource, requested + used - capacity]),
  );
  const candidates = others.filter((other) => mayGoFor(pod, other));
  const of = (qos: QosClass) => candidates.filter((other) => qosClass(other) === qos);
  const [guaranteed, burstable, bestEffort] = [of('Guaranteed'), of('Burstable'), of('BestEffort')];
  const unmet = less(missing, candidates);
  if (unmet.size > 0) {
    const list = Array.from(unmet, ([resource, amount]) => `(res: ${resource}, q: ${amount}), `).join('');
    return { message: `no set of running pods found to reclaim resources: [${list}]` };
  }
  const high = nearest(guaranteed, less(missing, [...bestEffort, ...burstable]));
  const middle = nearest(burstable, less(missing, [...bestEffort, ...high]));
  const low = nearest(bestEffort, less(missing, [...middle, ...high]));
  return { victims: [...low, ...middle, ...high] };
}

function mayGoFor(pod: Pod, other: Pod): boolean {
  if (isCritical(pod) && !isCritical(other)) return true;
  const { priority } = pod.spec;
  const lesser = other.spec.priority;
  return priority !== undefined && lesser !== undefined && priority > lesser;
}

function asks(pod: Pod, resource: string): number {
  return resource === 'pods' ? 1 : (podRequests(pod).get(resource) ?? 0);
}

function less(missing: Amounts, pods: readonly Pod[]): Map<string, number> {
  const left = Array.from(missing, ([resource, amount]): [string, number] => [
    resource,
    pods.reduce((rest, pod) => rest - asks(pod, resource), amount),
  ]);
  return new Map(left.filter(([, amount]) => amount > 0));
}

function nearest(pods: readonly Pod[], missing: Amounts): Pod[] {
  const rest = [...pods];
  const chosen: Pod[] = [];
  let left = new Map(missing);
  while (left.size > 0 && rest.length > 0) {
    const distances = rest.map((pod) => distance(pod, left));
    const best = Math.min(...distances);
    const [pod] = rest.splice(distances.indexOf(best), 1);
    chosen.push(pod!);
    left = less(left, [pod!]);
  }
  return chosen;
}

/** How much of what is missing would still be missing, in parts of it. */
function distance(pod: Pod, missing: Amounts): number {
  let sum = 0;
  for (const [resource, amount] of missing) sum += Math.max(0, (amount - asks(pod, resource)) / amount) ** 2;
  return sum;
}
