// One pod, one decision: the nodes that can take it, ranked, and the best; or why none can. No I/O, no clock; chance
// comes in as dice and only breaks ties.
import type { Diagnosis } from './diagnosis.ts';
import { Filters, type Refused } from './filters.ts';
import type { NodeInfo } from './node-info.ts';
import { type Plugin, type Refusal, refusal } from './plugin.ts';
import type { PodInfo } from './pod-info.ts';
import type { Snapshot } from './snapshot.ts';

export type Verdict =
  | { readonly fits: true; readonly node: NodeInfo; readonly looked: number }
  /** Filters are absent when the pod was refused as a whole. */
  | {
      readonly fits: false;
      readonly diagnosis: Diagnosis;
      readonly filters: Filters | undefined;
      readonly looked: number;
    };

export interface Chance {
  /** In [0, 1). */
  readonly dice: () => number;
  /** Where to begin in the list of nodes, so that samples take turns. */
  readonly from: number;
}

const SAMPLE_MIN = 100;
const NO_PLUGINS: ReadonlySet<string> = new Set();

export function decide(pod: PodInfo, snapshot: Snapshot, plugins: readonly Plugin[], chance: Chance): Verdict {
  const { nodes } = snapshot;
  const nodeCount = nodes.length;
  const prepared = Filters.prepare(pod, snapshot, plugins);
  if (!(prepared instanceof Filters)) {
    const { plugin, refusal: whole } = prepared;
    const diagnosis = { nodeCount, whole, byNode: new Map(), others: whole, plugins: new Set([plugin]) };
    return { fits: false, diagnosis, filters: undefined, looked: 0 };
  }
  const { fit, refused, looked, others } = fitting(pod, snapshot, prepared, chance.from);
  const node = best(pod, snapshot, plugins, fit, chance.dice);
  if (node !== undefined) return { fits: true, node, looked };
  const byNode = new Map(Array.from(refused, ([name, { refusal }]) => [name, refusal]));
  const named = [...refused.values()].map(({ plugin }) => plugin);
  const diagnosis: Diagnosis = {
    nodeCount,
    byNode,
    plugins: nodeCount === 0 ? NO_PLUGINS : new Set([...named, ...(others?.plugins ?? [])]),
    ...(others && { others: others.refusal }),
  };
  return { fits: false, diagnosis, filters: prepared, looked };
}

interface Fitting {
  readonly fit: readonly NodeInfo[];
  readonly refused: ReadonlyMap<string, Refused>;
  readonly looked: number;
  /** Of nodes that were not looked at, because the pod names others. */
  readonly others?: { readonly refusal: Refusal; readonly plugins: readonly string[] };
}

function fitting(pod: PodInfo, snapshot: Snapshot, filters: Filters, from: number): Fitting {
  const refused = new Map<string, Refused>();
  const { only } = filters;
  const promised = snapshot.node(snapshot.nominationOf(pod.key) || pod.nominatedNodeName);
  if (promised !== undefined && only?.names.has(promised.name) !== false) {
    if (filters.test(promised) === undefined) return { fit: [promised], refused, looked: 0 };
  }
  const nodes = only === undefined ? snapshot.nodes : [...only.names].flatMap((name) => snapshot.node(name) ?? []);
  const wanted = sampleSize(nodes.length);
  const fit: NodeInfo[] = [];
  let looked = 0;
  while (looked < nodes.length && fit.length < wanted) {
    const node = nodes[(from + looked++) % nodes.length]!;
    const refusal = filters.test(node);
    if (refusal === undefined) fit.push(node);
    else refused.set(node.name, refusal);
  }
  if (only === undefined) return { fit, refused, looked };
  const others = {
    refusal: refusal(`node(s) didn't satisfy plugin(s) [${only.plugins.join(' ')}]`),
    plugins: only.plugins,
  };
  return { fit, refused, looked: 0, others };
}

/** All of up to a hundred nodes; of more a part that shrinks as they grow, never below 5 %. */
export function sampleSize(nodeCount: number): number {
  if (nodeCount <= SAMPLE_MIN) return nodeCount;
  const percent = Math.max(5, 50 - Math.floor(nodeCount / 125));
  return Math.max(SAMPLE_MIN, Math.floor((nodeCount * percent) / 100));
}

function best(
  pod: PodInfo,
  snapshot: Snapshot,
  plugins: readonly Plugin[],
  nodes: readonly NodeInfo[],
  dice: () => number,
): NodeInfo | undefined {
  if (nodes.length <= 1) return nodes[0];
  const totals = new Array<number>(nodes.length).fill(0);
  for (const { score, weight = 1 } of plugins) {
    const scorer = score?.(pod, snapshot, nodes);
    if (scorer === undefined) continue;
    const scores = nodes.map((node) => scorer.of(node));
    scorer.normalize?.(scores, nodes);
    for (let i = 0; i < scores.length; i++) totals[i]! += weight * scores[i]!;
  }
  let top = 0;
  let ties = 1;
  for (let i = 1; i < nodes.length; i++) {
    if (totals[i]! > totals[top]!) {
      top = i;
      ties = 1;
    } else if (totals[i] === totals[top] && dice() * ++ties < 1) top = i;
  }
  return nodes[top];
}
