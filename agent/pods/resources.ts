// Requests and limits as what the kernel understands: CPU shares and quota, memory limit, and whom the kernel kills
// first when memory runs out.

import { quantityMilli, quantityValue } from '../../api/quantity.ts';
import type { Container } from '../../api/types/core/container.ts';
import type { Pod } from '../../api/types/core/pod.ts';
import type { LinuxContainerResources } from '../cri/types.ts';
import { isSidecar } from './phase.ts';

export type QosClass = 'Guaranteed' | 'Burstable' | 'BestEffort';

export const CPU_PERIOD_US = 100_000;
export const HUGEPAGES = 'hugepages-';
const MIN_SHARES = 2;
const MAX_SHARES = 262_144;
const MIN_QUOTA_US = 1_000;
const GUARANTEED_OOM = -997;
const BEST_EFFORT_OOM = 1_000;
/** Pods of this priority and above belong to the system. */
export const CRITICAL_PRIORITY = 2_000_000_000;

export function cpuShares(milliCpu: number): number {
  return Math.min(MAX_SHARES, Math.max(MIN_SHARES, Math.floor((milliCpu * 1_024) / 1_000)));
}

export function cpuQuota(milliCpu: number): number {
  return Math.max(MIN_QUOTA_US, Math.floor((milliCpu * CPU_PERIOD_US) / 1_000));
}

export const SWAP_BEHAVIORS = ['NoSwap', 'LimitedSwap'] as const;
export type SwapBehavior = (typeof SWAP_BEHAVIORS)[number];

/** What a container's share is a share of. */
export interface NodeMemory {
  readonly memoryBytes: number;
  /** Page sizes of the machine, as 2Mi: nobody gets any of what it did not ask for. */
  readonly hugepages?: readonly string[];
  /** With one process of a container the kernel kills all of it (cgroup v2). */
  readonly killsTogether?: boolean;
  /** Absent where the machine has no swap. */
  readonly swap?: { readonly bytes: number; readonly behavior: SwapBehavior; readonly cgroups: 1 | 2 };
}

export function containerResources(pod: Pod, container: Container, node: NodeMemory): LinuxContainerResources {
  const { requests = {}, limits = {} } = container.resources ?? {};
  const cpuRequest = requests['cpu'] ?? limits['cpu'];
  const asked = Object.keys(limits).flatMap((name) =>
    name.startsWith(HUGEPAGES) ? [name.slice(HUGEPAGES.length)] : [],
  );
  const pages = [...new Set([...(node.hugepages ?? []), ...asked])];
  const { unified: swapFiles, ...swap } = swapOf(pod, container, node);
  const unified = { ...swapFiles, ...(node.killsTogether && { 'memory.oom.group': '1' }) };
  return {
    cpuPeriod: CPU_PERIOD_US,
    cpuShares: cpuRequest === undefined ? MIN_SHARES : cpuShares(quantityMilli(cpuRequest)),
    ...(limits['cpu'] !== undefined && { cpuQuota: cpuQuota(quantityMilli(limits['cpu'])) }),
    ...(limits['memory'] !== undefined && { memoryLimitInBytes: Math.floor(quantityValue(limits['memory'])) }),
    ...swap,
    ...(Object.keys(unified).length > 0 && { unified }),
    oomScoreAdj: oomScore(pod, container, node.memoryBytes),
    ...(pages.length > 0 && {
      hugepageLimits: pages.map((size) => ({
        pageSize: pageSize(size),
        limit: Math.floor(quantityValue(limits[`${HUGEPAGES}${size}`] ?? '0')),
      })),
    }),
  };
}

/** Whose memory may be swapped out, and how much of it: a share like its share of the memory. */
function swapOf(pod: Pod, { resources }: Container, { memoryBytes, swap }: NodeMemory): LinuxContainerResources {
  if (swap === undefined) return {};
  const limit = resources?.limits?.['memory'];
  if (swap.cgroups === 1) {
    // There memory and swap are limited as one: as much as memory alone is no swap.
    return limit === undefined ? {} : { memorySwapLimitInBytes: Math.floor(quantityValue(limit)) };
  }
  const request = quantityValue(resources?.requests?.['memory'] ?? limit ?? '0');
  const swaps =
    swap.behavior === 'LimitedSwap' &&
    qosClass(pod) === 'Burstable' &&
    (pod.spec.priority ?? 0) < CRITICAL_PRIORITY &&
    request > 0 &&
    (limit === undefined || quantityValue(limit) !== request);
  const share = swaps ? Math.floor((request / Math.max(memoryBytes, 1)) * swap.bytes) : 0;
  return { unified: { 'memory.swap.max': String(share) } };
}

/** 2Mi is called 2MB there. */
export function pageSize(quantity: string): string {
  return `${quantity.replace(/i$/, '')}B`;
}

export function qosClass(pod: Pod): QosClass {
  const said = pod.status?.qosClass;
  if (said !== undefined) return said as QosClass;
  const { resources: whole, containers, initContainers = [] } = pod.spec;
  const all = whole?.requests || whole?.limits ? [{ resources: whole }] : [...containers, ...initContainers];
  const asks = all.map(({ resources = {} }) => ({
    requests: positive(resources.requests),
    limits: positive(resources.limits),
  }));
  if (asks.every(({ requests, limits }) => requests.size === 0 && limits.size === 0)) return 'BestEffort';
  const guaranteed = asks.every(({ requests, limits }) =>
    ['cpu', 'memory'].every(
      (name) => limits.has(name) && (requests.get(name) ?? limits.get(name)) === limits.get(name),
    ),
  );
  return guaranteed ? 'Guaranteed' : 'Burstable';
}

function positive(list: Readonly<Record<string, string>> = {}): Map<string, number> {
  const amounts = ['cpu', 'memory'].map((name): [string, number] => [name, quantityMilli(list[name] ?? '0')]);
  return new Map(amounts.filter(([, amount]) => amount > 0));
}

export function oomScore(pod: Pod, container: Container, nodeMemory: number): number {
  if ((pod.spec.priority ?? 0) >= CRITICAL_PRIORITY) return GUARANTEED_OOM;
  const qos = qosClass(pod);
  if (qos === 'Guaranteed') return GUARANTEED_OOM;
  if (qos === 'BestEffort') return BEST_EFFORT_OOM;
  const score = burstableScore(container, nodeMemory);
  if (!isSidecar(container)) return score;
  // A sidecar must not be killed before those it serves.
  return Math.min(score, ...pod.spec.containers.map((main) => burstableScore(main, nodeMemory)));
}

function burstableScore({ resources }: Container, nodeMemory: number): number {
  const request = quantityValue(resources?.requests?.['memory'] ?? '0');
  const score = Math.trunc(1_000 - (1_000 * request) / Math.max(nodeMemory, 1));
  const floor = 1_000 + GUARANTEED_OOM;
  if (score < floor) return floor;
  return score === BEST_EFFORT_OOM ? BEST_EFFORT_OOM - 1 : score;
}
