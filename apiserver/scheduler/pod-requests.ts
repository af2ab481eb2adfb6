// What a pod takes of a node: its containers together, or the most that one of its init containers takes beside the
// sidecars started before it, or what it states for the pod as a whole; plus its overhead.
// Source: KEP-753 (sidecars), KEP-2837 (pod-level resources), KEP-1287 (in-place resize).
import type { Pod } from '../../api/types/core/pod.ts';
import { type Amounts, addTo, CPU, MEMORY, type Quantities, type ResourceNames, raiseTo } from './resource-names.ts';

type Container = Pod['spec']['containers'][number];
type ContainerStatus = NonNullable<Pod['status']['containerStatuses']>[number];

/** What a container that asks for nothing counts as when nodes are compared: 100m and 200Mi. */
const USUAL_CPU = 100;
const USUAL_MEMORY = 200 * 1024 * 1024;

export interface Requests {
  readonly amounts: Amounts;
  /** CPU and memory, with the usual amounts for containers that ask for nothing. */
  readonly scoredCpu: number;
  readonly scoredMemory: number;
}

export function podRequests(pod: Pod, names: ResourceNames): Requests {
  const amounts = total(pod, names, false);
  const scored = total(pod, names, true);
  return { amounts, scoredCpu: scored[CPU] ?? 0, scoredMemory: scored[MEMORY] ?? 0 };
}

function total({ spec, status }: Pod, names: ResourceNames, usual: boolean): number[] {
  const statuses = [...(status.containerStatuses ?? []), ...(status.initContainerStatuses ?? [])];
  const infeasible = (status.conditions ?? []).some(
    ({ type, reason }) => type === 'PodResizePending' && reason === 'Infeasible',
  );
  const amountsOf = (container: Container): number[] => {
    const running = statuses.find(({ name }) => name === container.name);
    const amounts = held(container, running, infeasible, names);
    if (usual) {
      if (container.resources?.requests?.['cpu'] === undefined) amounts[CPU] = USUAL_CPU;
      if (container.resources?.requests?.['memory'] === undefined) amounts[MEMORY] = USUAL_MEMORY;
      amounts[CPU] ??= 0;
    }
    return amounts;
  };

  const sum: number[] = [];
  for (const container of spec.containers) addTo(sum, amountsOf(container));
  const sidecars: number[] = [];
  const startup: number[] = [];
  for (const container of spec.initContainers ?? []) {
    const amounts = amountsOf(container);
    if (container.restartPolicy === 'Always') {
      addTo(sidecars, amounts);
      raiseTo(startup, sidecars);
    } else {
      addTo(amounts, sidecars);
      raiseTo(startup, amounts);
    }
  }
  addTo(sum, sidecars);
  raiseTo(sum, startup);
  const whole = names.amountsOf(podLevel(spec.resources?.requests));
  for (const name of Object.keys(podLevel(spec.resources?.requests))) {
    const index = names.indexOf(name);
    while (sum.length <= index) sum.push(0);
    sum[index] = whole[index]!;
  }
  addTo(sum, names.amountsOf(spec.overhead));
  return sum;
}

/** While a resize is under way the node gives the greater of both; one that cannot happen changes nothing. */
function held(
  { resources }: Container,
  running: ContainerStatus | undefined,
  infeasible: boolean,
  names: ResourceNames,
): number[] {
  const given: number[] = [];
  raiseTo(given, names.amountsOf(running?.resources?.requests));
  raiseTo(given, names.amountsOf(running?.allocatedResources));
  if (infeasible && given.length > 0) return given;
  raiseTo(given, names.amountsOf(resources?.requests));
  return given;
}

/** What can be stated for a pod as a whole. */
function podLevel(requests: Quantities = {}): Quantities {
  const known = Object.entries(requests).filter(
    ([name]) => name === 'cpu' || name === 'memory' || name.startsWith('hugepages-'),
  );
  return Object.fromEntries(known);
}
