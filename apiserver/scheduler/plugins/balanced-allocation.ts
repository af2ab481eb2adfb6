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

function balance(asked: Amounts, { allocatable, requested }: NodeInfo): number {
  const parts = [CPU, MEMORY].flatMap((i) => {
    const all = allocatable[i] ?? 0;
    return all === 0 ? [] : [Math.min(1, ((requested[i] ?? 0) + (asked[i] ?? 0)) / all)];
  });
  const [first = 0, second = first] = parts;
  // The standard deviation of two.
  return Math.floor((1 - Math.abs(first - second) / 2) * MAX_SCORE);
}
