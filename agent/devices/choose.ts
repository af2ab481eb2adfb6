// Which devices a container gets. Pure but for the plugin's own opinion, which is asked for through `prefer`.
// The order is upstream's: what init containers of the pod had, what lies near, what the plugin likes, the rest.
import { type Mask, maskOf } from './numa.ts';

export interface PluginDevice {
  readonly id: string;
  readonly healthy: boolean;
  /** NUMA nodes; none: the place does not matter. */
  readonly nodes: readonly number[];
}

export interface DeviceRequest {
  readonly resource: string;
  readonly wanted: number;
  /** Everything the plugin has, by id. */
  readonly devices: ReadonlyMap<string, PluginDevice>;
  /** Given to containers, those of other pods and those of this one that cannot be used again. */
  readonly taken: ReadonlySet<string>;
  /** What init containers of the same pod had and no longer need. */
  readonly reusable: readonly string[];
  readonly affinity: Mask | undefined;
}

export class NoDevices extends Error {
  override readonly name = 'NoDevices';
}

/** Of these, so many, with those that are chosen already: the plugin's choice, or undefined if it has none. */
export type Prefer = (
  available: readonly string[],
  chosen: readonly string[],
  count: number,
) => Promise<readonly string[] | undefined>;

export async function chooseDevices(request: DeviceRequest, prefer: Prefer): Promise<string[]> {
  const { resource, wanted, devices, affinity } = request;
  const reused = request.reusable.slice(0, wanted);
  if (reused.length === wanted) return reused;
  const chosen = new Set(reused);
  if (![...devices.values()].some(({ healthy }) => healthy)) {
    throw new NoDevices(`no healthy devices present; cannot allocate unhealthy devices ${resource}`);
  }
  const free = freeDevices(request).filter((id) => !chosen.has(id));
  const missing = wanted - chosen.size;
  if (free.length < missing) {
    const amounts = `Requested: ${missing}, Available: ${free.length}`;
    throw new NoDevices(`requested number of devices unavailable for ${resource}. ${amounts}`);
  }
  const { near, indifferent, far } = byPlace(free, devices, affinity);
  const take = (from: readonly string[]) => {
    for (const id of from) if (chosen.size < wanted) chosen.add(id);
  };
  if (missing < near.length) {
    const liked = await prefer([...chosen, ...near], [...chosen], wanted);
    take((liked ?? []).filter((id) => near.includes(id)));
  } else {
    take(near);
    if (chosen.size === wanted) return [...chosen];
    const liked = await prefer([...new Set([...chosen, ...free])], [...chosen], wanted);
    take((liked ?? []).filter((id) => free.includes(id)));
  }
  take(near);
  take(indifferent);
  take(far);
  return [...chosen];
}

export function freeDevices({ devices, taken }: Pick<DeviceRequest, 'devices' | 'taken'>): string[] {
  return [...devices.values()].flatMap(({ id, healthy }) => (healthy && !taken.has(id) ? [id] : [])).sort();
}

export function lies({ nodes }: PluginDevice, mask: Mask): boolean {
  return (maskOf(nodes) & mask) !== 0;
}

function byPlace(free: readonly string[], devices: DeviceRequest['devices'], affinity: Mask | undefined) {
  const knowsPlace = free.some((id) => devices.get(id)!.nodes.length > 0);
  // Nobody cares, or nothing is known: all are equal, and the plugin is asked about all.
  if (affinity === undefined || !knowsPlace) return { near: free, indifferent: [], far: [] };
  const of = (place: 'near' | 'indifferent' | 'far') =>
    free.filter((id) => {
      const device = devices.get(id)!;
      if (device.nodes.length === 0) return place === 'indifferent';
      return place === (lies(device, affinity) ? 'near' : 'far');
    });
  return { near: of('near'), indifferent: of('indifferent'), far: of('far') };
}
