// What a pod as a whole asks of its node, for every kind of resource: CPU in thousandths, all else in whole units.
// The rule is the scheduler's: what runs side by side adds up, init containers need the highest of their turns.
import { quantityMilli, quantityValue } from '../../api/quantity.ts';
import type { Container } from '../../api/types/core/container.ts';
import type { Pod } from '../../api/types/core/pod.ts';
import { isSidecar } from './phase.ts';

export type Amounts = ReadonlyMap<string, number>;
type List = Readonly<Record<string, string>> | undefined;

export function amountOf(name: string, quantity: string): number {
  return name === 'cpu' ? quantityMilli(quantity) : quantityValue(quantity);
}

export function amountsOf(list: List): Map<string, number> {
  return new Map(Object.entries(list ?? {}).map(([name, quantity]) => [name, amountOf(name, quantity)]));
}

/** What a container asks for; a limit without a request is one. */
export function containerRequests({ resources }: Container): Map<string, number> {
  return new Map([...amountsOf(resources?.limits), ...amountsOf(resources?.requests)]);
}

export function podRequests(pod: Pod): Map<string, number> {
  const { spec } = pod;
  const sidecars = new Map<string, number>();
  const peak = new Map<string, number>();
  for (const init of spec.initContainers ?? []) {
    const asks = containerRequests(init);
    for (const [name, amount] of asks) {
      const beside = sidecars.get(name) ?? 0;
      if (isSidecar(init)) sidecars.set(name, beside + amount);
      peak.set(name, Math.max(peak.get(name) ?? 0, beside + amount));
    }
  }
  const sum = new Map(sidecars);
  for (const container of spec.containers) add(sum, containerRequests(container));
  for (const [name, amount] of peak) sum.set(name, Math.max(sum.get(name) ?? 0, amount));
  // Said for the pod as a whole, it holds instead.
  for (const [name, amount] of [...amountsOf(spec.resources?.limits), ...amountsOf(spec.resources?.requests)]) {
    sum.set(name, amount);
  }
  add(sum, amountsOf(spec.overhead));
  return sum;
}

export function add(sum: Map<string, number>, more: Amounts): void {
  for (const [name, amount] of more) sum.set(name, (sum.get(name) ?? 0) + amount);
}
