// The devices that a node can reach, from the slices of all drivers: of each pool only what belongs to its newest
// generation, and whether that is all there already. Pure.
import { matchesTerms, type NamedNode } from '../../api/node-selector.ts';
import type { Device, DeviceAttribute } from '../../api/types/resource/device.ts';
import type { ResourceSlice } from '../../api/types/resource/resource-slice.ts';

type NodeSelector = NonNullable<ResourceSlice['spec']['nodeSelector']>;

export interface PooledDevice {
  readonly driver: string;
  readonly pool: string;
  readonly device: Device;
  /** Where else it could be used from; absent: on every node. */
  readonly nodeSelector?: NodeSelector;
}

export interface Pool {
  readonly driver: string;
  readonly name: string;
  /** Not all slices of its newest generation are there: what it has is not known. */
  readonly incomplete: boolean;
  readonly devices: readonly PooledDevice[];
}

export function idOf({ driver, pool, device }: { driver: string; pool: string; device: string }): string {
  return `${driver}/${pool}/${device}`;
}

export function poolsOf(slices: Iterable<ResourceSlice>): ReadonlyMap<string, readonly ResourceSlice[]> {
  return Map.groupBy(slices, ({ spec }) => `${spec.driver}/${spec.pool.name}`);
}

export function poolsFor(pools: ReturnType<typeof poolsOf>, node: NamedNode): Pool[] {
  return [...pools.values()].flatMap((slices) => {
    const generation = Math.max(...slices.map(({ spec }) => Number(spec.pool.generation)));
    const newest = slices.filter(({ spec }) => Number(spec.pool.generation) === generation);
    const { driver, pool } = newest[0]!.spec;
    const devices = newest.flatMap((slice) => devicesOn(slice, node));
    if (devices.length === 0) return [];
    const incomplete = newest.length !== Number(pool.resourceSliceCount);
    return [{ driver, name: pool.name, incomplete, devices }];
  });
}

function devicesOn({ spec }: ResourceSlice, node: NamedNode): PooledDevice[] {
  return (spec.devices ?? []).flatMap((device) => {
    const { nodeName, nodeSelector, allNodes } = spec.perDeviceNodeSelection ? device : spec;
    const pooled = { driver: spec.driver, pool: spec.pool.name, device };
    if (nodeName) return nodeName === node.name ? [{ ...pooled, nodeSelector: onlyNode(nodeName) }] : [];
    if (nodeSelector !== undefined)
      return matchesTerms(nodeSelector.nodeSelectorTerms ?? [], node) ? [{ ...pooled, nodeSelector }] : [];
    return allNodes === true ? [pooled] : [];
  });
}

function onlyNode(name: string): NodeSelector {
  const field = { key: 'metadata.name', operator: 'In', values: [name] };
  return { nodeSelectorTerms: [{ matchFields: [field] }] } as NodeSelector;
}

/** By its full name; a driver need not write its own domain. */
export function attributeOf({ driver, device }: PooledDevice, name: string): DeviceAttribute | undefined {
  const [domain, local = ''] = name.split('/');
  return device.attributes?.[name] ?? (domain === driver ? device.attributes?.[local] : undefined);
}
