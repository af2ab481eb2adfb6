// Usage as metrics, under the names that upstream's kubelet and cAdvisor gave them: autoscalers and dashboards know
// them. Pure.
import type { Pod } from '../../api/types/core/pod.ts';
import type { PodStorage, VolumeUse } from '../volumes/usage.ts';
import type { Family, Sample } from './prometheus.ts';
import type { ContainerUsage, PodUsage, Usage } from './stats.ts';

type Type = Family['type'];
const family = (name: string, type: Type, help: string, samples: readonly Sample[]): Family => ({
  name,
  type,
  help,
  samples,
});

/** Seconds from nanoseconds, as exactly as a double can say. */
const seconds = (ns: bigint) => Number(ns) / 1e9;

/** /metrics/resource: what metrics-server reads. */
export function resourceMetrics({ atMs, node, pods }: Usage): Family[] {
  const containers = containersOf(pods);
  const labels = ({ container, pod }: Each) => ({ container: container.name, namespace: pod.namespace, pod: pod.name });
  const ofPod = ({ namespace, name }: PodUsage) => ({ namespace, pod: name });
  const cpu = 'counter';
  return [
    family('node_cpu_usage_seconds_total', cpu, 'Processor time used on the node.', [
      { value: seconds(node.cpu.usageNs), atMs: node.cpu.atMs },
    ]),
    family('node_memory_working_set_bytes', 'gauge', 'Memory in use on the node that cannot be dropped.', [
      { value: node.memory.workingSetBytes, atMs },
    ]),
    family('node_swap_usage_bytes', 'gauge', 'Swap in use on the node.', [{ value: node.memory.swapUsedBytes, atMs }]),
    family(
      'container_start_time_seconds',
      'gauge',
      'When the container was started, in seconds since 1970.',
      containers.map((each) => ({ labels: labels(each), value: each.container.startedMs / 1_000, atMs })),
    ),
    family(
      'container_cpu_usage_seconds_total',
      cpu,
      'Processor time used by the container.',
      cpuSamples(containers, labels),
    ),
    family(
      'container_memory_working_set_bytes',
      'gauge',
      'Memory of the container that cannot be dropped.',
      containers.flatMap((each) => {
        const { memory } = each.container;
        return memory === undefined ? [] : [{ labels: labels(each), value: memory.workingSetBytes, atMs: memory.atMs }];
      }),
    ),
    family(
      'pod_cpu_usage_seconds_total',
      cpu,
      'Processor time used by the pod.',
      pods.flatMap((pod) =>
        pod.cpu === undefined ? [] : [{ labels: ofPod(pod), value: seconds(pod.cpu.usageNs), atMs: pod.cpu.atMs }],
      ),
    ),
    family(
      'pod_memory_working_set_bytes',
      'gauge',
      'Memory of the pod that cannot be dropped.',
      pods.flatMap((pod) =>
        pod.workingSetBytes === undefined ? [] : [{ labels: ofPod(pod), value: pod.workingSetBytes, atMs }],
      ),
    ),
    family('resource_scrape_error', 'gauge', '1 if something could not be measured.', [{ value: 0 }]),
  ];
}

export interface ProbeCount {
  readonly labels: Readonly<Record<'probe_type' | 'result' | 'container' | 'pod' | 'namespace' | 'pod_uid', string>>;
  readonly value: number;
}

/** /metrics/probes */
export function probeMetrics(counts: Iterable<ProbeCount>): Family[] {
  const help = 'Answers of a probe of a container, by result.';
  return [family('prober_probe_total', 'counter', help, [...counts])];
}

/** How full claims are: what alerts on full volumes read. */
export function claimMetrics(pods: Iterable<Pod>, storage: ReadonlyMap<string, PodStorage>): Family[] {
  const claims = new Map<string, { labels: Record<string, string>; use: VolumeUse }>();
  for (const { metadata } of pods) {
    for (const use of storage.get(metadata.uid)?.volumes ?? []) {
      if (use.claim === undefined) continue;
      const labels = { namespace: metadata.namespace!, persistentvolumeclaim: use.claim };
      claims.set(`${labels.namespace}/${use.claim}`, { labels, use });
    }
  }
  const gauge = (name: string, help: string, pick: (use: VolumeUse) => number | undefined) =>
    family(
      `kubelet_volume_stats_${name}`,
      'gauge',
      help,
      [...claims.values()].flatMap(({ labels, use }) => {
        const value = pick(use);
        return value === undefined ? [] : [{ labels, value }];
      }),
    );
  return [
    gauge('capacity_bytes', 'Size of the volume.', ({ bytes }) => bytes.total),
    gauge('available_bytes', 'What is free in the volume.', ({ bytes }) => bytes.available),
    gauge('used_bytes', 'What is used of the volume.', ({ bytes }) => bytes.used),
    gauge('inodes', 'Inodes of the volume.', ({ inodes }) => inodes?.total),
    gauge('inodes_free', 'Free inodes of the volume.', ({ inodes }) => inodes?.available),
    gauge('inodes_used', 'Used inodes of the volume.', ({ inodes }) => inodes?.used),
    gauge('health_status_abnormal', '1 if the driver says that something is wrong.', ({ isAbnormal }) =>
      isAbnormal === undefined ? undefined : Number(isAbnormal),
    ),
  ];
}

