// From settings to what the processes are told: fills in what follows from other settings and from the machine.
// Pure; machine.ts gathers the facts.
import { isIPv4 } from 'node:net';
import { join } from 'node:path';
import { parseCpus } from '../agent/cgroups/cpu-set.ts';
import type { AgentConfig } from '../agent/config.ts';
import { durationMs } from '../agent/pods/duration.ts';
import { isSignal, parseAmount, parseThreshold, SIGNALS } from '../agent/pods/eviction/thresholds.ts';
import { shutdownGroups, shutdownProblem } from '../agent/shutdown/plan.ts';
import { addQuantities, formatQuantity, quantityMilli } from '../api/quantity.ts';
import type { ServerConfig, StoreConfig } from '../apiserver/config.ts';
import { UsageError } from './config.ts';
import type { agentOptions, commonOptions, serverOptions, Values } from './options.ts';
import { pkiFiles } from './pki.ts';

export interface MachineFacts {
  readonly hostname: string;
  /** The address of the default route's interface, one per family, IPv4 first. */
  readonly addresses: readonly string[];
}

type CommonValues = Values<typeof commonOptions>;
type ServerValues = Values<typeof serverOptions>;
type AgentValues = Values<typeof agentOptions>;

export function serverConfig(values: ServerValues, machine: MachineFacts): ServerConfig {
  checkFamilies(values);
  const advertiseAddress = values.advertiseAddress ?? nodeIpsOf(values, machine)[0]!;
  const files = pkiFiles(pkiDirOf(values));
  return {
    run: values.run,
    bindAddress: values.bindAddress,
    port: values.port,
    advertiseAddress,
    dataDir: join(values.dataDir, 'server'),
    runDir: values.runDir,
    store: storeOf(values),
    pki: {
      certFile: files.cert('apiserver'),
      keyFile: files.key('apiserver'),
      rootCaFile: files.cert('ca'),
      clientCaFile: files.cert('ca'),
      serviceAccountKeyFile: files.key('service-account'),
      kubeletClientCertFile: files.cert('apiserver-kubelet-client'),
      kubeletClientKeyFile: files.key('apiserver-kubelet-client'),
      kubeletCaFile: files.cert('ca'),
      signingCertFile: values.clusterSigningCertFile ?? files.cert('ca'),
      signingKeyFile: values.clusterSigningKeyFile ?? files.key('ca'),
    },
    signingDurationMs: durationMs(values.clusterSigningDuration)!,
    localNode: values.localNode ?? machine.hostname.toLowerCase(),
    serviceAccountIssuer: values.serviceAccountIssuer ?? `https://kubernetes.default.svc.${values.clusterDomain}`,
    clusterDomain: values.clusterDomain,
    clusterCidrs: values.clusterCidr,
    serviceCidrs: values.serviceCidr,
    clusterDns: values.clusterDns,
    nodePortRange: values.nodePortRange,
    log: { level: values.logLevel, format: values.logFormat },
  };
}

export function agentConfig(values: AgentValues, machine: MachineFacts): AgentConfig {
  checkFamilies(values);
  const files = pkiFiles(pkiDirOf(values));
  return {
    nodeName: nodeNameOf(values, machine),
    nodeIps: nodeIpsOf(values, machine),
    nodeLabels: Object.fromEntries(values.nodeLabel.map((label) => label.split('=', 2) as [string, string])),
    api: {
      url: serverUrlOf(values),
      caFile: files.cert('ca'),
      certFile: files.cert('kubelet-client'),
      keyFile: files.key('kubelet-client'),
      ...(values.bootstrapToken !== undefined && { bootstrapToken: values.bootstrapToken }),
    },
    kubelet: {
      bindAddress: values.kubeletBindAddress,
      port: values.kubeletPort,
      certFile: files.cert('kubelet-server'),
      keyFile: files.key('kubelet-server'),
      clientCaFile: files.cert('ca'),
    },
    proxyHealth: { bindAddress: values.kubeletBindAddress, port: values.proxyHealthPort },
    runtime: { socket: runtimeSocketOf(values) },
    dataDir: join(values.dataDir, 'agent'),
    runDir: values.runDir,
    kubeletDir: values.kubeletDir,
    podLogsDir: values.podLogsDir,
    containerLogsDir: values.containerLogsDir,
    staticPodsDir: values.staticPodsDir ?? join(values.configDir, 'manifests'),
    cni: {
      confDir: cniConfDirOf(values),
      binDir: values.cniBinDir,
      stateDir: join(values.dataDir, 'cni/state'),
    },
    cgroupRoot: values.cgroupRoot,
    cgroupDriver: values.cgroupDriver,
    maxPods: values.maxPods,
    allowedUnsafeSysctls: values.allowedUnsafeSysctls,
    reserved: reservedOf(values),
    cpu: cpuOf(values),
    cdiDirs: values.cdiSpecDirs,
    topologyPolicy: values.topologyManagerPolicy,
    swapBehavior: values.memorySwapBehavior,
    singleProcessOomKill: values.singleProcessOomKill === 'true',
    podPidsMax: values.podMaxPids < 0 ? undefined : values.podMaxPids,
    eviction: evictionOf(values),
    shutdown: shutdownOf(values),
    imageGc: {
      highPercent: values.imageGcHighThreshold,
      lowPercent: values.imageGcLowThreshold,
      minAgeMs: durationMs(values.imageMinimumGcAge)!,
      maxAgeMs: durationMs(values.imageMaximumGcAge)!,
    },
    images: imagesOf(values),
    farewell: { longestMs: durationMs(values.farewellMax)!, peersMs: durationMs(values.farewellPeers)! },
    clusterDomain: values.clusterDomain,
    clusterDns: values.clusterDns,
    clusterCidrs: values.clusterCidr,
    serviceCidrs: values.serviceCidr,
    resolvConf: values.resolvConf,
    log: { level: values.logLevel, format: values.logFormat },
  };
}

