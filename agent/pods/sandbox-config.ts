// A pod's sandbox in the runtime's words.

import { quantityMilli, quantityValue } from '../../api/quantity.ts';
import type { Pod } from '../../api/types/core/pod.ts';
import type { DnsConfig, LinuxContainerResources, PodSandboxConfig } from '../cri/types.ts';
import { podFqdn, podHostname } from './dns.ts';
import { ANNOTATION, LABEL, type PodFolders, type PodName, podLogDir } from './names.ts';
import { CPU_PERIOD_US, cpuQuota, cpuShares } from './resources.ts';
import { sandboxSecurity } from './security.ts';

export interface SandboxOptions {
  readonly attempt: number;
  readonly dns: Required<DnsConfig>;
  readonly folders: PodFolders;
  readonly cgroupParent: string;
  readonly clusterDomain: string;
}

export function podName({ metadata }: Pod): PodName {
  return { namespace: metadata.namespace ?? '', name: metadata.name, uid: metadata.uid };
}

export function podLabels({ metadata }: Pod): Record<string, string> {
  return {
    [LABEL.podName]: metadata.name,
    [LABEL.podNamespace]: metadata.namespace ?? '',
    [LABEL.podUid]: metadata.uid,
  };
}

/** As the kernel takes it. */
const HOSTNAME_MAX = 64;

function hostname(pod: Pod, clusterDomain: string): string {
  const fqdn = pod.spec.setHostnameAsFQDN ? podFqdn(pod, clusterDomain) : undefined;
  if (fqdn === undefined) return podHostname(pod);
  if (fqdn.length <= HOSTNAME_MAX) return fqdn;
  throw new Error(
    `Failed to construct FQDN from Pod hostname and cluster domain, FQDN ${fqdn} is too long (${HOSTNAME_MAX} characters is the max, ${fqdn.length} characters requested)`,
  );
}

export function sandboxConfig(
  pod: Pod,
  { attempt, dns, folders, cgroupParent, clusterDomain }: SandboxOptions,
): PodSandboxConfig {
  const name = podName(pod);
  const all = [...pod.spec.containers, ...(pod.spec.initContainers ?? [])];
  const { name: podNameOnly, namespace, uid } = name;
  return {
    metadata: { name: podNameOnly, uid, namespace, attempt },
    // On the host's network the host's own name holds.
    ...(!pod.spec.hostNetwork && { hostname: hostname(pod, clusterDomain) }),
    logDirectory: podLogDir(folders, name),
    dnsConfig: dns,
    portMappings: all.flatMap(({ ports = [] }) =>
      ports.map(({ protocol = 'TCP', containerPort, hostPort = 0, hostIP = '' }) => ({
        protocol,
        containerPort,
        hostPort,
        hostIp: hostIP,
      })),
    ),
    labels: { ...pod.metadata.labels, ...podLabels(pod) },
    annotations: {
      ...pod.metadata.annotations,
      [ANNOTATION.terminationGracePeriod]: String(pod.spec.terminationGracePeriodSeconds ?? 30),
    },
    linux: {
      cgroupParent,
      ...(pod.spec.overhead && { overhead: overheadOf(pod.spec.overhead) }),
      securityContext: sandboxSecurity(pod),
      sysctls: Object.fromEntries((pod.spec.securityContext?.sysctls ?? []).map(({ name, value }) => [name, value])),
    },
  };
}

/** What the class of the pod costs beside its containers. */
function overheadOf({ cpu, memory }: Readonly<Record<string, string>>): LinuxContainerResources {
  return {
    cpuPeriod: CPU_PERIOD_US,
    cpuShares: cpuShares(quantityMilli(cpu ?? '0')),
    ...(cpu !== undefined && { cpuQuota: cpuQuota(quantityMilli(cpu)) }),
    ...(memory !== undefined && { memoryLimitInBytes: quantityValue(memory) }),
  };
}
