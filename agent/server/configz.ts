// /configz: how this node is set up, under the names of upstream's KubeletConfiguration, as tools ask for it. Pure.
import type { AgentConfig } from '../config.ts';
import type { Amount, Threshold } from '../pods/eviction/thresholds.ts';
import type { LogLimits } from './log-rotation.ts';

export function kubeletConfiguration(config: AgentConfig, logs: LogLimits): object {
  const { kubelet, eviction, imageGc } = config;
  const [hard, soft] = [
    eviction.thresholds.filter(({ graceMs }) => graceMs === 0),
    eviction.thresholds.filter(({ graceMs }) => graceMs > 0),
  ];
  return {
    kind: 'KubeletConfiguration',
    apiVersion: 'kubelet.config.k8s.io/v1beta1',
    address: kubelet.bindAddress,
    port: kubelet.port,
    readOnlyPort: 0,
    tlsCertFile: kubelet.certFile,
    tlsPrivateKeyFile: kubelet.keyFile,
    authentication: {
      x509: { clientCAFile: kubelet.clientCaFile },
      webhook: { enabled: true, cacheTTL: '2m0s' },
      anonymous: { enabled: false },
    },
    authorization: { mode: 'Webhook', webhook: { cacheAuthorizedTTL: '5m0s', cacheUnauthorizedTTL: '30s' } },
    staticPodPath: config.staticPodsDir,
    podLogsDir: config.podLogsDir,
    containerRuntimeEndpoint: `unix://${config.runtime.socket}`,
    clusterDomain: config.clusterDomain,
    clusterDNS: config.clusterDns,
    resolvConf: config.resolvConf,
    maxPods: config.maxPods,
    cgroupRoot: config.cgroupRoot,
    cgroupDriver: config.cgroupDriver,
    systemReserved: config.reserved,
    containerLogMaxSize: `${logs.maxBytes / 1024 ** 2}Mi`,
    containerLogMaxFiles: logs.maxFiles,
    imageGCHighThresholdPercent: imageGc.highPercent,
    imageGCLowThresholdPercent: imageGc.lowPercent,
    imageMinimumGCAge: duration(imageGc.minAgeMs),
    imageMaximumGCAge: duration(imageGc.maxAgeMs),
    evictionHard: amounts(hard, ({ amount }) => amount),
    ...(soft.length > 0 && {
      evictionSoft: amounts(soft, ({ amount }) => amount),
      evictionSoftGracePeriod: Object.fromEntries(soft.map(({ signal, graceMs }) => [signal, duration(graceMs)])),
    }),
    evictionMinimumReclaim: amounts(eviction.thresholds, ({ reclaim }) => reclaim),
    evictionMaxPodGracePeriod: eviction.maxPodGraceSeconds,
    evictionPressureTransitionPeriod: duration(eviction.transitionMs),
    logging: { format: config.log.format, verbosity: config.log.level === 'debug' ? 4 : 0 },
    enableSystemLogHandler: true,
    failSwapOn: false,
    singleProcessOOMKill: config.singleProcessOomKill,
  };
}

function amounts(thresholds: readonly Threshold[], pick: (each: Threshold) => Amount | undefined) {
  return Object.fromEntries(
    thresholds.flatMap((each) => {
      const amount = pick(each);
      if (amount === undefined) return [];
      return [[each.signal, 'percent' in amount ? `${amount.percent}%` : String(amount.value)]];
    }),
  );
}

/** As Go writes durations. */
function duration(ms: number): string {
  const seconds = ms / 1_000;
  const [hours, minutes] = [Math.floor(seconds / 3_600), Math.floor((seconds % 3_600) / 60)];
  if (hours > 0) return `${hours}h${minutes}m${seconds % 60}s`;
  return minutes > 0 ? `${minutes}m${seconds % 60}s` : `${seconds}s`;
}
