// What a pod as a whole may use, and how the kernel's two generations of control groups are told. Pure.

import { quantityMilli, quantityValue } from '../../api/quantity.ts';
import type { Container } from '../../api/types/core/container.ts';
import type { Pod } from '../../api/types/core/pod.ts';
import { isSidecar } from '../pods/phase.ts';
import { podRequests } from '../pods/pod-requests.ts';
import { CPU_PERIOD_US, cpuQuota, cpuShares, HUGEPAGES, pageSize, qosClass } from '../pods/resources.ts';

export interface Limits {
  readonly cpuShares: number;
  /** Absent: no limit. */
  readonly cpuQuotaUs?: number;
  readonly memoryBytes?: number;
  readonly pids?: number;
  /** By page size, as 2MB. */
  readonly hugepages?: Readonly<Record<string, number>>;
}

export interface PodAmounts {
  readonly milliCpu: number;
  readonly memory: number;
}

type Kind = 'requests' | 'limits';

/** Main containers and sidecars run together; every init container runs beside the sidecars before it. */
export function podAmounts(pod: Pod, kind: Kind): PodAmounts {
  const sum = (resource: 'cpu' | 'memory') => {
    // Said for the pod as a whole, it holds instead.
    const whole = amount1({ name: '', resources: pod.spec.resources }, kind, resource);
    if (whole > 0) return whole + overhead(pod, resource);
    let sidecars = 0;
    let peak = 0;
    for (const init of pod.spec.initContainers ?? []) {
      const amount = amount1(init, kind, resource);
      if (isSidecar(init)) sidecars += amount;
      peak = Math.max(peak, isSidecar(init) ? sidecars : sidecars + amount);
    }
    const main = pod.spec.containers.reduce((total, each) => total + amount1(each, kind, resource), sidecars);
    return Math.max(peak, main) + overhead(pod, resource);
  };
  return { milliCpu: sum('cpu'), memory: sum('memory') };
}

export function podLimits(pod: Pod, pidsMax: number | undefined): Limits {
  const requests = podAmounts(pod, 'requests');
  const limits = podAmounts(pod, 'limits');
  const all = [...pod.spec.containers, ...(pod.spec.initContainers ?? []).filter(isSidecar)];
  const limited = (name: string) =>
    pod.spec.resources?.limits?.[name] !== undefined ||
    all.every(({ resources }) => resources?.limits?.[name] !== undefined);
  return {
    cpuShares: cpuShares(requests.milliCpu),
    ...(limited('cpu') && limits.milliCpu > 0 && { cpuQuotaUs: cpuQuota(limits.milliCpu) }),
    ...(limited('memory') && limits.memory > 0 && { memoryBytes: limits.memory }),
    ...(pidsMax !== undefined && { pids: pidsMax }),
    ...hugepagesOf(pod),
  };
}

function hugepagesOf(pod: Pod): Pick<Limits, 'hugepages'> {
  const asked = [...podRequests(pod)].filter(([name]) => name.startsWith(HUGEPAGES));
  if (asked.length === 0) return {};
  const pages = asked.map(([name, bytes]) => [pageSize(name.slice(HUGEPAGES.length)), bytes] as const);
  return { hugepages: Object.fromEntries(pages) };
}

/** All pods together: what is reserved for others stays theirs. */
export function allPodsLimits(
  { cpus, memoryBytes }: { readonly cpus: number; readonly memoryBytes: number },
  reserved: Readonly<Record<string, string>>,
  pidsMax: number,
): Limits {
  const { cpu = '0', memory, pid } = reserved;
  return {
    cpuShares: cpuShares(Math.max(0, cpus * 1_000 - quantityMilli(cpu))),
    ...(memory !== undefined && { memoryBytes: memoryBytes - quantityValue(memory) }),
    ...(pid !== undefined && Number.isFinite(pidsMax) && { pids: pidsMax - quantityValue(pid) }),
  };
}

/** The share of each class beside the others: best effort gets what is left, burstable what its pods asked for. */
export function qosLimits(pods: Iterable<Pod>): Readonly<Record<'Burstable' | 'BestEffort', Limits>> {
  let milliCpu = 0;
  for (const pod of pods) if (qosClass(pod) === 'Burstable') milliCpu += podAmounts(pod, 'requests').milliCpu;
  return { Burstable: { cpuShares: cpuShares(milliCpu) }, BestEffort: { cpuShares: cpuShares(0) } };
}

function amount1({ resources }: Pick<Container, 'name' | 'resources'>, kind: Kind, resource: 'cpu' | 'memory'): number {
  const { requests = {}, limits = {} } = resources ?? {};
  const quantity = kind === 'limits' ? limits[resource] : (requests[resource] ?? limits[resource]);
  if (quantity === undefined) return 0;
  return resource === 'cpu' ? quantityMilli(quantity) : Math.floor(quantityValue(quantity));
}

function overhead({ spec }: Pod, resource: 'cpu' | 'memory'): number {
  const quantity = spec.overhead?.[resource];
  if (quantity === undefined) return 0;
  return resource === 'cpu' ? quantityMilli(quantity) : Math.floor(quantityValue(quantity));
}

/** The files of the second generation. */
export function v2Files({
  cpuShares: shares,
  cpuQuotaUs,
  memoryBytes,
  pids,
  hugepages = {},
}: Limits): [string, string][] {
  return [
    ['cpu.weight', String(weightOf(shares))],
    ['cpu.max', `${cpuQuotaUs ?? 'max'} ${CPU_PERIOD_US}`],
    ['memory.max', String(memoryBytes ?? 'max')],
    ['pids.max', String(pids ?? 'max')],
    ...Object.entries(hugepages).map(([size, bytes]): [string, string] => [`hugetlb.${size}.max`, String(bytes)]),
  ];
}

/** Those of the first, by controller. */
export function v1Files({
  cpuShares: shares,
  cpuQuotaUs,
  memoryBytes,
  pids,
  hugepages = {},
}: Limits): [string, string, string][] {
  return [
    ['cpu', 'cpu.shares', String(shares)],
    ['cpu', 'cpu.cfs_period_us', String(CPU_PERIOD_US)],
    ['cpu', 'cpu.cfs_quota_us', String(cpuQuotaUs ?? -1)],
    ['memory', 'memory.limit_in_bytes', String(memoryBytes ?? -1)],
    ['pids', 'pids.max', String(pids ?? 'max')],
    ...Object.entries(hugepages).map(([size, bytes]): [string, string, string] => {
      return ['hugetlb', `hugetlb.${size}.limit_in_bytes`, String(bytes)];
    }),
  ];
}

/** From shares (2 to 262144) to weights (1 to 10000). */
export function weightOf(shares: number): number {
  return Math.floor(1 + ((shares - 2) * 9_999) / 262_142);
}
