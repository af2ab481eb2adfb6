// What a pod asks for must be free; among nodes that have it, those with the most left come first.
import type { NodeInfo } from '../node-info.ts';
import { MAX_SCORE, nodeChanged, type Plugin, type Refusal, refusal } from '../plugin.ts';
import type { PodInfo } from '../pod-info.ts';
import { type Amounts, CPU, MEMORY, type ResourceNames } from '../resource-names.ts';

const TOO_MANY = refusal('Too many pods', true);

export const nodeResourcesFit: Plugin = {
  name: 'NodeResourcesFit',

  filter: ({ requests }, { names }) => ({ test: (node) => shortage(requests.amounts, node, names) }),

  score: ({ requests: { scoredCpu, scoredMemory } }) => ({
    of({ allocatable, scoredCpu: cpu, scoredMemory: memory }) {
      const byCpu = leastAllocated(cpu + scoredCpu, allocatable[CPU] ?? 0);
      const byMemory = leastAllocated(memory + scoredMemory, allocatable[MEMORY] ?? 0);
      return byCpu === undefined || byMemory === undefined
        ? (byCpu ?? byMemory ?? 0)
        : Math.floor((byCpu + byMemory) / 2);
    },
  }),

  wokenBy(event, pod) {
    if (event.on === 'pod-gone') return true;
    if (event.on === 'pod') return event.change === 'smaller';
    if (!nodeChanged(event, 'resources') || event.on !== 'node') return false;
    return (
      event.node.podsMax > 0 && pod.requests.amounts.every((amount, i) => amount <= (event.node.allocatable[i] ?? 0))
    );
  },
};

function shortage(asked: Amounts, { allocatable, requested, pods, podsMax }: NodeInfo, names: ResourceNames) {
  const full = pods.size + 1 > podsMax;
  let reasons: string[] | undefined;
  let resolvable = true;
  for (let i = 0; i < asked.length; i++) {
    const amount = asked[i]!;
    const all = allocatable[i] ?? 0;
    if (amount === 0 || amount <= all - (requested[i] ?? 0)) continue;
    reasons ??= full ? [...TOO_MANY.reasons] : [];
    reasons.push(`Insufficient ${names.nameOf(i)}`);
    // An empty node would not do either.
    if (amount > all) resolvable = false;
  }
  if (reasons === undefined) return full ? TOO_MANY : undefined;
  return { reasons, resolvable } satisfies Refusal;
}

function leastAllocated(taken: number, all: number): number | undefined {
  if (all === 0) return undefined;
  return taken > all ? 0 : Math.floor(((all - taken) * MAX_SCORE) / all);
}

/** Whether the pod asks for less than before: others may fit now. */
export function asksForLess(now: PodInfo, before: PodInfo): boolean {
  return before.requests.amounts.some((amount, i) => amount > (now.requests.amounts[i] ?? 0));
}
