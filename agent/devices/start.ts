// What the agent's main starts of what containers may have for themselves: devices of plugins, CPUs, claims of devices;
// and the one door at which all of it is given out together or not at all.
import { join } from 'node:path';
import type { Client } from '../../api/client/client.ts';
import type { Clock } from '../../api/clock.ts';
import type { Logger } from '../../api/log.ts';
import { CpuKeeper } from '../cgroups/cpu-keeper.ts';
import { CpuManager, reservedCpus } from '../cgroups/cpu-manager.ts';
import { numaNodesOf, readTopology } from '../cgroups/cpu-topology.ts';
import type { AgentConfig } from '../config.ts';
import type { RuntimeClient } from '../cri/runtime.ts';
import { DraManager } from '../dra/dra-manager.ts';
import { DraPlugins } from '../dra/plugins.ts';
import { DeviceManager } from './device-manager.ts';
import { Grants } from './grants.ts';

export interface OwnResourcesOptions {
  readonly config: AgentConfig;
  readonly bootId: string;
  /** Whether the runtime reads descriptions of devices by itself. */
  readonly readsCdi: boolean;
  readonly runtime: RuntimeClient;
  readonly client: Client;
  readonly clock: Clock;
  readonly log: Logger;
  /** What the node has to offer is different now. */
  readonly changed: () => void;
  /** Whether the pod gives back what it has: it has ended, or nobody knows it. */
  readonly leaving: (uid: string) => boolean;
}

export interface OwnResources extends AsyncDisposable {
  readonly devices: DeviceManager;
  readonly cpus: CpuManager;
  readonly claims: DraManager;
  readonly claimDrivers: DraPlugins;
  readonly grants: Grants;
}

export async function startOwnResources(options: OwnResourcesOptions): Promise<OwnResources> {
  const { config, runtime, client, clock, log } = options;
  await using opened = new AsyncDisposableStack();
  const topology = await readTopology();
  const numaNodes = numaNodesOf(topology);
  const devices = opened.use(
    new DeviceManager({
      dir: join(config.kubeletDir, 'device-plugins'),
      checkpoint: join(config.dataDir, 'devices.json'),
      ...{ numaNodes, changed: options.changed, clock, log },
    }),
  );
  const reserved = config.cpu.reserved ?? reservedCpus(topology, config.reserved);
  const cpus = new CpuManager({
    settings: { ...config.cpu, reserved: new Set(reserved) },
    checkpoint: join(config.dataDir, 'cpus.json'),
    changed: () => keeper?.look(),
    ...{ topology, log },
  });
  const keeper = (await cpus.start()) ? opened.use(new CpuKeeper({ cpus, runtime, clock, log })) : undefined;
  await devices.start();
  const claimDrivers = opened.use(new DraPlugins({ nodeName: config.nodeName, client, clock, log }));
  const claims = new DraManager({
    checkpoint: join(config.dataDir, 'claims.json'),
    ...{ bootId: options.bootId, client, plugins: claimDrivers, log },
  });
  await claims.start();
  claimDrivers.start();
  const grants = new Grants({
    providers: [cpus, devices, claims],
    cdiDirs: options.readsCdi ? undefined : config.cdiDirs,
    policy: config.topologyPolicy,
    ...{ numaNodes, leaving: options.leaving },
  });
  const all = opened.move();
  return { devices, cpus, claims, claimDrivers, grants, [Symbol.asyncDispose]: () => all.disposeAsync() };
}
