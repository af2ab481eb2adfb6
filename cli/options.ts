// Every setting of every process, once: name, kind, default and the line `--help` prints. From a name `dataDir` come
// the flag `--data-dir`, the variable `SKIFF_DATA_DIR` and the key `data-dir` of the file (config.ts reads the three).
// A setting without a default here is derived from others or from the machine in resolve.ts.
import { isIP } from 'node:net';
import { CPU_OPTIONS, CPU_POLICIES } from '../agent/cgroups/cpu-manager.ts';
import { parseCpus } from '../agent/cgroups/cpu-set.ts';
import { TOPOLOGY_POLICIES } from '../agent/devices/numa.ts';
import { POLICIES } from '../agent/images/pulled-decide.ts';
import { durationMs } from '../agent/pods/duration.ts';
import { DEFAULT_HARD, parseThreshold } from '../agent/pods/eviction/thresholds.ts';
import { SWAP_BEHAVIORS } from '../agent/pods/resources.ts';

export interface Option<T> {
  readonly help: string;
  /** What stands for the value in `--help`. */
  readonly value: string;
  readonly fallback: T;
  /** From one text to the value; undefined when the text is none of this kind. */
  readonly parse: (text: string) => NonNullable<T> | undefined;
  /** Lists take several texts: repeated flags, commas, YAML sequences. */
  readonly list: boolean;
}

export type Options = Readonly<Record<string, Option<unknown>>>;
export type Values<O extends Options> = { readonly [K in keyof O]: O[K] extends Option<infer T> ? T : never };

const one = <T>(value: string, parse: (text: string) => T | undefined) => {
  function option(fallback: T, help: string): Option<T>;
  function option(fallback: undefined, help: string): Option<T | undefined>;
  function option(fallback: T | undefined, help: string): Option<T | undefined> {
    return { help, value, fallback, parse: parse as Option<T | undefined>['parse'], list: false };
  }
  return option;
};

const many = <T>(value: string, parse: (text: string) => T | undefined) => {
  const all = (text: string) => {
    const found = text.split(',').map((part) => parse(part.trim()));
    return found.includes(undefined) ? undefined : (found as T[]);
  };
  return (fallback: readonly T[], help: string): Option<readonly T[]> => ({
    help,
    value,
    fallback,
    parse: all,
    list: true,
  });
};

const integer = (min: number, max: number) => (text: string) =>
  /^\d{1,10}$/.test(text) && Number(text) >= min && Number(text) <= max ? Number(text) : undefined;
const matching = (pattern: RegExp) => (text: string) => (pattern.test(text) ? text : undefined);
const isOneOf =
  <T extends string>(choices: readonly T[]) =>
  (text: string) =>
    choices.find((choice) => choice === text);

const LABEL = '[a-z0-9]([-a-z0-9]*[a-z0-9])?';
const DOMAIN = new RegExp(`^(?=.{1,253}$)${LABEL}(\\.${LABEL})*$`);

const token = one('<id>.<secret>', matching(/^[a-z0-9]{6}\.[a-z0-9]{16}$/));
const path = one('<absolute path>', matching(/^\/[^\0]*$/));
const ip = one('<address>', (text) => (isIP(text) ? text : undefined));
const port = one('<port, 0-65535>', integer(0, 65535));
const count = one('<number>', integer(1, 1_000_000));
const domain = one('<domain>', matching(DOMAIN));
const url = one('<https URL>', (text) => (/^https:/.test(text) && URL.canParse(text) ? text : undefined));
const choice = <T extends string>(choices: readonly T[]) => one(choices.join('|'), isOneOf(choices));
const paths = many('<absolute path>[,...]', matching(/^\/[^\0]*$/));
const ips = many('<address>[,...]', (text) => (isIP(text) ? text : undefined));
const cidrs = many('<address/bits>[,...]', (text) => (isCidr(text) ? text : undefined));
const urls = many('<URL>[,...]', (text) => (URL.canParse(text) ? text : undefined));
const labels = many('<key=value>[,...]', matching(/^[^=\s]+=[^=\s]*$/));
const thresholds = many('<signal><<amount>[,...]', (text) => (parseThreshold(text) === undefined ? undefined : text));
const texts = many('<name>[,...]', matching(/^\S+$/));
const shares = many('<priority>=<seconds>[,...]', matching(/^-?\d{1,10}=\d{1,6}$/));
const seconds = one('<seconds>', integer(0, 1_000_000));
const percent = one('<percent, 0-100>', integer(0, 100));
const duration = one('<duration>', (text) => (durationMs(text) === undefined ? undefined : text));
/** More than none. */
const life = one('<duration>', (text) => (durationMs(text) ? text : undefined));
const cpus = one('<CPUs>', (text) => (parseCpus(text)?.size ? text : undefined));
const podPids = (text: string) => (text === '-1' ? -1 : integer(1, 4_194_304)(text));
const ports = one('<from>-<to>', (text) => {
  const [from = 0, to = 0] = /^\d{1,5}-\d{1,5}$/.test(text) ? text.split('-').map(Number) : [];
  return from > 0 && from <= to && to <= 65535 ? { from, to } : undefined;
});

