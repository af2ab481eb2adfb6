// Nodes whose CPU and memory would be used in like parts come first: nothing is left over that nobody can use.
import type { NodeInfo } from '../node-info.ts';
import { MAX_SCORE, type Plugin } from '../plugin.ts';
import { type Amounts, CPU, MEMORY } from '../resource-names.ts';

export const balancedAllocation: Plugin = {
  name: 'NodeResourcesBalancedAllocation',

  score({ requests: { amounts } }) {
    if ((amounts[CPU] ?? 0) === 0 && (amounts[MEMORY] ?? 0) === 0) return undefined; // nothing to balance
    return { of: (node) => balance(amounts, node) };
  },
};

function balance(asked: Amounts, node: NodeInfo): number {
  const cpu = usedPart(CPU, asked, node);
  const memory = usedPart(MEMORY, asked, node);
  if (cpu === undefined || memory === undefined) return MAX_SCORE;
  // Half the difference of two is their standard deviation.
  return Math.floor((1 - Math.abs(cpu - memory) / 2) * MAX_SCORE);
}

function usedPart(i: number, asked: Amounts, { allocatable, requested }: NodeInfo): number | undefined {
  const all = allocatable[i] ?? 0;
  return all === 0 ? undefined : Math.min(1, ((requested[i] ?? 0) + (asked[i] ?? 0)) / all);
}
