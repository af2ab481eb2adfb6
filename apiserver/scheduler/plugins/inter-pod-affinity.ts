// Pods that want to be near others, or far from them; and pods already placed that keep newcomers away. "Near" is a
// label of nodes: the same value, the same place.
import type { Labels } from '../../../api/labels.ts';
import { type AffinityTerm, type PodTerms, speaksOf } from '../affinity-terms.ts';
import { count, type NodeInfo } from '../node-info.ts';
import { MAX_SCORE, nodeChanged, type Plugin, refusal } from '../plugin.ts';
import type { PodInfo } from '../pod-info.ts';
import type { Snapshot } from '../snapshot.ts';

const NOT_NEAR = refusal("node(s) didn't match pod affinity rules");
const TOO_NEAR = refusal("node(s) didn't match pod anti-affinity rules", true);
const KEPT_AWAY = refusal("node(s) didn't satisfy existing pods anti-affinity rules", true);

/** What a pod's required wish to be near others is worth to those others, as a preference. */
const REQUIRED_WEIGHT = 1;

export const interPodAffinity: Plugin = {
  name: 'InterPodAffinity',
  weight: 2,

  filter(pod, snapshot) {
    const { near, apart } = pod.terms;
    const wishes = near.length + apart.length > 0;
    // A pod that is promised a node is on none yet, and may keep others away too.
    if (!wishes && snapshot.nodesKeepingApart.size === 0 && !snapshot.hasNominated) return undefined;
    const { namespaceLabels } = snapshot;
    const kept = new Places();
    const wished = near.map(() => new Places());
    const shunned = apart.map(() => new Places());
    const matchesAll = (other: PodInfo) => near.every((term) => speaksOf(term, other, namespaceLabels));

    const note = (other: PodInfo, { labels }: NodeInfo, by: 1 | -1) => {
      for (const term of other.terms.apart) if (speaksOf(term, pod, namespaceLabels)) kept.add(term, labels, by);
      const isWished = near.length > 0 && matchesAll(other);
      for (const [i, term] of near.entries()) if (isWished) wished[i]!.add(term, labels, by);
      for (const [i, term] of apart.entries()) {
        if (speaksOf(term, other, namespaceLabels)) shunned[i]!.add(term, labels, by);
      }
    };
    const concerned = wishes ? snapshot.nodes : snapshot.nodesKeepingApart;
    for (const node of concerned) {
      if (!node.known) continue;
      const others = wishes ? node.pods : node.keepingApart;
      for (const other of others.values()) note(other, node, 1);
    }

    return {
      test({ labels }) {
        const isNear = near.every((term, i) => wished[i]!.has(term, labels));
        if (!isNear) {
          // The first of a group that wants to be together may go anywhere that has the labels.
          const isFirst = wished.every((places) => places.isEmpty) && matchesAll(pod);
          if (!isFirst || near.some(({ topologyKey }) => !Object.hasOwn(labels, topologyKey))) return NOT_NEAR;
        }
        if (apart.some((term, i) => shunned[i]!.has(term, labels))) return TOO_NEAR;
        return kept.hasAny(labels) ? KEPT_AWAY : undefined;
      },
      changed: note,
    };
  },

  score(pod, snapshot) {
    const { preferred } = pod.terms;
    if (preferred.length === 0 && snapshot.nodesWithTerms.size === 0) return undefined;
    const worth = preferencesOf(pod, snapshot);
    if (worth.isEmpty) return undefined;
    return {
      of: ({ labels }) => worth.sumAt(labels),
      normalize(scores) {
        const least = Math.min(...scores);
        const range = Math.max(...scores) - least;
        for (let i = 0; i < scores.length; i++) {
          scores[i] = range === 0 ? 0 : Math.floor((MAX_SCORE * (scores[i]! - least)) / range);
        }
      },
    };
  },

  wokenBy(event, pod) {
    if (event.on === 'pod' || event.on === 'pod-gone') return concerns(event.pod.terms, event.pod, pod);
    return event.on === 'namespace' || nodeChanged(event, 'labels');
  },
};

/** Both ways: what the pod wishes of others, and what others wish of it. */
function preferencesOf(pod: PodInfo, { nodes, nodesWithTerms, namespaceLabels }: Snapshot): Places {
  const worth = new Places();
  const wishes = pod.terms.preferred;
  for (const node of wishes.length > 0 ? nodes : nodesWithTerms) {
    if (!node.known) continue;
    const others = wishes.length > 0 ? node.pods : node.withTerms;
    for (const other of others.values()) {
      for (const term of wishes) if (speaksOf(term, other, namespaceLabels)) worth.add(term, node.labels, term.weight);
      for (const term of other.terms.near) {
        if (speaksOf(term, pod, namespaceLabels)) worth.add(term, node.labels, REQUIRED_WEIGHT);
      }
      for (const term of other.terms.preferred) {
        if (speaksOf(term, pod, namespaceLabels)) worth.add(term, node.labels, term.weight);
      }
    }
  }
  return worth;
}

/** Whether the other's coming or going can matter to the pod; namespaces by label are taken to match. */
function concerns(terms: PodTerms, other: PodInfo, pod: PodInfo): boolean {
  const mayMatch = (term: AffinityTerm, one: PodInfo) =>
    speaksOf(term, one, () => ({})) || term.namespaceSelects !== undefined;
  return (
    [...pod.terms.near, ...pod.terms.apart].some((term) => mayMatch(term, other)) ||
    terms.apart.some((term) => mayMatch(term, pod))
  );
}

/** Counts or weights by place: a label of nodes and its value. */
class Places {
  readonly #byKey = new Map<string, Map<string, number>>();

  get isEmpty(): boolean {
    return this.#byKey.size === 0;
  }

  add({ topologyKey }: AffinityTerm, labels: Labels, by: number): void {
    const value = labels[topologyKey];
    if (value === undefined) return;
    const values = this.#byKey.get(topologyKey) ?? new Map<string, number>();
    count(values, value, by);
    if (values.size === 0) this.#byKey.delete(topologyKey);
    else this.#byKey.set(topologyKey, values);
  }

  has({ topologyKey }: AffinityTerm, labels: Labels): boolean {
    const value = labels[topologyKey];
    return value !== undefined && (this.#byKey.get(topologyKey)?.has(value) ?? false);
  }

  hasAny(labels: Labels): boolean {
    for (const [key, values] of this.#byKey) if (labels[key] !== undefined && values.has(labels[key])) return true;
    return false;
  }

  sumAt(labels: Labels): number {
    let sum = 0;
    for (const [key, values] of this.#byKey) sum += (labels[key] !== undefined && values.get(labels[key])) || 0;
    return sum;
  }
}
