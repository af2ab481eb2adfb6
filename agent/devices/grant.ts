// What a container gets beside its specification because something was set apart for it: devices, CPUs, claims.
import type { Device, Mount, StringMap } from '../cri/types.ts';

export interface Grant {
  /** The container's own variables win. */
  readonly envs: Readonly<Record<string, string>>;
  readonly mounts: readonly Mount[];
  readonly devices: readonly Device[];
  readonly annotations: Readonly<StringMap>;
  /** Fully qualified names of devices that the container device interface describes. */
  readonly cdiDevices: readonly string[];
  /** The CPUs it may run on, as the kernel writes sets; absent: all. */
  readonly cpus?: string | undefined;
  /** Groups that devices belong to. */
  readonly groups: readonly number[];
}

export const NOTHING: Grant = { envs: {}, mounts: [], devices: [], annotations: {}, cdiDevices: [], groups: [] };

export function joined(grants: readonly Partial<Grant>[]): Grant {
  const cpus = grants.map((each) => each.cpus).find((each) => each !== undefined);
  return {
    envs: Object.assign({}, ...grants.map(({ envs }) => envs)) as Record<string, string>,
    mounts: unique(grants.flatMap(({ mounts = [] }) => mounts)),
    devices: unique(grants.flatMap(({ devices = [] }) => devices)),
    annotations: Object.assign({}, ...grants.map(({ annotations }) => annotations)) as StringMap,
    cdiDevices: [...new Set(grants.flatMap(({ cdiDevices = [] }) => cdiDevices))],
    groups: [...new Set(grants.flatMap(({ groups = [] }) => groups))],
    ...(cpus !== undefined && { cpus }),
  };
}

/** Two devices may bring the same library or node: the first one said it. */
function unique<T extends { readonly containerPath: string }>(all: readonly T[]): T[] {
  return [...new Map([...all].reverse().map((each) => [each.containerPath, each])).values()].reverse();
}
