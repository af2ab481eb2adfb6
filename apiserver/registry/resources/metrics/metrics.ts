// metrics.k8s.io: what `kubectl top` shows and autoscalers scale by, asked of the nodes when it is asked for. Nodes that
// do not answer are left out of lists.
import type { ResourceDefinition } from '../../../../api/resource.ts';
import type { KubeObject } from '../../../../api/schema/kind.ts';
import { notFound } from '../../../../api/status.ts';
import type { Node } from '../../../../api/types/core/node.ts';
import type { Pod } from '../../../../api/types/core/pod.ts';
import { nodes, pods } from '../../../../api/types/core/resources.ts';
import type { NodeMetrics, PodMetrics } from '../../../../api/types/metrics/metrics.ts';
import { nodeMetrics, podMetrics } from '../../../../api/types/metrics/resources.ts';
import type { Measured, NodeStats } from '../../node-stats.ts';
import { asCached } from '../../objects.ts';
import { projectionOf } from '../../projection.ts';
import type { Registry, RegistryContext } from '../../registry.ts';
import type { ApiResponse } from '../../request.ts';
import { selectorOf } from '../../selectors.ts';
import type { Strategy } from '../../strategy.ts';
import { nodeMetricsOf, podMetricsOf } from './usage.ts';

/** Messages name the kinds and not the plurals, which others have too. */
const NODES = { group: nodeMetrics.group, plural: 'nodemetrics' };
const PODS = { group: podMetrics.group, plural: 'podmetrics' };

/** Serves the group once there is a node: without one there is nothing to measure, and the group stays unknown. */
export function serveMetrics(registry: Registry, stats: NodeStats, signal: AbortSignal): void {
  const { cache } = registry.storeOf(nodes as unknown as ResourceDefinition);
  const stop = new AbortController();
  const until = AbortSignal.any([signal, stop.signal]);
  const begin = () => {
    stop.abort();
    registry.serve(nodeMetrics as never, nodeMetricsStrategy(stats) as Strategy);
    registry.serve(podMetrics as never, podMetricsStrategy(stats) as Strategy);
  };
  const follow = () => {
    if (until.aborted) return;
    if (cache.size > 0) {
      begin();
      return;
    }
    // A cache that begins anew is asked anew.
    const closed = () => void cache.ready(until).then(follow, () => undefined);
    const sink = { event: () => !until.aborted && begin(), progress: () => {}, closed };
    cache.watch({ afterRevision: cache.revision }, sink, until);
  };
  follow();
}

export function nodeMetricsStrategy(stats: NodeStats): Strategy<NodeMetrics> {
  const of = async (node: Node, registry: RegistryContext) => {
    const measured = await measure(stats, node, registry);
    return measured && nodeMetricsOf(node, measured, registry.clock.now());
  };
  return {
    handlers: {
      async get({ name }, registry) {
        const node = registry.objects(nodes).get('', name);
        const found = node && (await of(node, registry));
        if (found === undefined) throw notFound(NODES, name);
        return { type: 'value', code: 200, value: found };
      },
      async list({ options }, registry) {
        const all = [...registry.objects(nodes).list()];
        stats.keep(new Set(all.map(({ metadata }) => metadata.name)));
        const found = await Promise.all(all.map((node) => of(node, registry)));
        return listOf(nodeMetrics as never, found, options);
      },
    },
  };
}

export function podMetricsStrategy(stats: NodeStats): Strategy<PodMetrics> {
  const ofNode = async (node: Node | undefined, wanted: readonly Pod[], registry: RegistryContext) => {
    const measured = node && (await measure(stats, node, registry));
    if (measured === undefined) return [];
    const uses = new Map(measured.summary.pods?.map((use) => [use.podRef.uid, use]));
    return wanted.map((pod) => {
      const use = uses.get(pod.metadata.uid);
      return use && podMetricsOf(pod, use, measured.windowMs, registry.clock.now());
    });
  };
  return {
    handlers: {
      async get({ namespace, name }, registry) {
        const pod = registry.objects(pods).get(namespace, name);
        const node = registry.objects(nodes).get('', pod?.spec.nodeName ?? '');
        const [found] = pod === undefined ? [] : await ofNode(node, [pod], registry);
        if (found === undefined) throw notFound(PODS, `${namespace}/${name}`);
        return { type: 'value', code: 200, value: found };
      },
      async list({ namespace, options }, registry) {
        const byNode = Map.groupBy(
          registry.objects(pods).list(namespace || undefined),
          ({ spec }) => spec.nodeName ?? '',
        );
        const nodeOf = (name: string) => registry.objects(nodes).get('', name);
        const found = await Promise.all([...byNode].map(([name, own]) => ofNode(nodeOf(name), own, registry)));
        return listOf(podMetrics as never, found.flat(), options);
      },
    },
  };
}

async function measure(stats: NodeStats, node: Node, { log }: RegistryContext): Promise<Measured | undefined> {
  try {
    return await stats.of(node);
  } catch (err) {
    log.debug({ err, node: node.metadata.name }, 'no use known of this node');
    return undefined;
  }
}

function listOf(
  of: ResourceDefinition,
  found: readonly (KubeObject | undefined)[],
  options: Parameters<typeof selectorOf>[1],
): ApiResponse {
  const selector = selectorOf(of, options);
  const items = found
    .filter((each) => each !== undefined)
    .filter((each) => selector.matches({ labels: each.metadata.labels, fields: projectionOf(of)(each).fields }))
    .sort((a, b) => keyOf(a).localeCompare(keyOf(b)))
    .map((each) => asCached(of, each, 0));
  return { type: 'list', items, revision: 0 };
}

const keyOf = ({ metadata }: KubeObject) => `${metadata.namespace ?? ''}/${metadata.name}`;
