// What the plugins of this node have to give, by resource. A plugin that is gone leaves its devices behind for a
// while, as unhealthy ones: it may only be restarting. Pure state: the time comes from outside.
import type { PluginDevice } from './choose.ts';

/** As long as upstream waits for a plugin to come back. */
export const GRACE_MS = 5 * 60_000;

interface Entry {
  devices: ReadonlyMap<string, PluginDevice>;
  goneAtMs?: number | undefined;
}

export interface Offer {
  readonly capacity: Readonly<Record<string, string>>;
  readonly allocatable: Readonly<Record<string, string>>;
}

export class Inventory {
  readonly #entries = new Map<string, Entry>();

  /** Resources of plugins of an earlier process: nothing is there until the plugin comes back. */
  expect(resources: Iterable<string>): void {
    for (const resource of resources) this.#entries.set(resource, { devices: new Map() });
  }

  get resources(): string[] {
    return [...this.#entries.keys()].sort();
  }

  has(resource: string): boolean {
    return this.#entries.has(resource);
  }

  devices(resource: string): ReadonlyMap<string, PluginDevice> {
    return this.#entries.get(resource)?.devices ?? new Map();
  }

  registered(resource: string): void {
    const entry = this.#entries.get(resource);
    if (entry === undefined) this.#entries.set(resource, { devices: new Map() });
    else entry.goneAtMs = undefined;
  }

  changed(resource: string, devices: readonly PluginDevice[]): void {
    this.#entries.set(resource, { devices: new Map(devices.map((device) => [device.id, device])) });
  }

  gone(resource: string, nowMs: number): void {
    const entry = this.#entries.get(resource);
    if (entry === undefined) return;
    const devices = Array.from(entry.devices.values(), (device) => ({ ...device, healthy: false }));
    this.#entries.set(resource, { devices: new Map(devices.map((device) => [device.id, device])), goneAtMs: nowMs });
  }

  /** Forgets the devices of plugins that did not come back in time; tells whether there were any. */
  expire(nowMs: number): boolean {
    let any = false;
    for (const entry of this.#entries.values()) {
      if (entry.goneAtMs === undefined || nowMs - entry.goneAtMs < GRACE_MS || entry.devices.size === 0) continue;
      entry.devices = new Map();
      any = true;
    }
    return any;
  }

  /** A resource whose plugin is gone stays on the node as zero: nobody schedules for it, everybody sees why. */
  offer(): Offer {
    const capacity: Record<string, string> = {};
    const allocatable: Record<string, string> = {};
    for (const [resource, { devices }] of this.#entries) {
      capacity[resource] = String(devices.size);
      allocatable[resource] = String([...devices.values()].filter(({ healthy }) => healthy).length);
    }
    return { capacity, allocatable };
  }
}
