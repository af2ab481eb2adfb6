// Making room: which pods of lower priority must go, and from which node, so that this one fits. Pure: the snapshot is
// changed only to try and is as before when this returns. perform.ts carries it out.
//
//   nodes whose refusal pods cause -> per node the fewest victims -> the node where it hurts least
import { type Diagnosis, sentence } from './diagnosis.ts';
import type { Filters } from './filters.ts';
import type { NodeInfo } from './node-info.ts';
import { type Refusal, refusal } from './plugin.ts';
import type { PodInfo } from './pod-info.ts';
import type { Snapshot } from './snapshot.ts';

export type Preemption =
  | {
      readonly node: string;
      readonly victims: readonly PodInfo[];
      /** Less important pods that were promised this node: they must look elsewhere. */
      readonly displaced: readonly PodInfo[];
    }
  /** `mayStay`: what was promised before holds; else no node is worth waiting for. */
  | { readonly why: string; readonly mayStay: boolean };

export interface Candidate {
  readonly node: string;
  /** The most important first. */
  readonly victims: readonly PodInfo[];
  readonly violations: number;
}

const NOT_HELPFUL = refusal('Preemption is not helpful for scheduling');
const NO_VICTIMS = refusal('No preemption victims found for incoming pod');
const CANDIDATES_MIN = 100;
const CANDIDATES_PERCENT = 10;

export function makeRoom(
  pod: PodInfo,
  snapshot: Snapshot,
  { byNode, nodeCount }: Diagnosis,
  filters: Filters | undefined,
  dice: () => number,
): Preemption {
  const ineligible = whyNot(pod, snapshot, byNode);
  if (ineligible !== undefined) return { why: ineligible, mayStay: true };
  const found = filters === undefined ? NOTHING : candidates(pod, snapshot, byNode, filters, dice);
  const chosen = leastHarm(found.candidates);
  if (chosen === undefined)
    return { why: sentence({ nodeCount, byNode: found.refused, others: NOT_HELPFUL }), mayStay: false };
  const { node, victims } = chosen;
  const displaced = [...snapshot.nominatedOn(node)].filter(({ priority }) => priority < pod.priority);
  return { node, victims, displaced };
}

function whyNot(pod: PodInfo, snapshot: Snapshot, byNode: ReadonlyMap<string, Refusal>): string | undefined {
  if (!pod.mayPreempt) return 'not eligible due to preemptionPolicy=Never.';
  const promised = snapshot.nominationOf(pod.key) || pod.nominatedNodeName;
  const node = snapshot.node(promised);
  if (node === undefined || byNode.get(promised)?.resolvable === false) return undefined;
  // Room is being made there already: more victims would be one murder too many.
  const leaving = [...node.pods.values()].some(
    ({ priority, terminating, preempted }) => priority < pod.priority && terminating && preempted,
  );
  return leaving ? 'not eligible due to a terminating pod on the nominated node.' : undefined;
}

interface Found {
  readonly candidates: readonly Candidate[];
  readonly refused: ReadonlyMap<string, Refusal>;
}
const NOTHING: Found = { candidates: [], refused: new Map() };

function candidates(
  pod: PodInfo,
  snapshot: Snapshot,
  byNode: ReadonlyMap<string, Refusal>,
  filters: Filters,
  dice: () => number,
): Found {
  const nodes = [...byNode].flatMap(([name, { resolvable }]) => (resolvable ? (snapshot.node(name) ?? []) : []));
  const wanted = Math.max(CANDIDATES_MIN, Math.floor((nodes.length * CANDIDATES_PERCENT) / 100));
  const from = Math.floor(dice() * nodes.length);
  const found: Candidate[] = [];
  const refused = new Map<string, Refusal>();
  let harmless = 0;
  for (let i = 0; i < nodes.length && harmless < wanted; i++) {
    const node = nodes[(from + i) % nodes.length]!;
    const outcome = victimsOn(node, pod, snapshot, filters);
    if ('reasons' in outcome) refused.set(node.name, outcome);
    else {
      found.push(outcome);
      if (outcome.violations === 0) harmless++;
    }
  }
  return { candidates: found, refused };
}

/** All less important pods leave; then as many as possible come back, those that a budget protects first. */
export function victimsOn(node: NodeInfo, pod: PodInfo, snapshot: Snapshot, filters: Filters): Candidate | Refusal {
  const lesser = [...node.pods.values()].filter(({ priority }) => priority < pod.priority).sort(byImportance);
  if (lesser.length === 0) return NO_VICTIMS;
  for (const one of lesser) filters.remove(one, node);
  const stillRefused = filters.test(node)?.refusal;
  if (stillRefused !== undefined) {
    for (const one of lesser) filters.add(one, node);
    return stillRefused;
  }
  const { violating, harmless } = byBudget(lesser, snapshot);
  const victims: PodInfo[] = [];
  const spare = (one: PodInfo): boolean => {
    filters.add(one, node);
    if (filters.test(node) === undefined) return true;
    filters.remove(one, node);
    victims.push(one);
    return false;
  };
  let violations = 0;
  for (const one of violating) if (!spare(one)) violations++;
  for (const one of harmless) spare(one);
  for (const one of victims) filters.add(one, node);
  return { node: node.name, victims: victims.sort(byImportance), violations };
}

function byImportance(a: PodInfo, b: PodInfo): number {
  return b.priority - a.priority || a.startedMs - b.startedMs;
}

/** A budget that allows n more disruptions is violated by the n + 1st pod of its own. */
function byBudget(pods: readonly PodInfo[], { budgets }: Snapshot): { violating: PodInfo[]; harmless: PodInfo[] } {
  const left = new Map(Array.from(budgets, ([key, { allowed }]) => [key, allowed]));
  const violating: PodInfo[] = [];
  const harmless: PodInfo[] = [];
  for (const pod of pods) {
    let violates = false;
    for (const [key, { namespace, selects, disrupted }] of budgets) {
      // Who was counted as disrupted already costs nothing more.
      if (namespace !== pod.namespace || !selects(pod.labels) || disrupted.has(pod.name)) continue;
      const now = left.get(key)! - 1;
      left.set(key, now);
      if (now < 0) violates = true;
    }
    (violates ? violating : harmless).push(pod);
  }
  return { violating, harmless };
}

/** Added to each priority, so that two victims always weigh more than one, negative priorities too. */
const ABOVE_ZERO = 2 ** 31;

/** Each key decides only among those that are equal by the keys before it; less is better. */
const HARM: readonly ((candidate: Candidate) => number)[] = [
  ({ violations }) => violations,
  ({ victims }) => victims[0]?.priority ?? Number.NEGATIVE_INFINITY,
  ({ victims }) => victims.reduce((sum, { priority }) => sum + priority + ABOVE_ZERO, 0),
  ({ victims }) => victims.length,
  // Whose most important victims have run for the shortest time.
  ({ victims }) =>
    -Math.min(...victims.filter(({ priority }) => priority === victims[0]!.priority).map(({ startedMs }) => startedMs)),
];

export function leastHarm(candidates: readonly Candidate[]): Candidate | undefined {
  let left = candidates;
  for (const harm of HARM) {
    if (left.length <= 1) break;
    const least = Math.min(...left.map(harm));
    left = left.filter((candidate) => harm(candidate) === least);
  }
  return left[0];
}