export const commonOptions = {
  config: path(undefined, 'settings as YAML, one `flag: value` per line (default <config-dir>/config.yaml)'),
  configDir: path('/etc/skiff', 'configuration and the admin kubeconfig'),
  dataDir: path('/var/lib/skiff', 'state that survives restarts'),
  runDir: path('/run/skiff', 'sockets and what else does not survive a reboot'),
  pkiDir: path(undefined, 'certificates and keys (default <data-dir>/pki)'),
  port: port(6443, 'where the API listens'),
  nodeIp: ips([], "this machine's address, one per family (default: that of the default route)"),
  clusterCidr: cidrs(['10.42.0.0/16'], 'pod addresses, one range per family'),
  serviceCidr: cidrs(['10.43.0.0/16'], 'service addresses, one range per family'),
  clusterDns: ips(['10.43.0.10'], 'address of the kube-dns service'),
  clusterDomain: domain('cluster.local', 'DNS domain of services'),
  logLevel: choice(['debug', 'info', 'warn', 'error'])('info', 'least severity that is logged'),
  logFormat: choice(['auto', 'json', 'text'])('auto', 'auto is text on a terminal, else JSON'),
} as const;

export const serverOptions = {
  ...commonOptions,
  run: many('api|scheduler|controllers[,...]', isOneOf(['api', 'scheduler', 'controllers'] as const))(
    ['api', 'scheduler', 'controllers'],
    'parts of the server this process runs',
  ),
  bindAddress: ip('0.0.0.0', 'address the API listens on'),
  advertiseAddress: ip(undefined, 'address others reach the API by (default: the node address)'),
  store: choice(['embedded', 'memory', 'etcd'])('embedded', 'where objects are kept; memory forgets them at exit'),
  etcdEndpoints: urls([], 'etcd servers, with --store=etcd'),
  etcdCaFile: path(undefined, 'authority of the etcd servers'),
  etcdCertFile: path(undefined, 'client certificate for etcd'),
  etcdKeyFile: path(undefined, 'its key'),
  serviceAccountIssuer: url(undefined, 'issuer of tokens (default https://kubernetes.default.svc.<cluster-domain>)'),
  clusterSigningDuration: life('8760h', 'how long certificates signed for requests are valid at most'),
  clusterSigningCertFile: path(undefined, 'authority that signs certificate requests (default <pki-dir>/ca.crt)'),
  clusterSigningKeyFile: path(undefined, 'its key (default <pki-dir>/ca.key)'),
  localNode: domain(undefined, 'node on this machine: may serve at the address of the API (default: the host name)'),
  nodePortRange: ports({ from: 30000, to: 32767 }, 'ports of NodePort services'),
} as const;

