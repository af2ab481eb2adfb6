// What an autoscaler measures: the resource metrics of its target's pods. Failures carry the reason that the
// condition shows.
import type { Client } from '../../api/client/client.ts';
import { formatQuantity, parseQuantity, quantityFromMilli, quantityMilli } from '../../api/quantity.ts';
import type { ResourceDefinition } from '../../api/resource.ts';
import type { TypeOf } from '../../api/schema/schema.ts';
import { ApiError } from '../../api/status.ts';
import type { HorizontalPodAutoscaler } from '../../api/types/autoscaling/horizontal-pod-autoscaler.ts';
import type { MetricSpec, MetricStatus } from '../../api/types/autoscaling/metrics-v2.ts';
import type { Pod } from '../../api/types/core/pod.ts';
import { PodMetrics } from '../../api/types/metrics/metrics.ts';
import { replicasFor, type Sample } from './autoscaler-replicas.ts';
import { parseTime } from './times.ts';

/** Served by whoever measures: nobody may, and then autoscaling says so. */
const podMetrics = {
  group: 'metrics.k8s.io',
  version: 'v1beta1',
  kind: 'PodMetrics',
  listKind: 'PodMetricsList',
  plural: 'pods',
  singular: '',
  namespaced: true,
  verbs: ['get', 'list'],
  schema: PodMetrics,
  subresources: {},
  columns: [],
} as unknown as ResourceDefinition<TypeOf<typeof PodMetrics>>;

export class MetricFailure extends Error {
  readonly reason: string;

  constructor(reason: string, message: string) {
    super(message);
    this.reason = reason;
  }
}

export interface Measured {
  readonly replicas: number;
  readonly name: string;
  readonly status: MetricStatus;
}

export interface MeasureOptions {
  readonly client: Client;
  readonly autoscaler: HorizontalPodAutoscaler;
  readonly pods: readonly Pod[];
  readonly labelSelector: string;
  readonly current: number;
  readonly nowMs: number;
}

const TOLERANCE = 0.1;
const NOBODY = 'the server could not find the requested resource';

export async function measure(metric: MetricSpec, options: MeasureOptions, signal: AbortSignal): Promise<Measured> {
  const { type, resource, containerResource, pods, object, external } = metric;
  if (type === 'Resource' && resource) return measureResource(resource, undefined, options, signal);
  if (type === 'ContainerResource' && containerResource) {
    return measureResource(containerResource, containerResource.container, options, signal);
  }
  const custom = `unable to fetch metrics from custom metrics API: ${NOBODY}`;
  if (type === 'Pods' && pods) {
    const why = `failed to get pods metric value: unable to get metric ${pods.metric.name}: ${custom}`;
    throw new MetricFailure('FailedGetPodsMetric', why);
  }
  if (type === 'Object' && object) {
    const why = `failed to get object metric value: unable to get metric ${object.metric.name}: ${custom}`;
    throw new MetricFailure('FailedGetObjectMetric', why);
  }
  if (type === 'External' && external) {
    const why = `unable to fetch metrics from external metrics API: ${NOBODY}`;
    throw new MetricFailure('FailedGetExternalMetric', `failed to get ${external.metric.name} external metric: ${why}`);
  }
  throw new MetricFailure('InvalidMetricSourceType', `unknown metric source type "${type}"`);
}

async function measureResource(
  { name, target }: NonNullable<MetricSpec['resource']>,
  container: string | undefined,
  options: MeasureOptions,
  signal: AbortSignal,
): Promise<Measured> {
  const { autoscaler, pods, current, nowMs } = options;
  const { behavior } = autoscaler.spec;
  const near = (text: string | undefined) => (text === undefined ? TOLERANCE : quantityMilli(text) / 1000);
  const { averageUtilization, averageValue } = target;
  const kind = averageUtilization === undefined ? 'usage' : 'utilization';
  try {
    if (averageUtilization === undefined && averageValue === undefined) throw new Error('the target has no value');
    const samples = await samplesOf(name, container, options, signal);
    const wanted = replicasFor({
      resource: name,
      pods,
      samples,
      target:
        averageUtilization === undefined
          ? { averageMilli: quantityMilli(averageValue!) }
          : { utilization: averageUtilization, requestOf: (pod) => requestOf(pod, name, container) },
      current,
      tolerance: { up: near(behavior?.scaleUp?.tolerance), down: near(behavior?.scaleDown?.tolerance) },
      nowMs,
    });
    const value = {
      averageValue: formatQuantity(quantityFromMilli(Math.floor(wanted.averageMilli))),
      ...(wanted.utilization !== undefined && { averageUtilization: wanted.utilization }),
    };
    const ratio = averageUtilization === undefined ? '' : ' utilization (percentage of request)';
    const named = container === undefined ? `${name} resource${ratio}` : `${name} container resource${ratio}`;
    const status: MetricStatus =
      container === undefined
        ? { type: 'Resource', resource: { name, current: value } }
        : { type: 'ContainerResource', containerResource: { name, container, current: value } };
    return { replicas: wanted.replicas, name: named, status };
  } catch (err) {
    signal.throwIfAborted();
    const reason = container === undefined ? 'FailedGetResourceMetric' : 'FailedGetContainerResourceMetric';
    const why = `unable to get metrics for resource ${name}: ${(err as Error).message}`;
    throw new MetricFailure(reason, `failed to get ${name} ${kind}: ${why}`);
  }
}

async function samplesOf(
  resource: string,
  container: string | undefined,
  { client, autoscaler, labelSelector }: MeasureOptions,
  signal: AbortSignal,
): Promise<Map<string, Sample>> {
  const { namespace } = autoscaler.metadata;
  const list = await client.list(podMetrics, { namespace, labelSelector }, signal).catch((err: unknown) => {
    const gone = err instanceof ApiError && err.code === 404;
    const why = gone ? `${NOBODY} (get pods.metrics.k8s.io)` : (err as Error).message;
    throw new Error(`unable to fetch metrics from resource metrics API: ${why}`, { cause: err });
  });
  const samples = new Map<string, Sample>();
  for (const { metadata, containers = [], timestamp, window } of list.items) {
    const counted = container === undefined ? containers : containers.filter(({ name }) => name === container);
    const amounts = counted.map(({ usage }) => usage?.[resource]);
    // One container without a figure makes the sum meaningless.
    if (amounts.length === 0 || amounts.includes(undefined)) continue;
    const milli = amounts.reduce((sum, amount) => sum + quantityMilli(parseQuantity(amount!)), 0);
    const windowMs = Number.parseFloat(String(window ?? '0')) * 1000;
    samples.set(metadata.name, { milli, atMs: parseTime(timestamp) ?? 0, windowMs });
  }
  return samples;
}

/** Throws when a container that counts does not say what it asks for. */
function requestOf({ metadata, spec }: Pod, resource: string, container: string | undefined): number {
  const sidecars = (spec.initContainers ?? []).filter(({ restartPolicy }) => restartPolicy === 'Always');
  let milli = 0;
  for (const { name, resources } of [...spec.containers, ...sidecars]) {
    if (container !== undefined && container !== name) continue;
    const amount = resources?.requests?.[resource];
    if (amount === undefined) {
      throw new Error(`missing request for ${resource} in container ${name} of Pod ${metadata.name}`);
    }
    milli += quantityMilli(amount);
  }
  return milli;
}
