// Each node gets a part of the cluster's pod network of its own.
import { itself, on, runController } from '../../api/client/controller.ts';
import { AT_REST, type Next } from '../../api/client/work-queue.ts';
import type { Node } from '../../api/types/core/node.ts';
import { nodes } from '../../api/types/core/resources.ts';
import type { Controller } from './deps.ts';
import { freeSubnet } from './subnets.ts';

export const nodeIpamController: Controller = ({ client, informers, recorder, settings, clock, log }) => {
  const informer = informers.of(nodes);
  /** Given away and not yet seen in the informer. */
  const given = new Map<string, readonly string[]>();

  async function reconcile(name: string, signal: AbortSignal): Promise<Next> {
    const node = informer.get(name);
    if (node === undefined || hasSubnets(node)) {
      given.delete(name);
      return AT_REST;
    }
    const podCIDRs = given.get(name) ?? pick();
    if (podCIDRs === undefined) {
      recorder.event(node, 'Warning', 'CIDRNotAvailable', `Node ${name} status is now: CIDRNotAvailable`);
      return { afterMs: 30_000 };
    }
    given.set(name, podCIDRs);
    const body = { spec: { podCIDR: podCIDRs[0], podCIDRs } };
    await client.patch(nodes, { name }, { type: 'merge', body }, {}, signal);
    log.info({ node: name, podCIDRs }, 'pod network given');
    return AT_REST;
  }

  function pick(): string[] | undefined {
    const taken = [...informer.list()].flatMap(({ spec }) => spec.podCIDRs ?? []);
    const used = new Set([...taken, ...[...given.values()].flat()]);
    const subnets = settings.clusterCidrs.map((cidr) => freeSubnet(cidr, used));
    return subnets.includes(undefined) ? undefined : (subnets as string[]);
  }

  const sources = [on(informer, itself)];
  // One worker: two passes at once could pick the same part.
  return (signal) => runController({ name: 'node-ipam', workers: 1, sources, reconcile, clock, log }, signal);
};

function hasSubnets({ spec }: Node): boolean {
  return (spec.podCIDRs ?? []).length > 0;
}