/** /metrics/cadvisor */
export function cadvisorMetrics({ atMs, node, pods }: Usage): Family[] {
  const containers = containersOf(pods);
  const labels = ({ container, pod }: Each) => ({
    container: container.name,
    id: `/${container.id}`,
    image: container.image,
    name: container.id,
    namespace: pod.namespace,
    pod: pod.name,
  });
  const memory = (
    name: string,
    help: string,
    pick: (memory: NonNullable<ContainerUsage['memory']>) => number | undefined,
  ) =>
    family(
      `container_memory_${name}`,
      'gauge',
      help,
      containers.flatMap((each) => {
        const value = each.container.memory === undefined ? undefined : pick(each.container.memory);
        return value === undefined ? [] : [{ labels: labels(each), value, atMs: each.container.memory?.atMs }];
      }),
    );
  const network = (name: string, pick: (each: PodUsage['interfaces'][number]) => number) =>
    family(
      `container_network_${name}_total`,
      'counter',
      `Of the pod's interface: ${name.replaceAll('_', ' ')}.`,
      pods.flatMap((pod) =>
        pod.interfaces.map((each) => ({
          labels: {
            container: '',
            id: `/${pod.sandboxId}`,
            image: '',
            interface: each.name,
            name: pod.sandboxId,
            namespace: pod.namespace,
            pod: pod.name,
          },
          value: pick(each),
          atMs,
        })),
      ),
    );
  return [
    family('machine_cpu_cores', 'gauge', 'Processors of the node.', [{ value: node.processors }]),
    family('machine_memory_bytes', 'gauge', 'Memory of the node.', [{ value: node.memory.totalBytes }]),
    family('container_cpu_usage_seconds_total', 'counter', 'Processor time used.', [
      { labels: { ...ROOT, cpu: 'total' }, value: seconds(node.cpu.usageNs), atMs: node.cpu.atMs },
      ...cpuSamples(containers, (each) => ({ ...labels(each), cpu: 'total' })),
    ]),
    memory('working_set_bytes', 'Memory that cannot be dropped.', ({ workingSetBytes }) => workingSetBytes),
    memory('usage_bytes', 'Memory in use, caches included.', ({ usageBytes }) => usageBytes),
    memory('rss', 'Anonymous memory.', ({ rssBytes }) => rssBytes),
    family(
      'container_memory_failures_total',
      'counter',
      'Page faults.',
      containers.flatMap((each) =>
        (['pageFaults', 'majorPageFaults'] as const).flatMap((kind) => {
          const value = each.container.memory?.[kind];
          const failure_type = kind === 'pageFaults' ? 'pgfault' : 'pgmajfault';
          return value === undefined
            ? []
            : [{ labels: { ...labels(each), failure_type, scope: 'container' }, value, atMs }];
        }),
      ),
    ),
    family(
      'container_fs_usage_bytes',
      'gauge',
      'What the container has written into its own layer.',
      containers.flatMap((each) => {
        const { rootfs } = each.container;
        return rootfs === undefined
          ? []
          : [{ labels: { ...labels(each), device: '' }, value: rootfs.usedBytes, atMs: rootfs.atMs }];
      }),
    ),
    family(
      'container_start_time_seconds',
      'gauge',
      'When the container was started, in seconds since 1970.',
      containers.map((each) => ({ labels: labels(each), value: each.container.startedMs / 1_000, atMs })),
    ),
    family(
      'container_last_seen',
      'gauge',
      'When the container was last seen, in seconds since 1970.',
      containers.map((each) => ({ labels: labels(each), value: Math.floor(atMs / 1_000), atMs })),
    ),
    network('receive_bytes', ({ rxBytes }) => rxBytes),
    network('receive_packets', ({ rxPackets }) => rxPackets),
    network('receive_packets_dropped', ({ rxDropped }) => rxDropped),
    network('receive_errors', ({ rxErrors }) => rxErrors),
    network('transmit_bytes', ({ txBytes }) => txBytes),
    network('transmit_packets', ({ txPackets }) => txPackets),
    network('transmit_packets_dropped', ({ txDropped }) => txDropped),
    network('transmit_errors', ({ txErrors }) => txErrors),
  ];
}

const ROOT = { container: '', id: '/', image: '', name: '', namespace: '', pod: '' };

export interface ProcessFacts {
  readonly nodeName: string;
  readonly cpuSeconds: number;
  readonly residentBytes: number;
  readonly startedMs: number;
  /** By what the runtime says of them. */
  readonly containers: Readonly<Record<string, number>>;
  readonly pods: number;
  readonly streams: number;
}

/** /metrics: the agent itself. */
export function agentMetrics(facts: ProcessFacts): Family[] {
  return [
    family('kubelet_node_name', 'gauge', 'The node this is.', [{ labels: { node: facts.nodeName }, value: 1 }]),
    family('kubelet_running_pods', 'gauge', 'Pods with a live sandbox.', [{ value: facts.pods }]),
    family(
      'kubelet_running_containers',
      'gauge',
      'Containers by state.',
      Object.entries(facts.containers).map(([container_state, value]) => ({ labels: { container_state }, value })),
    ),
    family('kubelet_server_streams', 'gauge', 'Conversations with containers under way.', [{ value: facts.streams }]),
    family('process_cpu_seconds_total', 'counter', 'Processor time of this process.', [{ value: facts.cpuSeconds }]),
    family('process_resident_memory_bytes', 'gauge', 'Memory of this process.', [{ value: facts.residentBytes }]),
    family('process_start_time_seconds', 'gauge', 'When this process started, in seconds since 1970.', [
      { value: facts.startedMs / 1_000 },
    ]),
  ];
}

interface Each {
  readonly container: ContainerUsage;
  readonly pod: PodUsage;
}

function containersOf(pods: readonly PodUsage[]): Each[] {
  return pods.flatMap((pod) => pod.containers.map((container) => ({ container, pod })));
}

function cpuSamples(containers: readonly Each[], labels: (each: Each) => Record<string, string>): Sample[] {
  return containers.flatMap((each) => {
    const { cpu } = each.container;
    return cpu === undefined ? [] : [{ labels: labels(each), value: seconds(cpu.usageNs), atMs: cpu.atMs }];
  });
}
