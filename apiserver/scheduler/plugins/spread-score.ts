// Ranks nodes by how empty their domains are. A domain's count is weighed by the number of domains, so that many small
// ones (hosts) do not count less than few large ones (zones).
import type { NodeInfo } from '../node-info.ts';
import { MAX_SCORE, type NodeScore } from '../plugin.ts';
import type { PodInfo } from '../pod-info.ts';
import type { Snapshot } from '../snapshot.ts';
import { type Constraint, HOSTNAME, podsOn } from './spread-constraints.ts';

interface Weighed {
  readonly constraint: Constraint;
  readonly weight: number;
  /** By domain; hosts are counted when asked. */
  readonly counts: Map<string, number>;
}

/** `strict`: nodes that lack a label of a constraint come last; default constraints just skip what is not there. */
export function spreadScore(
  pod: PodInfo,
  snapshot: Snapshot,
  nodes: readonly NodeInfo[],
  constraints: readonly Constraint[],
  strict: boolean,
): NodeScore {
  const hasAll = ({ labels }: NodeInfo) => constraints.every(({ topologyKey }) => Object.hasOwn(labels, topologyKey));
  const ignored = new Set(strict ? nodes.filter((node) => !hasAll(node)) : []);
  const ranked = nodes.filter((node) => !ignored.has(node));
  const weighed = constraints.map((constraint): Weighed => {
    const { topologyKey } = constraint;
    const isHost = topologyKey === HOSTNAME;
    const domains = isHost ? [] : ranked.flatMap(({ labels }) => labels[topologyKey] ?? []);
    const counts = new Map(domains.map((domain) => [domain, 0]));
    return { constraint, counts, weight: Math.log((isHost ? ranked.length : counts.size) + 2) };
  });
  for (const node of weighed.some(({ counts }) => counts.size > 0) ? snapshot.nodes : []) {
    if (strict && !hasAll(node)) continue;
    for (const { constraint, counts } of weighed) {
      const domain = node.labels[constraint.topologyKey];
      const known = domain === undefined ? undefined : counts.get(domain);
      if (known === undefined || !constraint.includes(node)) continue;
      counts.set(domain!, known + podsOn(node, pod, constraint));
    }
  }
  return {
    of(node) {
      if (ignored.has(node)) return 0;
      let score = 0;
      for (const { constraint, counts, weight } of weighed) {
        const domain = node.labels[constraint.topologyKey];
        if (domain === undefined) continue;
        const count = constraint.topologyKey === HOSTNAME ? podsOn(node, pod, constraint) : (counts.get(domain) ?? 0);
        score += count * weight + (constraint.maxSkew - 1);
      }
      return Math.round(score);
    },
    normalize(scores, of) {
      const known = scores.filter((_, i) => !ignored.has(of[i]!));
      const most = Math.max(0, ...known);
      const least = Math.min(...known);
      for (let i = 0; i < scores.length; i++) {
        if (ignored.has(of[i]!)) scores[i] = 0;
        else scores[i] = most === 0 ? MAX_SCORE : Math.floor((MAX_SCORE * (most + least - scores[i]!)) / most);
      }
    },
  };
}
