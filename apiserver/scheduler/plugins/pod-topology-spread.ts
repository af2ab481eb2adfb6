// Pods of a sort spread evenly over zones, hosts or whatever label of nodes a constraint names. Hard constraints keep
// the difference to the emptiest domain within their skew; soft ones, the default ones among them, rank nodes.
import type { NodeInfo } from '../node-info.ts';
import { nodeChanged, type Plugin, refusal } from '../plugin.ts';
import { type Constraint, constraintsOf, counts, defaultConstraints, podsOn } from './spread-constraints.ts';
import { spreadScore } from './spread-score.ts';

const SKEWED = refusal("node(s) didn't match pod topology spread constraints", true);
const NO_LABEL = refusal("node(s) didn't match pod topology spread constraints (missing required label)");

export const podTopologySpread: Plugin = {
  name: 'PodTopologySpread',
  weight: 2,

  filter(pod, snapshot) {
    const constraints = constraintsOf(pod, 'DoNotSchedule');
    if (constraints.length === 0) return undefined;
    const domains = constraints.map((constraint) => new Domains(constraint));
    const inAll = (node: NodeInfo) => constraints.every(({ topologyKey }) => Object.hasOwn(node.labels, topologyKey));
    for (const node of snapshot.nodes) {
      if (!inAll(node)) continue;
      for (const one of domains) {
        if (one.constraint.includes(node)) one.add(node, podsOn(node, pod, one.constraint));
      }
    }
    return {
      test(node) {
        for (const one of domains) {
          if (!Object.hasOwn(node.labels, one.constraint.topologyKey)) return NO_LABEL;
          if (one.skewWith(node) > one.constraint.maxSkew) return SKEWED;
        }
        return undefined;
      },
      changed(other, node, by) {
        if (!inAll(node)) return;
        for (const one of domains) {
          if (one.constraint.includes(node) && counts(other, pod, one.constraint)) one.add(node, by);
        }
      },
    };
  },

  score(pod, snapshot, nodes) {
    const explicit = pod.spread.length > 0;
    const constraints = explicit
      ? constraintsOf(pod, 'ScheduleAnyway')
      : defaultConstraints(pod, snapshot.groups.of(pod));
    return constraints.length === 0 ? undefined : spreadScore(pod, snapshot, nodes, constraints, explicit);
  },

  wokenBy(event, pod) {
    if (event.on === 'pod' || event.on === 'pod-gone') {
      if (event.on === 'pod' && event.change === 'smaller') return false;
      return event.pod.namespace === pod.namespace;
    }
    return event.on === 'node-gone' || nodeChanged(event, 'labels', 'taints');
  },
};

/** How many pods each domain has; a domain without pods counts, one without nodes does not exist. */
class Domains {
  readonly constraint: Constraint;
  readonly #counts = new Map<string, number>();
  #least: number | undefined;

  constructor(constraint: Constraint) {
    this.constraint = constraint;
  }

  add({ labels }: NodeInfo, count: number): void {
    const domain = labels[this.constraint.topologyKey]!;
    this.#counts.set(domain, (this.#counts.get(domain) ?? 0) + count);
    this.#least = undefined;
  }

  skewWith({ labels }: NodeInfo): number {
    const { topologyKey, selectsItself } = this.constraint;
    const here = this.#counts.get(labels[topologyKey]!) ?? 0;
    return here + (selectsItself ? 1 : 0) - this.#leastCount();
  }

  /** With fewer domains than there should be, the missing ones count as empty. */
  #leastCount(): number {
    if (this.#counts.size < this.constraint.minDomains) return 0;
    this.#least ??= this.#counts.size === 0 ? 0 : Math.min(...this.#counts.values());
    return this.#least;
  }
}
