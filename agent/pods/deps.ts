// What a pod's worker needs from the rest of the agent: main.ts puts it together, tests put in their own.

import type { Client } from '../../api/client/client.ts';
import type { Clock } from '../../api/clock.ts';
import type { Logger } from '../../api/log.ts';
import type { Container } from '../../api/types/core/container.ts';
import type { Pod } from '../../api/types/core/pod.ts';
import type { Service } from '../../api/types/core/service.ts';
import type { EndpointSlice } from '../../api/types/discovery/endpoint-slice.ts';
import type { ImageClient } from '../cri/images.ts';
import type { RuntimeClient } from '../cri/runtime.ts';
import type { TaskClient } from '../cri/tasks.ts';
import type { Device, Mount } from '../cri/types.ts';
import type { Grants } from '../devices/grants.ts';
import type { DraManager } from '../dra/dra-manager.ts';
import type { ImagePulls, PodEvent } from '../images/pulls.ts';
import type { Door } from './admission.ts';
import type { Checkpoints } from './checkpoints.ts';
import type { Comeback } from './comeback.ts';
import type { ClusterNames } from './dns.ts';
import type { FarewellSettings } from './farewell.ts';
import type { KeptLogs } from './kept-logs.ts';
import type { MirrorPods } from './mirror-pods.ts';
import type { PodFolders } from './names.ts';
import type { ObjectWatches } from './object-watches.ts';
import type { Objects } from './objects.ts';
import type { Observer } from './observe.ts';
import type { Probes } from './probes/probes.ts';
import type { NodeMemory } from './resources.ts';
import type { StaticPods } from './static-pods.ts';
import type { StatusManager } from './status-manager.ts';
import type { NodeAbilities } from './unsupported.ts';

export interface PodVolumes {
  /**
   * Makes every volume of the pod ready, or fails with what is missing. Again is fine: that is how contents are
   * refreshed, and then objects read within the last minute are new enough.
   */
  setUp(pod: Pod, newest: boolean, signal: AbortSignal): Promise<void>;
  /** Whether the pod has volumes whose contents may change. */
  refreshes(pod: Pod): boolean;
  /** What a container sees of them. */
  mounts(pod: Pod, container: Container, env: ReadonlyMap<string, string>, signal: AbortSignal): Promise<Mount[]>;
  /** The text of a file that a container wrote into an emptyDir; undefined if there is none. */
  fileIn(pod: Pod, volume: string, path: string): Promise<string | undefined>;
  devices(pod: Pod, container: Container): Device[];
  /** Unmounts and removes everything of a pod. */
  tearDown(uid: string, signal: AbortSignal): Promise<void>;
}

export interface PodCgroups {
  /** What the runtime is given as the sandbox's parent. */
  parentOf(pod: Pod): string;
  ensure(pod: Pod, signal: AbortSignal): Promise<void>;
  remove(uid: string, signal: AbortSignal): Promise<void>;
  /** Weighs the classes of pods against one another, now that these are here. */
  balance(pods: Iterable<Pod>, signal: AbortSignal): Promise<void>;
}

/** The node's side of the pod network: addresses are silent until they are let in. */
export interface PodNetwork {
  podUp(pod: Pod, ips: readonly string[], signal: AbortSignal): Promise<void>;
  podDown(uid: string, ips: readonly string[], signal: AbortSignal): Promise<void>;
  /** Every pod that runs here has been let in since the start: what else is known is left over. */
  podsAdopted(signal: AbortSignal): Promise<void>;
  /** Resolves when the kernel does what the API said when this was called. */
  settled(signal: AbortSignal): Promise<void>;
}

export interface NodeView {
  readonly hostIps: readonly string[];
  readonly memory: NodeMemory;
  /** As the node reports it: what a container without limits may count on. */
  allocatable(): Readonly<Record<string, string>>;
  abilities(): NodeAbilities;
}

export interface PodDeps {
  readonly clock: Clock;
  readonly log: Logger;
  readonly client: Client;
  readonly runtime: RuntimeClient;
  readonly tasks: Pick<TaskClient, 'stop'>;
  readonly images: ImageClient;
  readonly observer: Observer;
  readonly pulls: ImagePulls;
  readonly probes: Probes;
  readonly status: StatusManager;
  /** After a reboot: who may start when. */
  readonly comeback?: Comeback | undefined;
  readonly checkpoints: Checkpoints;
  readonly door: Pick<Door, 'admit' | 'resize' | 'forget'>;
  readonly claims: Pick<DraManager, 'prepare'>;
  readonly grants: Pick<Grants, 'admit' | 'of' | 'release' | 'keep'>;
  readonly keptLogs: Pick<KeptLogs, 'keep' | 'keepAll'>;
  readonly mirrors: MirrorPods;
  readonly staticPods: StaticPods;
  readonly volumes: PodVolumes;
  readonly cgroups: PodCgroups;
  readonly network: PodNetwork;
  readonly objects: Objects;
  readonly watches: Pick<ObjectWatches, 'follow' | 'forget'>;
  /** Every service of the cluster; undefined if they have not been read once and do not come within a moment. */
  readonly services: (signal: AbortSignal) => Promise<Iterable<Service> | undefined>;
  /** Where clients of the namespace's services are sent, as far as is known. */
  readonly endpointSlices: (namespace: string) => Iterable<EndpointSlice>;
  /** Which of the runtime's handlers a pod's class stands for; '' is the default one. */
  readonly runtimeHandler: (pod: Pod, signal: AbortSignal) => Promise<string>;
  readonly event: PodEvent;
  readonly folders: PodFolders;
  readonly names: ClusterNames;
  readonly node: NodeView;
  readonly farewell: FarewellSettings;
  readonly seccompDir: string;
}