export const agentOptions = {
  ...commonOptions,
  server: url(undefined, 'where the API is (default https://127.0.0.1:<port>)'),
  bootstrapToken: token(undefined, 'joins a cluster without a certificate of its own'),
  nodeName: domain(undefined, 'name of the Node object (default: the host name)'),
  nodeLabel: labels([], 'labels this node registers with'),
  kubeletBindAddress: ip('0.0.0.0', 'address of exec, logs and stats'),
  kubeletPort: port(10250, 'port of exec, logs and stats'),
  proxyHealthPort: port(10256, 'port that tells load balancers of service health; 0 for none'),
  runtimeSocket: path(undefined, 'CRI socket (default <run-dir>/containerd/containerd.sock)'),
  kubeletDir: path('/var/lib/kubelet', 'pod volumes and plugins'),
  podLogsDir: path('/var/log/pods', 'logs of containers'),
  containerLogsDir: path('/var/log/containers', 'links to the logs of containers'),
  staticPodsDir: path(undefined, 'manifests run without the API (default <config-dir>/manifests)'),
  cniConfDir: path(undefined, 'where the network configuration is written (default <data-dir>/cni/net.d)'),
  cniBinDir: path('/usr/lib/cni', 'network plugins'),
  cgroupRoot: matchingCgroup()('/', 'cgroup that holds kubepods; keeps several agents on a machine apart'),
  cgroupDriver: choice(['auto', 'systemd', 'cgroupfs'])('auto', 'who makes cgroups'),
  maxPods: count(110, 'most pods on this node'),
  systemReserved: labels([], 'kept back for the system, as cpu=100m,memory=256Mi'),
  kubeReserved: labels([], 'kept back for the agent and the runtime, likewise'),
  reservedCpus: cpus(undefined, 'CPUs kept back for system and agent, as 0-1,8; instead of amounts of cpu'),
  cpuManagerPolicy: choice(CPU_POLICIES)('none', 'static gives whole CPUs to guaranteed containers that ask for them'),
  cpuManagerPolicyOptions: many(`${CPU_OPTIONS.join('|')}[,...]`, isOneOf(CPU_OPTIONS))([], 'how static chooses'),
  topologyManagerPolicy: choice(TOPOLOGY_POLICIES)('none', 'how near one another CPUs and devices must be'),
  cdiSpecDirs: paths(['/etc/cdi', '/var/run/cdi'], 'where drivers describe devices for containers'),
  podMaxPids: one('<number>, -1 for no limit', podPids)(-1, 'most processes and threads of one pod'),
  singleProcessOomKill: choice(['true', 'false'])(
    'false',
    'out of memory, a process is killed alone, not its container as a whole (cgroup v2; always so in v1)',
  ),
  memorySwapBehavior: choice(SWAP_BEHAVIORS)('NoSwap', 'LimitedSwap lets burstable pods swap (cgroup v2)'),
  evictionHard: thresholds(DEFAULT_HARD, 'shortages that evict pods at once'),
  evictionSoft: thresholds([], 'shortages that evict pods when they last'),
  evictionSoftGracePeriod: labels([], 'how long each may last, as memory.available=1m30s'),
  evictionMinimumReclaim: labels([], 'how much more must come free, as nodefs.available=500Mi'),
  evictionMaxPodGracePeriod: seconds(0, 'most seconds an evicted pod gets after a soft threshold'),
  evictionPressureTransitionPeriod: duration('5m', 'how long a pressure condition stays after it was seen last'),
  imageGcHighThreshold: percent(85, 'use of the image file system above which unused images are removed'),
  imageGcLowThreshold: percent(80, 'use of it below which no more are removed'),
  farewellMax: duration('1s', 'longest wait for clients to be sent elsewhere before a deleted pod is told to end'),
  farewellPeers: duration('200ms', 'part of it that other nodes get to follow, once this node has'),
  imageMinimumGcAge: duration('2m', 'younger images stay'),
  imageMaximumGcAge: duration('0s', 'images unused for longer go in any case; 0s for never'),
  allowedUnsafeSysctls: texts([], 'sysctls pods may set beside the safe ones: names, or beginnings with *'),
  maxParallelImagePulls: count(4, 'most image pulls at a time'),
  serializeImagePulls: choice(['true', 'false'])('false', 'one image pull at a time'),
  imageCredentialProviderConfig: path(undefined, 'a CredentialProviderConfig file, or a folder of them'),
  imageCredentialProviderBinDir: path(undefined, 'where the programs it names are'),
  imagePullCredentialsVerificationPolicy: choice(POLICIES)(
    'NeverVerifyPreloadedImages',
    'when a pod must show that it may use an image that is on the node already',
  ),
  preloadedImagesVerificationAllowlist: texts([], 'with NeverVerifyAllowlistedImages: names without tag, or name/*'),
  shutdownGracePeriod: duration('0s', 'how long a shutdown of the machine waits for pods to end; 0s not at all'),
  shutdownGracePeriodCriticalPods: duration('0s', 'of it, what is kept for critical pods'),
  shutdownGracePeriodByPodPriority: shares([], 'instead of the two: seconds for pods of a priority or more'),
  resolvConf: path('/etc/resolv.conf', 'name servers of the machine, for names outside the cluster'),
} as const;

export const upOptions = {
  ...serverOptions,
  ...agentOptions,
  readyTimeout: life('2m', 'how long the node may take to be Ready before up gives up'),
} as const;

/** `dataDir` as a flag's name and a file's key. */
export function flagOf(name: string): string {
  return name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
}

export function variableOf(name: string): string {
  return `SKIFF_${flagOf(name).replaceAll('-', '_').toUpperCase()}`;
}

function matchingCgroup() {
  return one('</cgroup>', matching(/^\/([\w.-]+\/?)*$/));
}

function isCidr(text: string): boolean {
  const [address = '', bits = ''] = text.split('/');
  const family = isIP(address);
  return family !== 0 && /^\d{1,3}$/.test(bits) && Number(bits) <= (family === 4 ? 32 : 128);
}
