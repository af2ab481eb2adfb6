// What the runtime can do and how it makes control groups, from its own word.
import { readFile } from 'node:fs/promises';
import { isCri } from '../cri/call.ts';
import type { RuntimeClient } from '../cri/runtime.ts';
import type { RuntimeStatus } from '../cri/types.ts';
import type { NodeAbilities } from '../pods/unsupported.ts';

const APPARMOR = '/sys/module/apparmor/parameters/enabled';

export async function runtimeAbilities(
  runtime: RuntimeClient,
  unsafeSysctls: readonly string[],
  signal: AbortSignal,
): Promise<NodeAbilities> {
  const [{ runtimeHandlers, features, info }, { runtimeName }] = await Promise.all([
    runtime.status(true, signal),
    runtime.version(signal),
  ]);
  return {
    cdi: runtimeName === 'cri-o' || readsCdi(info),
    recursiveReadOnly: runtimeHandlers.some((handler) => handler.features?.recursiveReadOnlyMounts === true),
    supplementalGroupsPolicy: features?.supplementalGroupsPolicy === true,
    runtimeHandlers: runtimeHandlers.map(({ name }) => name).filter((name) => name !== ''),
    ownTasks: runtimeName === 'containerd',
    appArmor: (await readFile(APPARMOR, 'utf8').catch(() => '')).startsWith('Y'),
    unsafeSysctls,
  };
}

/** From containerd 1.7 on, where it may be switched off; before that the setting is unknown, and so is the interface. */
export function readsCdi(info: RuntimeStatus['info']): boolean {
  return (JSON.parse(info['config'] ?? '{}') as { enableCDI?: boolean }).enableCDI === true;
}

/** Agent and runtime must agree on who makes groups, or pods land in two trees. */
export async function cgroupDriver(runtime: RuntimeClient, signal: AbortSignal): Promise<'systemd' | 'cgroupfs'> {
  try {
    return (await runtime.cgroupDriver(signal)) === 'SYSTEMD' ? 'systemd' : 'cgroupfs';
  } catch (err) {
    if (!isCri(err, 'UNIMPLEMENTED')) throw err;
  }
  return driverInConfig(await runtime.status(true, signal));
}

/** Runtimes of the 1.x line tell only in their configuration, which they show as JSON. */
export function driverInConfig({ info }: Pick<RuntimeStatus, 'info'>): 'systemd' | 'cgroupfs' {
  interface Config {
    containerd?: { defaultRuntimeName?: string; runtimes?: Record<string, { options?: { SystemdCgroup?: boolean } }> };
  }
  const { containerd } = JSON.parse(info['config'] ?? '{}') as Config;
  const { options } = containerd?.runtimes?.[containerd.defaultRuntimeName ?? 'runc'] ?? {};
  return options?.SystemdCgroup === true ? 'systemd' : 'cgroupfs';
}
