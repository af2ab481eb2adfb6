// From what a kubelet says to metrics.k8s.io: pure. A pod of which one container's use is not known is not shown, for
// half a sum misleads whoever scales by it.
import { timestamp } from '../../../../api/clock.ts';
import type { KubeObject } from '../../../../api/schema/kind.ts';
import type { Pod } from '../../../../api/types/core/pod.ts';
import type { NodeMetrics, PodMetrics } from '../../../../api/types/metrics/metrics.ts';
import type { Measured, NodeSummary, Use } from '../../node-stats.ts';

const API_VERSION = 'metrics.k8s.io/v1beta1';
const NANOS_PER_MS = 1e6;

export function nodeMetricsOf(
  node: KubeObject,
  { summary, windowMs }: Measured,
  nowMs: number,
): NodeMetrics | undefined {
  const usage = usageOf(summary.node);
  if (usage === undefined) return undefined;
  const { name, labels } = node.metadata;
  return {
    kind: 'NodeMetrics',
    apiVersion: API_VERSION,
    metadata: metadataOf({ name, labels }, nowMs),
    timestamp: summary.node.cpu!.time,
    window: windowText(windowMs),
    usage,
  };
}

type PodUse = NonNullable<NodeSummary['pods']>[number];

export function podMetricsOf(pod: Pod, use: PodUse, windowMs: number, nowMs: number): PodMetrics | undefined {
  const { name, namespace, labels } = pod.metadata;
  const used = use.containers ?? [];
  const containers = used.map((container) => ({ name: container.name, usage: usageOf(container) }));
  if (containers.length === 0 || containers.some(({ usage }) => usage === undefined)) return undefined;
  return {
    kind: 'PodMetrics',
    apiVersion: API_VERSION,
    metadata: metadataOf({ name, namespace, labels }, nowMs),
    timestamp: used[0]!.cpu!.time,
    window: windowText(windowMs),
    containers: containers as PodMetrics['containers'],
  };
}

function metadataOf(named: { name: string; namespace?: string; labels?: Record<string, string> }, nowMs: number) {
  const { labels, ...rest } = named;
  const metadata = { ...rest, creationTimestamp: timestamp(nowMs), ...(labels && { labels }) };
  return metadata as unknown as KubeObject['metadata'];
}

function usageOf({ startTime, cpu, memory }: Use): Record<string, string> | undefined {
  if (cpu === undefined || memory?.workingSetBytes === undefined) return undefined;
  const nanoCores = cpu.usageNanoCores ?? sinceStart(startTime, cpu);
  if (nanoCores === undefined) return undefined;
  return { cpu: `${Math.round(nanoCores)}n`, memory: `${Math.floor(memory.workingSetBytes / 1024)}Ki` };
}

/** Of what was measured once only: the average over its life. */
function sinceStart(startTime: string | undefined, { time, usageCoreNanoSeconds }: NonNullable<Use['cpu']>) {
  if (startTime === undefined || usageCoreNanoSeconds === undefined) return undefined;
  const livedMs = Date.parse(time) - Date.parse(startTime);
  return livedMs > 0 ? (usageCoreNanoSeconds / livedMs / NANOS_PER_MS) * 1e9 : undefined;
}

function windowText(ms: number): string {
  return `${(ms / 1000).toFixed(3).replace(/\.?0+$/, '')}s`;
}
