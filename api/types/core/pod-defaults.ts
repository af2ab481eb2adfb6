// What a pod gets that says nothing about it, beyond what templates get: who limits a resource asks for as much, host
// ports follow the host network, and the pod's own resources follow from those of its containers.
import { addQuantities, compareQuantities, formatQuantity } from '../../quantity.ts';

type Resources = Record<string, string>;
interface Requirements {
  limits?: Resources;
  requests?: Resources;
}
interface FillableContainer {
  resources?: Requirements;
  restartPolicy?: string;
  ports?: { containerPort: number; hostPort?: number }[];
}
interface Fillable {
  containers: FillableContainer[];
  initContainers?: FillableContainer[];
  hostNetwork?: boolean;
  enableServiceLinks?: boolean;
  resources?: Requirements;
}

export function defaultPod(spec: Fillable): void {
  spec.enableServiceLinks ??= true;
  for (const container of [...(spec.initContainers ?? []), ...(spec.containers ?? [])]) {
    const { resources, ports } = container;
    if (resources?.limits) resources.requests = { ...resources.limits, ...resources.requests };
    if (spec.hostNetwork) for (const port of ports ?? []) port.hostPort ||= port.containerPort;
  }
  if (spec.resources) defaultPodResources(spec, spec.resources);
}

const isHugePages = (resource: string) => resource.startsWith('hugepages-');
const isOvercommitted = (resource: string) => resource === 'cpu' || resource === 'memory';

function defaultPodResources(spec: Fillable, own: Requirements): void {
  if (!own.limits && !own.requests) return;
  for (const [resource, limit] of Object.entries(aggregated(spec, 'limits'))) {
    if (!isHugePages(resource) || own.limits?.[resource] || own.requests?.[resource]) continue;
    own.limits ??= {};
    own.limits[resource] = limit;
  }
  if (!own.limits) return;
  const requests: Resources = { ...own.requests };
  for (const [resource, request] of Object.entries(aggregated(spec, 'requests'))) {
    if (isOvercommitted(resource)) requests[resource] ??= request;
  }
  for (const [resource, limit] of Object.entries(own.limits)) {
    if (isOvercommitted(resource) || isHugePages(resource)) requests[resource] ??= limit;
  }
  if (Object.keys(requests).length > 0) own.requests = requests;
}

/** What runs at once, at most: all containers with all sidecars, or one init container with the sidecars before it. */
export function aggregated(
  { containers, initContainers = [] }: Pick<Fillable, 'containers' | 'initContainers'>,
  of: keyof Requirements,
): Resources {
  let sidecars: Resources = {};
  let peak: Resources = {};
  for (const container of initContainers) {
    const asked = container.resources?.[of] ?? {};
    if (container.restartPolicy === 'Always') sidecars = sum(sidecars, asked);
    peak = greater(peak, container.restartPolicy === 'Always' ? sidecars : sum(sidecars, asked));
  }
  const running = containers.reduce((total, { resources }) => sum(total, resources?.[of] ?? {}), sidecars);
  return greater(peak, running);
}

function sum(left: Resources, right: Resources): Resources {
  const total = { ...left };
  for (const [resource, more] of Object.entries(right)) {
    const had = total[resource];
    total[resource] = had === undefined ? more : formatQuantity(addQuantities(had, more));
  }
  return total;
}

function greater(left: Resources, right: Resources): Resources {
  const most = { ...left };
  for (const [resource, other] of Object.entries(right)) {
    const had = most[resource];
    if (had === undefined || compareQuantities(other, had) > 0) most[resource] = other;
  }
  return most;
}
