// What the node process is told at its start. cli/ fills it from flags, environment and file (cli/options.ts is the
// one table of names and defaults); nothing in the agent reads any of the three itself.

import type { CpuOption, CpuPolicy } from './cgroups/cpu-manager.ts';
import type { TopologyPolicy } from './devices/numa.ts';
import type { ImageGcSettings } from './images/gc-decide.ts';
import type { VerificationSettings } from './images/pulled-decide.ts';
import type { EvictionSettings } from './pods/eviction/thresholds.ts';
import type { FarewellSettings } from './pods/farewell.ts';
import type { SwapBehavior } from './pods/resources.ts';
import type { ShutdownGroup } from './shutdown/plan.ts';

export interface AgentConfig {
  readonly nodeName: string;
  /** The node's own addresses, the preferred family first. */
  readonly nodeIps: readonly string[];
  readonly nodeLabels: Readonly<Record<string, string>>;
  /** How the agent reaches the API and who it is there: `system:node:<nodeName>`. */
  readonly api: {
    readonly url: string;
    readonly caFile: string;
    /** Issued on this machine, or absent where a node joins by a token. */
    readonly certFile: string;
    readonly keyFile: string;
    readonly bootstrapToken?: string;
  };
  /** The kubelet's own port: exec, logs, stats. Port 0 takes a free one. */
  readonly kubelet: {
    readonly bindAddress: string;
    readonly port: number;
    readonly certFile: string;
    readonly keyFile: string;
    readonly clientCaFile: string;
  };
  /** Answers whether the service rules are in place; 0 switches it off. */
  readonly proxyHealth: { readonly bindAddress: string; readonly port: number };
  readonly runtime: { readonly socket: string };
  /** The agent's own state (checkpoints); it makes the folder (0700). */
  readonly dataDir: string;
  readonly runDir: string;
  /** Pod volumes, plugins: /var/lib/kubelet, where other software expects it. */
  readonly kubeletDir: string;
  readonly podLogsDir: string;
  readonly containerLogsDir: string;
  readonly staticPodsDir: string;
  readonly cni: { readonly confDir: string; readonly binDir: string; readonly stateDir: string };
  /** Under which cgroup `kubepods` lives; keeps several agents on one machine apart. */
  readonly cgroupRoot: string;
  readonly cgroupDriver: 'auto' | 'systemd' | 'cgroupfs';
  readonly maxPods: number;
  /** Beside those that are safe for every pod. */
  readonly allowedUnsafeSysctls: readonly string[];
  /** Kept back for the system and for this agent: no pod is promised any of it. By resource. */
  readonly reserved: Readonly<Record<string, string>>;
  /** Whether containers may have CPUs for themselves, and which CPUs nobody gets; absent: as many as are reserved. */
  readonly cpu: {
    readonly policy: CpuPolicy;
    readonly options: readonly CpuOption[];
    readonly reserved: readonly number[] | undefined;
  };
  readonly topologyPolicy: TopologyPolicy;
  /** Where drivers describe devices for containers, the strongest last. */
  readonly cdiDirs: readonly string[];
  /** Most processes and threads of one pod; absent: no limit. */
  readonly podPidsMax: number | undefined;
  /** Whether memory of pods may be swapped out. */
  readonly swapBehavior: SwapBehavior;
  /** Of a container that is out of memory only the process that is, not all (cgroup v2). */
  readonly singleProcessOomKill: boolean;
  /** Which pods end when the machine goes down; empty: nobody waits for them. */
  readonly shutdown: readonly ShutdownGroup[];
  readonly eviction: EvictionSettings;
  readonly imageGc: ImageGcSettings;
  readonly images: {
    /** So many pulls side by side. */
    readonly parallelPulls: number;
    /** Programs that know credentials of registries: upstream's CredentialProviderConfig, and where they lie. */
    readonly providerConfig: string | undefined;
    readonly providerBinDir: string | undefined;
    /** When a pod has to show that it may use an image that is here. */
    readonly verification: VerificationSettings;
  };
  readonly farewell: FarewellSettings;
  readonly clusterDomain: string;
  readonly clusterDns: readonly string[];
  /** Sockets of cluster DNS that somebody keeps open while we restart: bound, on its first address. */
  readonly dnsSockets?: { readonly udpFd: number; readonly tcpFd: number };
  /** One range per address family, the preferred family first. */
  readonly clusterCidrs: readonly string[];
  readonly serviceCidrs: readonly string[];
  readonly resolvConf: string;
  readonly log: {
    readonly level: 'debug' | 'info' | 'warn' | 'error';
    readonly format: 'auto' | 'json' | 'text';
  };
}