function imagesOf(values: AgentValues): AgentConfig['images'] {
  const { imageCredentialProviderConfig: providerConfig, imageCredentialProviderBinDir: providerBinDir } = values;
  if ((providerConfig === undefined) !== (providerBinDir === undefined)) {
    throw new UsageError('--image-credential-provider-config and --image-credential-provider-bin-dir go together');
  }
  const { imagePullCredentialsVerificationPolicy: policy, preloadedImagesVerificationAllowlist: allowlist } = values;
  if (allowlist.length > 0 && policy !== 'NeverVerifyAllowlistedImages') {
    throw new UsageError(
      '--preloaded-images-verification-allowlist needs --image-pull-credentials-verification-policy=NeverVerifyAllowlistedImages',
    );
  }
  return {
    parallelPulls: values.serializeImagePulls === 'true' ? 1 : values.maxParallelImagePulls,
    ...{ providerConfig, providerBinDir },
    verification: { policy, allowlist },
  };
}

/** What is kept back for the system and for us adds up. */
function reservedOf({ systemReserved, kubeReserved, reservedCpus }: AgentValues): Record<string, string> {
  const sum = new Map<string, string>();
  for (const [name, quantity] of [
    ...pairs('system-reserved', systemReserved),
    ...pairs('kube-reserved', kubeReserved),
  ]) {
    try {
      sum.set(name, formatQuantity(addQuantities(sum.get(name) ?? '0', quantity)));
    } catch {
      throw new UsageError(`${name}=${quantity}: not a quantity`);
    }
  }
  // Named CPUs count instead of amounts, as with upstream's kubelet.
  if (reservedCpus !== undefined) sum.set('cpu', String(parseCpus(reservedCpus)!.size));
  return Object.fromEntries(sum);
}

function cpuOf(values: AgentValues): AgentConfig['cpu'] {
  const { cpuManagerPolicy: policy, cpuManagerPolicyOptions: options, reservedCpus } = values;
  if (policy === 'static' && quantityMilli(reservedOf(values)['cpu'] ?? '0') === 0) {
    const how = 'system-reserved, kube-reserved or reserved-cpus';
    throw new UsageError(`cpu-manager-policy: static needs CPU that is kept back: set ${how}`);
  }
  if (policy === 'none' && options.length > 0) {
    throw new UsageError('cpu-manager-policy-options: only of use with cpu-manager-policy static');
  }
  const reserved = reservedCpus === undefined ? undefined : [...parseCpus(reservedCpus)!];
  return { policy, options, reserved };
}

