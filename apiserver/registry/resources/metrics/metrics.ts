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

const LOOK_EVERY_MS = 5_000;
/** Nodes that are asked at a time until one of them answers. */
const ASKED_AT_ONCE = 8;

/** Serves the group once a node has answered: without one there is nothing to measure, and the group stays unknown. */
export async function serveMetrics(registry: Registry, stats: NodeStats, signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    const asked = Iterator.from(registry.objects(nodes).list()).filter(canBeAsked).take(ASKED_AT_ONCE).toArray();
    const answers = await Promise.all(asked.map((node) => measure(stats, node, registry)));
    if (signal.aborted) return;
    if (answers.some((answer) => answer !== undefined)) {
      registry.serve(nodeMetrics as never, nodeMetricsStrategy(stats) as Strategy);
      registry.serve(podMetrics as never, podMetricsStrategy(stats) as Strategy);
      return;
    }
    await registry.clock.sleep(LOOK_EVERY_MS, signal).catch(() => {}); // woken early only to end
  }
}

function canBeAsked({ status }: Node): boolean {
  const isReady = status.conditions?.some((each) => each.type === 'Ready' && each.status === 'True');
  return isReady === true && (status.addresses?.length ?? 0) > 0;
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