function evictionOf(values: AgentValues): AgentConfig['eviction'] {
  const graces = pairs('eviction-soft-grace-period', values.evictionSoftGracePeriod);
  const reclaims = pairs('eviction-minimum-reclaim', values.evictionMinimumReclaim);
  for (const [signal] of [...graces, ...reclaims]) {
    if (!isSignal(signal)) throw new UsageError(`${signal}: not a signal (one of ${SIGNALS.join(', ')})`);
  }
  const reclaimOf = (signal: string) => {
    const text = reclaims.get(signal);
    if (text === undefined) return {};
    const reclaim = parseAmount(text);
    if (reclaim === undefined) throw new UsageError(`eviction-minimum-reclaim: ${signal}=${text}: not an amount`);
    return { reclaim };
  };
  const soft = values.evictionSoft.map((text) => {
    const threshold = parseThreshold(text)!;
    const graceMs = durationMs(graces.get(threshold.signal) ?? '');
    if (graceMs === undefined) throw new UsageError(`eviction-soft-grace-period: ${threshold.signal} has none`);
    return { ...threshold, graceMs };
  });
  const hard = values.evictionHard.map((text) => parseThreshold(text)!);
  return {
    thresholds: [...hard, ...soft].map((threshold) => ({ ...threshold, ...reclaimOf(threshold.signal) })),
    maxPodGraceSeconds: values.evictionMaxPodGracePeriod,
    transitionMs: durationMs(values.evictionPressureTransitionPeriod)!,
  };
}

function shutdownOf(values: AgentValues): AgentConfig['shutdown'] {
  const settings = {
    totalMs: durationMs(values.shutdownGracePeriod)!,
    criticalMs: durationMs(values.shutdownGracePeriodCriticalPods)!,
    byPriority: values.shutdownGracePeriodByPodPriority.map((share) => {
      const [priority = 0, seconds = 0] = share.split('=').map(Number);
      return { priority, seconds };
    }),
  };
  const problem = shutdownProblem(settings);
  if (problem !== undefined) throw new UsageError(problem);
  return shutdownGroups(settings);
}

function pairs(flag: string, texts: readonly string[]): Map<string, string> {
  const found = texts.map((text) => text.split('=', 2) as [string, string]);
  for (const [name, value] of found) if (value === '') throw new UsageError(`${flag}: ${name} has no value`);
  return new Map(found);
}

export function pkiDirOf(values: Pick<CommonValues, 'pkiDir' | 'dataDir'>): string {
  return values.pkiDir ?? join(values.dataDir, 'pki');
}

export function nodeIpsOf(values: Pick<CommonValues, 'nodeIp'>, machine: MachineFacts): readonly string[] {
  const addresses = values.nodeIp.length > 0 ? values.nodeIp : machine.addresses;
  if (addresses.length > 0) return addresses;
  throw new UsageError('this machine has no address to be reached by: connect it to a network or set --node-ip');
}

export function nodeNameOf(values: Pick<AgentValues, 'nodeName'>, machine: MachineFacts): string {
  return values.nodeName ?? machine.hostname.toLowerCase();
}

export function serverUrlOf(values: Pick<AgentValues, 'server' | 'port'>): string {
  return values.server ?? `https://127.0.0.1:${values.port}`;
}

export function runtimeSocketOf(values: Pick<AgentValues, 'runtimeSocket' | 'runDir'>): string {
  return values.runtimeSocket ?? join(values.runDir, 'containerd/containerd.sock');
}

export function cniConfDirOf(values: Pick<AgentValues, 'cniConfDir' | 'dataDir'>): string {
  return values.cniConfDir ?? join(values.dataDir, 'cni/net.d');
}

export function adminKubeconfigOf(values: Pick<CommonValues, 'configDir'>): string {
  return join(values.configDir, 'admin.kubeconfig');
}

function storeOf(values: ServerValues): StoreConfig {
  const { store, etcdEndpoints, etcdCaFile: caFile, etcdCertFile: certFile, etcdKeyFile: keyFile } = values;
  if (store === 'memory') return { kind: 'memory' };
  if (store === 'embedded') {
    if (etcdEndpoints.length > 0) throw new UsageError('--etcd-endpoints needs --store=etcd');
    return { kind: 'embedded', path: join(values.dataDir, 'server/store.db') };
  }
  if (etcdEndpoints.length === 0) throw new UsageError('--store=etcd needs --etcd-endpoints');
  return { kind: 'etcd', endpoints: etcdEndpoints, caFile, certFile, keyFile };
}

/** Two ranges are two families; a pod has one address of each. */
function checkFamilies({ clusterCidr, serviceCidr }: CommonValues): void {
  const families = (ranges: readonly string[]) => ranges.map((range) => (isIPv4(range.split('/')[0]!) ? 4 : 6));
  for (const [flag, ranges] of [
    ['--cluster-cidr', clusterCidr],
    ['--service-cidr', serviceCidr],
  ] as const) {
    const found = families(ranges);
    if (found.length > 2 || new Set(found).size !== found.length)
      throw new UsageError(`${flag}: at most one range per address family`);
  }
  if (families(clusterCidr).join() !== families(serviceCidr).join()) {
    throw new UsageError('--cluster-cidr and --service-cidr need the same address families in the same order');
  }
}
